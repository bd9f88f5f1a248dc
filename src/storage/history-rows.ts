/** What history is read from, as a port: the rows of single runs, and whether they are as they were written. */
import type {
  ActorVersionRecord,
  CheckpointRecord,
  EventRecord,
  RunRecord,
  RunTable,
  RunTables,
} from '../actors/records.js';

/** Actors by name, those after `after`; the run's own has the empty name and goes first. */
export interface VersionPage {
  readonly after?: string | undefined;
  readonly limit?: number;
}

/** The part of a run's rows of one table that is meant: all of them unless told otherwise. */
export interface RowRange {
  /** Only rows with a number of an event up to this one. */
  readonly upTo?: number;
  /** Only snapshots that a newer one of their actor, itself in the range, has come after. */
  readonly superseded?: boolean;
}

/** Names a row: the number of its run, but for tasks, then the columns of its table's key. */
export type RowKey = readonly (string | number)[];

/** A turn with what the hash chain covers of it. */
export interface StoredTurn {
  readonly checkpoint: CheckpointRecord;
  readonly events: readonly EventRecord[];
  /** By actor. */
  readonly versions: readonly ActorVersionRecord[];
}

/** Where the hash chain of a run ends. */
export interface Link {
  readonly seq: number;
  readonly hash: string;
}

/** What may be wrong with the log of a run. */
export type FindingCode =
  | 'anchor-missing'
  | 'event-gap'
  | 'event-beyond-checkpoint'
  | 'chain-broken'
  | 'snapshot-damaged'
  | 'unreadable';

/** Something that is wrong with the log of a run. */
export interface Finding {
  readonly code: FindingCode;
  /** Event number at which it shows. */
  readonly seq: number;
  readonly message: string;
}

/** What came of a check of the log of a run. */
export interface Verification {
  readonly run: number;
  /** Where the chain ends. */
  readonly end: Link;
  readonly turns: number;
  readonly findings: readonly Finding[];
}

/** Reads of the rows of single runs. */
export interface HistoryRows {
  getRun(id: string): Promise<RunRecord | undefined>;
  /** A run that is on its way in or out: `getRun` does not know it. */
  getHiddenRun(id: string): Promise<RunRecord | undefined>;
  /** All of these, by number; at most a thousand, after the number `after`. */
  hiddenRuns(after: number): Promise<readonly RunRecord[]>;
  /** Runs by number, the oldest first; at most a thousand, after the number `after`. */
  runsAfter(after: number): Promise<readonly RunRecord[]>;
  /** Of these names of payloads, as `putBefore` gives them and at most some hundreds, those that a row names. */
  namedPayloads(names: readonly string[]): Promise<ReadonlySet<string>>;
  /** Canonical JSON of a plan version. */
  loadPlan(hash: string): Promise<string | undefined>;
  /** Number of the newest event. */
  newestSeq(run: number): Promise<number>;
  /** The checkpoint of the turn that an event belongs to. */
  checkpointOf(
    run: number,
    seq: number,
  ): Promise<
    | {
        readonly seq: number;
        readonly turn: number;
        readonly reason: string;
        readonly at: number;
      }
    | undefined
  >;
  /**
   * Event number of the newest checkpoint taken at `at` or before, not after a turn and an event, but for
   * the run's newest; 0 for none.
   */
  anchorBefore(run: number, at: number, turn?: number, seq?: number): Promise<number>;
  /** Of each actor of a run, by name, the newest snapshot that is not after event `seq`. */
  versionsAt(run: number, seq: number, page?: VersionPage): Promise<readonly ActorVersionRecord[]>;
  /** All rows of one table of a run, in the order of their keys; in memory a page at a time. */
  rowsOf<K extends RunTable>(run: number, table: K): AsyncIterable<RunTables[K]>;
  /** Pages of keys of a run's rows, as they are named where they are removed; rows may go meanwhile. */
  keysOf(
    run: number,
    table: RunTable,
    range: RowRange,
    limit: number,
  ): AsyncIterable<readonly RowKey[]>;
  /** The turns of a run after an event, with their events and snapshots; in memory a page at a time. */
  turnsOf(run: number, after: number): AsyncIterable<StoredTurn>;
  /** Runs that subplans of this run are, by number; at most a thousand, after the number `after`. */
  childrenOf(id: string, after: number): Promise<readonly RunRecord[]>;
  /** Checks the log of a run against its hash chain, from where retention left it. */
  verifyChain(run: number): Promise<Verification>;
}
