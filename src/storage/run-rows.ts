/**
 * The reads that runs are shown from, as a port. Runs are named by their numbers. Everything that is read is
 * durable; no call gives more than `MAX_PAGE_ROWS` rows, and a page goes on from the last row of the one before.
 */
import type { LogRows } from '../actors/delivery-records.js';
import type { RunStore, StoredPlanRows } from '../actors/ports.js';
import type {
  ActorVersionRecord,
  ArtifactRecord,
  AttemptRecord,
  CheckpointRecord,
  EventRecord,
  NodeRunRecord,
  Principal,
  ResponseRecord,
  RunRecord,
  SignalRecord,
  TaskRecord,
} from '../actors/records.js';
import type { RunStatus } from '../machines/statuses.js';
import type { HistoryRows } from './history-rows.js';

/** Most rows that one call gives. */
export const MAX_PAGE_ROWS = 1_000;

/** Runs, newest first. */
export interface RunPage {
  readonly status?: RunStatus;
  readonly limit: number;
  /** Number of the run that ended the page before. */
  readonly before?: number;
  /** Only those of this tenant; the empty text is the default tenant. */
  readonly tenant?: string | undefined;
}

/** Tasks, by id. */
export interface TaskRowPage {
  readonly status?: TaskRecord['status'];
  readonly run?: number;
  readonly assignee?: string;
  /** Only those that he may answer, as far as their rows say. */
  readonly answerableBy?: Principal;
  readonly limit: number;
  /** Id of the task that ended the page before. */
  readonly after?: string;
  /** Only those of this tenant; the empty text is the default tenant. */
  readonly tenant?: string | undefined;
}

/** Names an attempt among those of its run. */
export type AttemptKey = Pick<AttemptRecord, 'node' | 'generation' | 'attempt'>;

/** Attempts of all nodes, or of one. */
export interface AttemptPage {
  /** Path of the one node that is asked for. */
  readonly node?: string;
  /** The attempt that ended the page before. */
  readonly after?: AttemptKey;
  readonly limit?: number;
}

/** Events after one number and not after another. */
export interface EventRange {
  readonly after: number;
  readonly upTo: number;
}

/** Names one version of an artifact among those of its run. */
export interface ArtifactVersion {
  readonly name: string;
  readonly version: number;
}

/** Runs that have not ended, by status; open tasks; armed timers. */
export interface Tallies {
  readonly runs: Partial<Record<RunStatus, number>>;
  readonly openTasks: number;
  readonly timers: number;
}

/** What is known of each checkpoint. */
export type TurnEnd = Pick<CheckpointRecord, 'seq' | 'turn' | 'reason' | 'at'>;

/** Which runs there are. */
export interface RunListRows
  extends Pick<HistoryRows, 'getRun' | 'getHiddenRun' | 'hiddenRuns' | 'runsAfter' | 'childrenOf'> {
  /** Newest first. */
  listRuns(page: RunPage): Promise<readonly RunRecord[]>;
  /** Whether a run of the tenant, which is not the default one, has the plan now. */
  usesPlan(tenant: string, hash: string): Promise<boolean>;
  /** What is there now; takes no longer the more runs have ended. */
  tallies(): Promise<Tallies>;
}

/** Node runs and their attempts. */
export interface NodeRunRows {
  /** By path. `after` is the path that ended the page before; `scope` limits them to one scope. */
  listNodeRuns(
    run: number,
    after?: string,
    limit?: number,
    scope?: string,
  ): Promise<readonly NodeRunRecord[]>;
  getNodeRun(run: number, node: string): Promise<NodeRunRecord | undefined>;
  /** Generations of node runs that are over, by path; `after` is the last row of the page before. */
  pastNodeRuns(
    run: number,
    after?: Pick<NodeRunRecord, 'node' | 'generation'>,
    limit?: number,
  ): Promise<readonly NodeRunRecord[]>;
  /** Every generation of a node run, the past ones and the present one, oldest first. */
  generations(run: number, node: string): Promise<readonly NodeRunRecord[]>;
  /** Attempts of one node, oldest first. */
  attempts(run: number, node: string, limit?: number): Promise<readonly AttemptRecord[]>;
  attempt(run: number, name: AttemptKey): Promise<AttemptRecord | undefined>;
  /** Ids of runs with an open attempt whose lease names this `claim`; a thousand at most. */
  claimedRuns(claim: string): Promise<readonly string[]>;
  /** Attempts of all nodes, or of one, by node, oldest first; `after` ended the page before. */
  listAttempts(run: number, page?: AttemptPage): Promise<readonly AttemptRecord[]>;
  /**
   * What the node runs of these attempts had as input while those were at work, as JSON text in the order of
   * `attempts`; null where that was nothing.
   */
  inputsOf(run: number, attempts: readonly AttemptKey[]): Promise<readonly (string | null)[]>;
  /** Attempts that have issues, by node, oldest first. */
  attemptsWithIssues(run: number, limit?: number): Promise<readonly AttemptRecord[]>;
}

/** What happened in a run, and how its actors stood meanwhile. */
export interface EventRows
  extends Pick<HistoryRows, 'newestSeq' | 'checkpointOf' | 'anchorBefore' | 'versionsAt'> {
  /** Events with a number above `after`, in order. */
  events(run: number, after: number, limit: number): Promise<readonly EventRecord[]>;
  /** Events of one type with a number above `after`, in order. */
  eventsOfType(
    run: number,
    type: string,
    limit: number,
    after?: number,
  ): Promise<readonly EventRecord[]>;
  countEvents(run: number, type: string): Promise<number>;
  /** Ends of turns, oldest first, those after event `after`. */
  checkpoints(run: number, after: number, limit: number): Promise<readonly TurnEnd[]>;
  /** Number of the last event of the newest turn that ended before event `seq`; 0 where there is none. */
  lastTurnBefore(run: number, seq: number): Promise<number>;
  /** All snapshots of these actors whose event is after `after` and not after `upTo`. */
  versionsBetween(
    run: number,
    range: EventRange,
    actors: readonly string[],
  ): Promise<readonly ActorVersionRecord[]>;
  /** In the order in which they came, those after number `after`. */
  signals(run: number, after?: number, limit?: number): Promise<readonly SignalRecord[]>;
}

/** What people are asked, and what they answered. */
export interface TaskRows {
  /** By id. */
  listTasks(page: TaskRowPage): Promise<readonly TaskRecord[]>;
  /** Answers to a task, oldest first. */
  responses(run: number, task: string): Promise<readonly ResponseRecord[]>;
  /** Tasks whose answer had issues, oldest first. */
  tasksWithIssues(run: number, limit?: number): Promise<readonly TaskRecord[]>;
}

/** Versions of artifacts. */
export interface ArtifactRows extends Pick<HistoryRows, 'namedPayloads'> {
  /** One version of an artifact; the newest accepted one unless `version` is given. */
  artifact(run: number, name: string, version?: number): Promise<ArtifactRecord | undefined>;
  /** Versions of artifacts by name, then version; `after` is the one that ended the page before. */
  artifacts(
    run: number,
    after?: ArtifactVersion,
    limit?: number,
  ): Promise<readonly ArtifactRecord[]>;
}

/** Reads of stored rows. */
export interface RunRows
  extends RunListRows,
    NodeRunRows,
    EventRows,
    TaskRows,
    ArtifactRows,
    HistoryRows,
    Pick<RunStore, 'loadPlan' | 'findTask'> {
  /** Events of all runs. */
  readonly log: LogRows;
  /** Plan versions that were stored by themselves. */
  readonly storedPlans: StoredPlanRows;
}
