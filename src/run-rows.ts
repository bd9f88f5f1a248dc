/** The reads that runs are shown from: a port, and its rows in a database. */
import type { LogRows } from './actors/delivery-records.js';
import type { RunStore } from './actors/ports.js';
import type {
  ActorVersionRecord,
  ArtifactRecord,
  AttemptRecord,
  CheckpointRecord,
  EventRecord,
  NodeRunRecord,
  ResponseRecord,
  RunRecord,
  SignalRecord,
  TaskRecord,
} from './actors/records.js';
import type { HistoryRows } from './history/history-rows.js';
import { LogQueries } from './persistence/log-queries.js';
import {
  type ArtifactVersion,
  type AttemptPage,
  type EventRange,
  type RunPage,
  RunQueries,
  type Tallies,
  type TaskPage,
} from './persistence/queries.js';
import type { Reader } from './persistence/reader.js';
import { SqliteRunStore } from './persistence/store.js';

/** What is known of each checkpoint. */
export type TurnEnd = Pick<CheckpointRecord, 'seq' | 'reason' | 'at'>;

/** Reads of stored rows, by the number of their run. A call gives at most 1,000 rows; all are durable. */
export interface RunRows extends HistoryRows, Pick<RunStore, 'loadPlan' | 'findTask'> {
  /** Events of all runs. */
  readonly log: LogRows;
  /** Newest first. */
  listRuns(page: RunPage): Promise<readonly RunRecord[]>;
  /** By path. `after` is the path that ended the page before; `scope` limits them to one scope. */
  listNodeRuns(
    run: number,
    after?: string,
    limit?: number,
    scope?: string,
  ): Promise<readonly NodeRunRecord[]>;
  /** Every generation of a node run, the past ones and the present one, oldest first. */
  generations(run: number, node: string): Promise<readonly NodeRunRecord[]>;
  /** Events with a number above `after`, in order. */
  events(run: number, after: number, limit: number): Promise<readonly EventRecord[]>;
  /** Whether a run of the tenant, which is not the default one, has the plan now. */
  usesPlan(tenant: string, hash: string): Promise<boolean>;
  getNodeRun(run: number, node: string): Promise<NodeRunRecord | undefined>;
  /** Generations of node runs that are over, by path; `after` is the last row of the page before. */
  pastNodeRuns(
    run: number,
    after?: Pick<NodeRunRecord, 'node' | 'generation'>,
  ): Promise<readonly NodeRunRecord[]>;
  /** Events of one type with a number above `after`, in order. */
  eventsOfType(
    run: number,
    type: string,
    limit: number,
    after?: number,
  ): Promise<readonly EventRecord[]>;
  countEvents(run: number, type: string): Promise<number>;
  /** Attempts of one node, oldest first. */
  attempts(run: number, node: string): Promise<readonly AttemptRecord[]>;
  attempt(
    run: number,
    name: Pick<AttemptRecord, 'node' | 'generation' | 'attempt'>,
  ): Promise<AttemptRecord | undefined>;
  /** Attempts of all nodes, or of one, by node, oldest first; `after` ended the page before. */
  listAttempts(run: number, page?: AttemptPage): Promise<readonly AttemptRecord[]>;
  /** Ends of turns, oldest first, those after event `after`. */
  checkpoints(run: number, after: number, limit: number): Promise<readonly TurnEnd[]>;
  /** By id. */
  listTasks(page: TaskPage): Promise<readonly TaskRecord[]>;
  /** Answers to a task, oldest first. */
  responses(run: number, task: string): Promise<readonly ResponseRecord[]>;
  /** Attempts that have issues, by node, oldest first. */
  attemptsWithIssues(run: number): Promise<readonly AttemptRecord[]>;
  /** Tasks whose answer had issues, oldest first. */
  tasksWithIssues(run: number): Promise<readonly TaskRecord[]>;
  /** One version of an artifact; the newest accepted one unless `version` is given. */
  artifact(run: number, name: string, version?: number): Promise<ArtifactRecord | undefined>;
  /** Versions of artifacts by name, then version; `after` is the one that ended the page before. */
  artifacts(
    run: number,
    after?: ArtifactVersion,
    limit?: number,
  ): Promise<readonly ArtifactRecord[]>;
  /** In the order in which they came, those after number `after`. */
  signals(run: number, after?: number, limit?: number): Promise<readonly SignalRecord[]>;
  /** What is there now. */
  tallies(): Promise<Tallies>;
  /** All snapshots of these actors whose event is after `after` and not after `upTo`. */
  versionsBetween(
    run: number,
    range: EventRange,
    actors: readonly string[],
  ): Promise<readonly ActorVersionRecord[]>;
  /** Number of the last event of the newest turn that ended before event `seq`; 0 where there is none. */
  lastTurnBefore(run: number, seq: number): Promise<number>;
}

/** The rows of a database. */
export function sqlRows(reader: Reader): RunRows {
  const store = new SqliteRunStore(reader);
  return Object.assign(new RunQueries(reader), {
    loadPlan: (hash: string) => store.loadPlan(hash),
    findTask: (id: string) => store.findTask(id),
    log: new LogQueries(reader),
  });
}
