/**
 * What waits for the journal. Invariants: 1. bounded in turns and bytes; 2. leaves in the order in
 * which it came; 3. nothing of a void run stays in it.
 */
import type { CommitError } from '../actors/ports.js';
import type { EncodedItem } from './encoded-turn.js';

export interface Entry {
  readonly item: EncodedItem;
  readonly resolve: () => void;
  readonly reject: (error: CommitError) => void;
}

export interface QueueLimits {
  readonly maxQueuedTurns: number;
  readonly maxQueuedBytes: number;
  readonly maxBatchTurns: number;
  readonly maxBatchBytes: number;
}

export class JournalQueue {
  readonly #limits: QueueLimits;
  #entries: Entry[] = [];
  #bytes = 0;

  constructor(limits: QueueLimits) {
    this.#limits = limits;
  }

  get length(): number {
    return this.#entries.length;
  }

  /** Whether the entry found room. One item is taken however large it is. */
  offer(entry: Entry): boolean {
    const { maxQueuedTurns, maxQueuedBytes } = this.#limits;
    if (this.#entries.length >= maxQueuedTurns) return false;
    if (this.#bytes > 0 && this.#bytes + entry.item.bytes > maxQueuedBytes) return false;
    this.#entries.push(entry);
    this.#bytes += entry.item.bytes;
    return true;
  }

  /** Takes the next batch off the queue. */
  takeBatch(): Entry[] {
    let bytes = 0;
    let count = 0;
    for (const { item } of this.#entries) {
      if (count >= this.#limits.maxBatchTurns) break;
      if (count > 0 && bytes + item.bytes > this.#limits.maxBatchBytes) break;
      bytes += item.bytes;
      count += 1;
    }
    this.#bytes -= bytes;
    return this.#entries.splice(0, count);
  }

  /** Takes out the entries of these runs. */
  takeRuns(runs: ReadonlyMap<number, unknown>): Entry[] {
    const taken: Entry[] = [];
    this.#entries = this.#entries.filter((entry) => {
      if (entry.item.kind !== 'turn' || !runs.has(entry.item.run)) return true;
      taken.push(entry);
      this.#bytes -= entry.item.bytes;
      return false;
    });
    return taken;
  }

  takeAll(): Entry[] {
    this.#bytes = 0;
    return this.#entries.splice(0);
  }
}
