/**
 * What of one run is ready to begin, in order of readiness, by lane: a lane is a handler with a
 * concurrency key, and what is refused shuts it alone. Invariants: of the lanes that are open the
 * item that came first is next; within a lane nothing is overtaken.
 */
import { Fifo } from '../fifo.js';
import { Heap } from '../heap.js';

interface Entry<T> {
  readonly number: number;
  readonly item: T;
}

interface Lane<T> {
  readonly name: string;
  readonly entries: Fifo<Entry<T>>;
  first: number;
}

export class ReadyLanes<T> {
  readonly #lanes = new Map<string, Lane<T>>();
  readonly #open = new Heap<Lane<T>>((a, b) => a.first < b.first);
  #shut: Lane<T>[] = [];
  #number = 0;
  #size = 0;

  /** Number of items, those in shut lanes included. */
  get size(): number {
    return this.#size;
  }

  push(lane: string, item: T): void {
    this.#number += 1;
    this.#size += 1;
    const known = this.#lanes.get(lane);
    if (known !== undefined) return known.entries.push({ number: this.#number, item });
    const fresh = { name: lane, entries: new Fifo<Entry<T>>(), first: this.#number };
    fresh.entries.push({ number: this.#number, item });
    this.#lanes.set(lane, fresh);
    this.#open.push(fresh);
  }

  /** The next item of the lanes that are open. */
  peek(): T | undefined {
    return this.#open.peek()?.entries.peek()?.item;
  }

  /** Takes the next item of the lanes that are open. */
  shift(): T | undefined {
    const lane = this.#open.shift();
    const entry = lane?.entries.shift();
    if (lane === undefined || entry === undefined) return undefined;
    this.#size -= 1;
    const next = lane.entries.peek();
    if (next === undefined) this.#lanes.delete(lane.name);
    else {
      lane.first = next.number;
      this.#open.push(lane);
    }
    return entry.item;
  }

  /** Passes over the lane of the next item, until all are opened again. */
  shut(): void {
    const lane = this.#open.shift();
    if (lane !== undefined) this.#shut.push(lane);
  }

  /** Opens all lanes, as at the beginning of each turn. */
  openAll(): void {
    for (const lane of this.#shut) this.#open.push(lane);
    this.#shut = [];
  }
}
