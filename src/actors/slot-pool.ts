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
  /** Runs that were offered a slot and have not answered yet: each has one kept for it. */
  readonly #offers = new Set<string>();
  #used = 0;

  /** `offer` tells a run that its turn has come; `tryTake` takes it, `endOffer` gives it back. */
  constructor(limit: number, offer: (run: string) => void) {
    this.#limit = limit;
    this.#offer = offer;
  }

  get used(): number {
    return this.#used;
  }

  tryTake(run: string): boolean {
    const isOffered = this.#offers.delete(run);
    const free = this.#limit - this.#used - this.#offers.size;
    if (free <= 0 || (this.#queue.size > 0 && !isOffered)) return false;
    this.#set(run, (this.#held.get(run) ?? 0) + 1);
    return true;
  }

  release(run: string): void {
    this.#set(run, Math.max(0, (this.#held.get(run) ?? 0) - 1));
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
    while (this.#used + this.#offers.size < this.#limit) {
      const run = this.#queue.shift();
      if (run === undefined) return;
      this.#queued.delete(run);
      this.#offers.add(run);
      this.#offer(run);
    }
  }

  /** The run has had its turn: what was kept for it and not taken is free again. */
  endOffer(run: string): void {
    this.#offers.delete(run);
  }

  #set(run: string, held: number): void {
    this.#used += held - (this.#held.get(run) ?? 0);
    if (held > 0) this.#held.set(run, held);
    else this.#held.delete(run);
  }
}
