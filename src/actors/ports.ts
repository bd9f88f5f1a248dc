/** The two sides of storage that the actors know: a journal that makes turns durable, a store that reads back. */
import type { AuditRecord, TaskLinkRecord, TokenRecord } from './access-records.js';
import type { DeliveryRow, DeliveryRows, LogTrimRecord } from './delivery-records.js';
import type {
  IdempotencyKeyRecord,
  RunRecord,
  RunTable,
  RunTables,
  StoredPlanRecord,
  StoredRun,
  TaskRecord,
  TimerRecord,
  TurnRecord,
} from './records.js';

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

/** Why a turn did not become durable. */
export type CommitErrorCode =
  | 'storage-unavailable'
  | 'turn-refused'
  | 'ownership-lost'
  | 'journal-closed'
  | 'journal-full';

/** Whether what is decided becomes durable. */
export interface JournalHealth {
  /** `failing`: the last batch did not reach the disk; it is tried again. `lost`: ownership is gone or the journal is closed. */
  readonly state: 'ok' | 'failing' | 'lost';
  readonly detail?: string;
  /** Turns accepted and not yet durable. */
  readonly queued: number;
}

/** One transaction of turns and rows. */
export interface GroupCommit {
  readonly items: number;
  /** From the moment it was handed to the writer until its outcome was known, in milliseconds. */
  readonly durationMs: number;
  /** Whether all of it became durable. */
  readonly isDurable: boolean;
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
  /**
   * Stores rows that belong to no run, all of them or none, in the order of calls. Resolves when they are
   * durable; rejects with a CommitError. Writing the same again changes nothing.
   */
  write(rows: readonly FreeRow[]): Promise<void>;
  /** The run was rehydrated after a void turn: its turns are accepted again. */
  release(run: number): void;
  health(): JournalHealth;
  /** Tells of every transaction once its outcome is known; returns a function that ends it. */
  observe?(told: (commit: GroupCommit) => void): () => void;
  /** Commits what is queued, then gives up ownership. */
  close(): Promise<void>;
}

/** Reads for the actors. Everything returned is durable. Rejects with an error that has a stable `code`. */
export interface RunStore {
  /** Numbers to go on from: the highest turn and run number in the database. */
  highWater(): Promise<{ readonly turn: number; readonly run: number }>;
  /** A random text that lasts as long as the data: positions in the log of all runs are sealed for tenants with it. */
  positionSecret?(): Promise<string>;
  loadPlan(hash: string): Promise<string | undefined>;
  findRun(id: string): Promise<{ readonly run: number; readonly startDigest: string } | undefined>;
  loadRun(id: string): Promise<StoredRun | undefined>;
  findTask(id: string): Promise<(TaskRecord & { readonly runId: string }) | undefined>;
  /**
   * Ids of runs that recovery takes up, oldest first: those that an earlier process left in motion (pending,
   * ready, running, or with an open attempt), and those that wait with a timer and a plan whose JSON has one of
   * the marks.
   */
  unfinishedRuns(
    after: string | undefined,
    limit: number,
    marks: readonly string[],
  ): Promise<readonly string[]>;
  /**
   * Runs that have ended, or go on only by somebody's doing, while the run that they are subplans of still waits
   * for them and knows nothing of that; and those that go on although that run is paused, and does not know that
   * they are exempt. By id. What it knows is in `inside` of its node run: `id status`, or `id status pause`.
   */
  untoldChildren(after: string, limit: number): Promise<readonly RunRecord[]>;
  /** Time of the newest turn: until then, at least, a process was at work. */
  lastTurnAt(): Promise<number | undefined>;
  /** Timers due at or before `now`, in due order, with the id of their run. */
  dueTimers(
    now: number,
    limit: number,
  ): Promise<readonly (TimerRecord & { readonly runId: string })[]>;
  /** When the earliest timer after `now` is due. */
  nextDue(now: number): Promise<number | undefined>;
  readonly schedules: ScheduleRows;
  readonly runKeys: RunKeyRows;
  /** What a call that was about no run was answered, by its key. */
  findAnswer(key: string): Promise<IdempotencyKeyRecord | undefined>;
  readonly access: AccessRows;
  readonly deliveries: DeliveryRows;
  /** Gives up the connection. */
  close(): void;
}

/**
 * Turns the JSON text of a payload into what is stored, and back. Both are called for every row: they answer at
 * once and do no I/O.
 */
export interface PayloadCodec {
  /** `run` is the id of the run that the payload belongs to, or of the schedule; of a call about no run its tenant: `acme~`. */
  encode(text: string, run: string): string;
  /** Gets every stored text, those that were stored before there was a codec too. Throws where it cannot be read. */
  decode(stored: string): string;
}

