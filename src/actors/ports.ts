/** The two sides of storage that the actors know: a journal that makes turns durable, a store that reads back. */
import type { RunRecord, StoredRun, TaskRecord, TimerRecord, TurnRecord } from './records.js';

/** How the commit of a turn ended, where it did not become durable. */
export class CommitError extends Error {
  override readonly name = 'CommitError';
  /** `storage-unavailable`: nothing is wrong with the turn. `turn-refused`: this turn cannot be stored. `ownership-lost`: another process owns the database. `journal-closed`. `journal-full`. */
  readonly code: CommitErrorCode;

  constructor(code: CommitErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

export type CommitErrorCode =
  | 'storage-unavailable'
  | 'turn-refused'
  | 'ownership-lost'
  | 'journal-closed'
  | 'journal-full';

export interface JournalHealth {
  /** `failing`: the last batch did not reach the disk; it is tried again. `lost`: ownership is gone or the journal is closed. */
  readonly state: 'ok' | 'failing' | 'lost';
  readonly detail?: string;
  /** Turns accepted and not yet durable. */
  readonly queued: number;
}

/**
 * The single writer. Invariants: turns become durable in the order of `commit` calls; a turn is
 * durable whole or not at all; once a turn of a run is void, every later turn of that run that was
 * handed over before `release(run)` is void too.
 */
export interface Journal {
  /** Stores a plan version before the first run of it; the same hash twice is one row. */
  storePlan(hash: string, planJson: string, title: string, at: number): Promise<void>;
  /** Resolves when the turn is durable; rejects with a CommitError when it is void. */
  commit(turn: TurnRecord): Promise<void>;
  /** The run was rehydrated after a void turn: its turns are accepted again. */
  release(run: number): void;
  health(): JournalHealth;
  /** Commits what is queued, then gives up ownership. */
  close(): Promise<void>;
}

/** Reads for the actors. Everything returned is durable. Rejects with an error that has a stable `code`. */
export interface RunStore {
  /** Numbers to go on from: the highest turn and run number in the database. */
  highWater(): Promise<{ readonly turn: number; readonly run: number }>;
  loadPlan(hash: string): Promise<string | undefined>;
  findRun(id: string): Promise<{ readonly run: number; readonly startDigest: string } | undefined>;
  loadRun(id: string): Promise<StoredRun | undefined>;
  findTask(id: string): Promise<(TaskRecord & { readonly runId: string }) | undefined>;
  /** Ids of runs that an earlier process left in motion: pending, ready, running, or with an open attempt. Oldest first. */
  unfinishedRuns(after: string | undefined, limit: number): Promise<readonly string[]>;
  /** Runs that have ended while the run that they are subplans of still waits for them, by id. */
  endedChildren(after: string, limit: number): Promise<readonly RunRecord[]>;
  /** Time of the newest turn: until then, at least, a process was at work. */
  lastTurnAt(): Promise<number | undefined>;
  /** Timers due at or before `now`, in due order, with the id of their run. */
  dueTimers(
    now: number,
    limit: number,
  ): Promise<readonly (TimerRecord & { readonly runId: string })[]>;
  /** When the earliest timer after `now` is due. */
  nextDue(now: number): Promise<number | undefined>;
  /** Gives up the connection. */
  close(): void;
}
