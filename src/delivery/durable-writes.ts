/** Rows of one webhook on their way to storage. Invariant: they become durable in order, however often it takes. */
import type { DeliveryRow } from '../actors/delivery-records.js';
import { type Clock, elapse } from '../actors/environment.js';
import type { Logger } from '../actors/handlers.js';
import { CommitError, type Journal } from '../actors/ports.js';
import { RunchartError } from '../errors.js';

/** Wait after storage failed, in milliseconds. */
const RETRY_MS = 1_000;

export class DurableWrites {
  readonly #parts: { journal: Pick<Journal, 'write'>; clock: Clock; logger: Logger };
  #last: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(parts: { journal: Pick<Journal, 'write'>; clock: Clock; logger: Logger }) {
    this.#parts = parts;
  }

  /** Resolves when the rows are durable, however long storage takes. Rejects where that cannot be any more. */
  put(rows: readonly DeliveryRow[]): Promise<void> {
    return this.#inTurn(() => this.#write(rows));
  }

  /** As `put`, for somebody who waits: rejects with `commit-failed` where storage does. */
  putOnce(rows: readonly DeliveryRow[]): Promise<void> {
    return this.#inTurn(() =>
      this.#parts.journal.write(rows).catch((cause: Error) => {
        throw new RunchartError('commit-failed', cause.message, { cause });
      }),
    );
  }

  #inTurn(write: () => Promise<void>): Promise<void> {
    const written = this.#last.catch(() => {}).then(write);
    this.#last = written;
    return written;
  }

  /** What fails from now on is not tried again. Resolves when nothing is under way. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#last.catch(() => {});
  }

  async #write(rows: readonly DeliveryRow[]): Promise<void> {
    const { journal, clock, logger } = this.#parts;
    for (;;) {
      try {
        return await journal.write(rows);
      } catch (error) {
        if (this.#isClosed || isOver(error)) throw error;
        logger.warn({ error }, 'what became of deliveries could not be stored, and is tried again');
        await elapse(clock, RETRY_MS);
      }
    }
  }
}

/** Whether this process writes nothing any more. */
export function isOver(error: unknown): boolean {
  return error instanceof CommitError && OVER.has(error.code);
}

const OVER: ReadonlySet<string> = new Set(['ownership-lost', 'journal-closed']);
