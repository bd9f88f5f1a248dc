/**
 * What a turn leaves on disk, and what a run is rebuilt from. Times are milliseconds since the
 * epoch, UTC. Fields that end in `Json` are JSON texts; undefined and null both mean absent.
 */
import type { NodeStatus, RunStatus } from '../machines/statuses.js';
import type { TaskStatus } from '../machines/task-events.js';
import type { JsonValue } from '../plan/json.js';
import type { PlanBudget } from '../plan/schema.js';

/** A run as a row. `run` is its number in this database; `id` is what the world knows it by. */
export interface RunRecord {
  readonly run: number;
  readonly id: string;
  readonly planHash: string;
  readonly status: RunStatus;
  readonly inputJson: string;
  /** Digest of plan hash and input: tells a repeated start from a conflicting one. */
  readonly startDigest: string;
  readonly metadataJson: string | null;
  /** Number of handlers of this run that may work at the same time. */
  readonly concurrency: number;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly endedAt: number | null;
  /** Why the run failed or was cancelled, as `{code, message, node?}`. */
  readonly reasonJson: string | null;
  /** Id of the run whose subplan it is, and the node run there. */
  readonly parentId: string | null;
  readonly parentNode: string | null;
  /** What its start asked for, as RunSettings. */
  readonly settingsJson: string | null;
  /** What it has used up, as RunUsage. */
  readonly usageJson: string | null;
  /** Its output, once it has ended well. */
  readonly outputJson: string | null;
  /** The run that it came of, as `{type, run, seq}`; null where it was started anew. */
  readonly originJson: string | null;
  /** Number of the newest event that retention removed; 0 while all are there. */
  readonly trimmedTo: number;
  /** Hashes of versions that it had before this one and that name secrets, as a list; null where there is none. */
  readonly pastPlansJson: string | null;
}

/** What a start may ask for beside the plan and the input; the plan's own settings apply otherwise. */
export interface RunSettings {
  readonly priority?: number;
  readonly deadlineMs?: number;
  readonly budget?: PlanBudget;
  /** When it is to start, in milliseconds since the epoch; at once where absent. */
  readonly startAt?: number;
  /** Starts paused: each step is asked for. */
  readonly isStepwise?: boolean;
  /** Pauses when these nodes are final. */
  readonly until?: readonly string[];
  /** Who asked for it. */
  readonly requestedBy?: string;
  /** Who made it of another run, or that one of yet another: they have asked for it, too. */
  readonly derivedBy?: readonly string[];
  /** How many runs it lies inside of. */
  readonly depth?: number;
  /** The trace that it belongs to. */
  readonly trace?: TraceContext;
  /** Names what it belongs to, where that is not its own id. */
  readonly correlation?: string;
}

/** The trace that a run belongs to, as the headers of W3C Trace Context write it. */
export interface TraceContext {
  /** `00-<trace id>-<span id>-<flags>` */
  readonly traceparent: string;
  /** What tracers keep beside it. */
  readonly tracestate?: string;
}

/** What a run has used up. */
export interface RunUsage {
  readonly steps: number;
  readonly attempts: number;
  readonly restarts: number;
  readonly cost: number;
  readonly tokens: number;
  /** How often a person granted the budget again. */
  readonly grants?: number;
  /** Times that ran out while a person was asked about something else: asked about next. */
  readonly passed?: readonly ('deadline' | 'wallMs')[];
}

/** The changing part of a run's row, written by the turns after its first. */
export type RunChange = Pick<
  RunRecord,
  | 'run'
  | 'status'
  | 'updatedAt'
  | 'endedAt'
  | 'reasonJson'
  | 'metadataJson'
  | 'planHash'
  | 'usageJson'
  | 'outputJson'
  | 'pastPlansJson'
>;

/** Scope of the node runs that undo others when a run is ending. */
export const COMPENSATIONS = '~';

/** Code of the reason for which a run is paused because the one that it works for is. */
export const PARENT_PAUSED = 'parent-paused';

