/** What history is read from: the rows of single runs, in memory or in a database. */
import type { ActorVersionRecord, RunRecord, RunTable, RunTables } from '../actors/records.js';
import type { VersionPage } from '../persistence/queries.js';
import type { RowKey, RowRange } from '../persistence/run-tables.js';
import type { StoredTurn } from '../persistence/run-turns.js';
import type { Verification } from '../persistence/verify.js';

export interface HistoryRows {
  getRun(id: string): Promise<RunRecord | undefined>;
  /** A run that is on its way in or out: `getRun` does not know it. */
  getHiddenRun(id: string): Promise<RunRecord | undefined>;
  /** All of these, by number; at most a thousand, after the number `after`. */
  hiddenRuns(after: number): Promise<readonly RunRecord[]>;
  /** Runs by number, the oldest first; at most a thousand, after the number `after`. */
  runsAfter(after: number): Promise<readonly RunRecord[]>;
  /** Of these digests of payloads, at most some hundreds, those that a row names. */
  namedPayloads(digests: readonly string[]): Promise<ReadonlySet<string>>;
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
