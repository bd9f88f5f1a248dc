/**
 * The process's limit on handlers at work, shared fairly by its runs. Invariants: `used` is the sum
 * over runs, resident or not; a run that was refused a slot is offered one in its turn, before any
 * run that came later.
 */
import { Fifo } from './fifo.js';

export class SlotPool {
  readonly #limit: number;
  readonly #offer: (run: string) => void;
  readonly #held = new Map<string, number>();
  readonly #queue = new Fifo<string>();
  readonly #queued = new Set<string>();
  #offered: string | undefined;
  #used = 0;

  /** `offer` tells a run that its turn has come; it answers with `withOffer`. */
  constructor(limit: number, offer: (run: string) => void) {
    this.#limit = limit;
    this.#offer = offer;
  }

  get used(): number {
    return this.#used;
  }

  tryTake(run: string): boolean {
    if (this.#used >= this.#limit) return false;
    if (this.#queue.size > 0 && this.#offered !== run) return false;
    this.#set(run, (this.#held.get(run) ?? 0) + 1);
    this.#offered = undefined;
    return true;
  }

  release(run: string): void {
    this.#set(run, (this.#held.get(run) ?? 0) - 1);
  }

  /** Sets what a run holds, after it was rehydrated. */
  adopt(run: string, held: number): void {
    this.#set(run, held);
  }

  /** Puts a run in the queue for the next free slot. */
  enqueue(run: string): void {
    if (this.#queued.has(run)) return;
    this.#queued.add(run);
    this.#queue.push(run);
  }

  /** Offers free slots, one to a run, in the order of the queue. */
  offerFree(): void {
    for (let free = this.#limit - this.#used; free > 0; free--) {
      const run = this.#queue.shift();
      if (run === undefined) return;
      this.#queued.delete(run);
      this.#offer(run);
    }
  }

  /** Lets `run` take one slot past those who wait, while `step` runs. */
  withOffer<T>(run: string, step: () => T): T {
    this.#offered = run;
    try {
      return step();
    } finally {
      this.#offered = undefined;
    }
  }

  #set(run: string, held: number): void {
    this.#used += held - (this.#held.get(run) ?? 0);
    if (held > 0) this.#held.set(run, held);
    else this.#held.delete(run);
  }
}