/** The current state of one node run. No row means pending, never touched. */
export interface NodeRunRecord {
  readonly run: number;
  /** Its path: the node id, within a loop or a map behind those of the iteration or the item. */
  readonly node: string;
  readonly status: NodeStatus;
  readonly generation: number;
  /** Number of the newest attempt; 0 before the first. */
  readonly attempt: number;
  /** Event number of its newest change, and version of its snapshot. */
  readonly seq: number;
  /** Input as resolved when the node became ready. */
  readonly inputJson: string | null;
  readonly outputJson: string | null;
  /** Approval outcome. */
  readonly outcome: string | null;
  /** Action that the result named. */
  readonly action: string | null;
  /** Reason for skipped, blocked, failed, cancelled and partial, as `{code, message, …}`. */
  readonly reasonJson: string | null;
  /** Outcome of each outgoing edge, a letter each, in edge order; empty until they are decided. */
  readonly edges: string;
  readonly updatedAt: number;
  /** Path of the scope that it lies in: empty for the plan itself. */
  readonly scope: string;
  /** Of a composite: the scope at work inside it, or the status of its child run. */
  readonly inside: string | null;
  /** What the reviewer asked for that sent it back, as Feedback. */
  readonly feedbackJson: string | null;
}

/** One version of an actor's persisted snapshot, in its envelope. */
export interface ActorVersionRecord {
  readonly run: number;
  /** Node id, or the empty string for the run actor. */
  readonly actor: string;
  readonly seq: number;
  readonly machine: string;
  readonly version: number;
  readonly snapshotJson: string;
  /** Checked against `snapshotJson` when it is loaded. */
  readonly digest: string;
}

/** An attempt as a row. */
export interface AttemptRecord {
  readonly run: number;
  readonly node: string;
  readonly generation: number;
  readonly attempt: number;
  readonly worker: string;
  readonly startedAt: number;
  readonly endedAt: number | null;
  readonly outcome: 'completed' | 'partial' | 'failed' | 'interrupted' | 'cancelled' | null;
  /** While it is open and checks are under way: all of its product, as run/held-product.ts writes it. */
  readonly outputJson: string | null;
  /** Failure as `{class, message, code?, …}`. */
  readonly errorJson: string | null;
  readonly issuesJson: string | null;
  readonly notesJson: string | null;
  /** Payload of its newest heartbeat. */
  readonly heartbeatJson: string | null;
  /** Of an attempt that is for an external worker: its lease, as AttemptLease. */
  readonly leaseJson: string | null;
  /** Of work in place of the node's own: the failure that it was given beside the input, or null as text. */
  readonly givenErrorJson: string | null;
}

/**
 * An input that its node run had, before it was given another one in the same generation. Attempts worked with it up
 * to this one, from the one behind the `attempt` of the row before; added once, never changed.
 */
export interface PastInputRecord {
  readonly run: number;
  readonly node: string;
  readonly generation: number;
  /** The newest attempt that has worked with it. */
  readonly attempt: number;
  readonly inputJson: string | null;
}

/** What ties an attempt to the worker that claimed it. */
export interface AttemptLease {
  /** Key of the handler whose work it is. */
  readonly handler: string;
  /** Names the claim; absent while nobody has claimed the attempt. */
  readonly id?: string;
  /** Names the call that claimed it, where that had an idempotency key: made again it is given the attempt again. */
  readonly claim?: string;
  /** When the attempt has taken too long, as the claim was told; absent where that is not limited. */
  readonly deadlineAt?: number;
  /** Digest of the result that ended the claim: the same again gets the same answer. */
  readonly result?: string;
}

/** An event as a row. */
export interface EventRecord {
  readonly run: number;
  /** 1, 2, 3 … within the run, without a gap. */
  readonly seq: number;
  readonly type: string;
  readonly node: string | null;
  readonly attempt: number | null;
  readonly detailJson: string;
  readonly at: number;
}

/** A human task as a row. */
export interface TaskRecord {
  readonly id: string;
  readonly run: number;
  readonly node: string;
  readonly kind: string;
  readonly status: TaskStatus;
  /** What the person is shown: objective, instructions, deliverables, criteria, input. */
  readonly presentedJson: string;
  readonly responseSchemaJson: string | null;
  /** Who may answer and how many have to, as TaskPeople; null means anybody. */
  readonly peopleJson: string | null;
  readonly deadlineAt: number | null;
  readonly openedAt: number;
  readonly closedAt: number | null;
  /** Digest of what is presented and of the response schema: an answer is bound to it. */
  readonly presentedDigest: string;
  readonly generation: number;
  /** Level of the escalation that asks; 0 where the node itself does. */
  readonly level: number;
  /** How many times the node has asked by now, this time included. */
  readonly round: number;
  /** Who has claimed it, or was given it; nobody else may answer then. */
  readonly assignee: string | null;
  /** Number of reminders sent. */
  readonly reminders: number;
  /** What was found of the answer that closed it, where nothing of that kept it from being taken. */
  readonly issuesJson: string | null;
}

