/** Waits between tries: each twice as long as the one before, up to a bound, and shortened by chance. */
import { setTimeout as sleep } from 'node:timers/promises';

const FIRST_MS = 100;
const LONGEST_MS = 5_000;

export class Backoff {
  readonly #longestMs: number;
  #nextMs = FIRST_MS;

  constructor(longestMs = LONGEST_MS) {
    this.#longestMs = Math.max(FIRST_MS, Math.min(longestMs, LONGEST_MS));
  }

  reset(): void {
    this.#nextMs = FIRST_MS;
  }

  /** Resolves when the time is over, or the signal is aborted. */
  async wait(signal: AbortSignal): Promise<void> {
    const waitMs = this.#nextMs * (0.5 + Math.random() / 2);
    this.#nextMs = Math.min(this.#longestMs, this.#nextMs * 2);
    await sleep(waitMs, undefined, { signal }).catch(() => {});
  }
}