/**
 * Keeps payloads of artifacts that are too large for a row, by the SHA-256 of their text, in hexadecimal. Each tenant
 * has its own: what becomes of the payloads or the key of one is nothing to another that stores the same.
 */
export interface ArtifactStore {
  /** Resolves when the text is durable; the same text twice in one tenant is one. Rejects where it cannot be. `run` is the id of the run that it belongs to. */
  put(digest: string, text: string, run: string): Promise<void>;
  /** The text as it is found, unchecked; undefined where the tenant of the run has none. */
  get(digest: string, run: string): Promise<string | undefined>;
  /** The bytes of the same a piece at a time; undefined where it is not kept as it is, or not there. */
  open?(digest: string, run: string): Promise<AsyncIterable<Uint8Array> | undefined>;
  /** Names of what was last put before a time (ms since the epoch), some hundreds at a time. */
  putBefore(time: number): AsyncIterable<readonly string[]>;
  /** Removes a text, unless it was put again since a time; says whether it did. */
  remove(name: string, time: number): Promise<boolean>;
}

/** A schedule as a row; src/schedules says what its fields mean. Times are ms since the epoch. */
export interface ScheduleRecord {
  readonly id: string;
  readonly planHash: string;
  readonly label: string;
  readonly cadenceJson: string;
  readonly inputJson: string;
  readonly runOptionsJson: string;
  readonly overlap: string;
  readonly catchUpJson: string;
  readonly startAt: number | null;
  readonly endAt: number | null;
  readonly jitterMs: number;
  readonly paused: 0 | 1;
  readonly decidedUntil: number;
  readonly lastOccurrence: number | null;
  readonly activeRun: string | null;
  readonly queuedJson: string;
  /** Null where no time will do. */
  readonly dueAt: number | null;
  readonly countersJson: string;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** The newest run that was started under a key, or in place of the run that is the key. It is written before the run, which may not be there. */
export interface RunKeyRecord {
  readonly purpose: 'singleton' | 'debounce' | 'replacement';
  readonly key: string;
  readonly runId: string;
  /** When it starts, where that is later. */
  readonly startAt: number | null;
  /** The run in whose place it comes, which is cancelled once the newer one is there, and when that starts. */
  readonly supersededId: string | null;
  readonly supersededStartAt: number | null;
}

/** Which plan versions that were stored by themselves to list. */
export interface StoredPlanPage {
  /** The empty text is the default tenant. */
  readonly tenant: string;
  /** Title of the plan; of all of them unless given. */
  readonly title?: string | undefined;
  readonly limit: number;
  /** The last one of the page before. */
  readonly before?: Pick<StoredPlanRecord, 'at' | 'hash'> | undefined;
}

/** Reads of plan versions that were stored by themselves. */
export interface StoredPlanRows {
  find(tenant: string, hash: string): Promise<StoredPlanRecord | undefined>;
  /** Newest first. */
  list(page: StoredPlanPage): Promise<readonly StoredPlanRecord[]>;
}

/** A change of a row that belongs to no run. */
export type FreeRow =
  | { readonly type: 'schedule.put'; readonly record: ScheduleRecord }
  | { readonly type: 'schedule.remove'; readonly id: string }
  | { readonly type: 'run-key.put'; readonly record: RunKeyRecord }
  /** `of` is the id of its run; of a call about no run, an id of its tenant's. */
  | {
      readonly type: 'idempotency-key.put';
      readonly of: string;
      readonly record: IdempotencyKeyRecord;
    }
  /** One that is there already stays as it is. */
  | { readonly type: 'stored-plan.put'; readonly record: StoredPlanRecord }
  | AccessRow
  | DeliveryRow
  | HistoryRow;

/** Changes of who may do what, and the record of what was asked for. */
export type AccessRow =
  | { readonly type: 'token.put'; readonly record: TokenRecord }
  | { readonly type: 'token.revoke'; readonly id: string; readonly at: number }
  | { readonly type: 'token.used'; readonly id: string; readonly at: number }
  | { readonly type: 'audit.put'; readonly record: AuditRecord }
  /** Records of a tenant whose id is not after `id`. */
  | { readonly type: 'audit.trim'; readonly tenant: string; readonly id: string }
  /** Records of all tenants whose id is not after `id`. */
  | { readonly type: 'audit.expire'; readonly id: string }
  | { readonly type: 'task-link.put'; readonly record: TaskLinkRecord }
  /** Links that expired before a time. */
  | { readonly type: 'task-link.sweep'; readonly before: number };

/** Tables of which rows of a run that has ended may be written outside of a turn. */
export type AddedTable = Exclude<
  RunTable,
  'events' | 'actorVersions' | 'checkpoints' | 'timers' | 'idempotencyKeys'
>;

/** Changes of runs that are brought in, trimmed or removed: rows, and none of what a turn decides. */
export type HistoryRow =
  /** A row that is there already stays as it is. */
  | AddedRow
  /** Rows by their keys, the number of the run in front; tasks are named by their ids alone. */
  | {
      readonly type: 'history.remove';
      readonly table: RunTable;
      readonly keys: readonly (readonly (string | number)[])[];
    }
  /** The events up to `seq` are going to be removed. */
  | { readonly type: 'run.trim'; readonly run: number; readonly seq: number }
  /** Events of a tenant are going to be removed, up to this one; what is further already stays. */
  | { readonly type: 'log.trim'; readonly record: LogTrimRecord }
  /** Nobody sees the run any more, and it goes next. */
  | { readonly type: 'run.hide'; readonly run: number }
  /** The run is there, whole. */
  | { readonly type: 'run.show'; readonly run: number }
  /** The newest turn is known for good, whatever becomes of its run. */
  | { readonly type: 'turn.keep' }
  /** The run itself; its other rows are gone. */
  | { readonly type: 'run.remove'; readonly run: number }
  /** Answers to calls that were about no run and are older. */
  | { readonly type: 'idempotency-keys.remove'; readonly before: number }
  /** Keys that these runs, by id, were started under, but for those that what came in place of a run has now. */
  | { readonly type: 'run-keys.remove'; readonly runs: readonly string[] };

/** A row of a run that is brought in. */
export type AddedRow = {
  [T in AddedTable]: {
    readonly type: 'history.add';
    /** Id of the run. */
    readonly of: string;
    readonly table: T;
    readonly record: RunTables[T];
  };
}[AddedTable];

/** How many runs there are, and the last of them. */
export interface RunRange {
  readonly count: number;
  readonly last: string | undefined;
}

/** Reads of schedules. */
export interface ScheduleRows {
  find(id: string): Promise<ScheduleRecord | undefined>;
  /** By id, those after `after`. */
  list(after: string, limit: number): Promise<readonly ScheduleRecord[]>;
  /** Those whose `dueAt` is not after `now`, the longest due first. */
  due(now: number, limit: number): Promise<readonly ScheduleRecord[]>;
  /** The earliest `dueAt` after `now`. */
  nextDue(now: number): Promise<number | undefined>;
  /** Runs whose id, in order of text, is not before `from` and is before `before`: how many, and the last. */
  runsBetween(from: string, before: string): Promise<RunRange>;
}

/** A run, and the one that takes its place. */
export interface ReplacedRun {
  readonly run: string;
  /** The run that takes its place. */
  readonly by: string;
}

/** Reads of keys that runs were started under. */
export interface RunKeyRows {
  find(purpose: RunKeyRecord['purpose'], key: string): Promise<RunKeyRecord | undefined>;
  /** Ids of pending runs in whose place another one has come, by id, those after `after`. */
  superseded(after: string, limit: number): Promise<readonly string[]>;
  /** Runs that have not ended although their replacement is there, by id, those after `after`. */
  replaced(after: string, limit: number): Promise<readonly ReplacedRun[]>;
}

/** Rows of one tenant, or of all. */
export interface AccessPage {
  /** Only rows of this tenant; the empty text is the default tenant. */
  readonly tenant?: string | undefined;
  readonly limit: number;
}

/** How many records the audit has of a tenant. */
export interface AuditSize {
  readonly tenant: string;
  readonly records: number;
}

/** Reads of who may do what. */
export interface AccessRows {
  /** Whether there is a token that is neither revoked nor expired at `now`. */
  hasTokens(now: number): Promise<boolean>;
  findToken(id: string): Promise<TokenRecord | undefined>;
  /** By id, those after `after`. */
  listTokens(page: AccessPage & { readonly after: string }): Promise<readonly TokenRecord[]>;
  /** Newest first, those before `before`. */
  listAudit(
    page: AccessPage & { readonly before: string | undefined },
  ): Promise<readonly AuditRecord[]>;
  /** Of each tenant that has records. */
  auditSizes(): Promise<readonly AuditSize[]>;
  /** Id of the last of a tenant's `count` oldest records. */
  auditToTrim(tenant: string, count: number): Promise<string | undefined>;
  /** Id of the last of the `count` oldest records that are older than `at`. */
  auditToExpire(at: number, count: number): Promise<string | undefined>;
  findTaskLink(id: string): Promise<TaskLinkRecord | undefined>;
  /** Links to a task, by id, the first thousand. */
  taskLinks(task: string): Promise<readonly TaskLinkRecord[]>;
}