/** Somebody, with the groups that he belongs to. */
export interface Principal {
  readonly name: string;
  readonly groups: readonly string[];
}
/** One answer that did not settle the matter. */
export interface Round {
  /** Path of the node run that asked. */
  readonly node: string;
  readonly round: number;
  /** Of the node run; rounds that were stored before this was noted have none. */
  readonly generation?: number;
  readonly outcome: string;
  readonly responder: string | null;
  readonly at: number;
  readonly requiredEdits?: JsonValue;
  readonly comments?: JsonValue;
  /** What an editor made of it, or an answer gave that was refused. */
  readonly output?: JsonValue;
  /** Why an answer was refused. */
  readonly issues?: JsonValue;
}

/** Who may answer a task. Where neither responders nor groups are named, anybody may. */
export interface TaskPeople {
  readonly responders?: readonly string[];
  readonly groups?: readonly string[];
  /** Who asked for the run, where they may not answer. */
  readonly excluded?: string | readonly string[];
  /** Who gave the answer that is to be judged: they do not judge it. */
  readonly givenBy?: readonly string[];
  readonly delegation?: 'none' | 'entitled' | 'anyone';
  /** Votes that decide; one answer does where absent. */
  readonly quorum?: { readonly approvals: number; readonly rejections: number };
}

/** An answer to a task, or a vote, as a row. */
export interface ResponseRecord {
  readonly id: string;
  readonly task: string;
  readonly run: number;
  readonly responder: string | null;
  readonly responseJson: string;
  readonly outcome: string;
  readonly at: number;
  /** Digest of what the responder was shown. */
  readonly presentedDigest: string;
  /** The message that brought it, as its sender names it: told twice it is one answer. */
  readonly messageId: string | null;
  readonly comment: string | null;
}

/** A version of an artifact as a row. */
export interface ArtifactRecord {
  readonly run: number;
  readonly name: string;
  readonly version: number;
  readonly kind: string;
  readonly node: string;
  readonly attempt: number;
  readonly pointer: string | null;
  readonly payloadJson: string | null;
  readonly at: number;
  readonly generation: number;
  /** Those of attempts that failed are kept, and nothing downstream sees them. */
  readonly standing: 'accepted' | 'rejected';
  /** Schema that its payload was checked against, where there is one. */
  readonly schemaJson: string | null;
  /** SHA-256 and size of a payload that is kept in a file. */
  readonly digest: string | null;
  readonly bytes: number | null;
}

/** A timer as a row. */
export interface TimerRecord {
  /** Unique in the database. */
  readonly id: string;
  readonly run: number;
  /** Node id, or the empty string where the timer is the run's own. */
  readonly node: string;
  readonly kind: TimerKind;
  readonly dueAt: number;
  /** When it was armed. */
  readonly armedAt: number;
  /** Of an escalation that turns to people later: what was refused, for them to look at. */
  readonly refusedJson: string | null;
}

/** What a timer is for. */
export type TimerKind =
  | 'retry'
  | 'task-deadline'
  | 'reminder'
  | 'grace'
  | 'timeout'
  | 'heartbeat'
  | 'lease'
  | 'sleep'
  | 'signal-deadline'
  | 'escalation'
  | 'start-deadline'
  | 'start'
  | 'run-deadline'
  | 'budget-time';

/** Something that a run was told from outside: kept until a node waits for it, delivered once. */
export interface SignalRecord {
  readonly run: number;
  /** Unique within the run: the same signal twice is one. */
  readonly id: string;
  readonly name: string;
  /** Null once it is delivered: then it is the output of its receiver. */
  readonly payloadJson: string | null;
  readonly sentAt: number;
  /** Number of the event that it came with: the order of signals. */
  readonly seq: number;
  /** Path of the node run that received it. */
  readonly deliveredTo: string | null;
}

/** Idempotency keys that a run remembers: the newest. */
export const MAX_IDEMPOTENCY_KEYS = 1_000;

/** A plan version that was stored by itself. */
export interface StoredPlanRecord {
  /** Who has stored it; the empty text is the default tenant. */
  readonly tenant: string;
  readonly hash: string;
  readonly title: string;
  readonly at: number;
  readonly by: string | null;
}

/** A call that named itself with an idempotency key, and what it was answered: made again, it is answered the same. */
export interface IdempotencyKeyRecord {
  /** Number of the run that was told; 0 where the call was about none. */
  readonly run: number;
  readonly key: string;
  /** Tells the same call from another one under its key. */
  readonly digest: string;
  /** As Answer. */
  readonly answerJson: string;
  readonly at: number;
}

