/**
 * Decides what becomes of a batch that failed. Invariants: 1. an item is reported durable only if it
 * is; 2. a bad turn voids itself and the later turns of its run, nothing else; 3. after a fault of the
 * disk the outcome is looked up before anything is tried again, a bounded number of times.
 */
import type { CommitErrorCode } from '../actors/ports.js';
import type { EncodedItem } from './encoded-turn.js';
import { blame, describe } from './faults.js';

export interface Failure {
  readonly code: CommitErrorCode;
  readonly message: string;
}

/** What became of one item: null where it is durable. */
export type Outcome = Failure | null;

export interface CommitterOptions {
  /** Waits between tries after a fault of the disk; their number bounds the tries. */
  readonly retryDelaysMs: readonly number[];
  /** Told once per failed try. */
  readonly onFailing: (detail: string) => void;
}

/** The two operations that a commit is made of; Writer is the one that does them. */
export interface BatchWriter {
  /** Makes the items durable as one transaction, or throws. */
  writeBatch(items: readonly EncodedItem[]): void;
  /** Whether an earlier batch with these items is durable. */
  contains(items: readonly EncodedItem[]): boolean;
}

export class Committer {
  readonly #writer: BatchWriter;
  readonly #options: CommitterOptions;

  constructor(writer: BatchWriter, options: CommitterOptions) {
    this.#writer = writer;
    this.#options = options;
  }

  /** Commits the items in order; one outcome each. Never rejects. */
  async commit(items: readonly EncodedItem[]): Promise<Outcome[]> {
    const outcome = await this.#commitTogether(items);
    if (outcome === null || outcome.code !== 'turn-refused' || items.length === 1) {
      return items.map(() => outcome);
    }
    return this.#commitOneByOne(items);
  }

  /** Items whose commit was under way when the last worker died: durable, or void. Never throws. */
  resume(items: readonly EncodedItem[]): Outcome[] {
    // One by one, since the dead worker may have been committing them so.
    const outcomes: Outcome[] = [];
    for (const item of items) {
      const durable = this.#isDurable([item]);
      outcomes.push(durable ? null : unavailable('The journal was interrupted before the commit.'));
    }
    return outcomes;
  }

  async #commitOneByOne(items: readonly EncodedItem[]): Promise<Outcome[]> {
    const outcomes: Outcome[] = [];
    const voided = new Map<number, Failure>();
    let fatal: Failure | undefined;
    for (const item of items) {
      const earlier = fatal ?? (item.kind === 'turn' ? voided.get(item.run) : undefined);
      const outcome = earlier ?? (await this.#commitTogether([item]));
      outcomes.push(outcome);
      if (outcome === null) continue;
      if (item.kind === 'turn') voided.set(item.run, outcome);
      if (outcome.code !== 'turn-refused') fatal = outcome;
    }
    return outcomes;
  }

  async #commitTogether(items: readonly EncodedItem[]): Promise<Outcome> {
    for (let tries = 0; ; tries += 1) {
      try {
        if (tries > 0 && this.#writer.contains(items)) return null;
        this.#writer.writeBatch(items);
        return null;
      } catch (error) {
        const failure = this.#classify(error);
        if (failure.code !== 'storage-unavailable') return failure;
        this.#options.onFailing(failure.message);
        const delayMs = this.#options.retryDelaysMs[tries];
        if (delayMs === undefined) return this.#isDurable(items) ? null : failure;
        await new Promise((resolve) => setTimeout(resolve, delayMs));
      }
    }
  }

  #isDurable(items: readonly EncodedItem[]): boolean {
    try {
      return this.#writer.contains(items);
    } catch {
      return false;
    }
  }

  #classify(error: unknown): Failure {
    const message = describe(error);
    const culprit = blame(error);
    if (culprit === 'fence') return { code: 'ownership-lost', message };
    return culprit === 'disk' ? unavailable(message) : { code: 'turn-refused', message };
  }
}

function unavailable(message: string): Failure {
  return { code: 'storage-unavailable', message };
}
