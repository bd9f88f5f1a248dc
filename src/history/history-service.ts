/**
 * Brings runs in and removes old ones, one thing at a time, so that a trim does not sweep away what an
 * import is writing; and does so by itself where retention is wanted.
 */
import type { Clock } from '../actors/environment.js';
import type { Logger } from '../actors/handlers.js';
import { type ArtifactStore, CommitError, type Journal } from '../actors/ports.js';
import type { Deliveries } from '../delivery/undelivered.js';
import { RunchartError } from '../errors.js';
import { type Imported, type ImportOptions, type ImportParts, importRun } from './import-run.js';
import { assertAge, type Trimmed, type TrimOptions, trim } from './trim.js';

/** How long runs and their logs are kept. */
export interface Retention {
  /** Runs are removed when they ended so long ago, in milliseconds; never unless given. */
  readonly runsMs?: number;
  /** Events and snapshots of runs that stay are removed at this age; never unless given. */
  readonly historyMs?: number;
  /** Answers to calls with an idempotency key that are about no run are forgotten at this age, in milliseconds; a week unless given. */
  readonly answersMs?: number;
  /** Time between two looks, in milliseconds; an hour unless given. */
  readonly everyMs?: number;
}

export interface HistoryServiceParts extends ImportParts {
  readonly contents: ArtifactStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly retention: Retention | undefined;
  /** Who is still to be given a part of the history. */
  readonly deliveries?: Deliveries;
}

const EVERY_MS = 3_600_000;

export class HistoryService {
  readonly #parts: HistoryServiceParts;
  #tail: Promise<unknown> = Promise.resolve();
  #callOff: (() => void) | undefined;
  #isClosed = false;

  /** Throws `argument-invalid` where the retention is none. */
  constructor(parts: HistoryServiceParts) {
    assertRetention(parts.retention);
    this.#parts = { ...parts, journal: this.#untilClosed(parts.journal) };
  }

  /** With a tenant, the runs become those of it. */
  import(path: string, options?: ImportOptions, tenant?: string): Promise<Imported> {
    return this.#inTurn(() => importRun(this.#parts, path, { ...options, tenant }));
  }

  trim(options: TrimOptions): Promise<Trimmed> {
    return this.#inTurn(() => trim(this.#parts, this.#parts.clock.now(), options));
  }

  /** From now on old runs go by themselves, where that is wanted. */
  start(): void {
    const { clock, retention } = this.#parts;
    if (retention === undefined || this.#isClosed || this.#callOff !== undefined) return;
    const { everyMs = EVERY_MS } = retention;
    this.#callOff = clock.wakeAt(clock.now() + everyMs, () => {
      this.#callOff = undefined;
      void this.#retain(retention).finally(() => this.start());
    });
  }

  /** Nothing begins any more, and what is under way stops at its next step: it can be taken up later. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#callOff?.();
    await this.#tail.catch(() => {});
  }

  async #retain({ runsMs, historyMs }: Retention): Promise<void> {
    const { logger } = this.#parts;
    try {
      const trimmed = await this.trim({
        ...(runsMs !== undefined && { olderThanMs: runsMs }),
        ...(historyMs !== undefined && { historyOlderThanMs: historyMs }),
      });
      if (trimmed.runs + trimmed.events + trimmed.payloads > 0)
        logger.info({ ...trimmed }, 'old history was removed');
    } catch (error) {
      logger.warn({ error }, 'old history could not be removed; it is tried again later');
    }
  }

  #untilClosed(journal: Journal): Journal {
    const unlessClosed = <T>(write: () => Promise<T>): Promise<T> =>
      this.#isClosed ? Promise.reject(closing()) : write();
    return {
      storePlan: (...plan) => unlessClosed(() => journal.storePlan(...plan)),
      commit: (turn) => unlessClosed(() => journal.commit(turn)),
      write: (rows) => unlessClosed(() => journal.write(rows)),
      release: (run) => journal.release(run),
      health: () => journal.health(),
      close: () => journal.close(),
    };
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#tail
      .catch(() => {})
      .then(() => {
        if (this.#isClosed) throw closing();
        return work();
      });
    this.#tail = done;
    return done.catch((error: unknown) => {
      if (!(error instanceof CommitError)) throw error;
      throw new RunchartError('commit-failed', error.message, { cause: error });
    });
  }
}

/** Shortest time between two looks, in milliseconds. */
const SHORTEST_EVERY_MS = 1_000;

function assertRetention({ runsMs, historyMs, answersMs, everyMs }: Retention = {}): void {
  assertAge('retention.runsMs', runsMs);
  assertAge('retention.historyMs', historyMs);
  assertAge('retention.answersMs', answersMs);
  assertAge('retention.everyMs', everyMs);
  if (everyMs === undefined || everyMs >= SHORTEST_EVERY_MS) return;
  const message = `retention.everyMs is ${everyMs}, and ${SHORTEST_EVERY_MS} at least`;
  throw new RunchartError('argument-invalid', message);
}

function closing(): RunchartError {
  return new RunchartError('closing', 'the orchestrator is closing');
}
