/** How long what has failed is left alone: a second, then twice as long each time, a minute at most. */
const FIRST_MS = 1_000;
const LONGEST_MS = 60_000;

export class Rests {
  readonly #rests = new Map<string, { readonly until: number; readonly lengthMs: number }>();

  /** It failed at `now`; returns when to try again. */
  begin(id: string, now: number): number {
    const last = this.#rests.get(id)?.lengthMs ?? FIRST_MS / 2;
    const lengthMs = Math.min(last * 2, LONGEST_MS);
    const until = now + lengthMs;
    this.#rests.set(id, { until, lengthMs });
    return until;
  }

  /** It succeeded, or is gone. */
  end(id: string): void {
    this.#rests.delete(id);
  }

  isResting(id: string, now: number): boolean {
    return (this.#rests.get(id)?.until ?? now) > now;
  }

  /** What is to be tried again. */
  over(now: number): string[] {
    return [...this.#rests].filter(([, { until }]) => until <= now).map(([id]) => id);
  }

  /** When the next rest is over; infinite where there is none. */
  next(now: number): number {
    const untils = [...this.#rests.values()].map(({ until }) => until);
    return Math.min(...untils.filter((until) => until > now), Number.POSITIVE_INFINITY);
  }
}
