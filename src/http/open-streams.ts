/** How many streams a principal has open. Invariant: one that ends, however it does, is counted no more. */
import { RequestError } from './problem.js';

/** Streams that one principal may have open. */
export const DEFAULT_MAX_STREAMS = 256;

export class OpenStreams {
  readonly #max: number;
  readonly #open = new Map<string, number>();

  constructor(max = DEFAULT_MAX_STREAMS) {
    this.#max = max;
  }

  /** Counts one more; returns what ends it. Throws `too-many-streams`. */
  enter(who: string): () => void {
    const open = this.#open.get(who) ?? 0;
    if (open >= this.#max) {
      const hint = 'End one of them, or watch more with one: `GET /events` has all runs.';
      const message = `There are ${this.#max} streams open already.`;
      throw new RequestError('too-many-streams', message, hint);
    }
    this.#open.set(who, open + 1);
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      this.#leave(who);
    };
  }

  #leave(who: string): void {
    const left = (this.#open.get(who) ?? 1) - 1;
    if (left === 0) this.#open.delete(who);
    else this.#open.set(who, left);
  }
}