/** A plan version as a row. */
export interface PlanRecord {
  readonly hash: string;
  readonly planJson: string;
  readonly title: string;
  readonly at: number;
}

/** Rows that one turn writes. Upserts replace the whole row; events and versions are only added. */
export interface TurnRows {
  readonly runCreated?: RunRecord;
  readonly runChanged?: RunChange;
  readonly nodeRuns: NodeRunRecord[];
  /** Generations that came to their end as another began; added once, never changed. */
  readonly pastNodeRuns: readonly NodeRunRecord[];
  /** One that is there already stays as it is. */
  readonly pastInputs: readonly PastInputRecord[];
  readonly actorVersions: ActorVersionRecord[];
  readonly attempts: AttemptRecord[];
  readonly events: EventRecord[];
  readonly tasks: TaskRecord[];
  readonly responses: ResponseRecord[];
  readonly artifacts: ArtifactRecord[];
  readonly timersArmed: TimerRecord[];
  readonly timersCleared: string[];
  readonly signals: readonly SignalRecord[];
  /** A plan version that came about in the run. */
  readonly plans: readonly PlanRecord[];
  readonly idempotencyKeys: readonly IdempotencyKeyRecord[];
}

/** A turn that writes nothing, to be filled in. */
export const NO_ROWS: TurnRows = {
  nodeRuns: [],
  pastNodeRuns: [],
  pastInputs: [],
  actorVersions: [],
  attempts: [],
  events: [],
  tasks: [],
  responses: [],
  artifacts: [],
  timersArmed: [],
  timersCleared: [],
  signals: [],
  plans: [],
  idempotencyKeys: [],
};

/** One turn, as the journal commits it: whole or not at all. */
export interface TurnRecord {
  /** Unique and increasing in the database; an unknown outcome is looked up by it. */
  readonly turn: number;
  readonly run: number;
  /** Id of the run. */
  readonly of: string;
  /** Event number after the turn: the checkpoint. */
  readonly seq: number;
  /** Type of the message that caused it. */
  readonly reason: string;
  readonly at: number;
  readonly rows: TurnRows;
}

/** All that a run is rehydrated from. */
export interface StoredRun {
  readonly record: RunRecord;
  /** Newest event number. */
  readonly seq: number;
  /** Canonical JSON of the pinned plan. */
  readonly planJson: string;
  readonly nodeRuns: readonly NodeRunRecord[];
  /** Newest snapshot of the run actor, and of each node run that is neither final nor pending; digests checked. */
  readonly snapshots: readonly ActorVersionRecord[];
  /** Attempts without an outcome. */
  readonly openAttempts: readonly AttemptRecord[];
  readonly openTasks: readonly TaskRecord[];
  /** Answers to open tasks that have not decided them, oldest first. */
  readonly votes: readonly ResponseRecord[];
  readonly timers: readonly TimerRecord[];
  /** Of each node run at work, the newest accepted artifact of each name that its generation made. */
  readonly artifacts: readonly ArtifactRecord[];
  /** The newest version of each artifact's name, however it stands. */
  readonly artifactVersions: readonly { readonly name: string; readonly version: number }[];
  readonly signals: readonly SignalRecord[];
  /** The newest of them, oldest first. */
  readonly idempotencyKeys: readonly IdempotencyKeyRecord[];
  /** Of each node run that is neither final nor pending, the newest heartbeat of its generation with a payload. */
  readonly heartbeats: readonly { readonly node: string; readonly payloadJson: string }[];
}

/** One turn as it is listed: an event number at which the run can be looked at, and why it was taken. */
export interface CheckpointRecord {
  readonly run: number;
  readonly seq: number;
  readonly turn: number;
  readonly reason: string;
  readonly at: number;
  readonly hash: string;
}

/** The tables whose rows belong to one run each. */
export interface RunTables {
  readonly nodeRuns: NodeRunRecord;
  readonly pastNodeRuns: NodeRunRecord;
  readonly pastInputs: PastInputRecord;
  readonly attempts: AttemptRecord;
  readonly events: EventRecord;
  readonly tasks: TaskRecord;
  readonly responses: ResponseRecord;
  readonly artifacts: ArtifactRecord;
  readonly signals: SignalRecord;
  readonly timers: TimerRecord;
  readonly checkpoints: CheckpointRecord;
  readonly actorVersions: ActorVersionRecord;
  readonly idempotencyKeys: IdempotencyKeyRecord;
}

/** Names of the tables that have rows of runs. */
export type RunTable = keyof RunTables;

/** `trimmedTo` of a run that is on its way in or out: nobody sees it. */
export const HIDDEN = -1;
