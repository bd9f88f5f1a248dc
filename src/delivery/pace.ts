/**
 * How fast events are begun of runs that a webhook is not behind with. Invariants: 1. whatever is refused of other
 * runs, the next one waits for a bounded time; 2. a receiver that accepts nothing is asked for new ones the more
 * rarely the more it refuses: within a time t as often as the square root of t.
 */

/** Failures in a row after which the receiver seems to be down. */
const OUTAGE_FAILURES = 5;
/** Wait between two beginnings while it does, for each run that it is behind with, in milliseconds. */
const WAIT_PER_RUN_MS = 10;

export class Pace {
  #failuresInARow = 0;
  #nextAt = 0;

  /** When the next one may begin. */
  get nextAt(): number {
    return this.#isSlow ? this.#nextAt : 0;
  }

  /** One begins at `now`, while the webhook is behind with so many runs. */
  begin(now: number, behind: number): void {
    this.#nextAt = now + behind * WAIT_PER_RUN_MS;
  }

  /** One that was begun has failed. */
  failed(): void {
    this.#failuresInARow += 1;
  }

  /** Something was accepted; true where the receiver had seemed to be down. */
  accepted(): boolean {
    const wasSlow = this.#isSlow;
    this.#failuresInARow = 0;
    return wasSlow;
  }

  get #isSlow(): boolean {
    return this.#failuresInARow >= OUTAGE_FAILURES;
  }
}
