/** The HTTP API as a client sees it: written by `npm run client`, from the declarations of routes. */
/** A value that JSON carries. */
export type JsonValue = null | boolean | number | string | JsonValue[] | JsonObject;

/** An object of JSON. */
export interface JsonObject {
  [key: string]: JsonValue;
}

/** A body that is no JSON. A stream is sent once, and not again where that fails. */
export type FileBody = string | Blob | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>;

/** What `completeWork`, `failWork`, `releaseWork` gives. */
export interface AcceptedResult {
  readonly run: string;
  readonly node: string;
  readonly generation: number;
  readonly attempt: number;
  readonly accepted: true;
}

/** A part of `SupervisorStats`. */
export interface AdmissionReport {
  readonly handlers: readonly HandlerReport[];
  readonly queue: number;
  readonly used: number;
  readonly keys: number;
}

/** What `annotateRun` gives. */
export interface Annotated {
  readonly run: string;
  readonly metadata: JsonObject;
}

/** What `listArtifacts`, `getArtifact` gives. */
export interface Artifact {
  readonly name: string;
  readonly version: number;
  readonly kind: string;
  readonly standing: 'accepted' | 'rejected';
  readonly node: string;
  readonly generation: number;
  readonly attempt: number;
  readonly pointer: string | null;
  readonly payload?: JsonValue;
  readonly schema?: JsonValue;
  /** SHA-256 of a payload that is kept in a file */
  readonly digest?: string;
  readonly bytes?: number;
  /** Milliseconds since the epoch, UTC */
  readonly at: number;
}

/** A part of `RunState`. */
export interface ArtifactMention {
  readonly name: string;
  readonly kind: string;
  readonly version: number;
  readonly standing?: 'rejected';
}

/** What `listAttempts` gives. */
export interface Attempt {
  readonly node: string;
  readonly generation: number;
  readonly attempt: number;
  readonly worker: string;
  /** Milliseconds since the epoch, UTC */
  readonly startedAt: number;
  /** Milliseconds since the epoch, UTC */
  readonly endedAt: number | null;
  readonly outcome: string | null;
  readonly error: JsonObject | null;
  readonly issues: readonly Issue[];
  /** Whether its handler worked in place of the node's own, which had failed */
  readonly isSubstitute: boolean;
  /** What it was given, whatever input the node run has by now; a substitute `{input, error}` */
  readonly input?: JsonValue;
  readonly output?: JsonValue;
  readonly notes?: JsonValue;
}

/** What `listAudit` gives. */
export interface AuditRecord {
  readonly id: string;
  /** Milliseconds since the epoch, UTC */
  readonly at: number;
  readonly tenant: string;
  readonly principal: string | null;
  readonly token: string | null;
  readonly address: string | null;
  readonly action: string;
  readonly target: string;
  readonly status: number | null;
  readonly code: string | null;
}

/** A part of `BulkPage`. */
export interface BulkOutcome {
  readonly run: string;
  readonly outcome: 'done' | 'refused';
  readonly code?: string;
  readonly message?: string;
  readonly detail?: JsonObject;
}

/** What `applyBulk` gives. */
export interface BulkPage {
  readonly outcomes: readonly BulkOutcome[];
  readonly cursor: string | null;
}

/** What `previewBulk` gives. */
export interface BulkPreview {
  readonly count: number;
  readonly sample: readonly SampledRun[];
  readonly token: string;
}

/** A part of `BusPage`. */
export interface BusEvent {
  /** `run/seq`: unique over all runs */
  readonly id: string;
  readonly run: string;
  readonly seq: number;
  readonly type: string;
  readonly node: string | null;
  readonly attempt: number | null;
  /** Milliseconds since the epoch, UTC */
  readonly at: number;
  readonly detail: JsonObject;
  readonly emitter: Emitter;
  /** Shared by all that comes of one start */
  readonly correlation: string;
  /** Of the turn that decided it: the same for all that one message caused */
  readonly turn: number;
  /** Where to go on behind it */
  readonly position: string;
}

/** A part of `BusPage`. */
export interface BusGap {
  readonly from: string;
  readonly to: string;
}

/** What `listAllEvents` gives. */
export interface BusPage {
  readonly events: readonly BusEvent[];
  /** Where to go on, also where there are no events */
  readonly position: string;
  readonly gap: BusGap | null;
}

/** A part of `Schedule`. */
export type Cadence =
  | {
      readonly cron: string;
      readonly timeZone?: string;
    }
  | {
      readonly everyMs: number;
      readonly offsetMs?: number;
    };

/** What `cancelRun` gives. */
export interface Cancelled {
  readonly run: string;
  readonly cancelled: true;
}

/** What `completeNode`, `skipNode`, `patchNode` gives. */
export interface ChangedNode {
  readonly run: string;
  readonly node: string;
  readonly status: string;
}

/** What `listCheckpoints` gives. */
export interface Checkpoint {
  /** Number of the last event of the turn */
  readonly seq: number;
  /** Type of the message that caused the turn */
  readonly cause: string;
  /** Milliseconds since the epoch, UTC */
  readonly at: number;
}

/** What `claimWork` gives. */
export interface ClaimedWork {
  /** Names the lease: heartbeats and the result are sent with it */
  readonly token: string;
  readonly run: string;
  readonly node: string;
  readonly generation: number;
  readonly attempt: number;
  readonly key: string;
  /** The same for all attempts of a generation */
  readonly idempotencyKey: string;
  readonly handler: string;
  readonly capability: string;
  readonly input?: JsonValue;
  readonly isLastTry: boolean;
  readonly lastHeartbeat?: JsonValue;
  readonly feedback: readonly JsonValue[];
  readonly trace?: {
    readonly traceparent: string;
    readonly tracestate?: string;
  };
  readonly leaseMs: number;
  /** When the lease ends unless it is extended */
  readonly expiresAt: number;
  /** Milliseconds since the epoch, UTC */
  readonly deadlineAt: number | null;
}

/** What `listChanges` gives. */
export interface ContextChange {
  readonly seq: number;
  /** Milliseconds since the epoch, UTC */
  readonly at: number;
  readonly op: 'set' | 'delete';
  readonly node: string;
  readonly generation: number;
  readonly attempt: number;
  readonly value?: JsonValue;
}

/** What `createToken` gives. */
export interface CreatedToken {
  readonly id: string;
  readonly tenant: string;
  readonly principal: string;
  readonly roles: readonly ('reader' | 'operator' | 'responder' | 'worker' | 'admin')[];
  readonly groups: readonly string[];
  /** Milliseconds since the epoch, UTC */
  readonly createdAt: number;
  readonly createdBy: string | null;
  /** Milliseconds since the epoch, UTC */
  readonly expiresAt: number | null;
  /** Milliseconds since the epoch, UTC */
  readonly revokedAt: number | null;
  /** Milliseconds since the epoch, UTC */
  readonly lastUsedAt: number | null;
  /** Shown this once: absent from the same answer to the same `Idempotency-Key` */
  readonly secret?: string;
}

/** What `listDeadLetters` gives. */
export interface DeadLetter {
  readonly webhook: string;
  readonly message: string;
  readonly run: string;
  readonly seq: number;
  readonly type: string;
  readonly tries: number;
  readonly error: DeliveryError;
  /** Milliseconds since the epoch, UTC */
  readonly at: number;
}

/** What `getDeadLetter` gives. */
export interface DeadLetterWithBody {
  readonly webhook: string;
  readonly message: string;
  readonly run: string;
  readonly seq: number;
  readonly type: string;
  readonly tries: number;
  readonly error: DeliveryError;
  /** Milliseconds since the epoch, UTC */
  readonly at: number;
  readonly body: JsonObject;
}

/** What `testWebhook`, `redeliverDeadLetter` gives. */
export interface Delivered {
  readonly accepted: boolean;
  readonly status: number | null;
  readonly error: DeliveryError;
}

/** A part of `RetryingRun`, `Delivered`, `DeadLetter`, `DeadLetterWithBody`. */
export type DeliveryError = {
  readonly code:
    | 'address-refused'
    | 'host-unknown'
    | 'connection-failed'
    | 'timeout'
    | 'status-refused';
  readonly message: string;
  readonly status?: number;
} | null;

/** A part of `Replay`, `Verification`. */
export interface Difference {
  readonly part: string;
  readonly key: string;
  readonly events: JsonValue;
  readonly rows: JsonValue;
}

/** A part of `WebhookWithSecret`, `Webhook`. */
export type DisabledWebhook = {
  readonly code: 'by-request' | 'endpoint-failing' | 'endpoint-gone' | 'dead-letters-full';
  readonly message: string;
  /** Milliseconds since the epoch, UTC */
  readonly at: number;
} | null;

/** A part of `RunEvent`, `BusEvent`. */
export interface Emitter {
  readonly kind: 'run' | 'node-run' | 'executor' | 'caller' | 'process' | 'timer';
  readonly name?: string;
}

/** What `explainNode` gives. */
export interface Explanation {
  readonly run: string;
  readonly node: string;
  readonly status: NodeStatus;
  readonly generation: number;
  readonly attempt: number;
  readonly since: {
    readonly seq: number;
    readonly type: string;
    /** Milliseconds since the epoch, UTC */
    readonly at: number;
  } | null;
  readonly causes: readonly ExplanationCause[];
  readonly lines: readonly string[];
}

/** A part of `Explanation`. */
export interface ExplanationCause {
  readonly code: string;
  readonly message: string;
  readonly detail: JsonObject;
  readonly causes: readonly ExplanationCause[];
}

/** A part of `Verification`. */
export interface Finding {
  readonly code: string;
  readonly seq: number;
  readonly message: string;
}

/** What `retryRun`, `forkRun`, `replaceRun` gives. */
export interface ForkedRun {
  readonly id: string;
  readonly created: boolean;
  /** Event of the old run at which the new one begins */
  readonly seq: number;
  readonly carried: readonly string[];
}

/** A part of `AdmissionReport`. */
export interface HandlerReport {
  readonly handler: string;
  readonly atWork: number;
  readonly breaker: 'closed' | 'open' | 'half-open';
  /** Milliseconds since the epoch, UTC */
  readonly openUntil?: number;
  readonly waitingRuns: number;
}

/** What `getHealth` gives. */
export interface Health {
  readonly status: 'ok' | 'failing' | 'lost';
  readonly detail?: string;
  readonly journalQueue?: number;
  readonly supervisor?: SupervisorStats;
}

/** What `importRun` gives. */
export interface Imported {
  readonly run: string;
  readonly created: boolean;
  readonly runs: number;
  readonly hash: string;
}

/** A part of `Problem`, `PlanCheck`, `Attempt`. */
export interface Issue {
  readonly severity: 'blocking' | 'warning';
  readonly code: string;
  readonly message: string;
  /** JSON Pointer into what was sent; empty for all of it */
  readonly path: string;
  readonly node?: string;
  readonly hint?: string;
  readonly detail?: JsonValue;
}

/** What `uploadPayload` gives. */
export interface KeptPayload {
  /** `file:sha256:…` */
  readonly pointer: string;
  /** Names it among the artifacts of the result */
  readonly digest: string;
  readonly bytes: number;
}

/** What `heartbeatWork`, `reportProgress` gives. */
export interface LeaseState {
  /** Milliseconds since the epoch, UTC */
  readonly expiresAt: number;
  /** The worker is to stop */
  readonly isCancelled: boolean;
}

/** What `tellMcp` gives. */
export type McpMessage = JsonObject;

/** A part of `RunDetails`, `RunSnapshot`. */
export interface NodeIssue {
  readonly node: string;
  readonly generation: number;
  readonly attempt: number;
  readonly severity: 'blocking' | 'warning';
  readonly code: string;
  readonly message: string;
  readonly path: string;
  readonly detail?: JsonValue;
}

/** What `listNodeRuns` gives. */
export interface NodeRun {
  /** Path of the node run */
  readonly node: string;
  readonly status: NodeStatus;
  readonly attempt: number;
  readonly input?: JsonValue;
  readonly output?: JsonValue;
  readonly outcome?: string;
  readonly action?: string;
  readonly reason?: JsonObject;
}

/** A part of `RunState`. */
export interface NodeState {
  readonly node: string;
  readonly status: NodeStatus;
  readonly attempt: number;
  readonly reason?: JsonObject;
}

/** A part of `SimulatedPath`, `NodeRun`, `Explanation`, `PlanDiffEntry`, `NodeState`. */
export type NodeStatus =
  | 'pending'
  | 'ready'
  | 'running'
  | 'awaiting-human'
  | 'blocked'
  | 'completed'
  | 'partial'
  | 'skipped'
  | 'failed'
  | 'cancelled';

/** What `listPlans` gives. */
export interface OfferedPlan {
  readonly name: string;
  readonly title: string;
  readonly hash: string;
}

/** What `listOffers` gives. */
export interface OfferedWork {
  readonly handler: string;
  readonly capability: string;
  /** Attempts that a worker could claim now */
  readonly waiting: number;
}

/** What `validatePlan` gives. */
export interface PlanCheck {
  readonly ok: boolean;
  readonly hash: string | null;
  readonly issues: readonly Issue[];
}

/** A part of `Replanned`. */
export interface PlanDiffEntry {
  readonly node: string;
  readonly status: NodeStatus;
  readonly code:
    | 'unchanged'
    | 'definition-changed'
    | 'inbound-edges-changed'
    | 'rests-on-change'
    | 'race-reopened'
    | 'added'
    | 'removed';
  readonly why: string;
}

/** What `getTaskArtifact` gives. */
export interface PresentedArtifact {
  readonly name: string;
  readonly kind: string;
  readonly pointer: string | null;
  readonly payload?: JsonValue;
}

/** What a request that did not succeed is answered with. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  /** Stable; texts are not */
  readonly code: string;
  readonly detail: string;
  /** Whether the same request may succeed later */
  readonly retryable: boolean;
  readonly hint?: string;
  readonly issues?: readonly Issue[];
  readonly data?: JsonObject;
}

/** What `replanRun` gives. */
export interface Replanned {
  readonly run: string;
  readonly plan: string;
  readonly previous: string;
  readonly isDryRun: boolean;
  readonly conflicts: readonly string[];
  readonly kept: readonly PlanDiffEntry[];
  readonly rerun: readonly PlanDiffEntry[];
  readonly added: readonly PlanDiffEntry[];
  readonly removed: readonly PlanDiffEntry[];
}

/** What `replayRun` gives. */
export interface Replay {
  readonly run: string;
  readonly seq: number;
  readonly status: RunStatus | null;
  readonly reason: JsonObject | null;
  readonly plan: string;
  readonly nodes: readonly JsonObject[];
  readonly past: readonly JsonObject[];
  readonly attempts: readonly JsonObject[];
  readonly artifacts: readonly JsonObject[];
  readonly tasks: readonly JsonObject[];
  readonly timers: readonly JsonObject[];
  readonly signals: readonly JsonObject[];
  readonly hash: string;
  readonly matches: boolean | null;
  readonly differences: readonly Difference[];
}

/** What `respond` gives. */
export interface Responded {
  readonly run: string;
  readonly node: string;
  readonly task: string;
  readonly outcome: string;
  /** False where the votes of others are awaited */
  readonly isDecided: boolean;
}

/** A part of `WebhookWithSecret`, `Webhook`. */
export interface RetryingRun {
  readonly after: number;
  readonly tries: number;
  /** Milliseconds since the epoch, UTC */
  readonly dueAt: number;
  readonly error: DeliveryError;
}

/** What `getRun` gives. */
export interface RunDetails {
  readonly id: string;
  readonly status: RunStatus;
  /** Hash of the plan version that the run is pinned to */
  readonly plan: string;
  readonly metadata: JsonObject;
  /** Milliseconds since the epoch, UTC */
  readonly createdAt: number;
  /** Milliseconds since the epoch, UTC */
  readonly updatedAt: number;
  /** Milliseconds since the epoch, UTC */
  readonly endedAt: number | null;
  /** Why it failed or was cancelled */
  readonly reason: JsonObject | null;
  readonly origin: RunOrigin | null;
  readonly inputs: JsonValue;
  /** Number of the newest event */
  readonly seq: number;
  readonly nodes: readonly NodeRun[];
  readonly tasks: readonly Task[];
  readonly artifacts: readonly Artifact[];
  readonly issues: readonly NodeIssue[];
}

/** A part of `RunResult`. */
export interface RunError {
  readonly node: string;
  readonly attempt: number;
  /** Milliseconds since the epoch, UTC */
  readonly at: number;
  readonly code: string;
  readonly message: string;
}

/** What `listEvents` gives. */
export interface RunEvent {
  /** `run/seq`: unique over all runs */
  readonly id: string;
  readonly run: string;
  readonly seq: number;
  readonly type: string;
  readonly node: string | null;
  readonly attempt: number | null;
  /** Milliseconds since the epoch, UTC */
  readonly at: number;
  readonly detail: JsonObject;
  readonly emitter: Emitter;
  /** Shared by all that comes of one start */
  readonly correlation: string;
}

/** A part of `RunSummary`, `RunDetails`, `RunSnapshot`. */
export interface RunOrigin {
  readonly type: 'fork' | 'replacement' | 'import';
  readonly run: string;
  readonly seq: number;
}

/** A part of `RunSnapshot`. */
export type RunPart =
  | 'plan'
  | 'nodes'
  | 'attempts'
  | 'events'
  | 'artifacts'
  | 'tasks'
  | 'checkpoints'
  | 'issues'
  | 'signals';

/** What `getRunResult` gives. */
export interface RunResult {
  readonly id: string;
  readonly status: RunStatus;
  readonly outputs: JsonObject;
  readonly output?: JsonValue;
  readonly errors: readonly RunError[];
  readonly failureCount: {
    readonly attempts: number;
    readonly nodes: number;
  };
  readonly reason: JsonObject | null;
}

/** What `getRun` gives. */
export interface RunSnapshot {
  readonly id: string;
  readonly status: RunStatus;
  /** Hash of the plan version that the run is pinned to */
  readonly plan: string;
  readonly metadata: JsonObject;
  /** Milliseconds since the epoch, UTC */
  readonly createdAt: number;
  /** Milliseconds since the epoch, UTC */
  readonly updatedAt: number;
  /** Milliseconds since the epoch, UTC */
  readonly endedAt: number | null;
  /** Why it failed or was cancelled */
  readonly reason: JsonObject | null;
  readonly origin: RunOrigin | null;
  readonly inputs: JsonValue;
  /** Number of the newest event */
  readonly seq: number;
  readonly definition?: JsonObject;
  readonly nodes?: readonly NodeRun[];
  readonly attempts?: readonly Attempt[];
  readonly events?: readonly RunEvent[];
  readonly artifacts?: readonly Artifact[];
  readonly tasks?: readonly Task[];
  readonly checkpoints?: readonly Checkpoint[];
  readonly issues?: readonly NodeIssue[];
  readonly signals?: readonly Signal[];
  /** Parts that go on in their own lists */
  readonly more: readonly RunPart[];
}

/** What `getRunState` gives. */
export interface RunState {
  readonly run: string;
  readonly seq: number;
  readonly status: RunStatus;
  readonly cause: string;
  /** Milliseconds since the epoch, UTC */
  readonly at: number;
  readonly nodes: readonly NodeState[];
  readonly artifacts: readonly ArtifactMention[];
}

/** A part of `SimulatedPath`, `RunSummary`, `RunDetails`, `RunSnapshot`, `RunResult`, `RunState`, `Replay`. */
export type RunStatus =
  | 'pending'
  | 'ready'
  | 'running'
  | 'awaiting-human'
  | 'blocked'
  | 'paused'
  | 'completed'
  | 'partial'
  | 'failed'
  | 'cancelled';

/** What `startRun`, `listRuns`, `pauseRun` gives. */
export interface RunSummary {
  readonly id: string;
  readonly status: RunStatus;
  /** Hash of the plan version that the run is pinned to */
  readonly plan: string;
  readonly metadata: JsonObject;
  /** Milliseconds since the epoch, UTC */
  readonly createdAt: number;
  /** Milliseconds since the epoch, UTC */
  readonly updatedAt: number;
  /** Milliseconds since the epoch, UTC */
  readonly endedAt: number | null;
  /** Why it failed or was cancelled */
  readonly reason: JsonObject | null;
  readonly origin: RunOrigin | null;
}

/** A part of `BulkPreview`. */
export interface SampledRun {
  readonly id: string;
  readonly status:
    | 'pending'
    | 'ready'
    | 'running'
    | 'awaiting-human'
    | 'blocked'
    | 'paused'
    | 'completed'
    | 'partial'
    | 'failed'
    | 'cancelled';
  /** Milliseconds since the epoch, UTC */
  readonly createdAt: number;
}

/** What `createSchedule`, `listSchedules`, `getSchedule` gives. */
export interface Schedule {
  readonly id: string;
  /** Hash of the plan version that is started */
  readonly plan: string;
  readonly label: string;
  readonly cadence: Cadence;
  readonly input: JsonValue;
  readonly runOptions: ScheduledRunOptions;
  readonly overlap: 'skip' | 'queue' | 'replace' | 'allow';
  readonly catchUp:
    | 'none'
    | 'latest'
    | {
        readonly max: number;
      };
  /** Milliseconds since the epoch, UTC */
  readonly startAt: number | null;
  /** Milliseconds since the epoch, UTC */
  readonly endAt: number | null;
  readonly jitterMs: number;
  readonly paused: boolean;
  /** Milliseconds since the epoch, UTC */
  readonly decidedUntil: number;
  /** Milliseconds since the epoch, UTC */
  readonly lastOccurrence: number | null;
  readonly activeRun: string | null;
  readonly queued: readonly {
    /** Milliseconds since the epoch, UTC */
    readonly at: number;
    readonly manual: boolean;
  }[];
  /** Milliseconds since the epoch, UTC */
  readonly dueAt: number | null;
  readonly counters: ScheduleCounters;
  /** Milliseconds since the epoch, UTC */
  readonly createdAt: number;
  /** Milliseconds since the epoch, UTC */
  readonly updatedAt: number;
}

/** A part of `Schedule`. */
export interface ScheduleCounters {
  readonly started: number;
  readonly skipped: number;
  readonly missed: number;
  readonly replaced: number;
  readonly overflowed: number;
}

/** A part of `Schedule`. */
export interface ScheduledRunOptions {
  readonly metadata?: JsonObject;
  readonly priority?: number;
  readonly deadlineMs?: number;
  /** What a run may use up */
  readonly budget?: {
    /** Node runs that may start to work, iterations and items included */
    readonly maxSteps?: number;
    /** Attempts of all of them */
    readonly maxAttempts?: number;
    /** Backtracks */
    readonly maxRestarts?: number;
    /** Time from its start to its end */
    readonly maxWallMs?: number;
    /** Sum of `usage.cost` */
    readonly maxCost?: number;
    /** Sum of `usage.tokens` */
    readonly maxTokens?: number;
    /** The run fails, or a person may grant it again */
    readonly onExhausted?: 'fail' | 'ask';
  };
  readonly concurrency?: number;
}

/** What `listSignals` gives. */
export interface Signal {
  readonly id: string;
  readonly name: string;
  /** Absent once the signal is delivered */
  readonly payload?: JsonValue;
  /** Milliseconds since the epoch, UTC */
  readonly sentAt: number;
  readonly seq: number;
  readonly deliveredTo: string | null;
}

/** What `signalRun` gives. */
export interface Signalled {
  readonly run: string;
  readonly signal: string;
  /** False where a signal of this id had come before */
  readonly isNew: boolean;
}

/** A part of `Simulation`. */
export interface SimulatedPath {
  readonly choices: readonly {
    readonly node: string;
    readonly choice: string;
    readonly others: readonly string[];
  }[];
  readonly nodes: readonly {
    readonly node: string;
    readonly status: NodeStatus;
  }[];
  readonly status: RunStatus;
  readonly reason: JsonObject | null;
  readonly durationMs: number;
  /** Whether it met a limit before its end */
  readonly isCut: boolean;
}

/** What `simulatePlan` gives. */
export interface Simulation {
  readonly plan: string;
  readonly seed: number;
  readonly paths: readonly SimulatedPath[];
  readonly neverReached: readonly string[];
  readonly neverTaken: readonly string[];
  readonly undetermined: readonly UndeterminedCondition[];
  readonly isComplete: boolean;
  readonly warnings: readonly SimulationWarning[];
}

/** A part of `Simulation`. */
export interface SimulationWarning {
  readonly code: string;
  readonly message: string;
  readonly node?: string;
}

/** What `storePlan`, `listPlanVersions` gives. */
export interface StoredPlan {
  /** Names the version, in place of a plan on offer */
  readonly hash: string;
  readonly title: string;
  /** When it was stored first */
  readonly at: number;
  readonly by: string | null;
}

/** What `streamRun` gives. */
export interface StreamEnd {
  readonly type: 'end';
  readonly node: string;
  readonly generation: number;
  readonly attempt: number;
  readonly chunks: number;
  readonly characters: number;
  /** How often a watcher was too slow for a chunk */
  readonly dropped: number;
  /** Number of its event `attempt.streamed` */
  readonly seq: number | null;
}

/** What `streamRun` gives. */
export interface StreamGap {
  readonly type: 'gap';
  readonly node: string;
  readonly generation: number;
  readonly attempt: number;
  /** So many are not told: they came too early, or too fast */
  readonly chunks: number;
}

/** What `streamRun` gives. */
export interface StreamedChunk {
  readonly type: 'chunk';
  readonly node: string;
  readonly generation: number;
  readonly attempt: number;
  /** Within its attempt, from 1 */
  readonly number: number;
  /** The check whose handler streams it */
  readonly check?: string;
  readonly value: JsonValue;
}

/** What `examineRuns` gives. */
export interface StuckRun {
  readonly run: string;
  readonly code: string;
  readonly message: string;
}

/** A part of `Health`. */
export interface SupervisorStats {
  readonly residentRuns: number;
  readonly handlersAtWork: number;
  readonly turnsUnderWay: number;
  readonly obstructedRuns: readonly StuckRun[];
  readonly admission: AdmissionReport;
  /** Why this process can write no more */
  readonly stopped?: string;
}

/** What `listTasks`, `getTask` gives. */
export interface Task {
  readonly id: string;
  readonly run: string;
  readonly node: string;
  readonly kind: string;
  readonly status: 'open' | 'answered' | 'expired' | 'cancelled' | 'superseded';
  readonly presented: JsonObject;
  /** Of what is presented; an answer may name it */
  readonly digest: string;
  readonly responseSchema: JsonValue;
  readonly responders: readonly string[] | null;
  readonly groups: readonly string[] | null;
  readonly quorum: {
    readonly approvals: number;
    readonly rejections: number;
  } | null;
  readonly assignee: string | null;
  readonly round: number;
  readonly reminders: number;
  /** Milliseconds since the epoch, UTC */
  readonly deadlineAt: number | null;
  /** Milliseconds since the epoch, UTC */
  readonly openedAt: number;
  /** Milliseconds since the epoch, UTC */
  readonly closedAt: number | null;
}

/** What `claimTask`, `releaseTask`, `delegateTask` gives. */
export interface TaskChanged {
  readonly run: string;
  readonly node: string;
  readonly task: string;
  readonly assignee: string | null;
  /** Milliseconds since the epoch, UTC */
  readonly deadlineAt: number | null;
}

/** What `createTaskLink` gives. */
export interface TaskLink {
  readonly id: string;
  readonly task: string;
  readonly principal: string;
  /** Shown this once: absent from the same answer to the same `Idempotency-Key` */
  readonly path?: string;
  /** Milliseconds since the epoch, UTC */
  readonly expiresAt: number;
}

/** What `listResponses` gives. */
export interface TaskResponse {
  readonly id: string;
  readonly task: string;
  readonly responder: string | null;
  readonly response: JsonValue;
  readonly outcome: string;
  /** Milliseconds since the epoch, UTC */
  readonly at: number;
  readonly digest: string;
  readonly messageId: string | null;
  readonly comment: string | null;
}

/** What `listTokens`, `revokeToken` gives. */
export interface Token {
  readonly id: string;
  readonly tenant: string;
  readonly principal: string;
  readonly roles: readonly ('reader' | 'operator' | 'responder' | 'worker' | 'admin')[];
  readonly groups: readonly string[];
  /** Milliseconds since the epoch, UTC */
  readonly createdAt: number;
  readonly createdBy: string | null;
  /** Milliseconds since the epoch, UTC */
  readonly expiresAt: number | null;
  /** Milliseconds since the epoch, UTC */
  readonly revokedAt: number | null;
  /** Milliseconds since the epoch, UTC */
  readonly lastUsedAt: number | null;
}

/** What `triggerSchedule` gives. */
export interface Triggered {
  readonly run: string;
  readonly outcome: 'started' | 'queued' | 'skipped';
}

/** What `trimHistory` gives. */
export interface Trimmed {
  readonly runs: number;
  readonly trimmedRuns: number;
  readonly events: number;
  readonly payloads: number;
  readonly dryRun: boolean;
}

/** A part of `Simulation`. */
export interface UndeterminedCondition {
  readonly edge: string;
  readonly condition: string;
  readonly seen: readonly ('true' | 'false' | 'error')[];
}

/** What `previewSchedule` gives. */
export interface UpcomingOccurrence {
  /** Milliseconds since the epoch, UTC */
  readonly occurrence: number;
  /** Milliseconds since the epoch, UTC */
  readonly startsAt: number;
}

/** What `verifyRun` gives. */
export interface Verification {
  readonly run: string;
  readonly ok: boolean;
  readonly turns: number;
  readonly trimmedTo: number;
  readonly hash: string | null;
  readonly findings: readonly Finding[];
  readonly differences: readonly Difference[];
}

/** What `listWebhooks`, `getWebhook`, `updateWebhook` gives. */
export interface Webhook {
  readonly id: string;
  readonly url: string;
  readonly description: string;
  readonly types: readonly string[];
  readonly plan: string | null;
  readonly metadata: JsonObject | null;
  readonly disabled: DisabledWebhook;
  /** Milliseconds since the epoch, UTC */
  readonly failingSince: number | null;
  /** Milliseconds since the epoch, UTC */
  readonly missedAt: number | null;
  readonly behind: number;
  readonly retrying: readonly RetryingRun[];
  readonly deadLetters: number;
  /** Milliseconds since the epoch, UTC */
  readonly oldSecretUntil: number | null;
  /** Milliseconds since the epoch, UTC */
  readonly createdAt: number;
  /** Milliseconds since the epoch, UTC */
  readonly updatedAt: number;
}

/** What `addWebhook`, `rotateWebhook` gives. */
export interface WebhookWithSecret {
  readonly id: string;
  readonly url: string;
  readonly description: string;
  readonly types: readonly string[];
  readonly plan: string | null;
  readonly metadata: JsonObject | null;
  readonly disabled: DisabledWebhook;
  /** Milliseconds since the epoch, UTC */
  readonly failingSince: number | null;
  /** Milliseconds since the epoch, UTC */
  readonly missedAt: number | null;
  readonly behind: number;
  readonly retrying: readonly RetryingRun[];
  readonly deadLetters: number;
  /** Milliseconds since the epoch, UTC */
  readonly oldSecretUntil: number | null;
  /** Milliseconds since the epoch, UTC */
  readonly createdAt: number;
  /** Milliseconds since the epoch, UTC */
  readonly updatedAt: number;
  /** Shown this once: absent from the same answer to the same `Idempotency-Key` */
  readonly secret?: string;
}

/** What each operation takes and gives. */
export interface Operations {
  /** 200 if decisions can be made durable, else 503; queue, handlers at work, runs that cannot go on, or the status alone where the server wants tokens */
  readonly getHealth: {
    readonly request: Record<string, never>;
    readonly answer: Health;
  };
  /** 200 as long as the process answers at all */
  readonly getLiveness: {
    readonly request: Record<string, never>;
    readonly answer: {
      readonly status: 'ok';
    };
  };
  /** 200 if the process takes requests, 503 if decisions cannot be made durable or it is closing */
  readonly getReadiness: {
    readonly request: Record<string, never>;
    readonly answer: {
      readonly status: 'ok' | 'failing' | 'lost' | 'closing';
    };
  };
  /** name, title and hash of each plan on offer */
  readonly listPlans: {
    readonly request: Record<string, never>;
    readonly answer: {
      readonly plans: readonly OfferedPlan[];
    };
  };
  /** the plan */
  readonly getPlan: {
    readonly request: { readonly name: string };
    readonly answer: JsonObject;
  };
  /** Mermaid */
  readonly getPlanDiagram: {
    readonly request: { readonly name: string };
    readonly answer: string;
  };
  /** stores a plan without starting it, for runs that name it by its hash: 201 and `Location`; 200 if it was there */
  readonly storePlan: {
    readonly request: {
      readonly body: {
        readonly plan: JsonObject;
        readonly by?: string;
      };
    };
    readonly answer: StoredPlan;
  };
  /** versions that were stored so, newest first, of the plan with a `title`; `before` a hash */
  readonly listPlanVersions: {
    readonly request: {
      readonly title?: string;
      readonly limit?: number;
      readonly before?: string;
    };
    readonly answer: {
      readonly versions: readonly StoredPlan[];
    };
  };
  /** the plan of a version that was stored, or that runs are, or were, pinned to */
  readonly getPlanVersion: {
    readonly request: { readonly hash: string };
    readonly answer: JsonObject;
  };
  /** Mermaid */
  readonly getPlanVersionDiagram: {
    readonly request: { readonly hash: string };
    readonly answer: string;
  };
  /** compiles a plan and keeps nothing: its hash, or all that is wrong with it */
  readonly validatePlan: {
    readonly request: {
      readonly body: {
        readonly plan: string | JsonObject;
      };
    };
    readonly answer: PlanCheck;
  };
  /** Mermaid of a plan in place */
  readonly drawPlan: {
    readonly request: {
      readonly body: {
        readonly plan: string | JsonObject;
      };
    };
    readonly answer: string;
  };
  /** goes through a plan without its handlers: the paths it can take; see [simulate](simulate-and-why.md) */
  readonly simulatePlan: {
    readonly request: {
      readonly body: {
        readonly plan: string | JsonObject;
        readonly input?: JsonValue;
        readonly outputs?: JsonObject;
        readonly answers?: JsonObject;
        readonly failures?: boolean;
        readonly seed?: number;
        readonly maxPaths?: number;
        readonly maxSteps?: number;
      };
    };
    readonly answer: Simulation;
  };
  /** starts a run: 201 and `Location`; 200 if it was there */
  readonly startRun: {
    readonly request: {
      readonly body: {
        readonly plan: string | JsonObject;
        readonly input?: JsonValue;
        readonly id?: string;
        readonly metadata?: JsonObject;
        readonly concurrency?: number;
        readonly priority?: number;
        readonly deadlineMs?: number;
        /** What a run may use up */
        readonly budget?: {
          /** Node runs that may start to work, iterations and items included */
          readonly maxSteps?: number;
          /** Attempts of all of them */
          readonly maxAttempts?: number;
          /** Backtracks */
          readonly maxRestarts?: number;
          /** Time from its start to its end */
          readonly maxWallMs?: number;
          /** Sum of `usage.cost` */
          readonly maxCost?: number;
          /** Sum of `usage.tokens` */
          readonly maxTokens?: number;
          /** The run fails, or a person may grant it again */
          readonly onExhausted?: 'fail' | 'ask';
        };
        readonly requestedBy?: string;
        readonly correlation?: string;
        readonly startAt?: number;
        readonly stepwise?: boolean;
        readonly until?: readonly string[];
        readonly singleton?: {
          readonly key: string;
          readonly onConflict: 'return' | 'refuse' | 'replace';
        };
        readonly debounce?: {
          readonly key: string;
          readonly delayMs: number;
        };
      };
    };
    readonly answer: RunSummary;
  };
  /** runs, newest first; `before` a run */
  readonly listRuns: {
    readonly request: {
      readonly status?:
        | 'pending'
        | 'ready'
        | 'running'
        | 'awaiting-human'
        | 'blocked'
        | 'paused'
        | 'completed'
        | 'partial'
        | 'failed'
        | 'cancelled';
      readonly limit?: number;
      readonly before?: string;
    };
    readonly answer: {
      readonly runs: readonly RunSummary[];
    };
  };
  /** the run with its nodes, open tasks, artifacts and issues, or with the parts that are to be included, 500 entries of each; `more` names those that go on in their own lists */
  readonly getRun: {
    readonly request: { readonly id: string; readonly include?: string };
    readonly answer: RunDetails | RunSnapshot;
  };
  /** status, outputs by node, errors */
  readonly getRunResult: {
    readonly request: { readonly id: string };
    readonly answer: RunResult;
  };
  /** the plan that it is pinned to now */
  readonly getRunPlan: {
    readonly request: { readonly id: string };
    readonly answer: JsonObject;
  };
  /** Mermaid with statuses and the edges taken */
  readonly getRunDiagram: {
    readonly request: { readonly id: string };
    readonly answer: string;
  };
  /** cancels it; repeated, the same answer */
  readonly cancelRun: {
    readonly request: {
      readonly id: string;
      readonly body?: {
        readonly reason?: string;
        readonly by?: string;
      };
    };
    readonly answer: Cancelled;
  };
  /** starts nothing new, in the runs of its subplans neither */
  readonly pauseRun: {
    readonly request: { readonly id: string; readonly body?: Record<string, never> };
    readonly answer: RunSummary;
  };
  /** goes on, with the runs of subplans that were paused with it */
  readonly resumeRun: {
    readonly request: { readonly id: string; readonly body?: Record<string, never> };
    readonly answer: RunSummary;
  };
  /** takes one step of a paused run */
  readonly stepRun: {
    readonly request: { readonly id: string; readonly body?: Record<string, never> };
    readonly answer: RunSummary;
  };
  /** adds to what is known of it; other keys stay */
  readonly annotateRun: {
    readonly request: {
      readonly id: string;
      readonly body: {
        readonly metadata: JsonObject;
        readonly by?: string;
      };
    };
    readonly answer: Annotated;
  };
  /** tells it something: 201; 200 if the id had come before */
  readonly signalRun: {
    readonly request: {
      readonly id: string;
      readonly body: {
        readonly name: string;
        readonly payload?: JsonValue;
        readonly id?: string;
      };
    };
    readonly answer: Signalled;
  };
  /** sets a node going again that is blocked or failed */
  readonly retryNode: {
    readonly request: {
      readonly id: string;
      readonly body: {
        readonly node: string;
        readonly by?: string;
      };
    };
    readonly answer: RunSummary;
  };
  /** tries a run again that failed or was cancelled: a fork from before it began to end */
  readonly retryRun: {
    readonly request: {
      readonly id: string;
      readonly body: {
        readonly id?: string;
        readonly by: string;
        readonly reason?: string;
      };
    };
    readonly answer: ForkedRun;
  };
  /** what led to the status of a node run, by its path; see [why](simulate-and-why.md) */
  readonly explainNode: {
    readonly request: { readonly id: string; readonly node?: string };
    readonly answer: Explanation;
  };
  /** node runs, also inside loops and maps, by path */
  readonly listNodeRuns: {
    readonly request: {
      readonly id: string;
      readonly scope?: string;
      readonly after?: string;
      readonly limit?: number;
    };
    readonly answer: {
      readonly nodes: readonly NodeRun[];
    };
  };
  /** tries of a node run, by its path, or of all, oldest first, each with the `input` that it was given. `after` is NODE/GENERATION/ATTEMPT */
  readonly listAttempts: {
    readonly request: {
      readonly id: string;
      readonly node?: string;
      readonly after?: string;
      readonly limit?: number;
    };
    readonly answer: {
      readonly attempts: readonly Attempt[];
    };
  };
  /** ends of turns, oldest first; `after` an event */
  readonly listCheckpoints: {
    readonly request: { readonly id: string; readonly after?: number; readonly limit?: number };
    readonly answer: {
      readonly checkpoints: readonly Checkpoint[];
    };
  };
  /** what it was told, in order; `after` the number of a signal */
  readonly listSignals: {
    readonly request: { readonly id: string; readonly after?: number; readonly limit?: number };
    readonly answer: {
      readonly signals: readonly Signal[];
    };
  };
  /** outputs that nodes set, and that were deleted as nodes began again, in order; `after` an event */
  readonly listChanges: {
    readonly request: { readonly id: string; readonly after?: number; readonly limit?: number };
    readonly answer: {
      readonly changes: readonly ContextChange[];
    };
  };
  /** events in order, `after` a number. A stream if asked for */
  readonly listEvents: {
    readonly request: { readonly id: string; readonly after?: number; readonly limit?: number };
    readonly answer: {
      readonly events: readonly RunEvent[];
    };
  };
  /** lets a node count as done; see [change](change.md) */
  readonly completeNode: {
    readonly request: {
      readonly id: string;
      readonly body: {
        readonly node: string;
        readonly by: string;
        readonly reason?: string;
        readonly output?: JsonValue;
        readonly outcome?: string;
        readonly action?: string;
      };
    };
    readonly answer: ChangedNode;
  };
  /** lets a node count as skipped */
  readonly skipNode: {
    readonly request: {
      readonly id: string;
      readonly body: {
        readonly node: string;
        readonly by: string;
        readonly reason?: string;
      };
    };
    readonly answer: ChangedNode;
  };
  /** gives a node another input */
  readonly patchNode: {
    readonly request: {
      readonly id: string;
      readonly body: {
        readonly node: string;
        readonly by: string;
        readonly reason?: string;
        readonly input: JsonValue;
      };
    };
    readonly answer: ChangedNode;
  };
  /** has a node and all that follows from it begin again */
  readonly rollbackRun: {
    readonly request: {
      readonly id: string;
      readonly body: {
        readonly node: string;
        readonly by: string;
        readonly reason?: string;
      };
    };
    readonly answer: RunSummary;
  };
  /** gives it another plan: what becomes of each node */
  readonly replanRun: {
    readonly request: {
      readonly id: string;
      readonly body: {
        readonly plan: string | JsonObject;
        readonly dryRun?: boolean;
        readonly cancelRunning?: boolean;
        readonly by: string;
        readonly reason?: string;
      };
    };
    readonly answer: Replanned;
  };
  /** makes a new run of it: 201 and `Location`; 200 if it was there */
  readonly forkRun: {
    readonly request: {
      readonly id: string;
      readonly body: {
        readonly at?: number;
        readonly from?: string;
        readonly inputs?: JsonObject;
        readonly plan?: string | JsonObject;
        readonly id?: string;
        readonly by: string;
        readonly reason?: string;
      };
    };
    readonly answer: ForkedRun;
  };
  /** makes a new run of it and cancels it: as for a fork */
  readonly replaceRun: {
    readonly request: {
      readonly id: string;
      readonly body: {
        readonly plan: string | JsonObject;
        readonly id?: string;
        readonly by: string;
        readonly reason?: string;
      };
    };
    readonly answer: ForkedRun;
  };
  /** the run as it was `at` an event: its checkpoint, statuses and artifacts */
  readonly getRunState: {
    readonly request: { readonly id: string; readonly at: number };
    readonly answer: RunState;
  };
  /** the run made again from its log, with a hash, and whether what is stored agrees; `at` an event; see [history](history.md) */
  readonly replayRun: {
    readonly request: { readonly id: string; readonly at?: number };
    readonly answer: Replay;
  };
  /** whether log, snapshots and rows of the run are whole */
  readonly verifyRun: {
    readonly request: { readonly id: string };
    readonly answer: Verification;
  };
  /** a run that has ended as one file, JSON Lines; for a `host` also one with secrets, with `secrets` include */
  readonly exportRun: {
    readonly request: { readonly id: string; readonly secrets?: 'include' };
    readonly answer: ReadableStream<Uint8Array>;
  };
  /** brings in an exported run, under the id `as`: 201; 200 if it was there */
  readonly importRun: {
    readonly request: { readonly as?: string; readonly body: FileBody };
    readonly answer: Imported;
  };
  /** removes old runs and old history; how much */
  readonly trimHistory: {
    readonly request: {
      readonly body?: {
        readonly olderThanMs?: number;
        readonly historyOlderThanMs?: number;
        readonly dryRun?: boolean;
      };
    };
    readonly answer: Trimmed;
  };
  /** live runs that this program could not take up, and why */
  readonly examineRuns: {
    readonly request: Record<string, never>;
    readonly answer: {
      readonly runs: readonly StuckRun[];
    };
  };
  /** every version of every artifact, rejected ones too; large payloads are left out. `after` is NAME/VERSION */
  readonly listArtifacts: {
    readonly request: { readonly id: string; readonly after?: string; readonly limit?: number };
    readonly answer: {
      readonly artifacts: readonly Artifact[];
    };
  };
  /** an artifact with its payload: the `version`, or the newest accepted one */
  readonly getArtifact: {
    readonly request: { readonly id: string; readonly name: string; readonly version?: number };
    readonly answer: Artifact;
  };
  /** the payload alone, as JSON, in pieces: it breaks off where it turns out to be damaged */
  readonly getArtifactPayload: {
    readonly request: { readonly id: string; readonly name: string; readonly version?: number };
    readonly answer: ReadableStream<Uint8Array>;
  };
  /** tasks of all runs, oldest first, open ones unless told otherwise; `answerableBy` a name, `after` a task */
  readonly listTasks: {
    readonly request: {
      readonly status?: 'open' | 'answered' | 'expired' | 'cancelled' | 'superseded' | 'any';
      readonly run?: string;
      readonly assignee?: string;
      readonly answerableBy?: string;
      readonly after?: string;
      readonly limit?: number;
    };
    readonly answer: {
      readonly tasks: readonly Task[];
    };
  };
  /** one task */
  readonly getTask: {
    readonly request: { readonly id: string };
    readonly answer: Task;
  };
  /** an artifact that it shows, with its payload: of what is judged, or was refused */
  readonly getTaskArtifact: {
    readonly request: { readonly id: string; readonly name: string };
    readonly answer: PresentedArtifact;
  };
  /** answers to it, oldest first */
  readonly listResponses: {
    readonly request: { readonly id: string };
    readonly answer: {
      readonly responses: readonly TaskResponse[];
    };
  };
  /** answers it; `run` refuses tasks of others */
  readonly respond: {
    readonly request: {
      readonly id: string;
      readonly body: {
        readonly response: JsonValue;
        readonly responder?: string;
        readonly run?: string;
        readonly digest?: string;
        readonly messageId?: string;
        readonly comment?: string;
        readonly artifacts?: readonly {
          readonly name: string;
          readonly kind: string;
          readonly pointer?: string;
          readonly payload?: JsonValue;
        }[];
      };
    };
    readonly answer: Responded;
  };
  /** makes it one's own */
  readonly claimTask: {
    readonly request: {
      readonly id: string;
      readonly body: {
        readonly by: string;
      };
    };
    readonly answer: TaskChanged;
  };
  /** gives it back */
  readonly releaseTask: {
    readonly request: {
      readonly id: string;
      readonly body: {
        readonly by: string;
      };
    };
    readonly answer: TaskChanged;
  };
  /** hands it on */
  readonly delegateTask: {
    readonly request: {
      readonly id: string;
      readonly body: {
        readonly by: string;
        readonly to: string;
      };
    };
    readonly answer: TaskChanged;
  };
  /** gives it to somebody, or with null to nobody */
  readonly assignTask: {
    readonly request: {
      readonly id: string;
      readonly body: {
        readonly to: string | null;
        readonly by?: string;
      };
    };
    readonly answer: TaskChanged;
  };
  /** puts its deadline off */
  readonly extendTask: {
    readonly request: {
      readonly id: string;
      readonly body: {
        readonly deadlineAt: number;
        readonly by?: string;
      };
    };
    readonly answer: TaskChanged;
  };
  /** creates a [schedule](schedules.md): 201 and `Location`; 200 if it was there */
  readonly createSchedule: {
    readonly request: {
      readonly body: {
        readonly label?: string;
        readonly input?: JsonValue;
        readonly runOptions?: {
          readonly metadata?: JsonObject;
          readonly concurrency?: number;
          readonly priority?: number;
          readonly deadlineMs?: number;
          /** What a run may use up */
          readonly budget?: {
            /** Node runs that may start to work, iterations and items included */
            readonly maxSteps?: number;
            /** Attempts of all of them */
            readonly maxAttempts?: number;
            /** Backtracks */
            readonly maxRestarts?: number;
            /** Time from its start to its end */
            readonly maxWallMs?: number;
            /** Sum of `usage.cost` */
            readonly maxCost?: number;
            /** Sum of `usage.tokens` */
            readonly maxTokens?: number;
            /** The run fails, or a person may grant it again */
            readonly onExhausted?: 'fail' | 'ask';
          };
        };
        readonly overlap?: 'skip' | 'queue' | 'replace' | 'allow';
        readonly catchUp?:
          | 'none'
          | 'latest'
          | {
              readonly max: number;
            };
        readonly startAt?: number | null;
        readonly endAt?: number | null;
        readonly jitterMs?: number;
        readonly id: string;
        readonly plan: string | JsonObject;
        readonly cadence:
          | {
              readonly cron: string;
              readonly timeZone?: string;
            }
          | {
              readonly everyMs: number;
              readonly offsetMs?: number;
            };
      };
    };
    readonly answer: Schedule;
  };
  /** schedules, by id; `after` a schedule */
  readonly listSchedules: {
    readonly request: { readonly limit?: number; readonly after?: string };
    readonly answer: {
      readonly schedules: readonly Schedule[];
    };
  };
  /** the schedule and what became of its occurrences */
  readonly getSchedule: {
    readonly request: { readonly id: string };
    readonly answer: Schedule;
  };
  /** when it occurs next, paused or not */
  readonly previewSchedule: {
    readonly request: { readonly id: string; readonly count?: number };
    readonly answer: {
      readonly occurrences: readonly UpcomingOccurrence[];
    };
  };
  /** changes what the body has, and keeps the rest */
  readonly updateSchedule: {
    readonly request: {
      readonly id: string;
      readonly body?: {
        readonly label?: string;
        readonly input?: JsonValue;
        readonly runOptions?: {
          readonly metadata?: JsonObject;
          readonly concurrency?: number;
          readonly priority?: number;
          readonly deadlineMs?: number;
          /** What a run may use up */
          readonly budget?: {
            /** Node runs that may start to work, iterations and items included */
            readonly maxSteps?: number;
            /** Attempts of all of them */
            readonly maxAttempts?: number;
            /** Backtracks */
            readonly maxRestarts?: number;
            /** Time from its start to its end */
            readonly maxWallMs?: number;
            /** Sum of `usage.cost` */
            readonly maxCost?: number;
            /** Sum of `usage.tokens` */
            readonly maxTokens?: number;
            /** The run fails, or a person may grant it again */
            readonly onExhausted?: 'fail' | 'ask';
          };
        };
        readonly overlap?: 'skip' | 'queue' | 'replace' | 'allow';
        readonly catchUp?:
          | 'none'
          | 'latest'
          | {
              readonly max: number;
            };
        readonly startAt?: number | null;
        readonly endAt?: number | null;
        readonly jitterMs?: number;
        readonly plan?: string | JsonObject;
        readonly cadence?:
          | {
              readonly cron: string;
              readonly timeZone?: string;
            }
          | {
              readonly everyMs: number;
              readonly offsetMs?: number;
            };
      };
    };
    readonly answer: Schedule;
  };
  /** starts nothing by itself any more */
  readonly pauseSchedule: {
    readonly request: { readonly id: string; readonly body?: Record<string, never> };
    readonly answer: Schedule;
  };
  /** goes on from now */
  readonly resumeSchedule: {
    readonly request: { readonly id: string; readonly body?: Record<string, never> };
    readonly answer: Schedule;
  };
  /** asks for a run now: `{run, outcome}`, which is `started`, `queued` or `skipped` */
  readonly triggerSchedule: {
    readonly request: { readonly id: string; readonly body?: Record<string, never> };
    readonly answer: Triggered;
  };
  /** removes it; its runs go on */
  readonly removeSchedule: {
    readonly request: { readonly id: string; readonly body?: Record<string, never> };
    readonly answer: {
      readonly schedule: string;
      readonly removed: true;
    };
  };
  /** makes a token; `secret` is shown once: 201. Of another tenant for a `host` alone */
  readonly createToken: {
    readonly request: {
      readonly body: {
        readonly principal: string;
        readonly roles: readonly ('reader' | 'operator' | 'responder' | 'worker' | 'admin')[];
        readonly tenant?: string;
        readonly groups?: readonly string[];
        readonly expiresAt?: number;
        readonly by?: string;
      };
    };
    readonly answer: CreatedToken;
  };
  /** tokens, by id, without their secrets; `after` a token */
  readonly listTokens: {
    readonly request: {
      readonly after?: string;
      readonly limit?: number;
      readonly tenant?: string;
    };
    readonly answer: {
      readonly tokens: readonly Token[];
    };
  };
  /** ends a token at once; repeated, the same answer */
  readonly revokeToken: {
    readonly request: { readonly id: string; readonly body?: Record<string, never> };
    readonly answer: Token;
  };
  /** requests that were to change something, newest first; `before` a record */
  readonly listAudit: {
    readonly request: {
      readonly before?: string;
      readonly limit?: number;
      readonly tenant?: string;
    };
    readonly answer: {
      readonly audit: readonly AuditRecord[];
    };
  };
  /** a link by which one person answers the task once, without a token: 201 */
  readonly createTaskLink: {
    readonly request: {
      readonly id: string;
      readonly body: {
        readonly principal: string;
        readonly groups?: readonly string[];
        readonly expiresInMs?: number;
        readonly by?: string;
      };
    };
    readonly answer: TaskLink;
  };
  /** ends all links to the task */
  readonly revokeTaskLinks: {
    readonly request: { readonly id: string; readonly body?: Record<string, never> };
    readonly answer: {
      readonly task: string;
    };
  };
  /** the page of a link to a task; looking at it decides nothing */
  readonly openLink: {
    readonly request: { readonly secret: string };
    readonly answer: string;
  };
  /** answers the task of a link, with `choice` and `comment` of a form */
  readonly answerLink: {
    readonly request: { readonly secret: string; readonly body: FileBody };
    readonly answer: string;
  };
  /** metrics for Prometheus; see [operations](operations.md#metrics) */
  readonly getMetrics: {
    readonly request: Record<string, never>;
    readonly answer: string;
  };
  /** which runs would be hit, and the token to have it done; see [operations](operations.md#many-runs-at-once) */
  readonly previewBulk: {
    readonly request: {
      readonly body: {
        readonly action?: {
          readonly type: 'cancel' | 'pause' | 'resume' | 'signal' | 'retry';
          readonly reason?: string;
          readonly name?: string;
          readonly payload?: JsonValue;
        };
        readonly filter?: {
          readonly ids?: readonly string[];
          readonly status?: readonly (
            | 'pending'
            | 'ready'
            | 'running'
            | 'awaiting-human'
            | 'blocked'
            | 'paused'
            | 'completed'
            | 'partial'
            | 'failed'
            | 'cancelled'
          )[];
          readonly plan?: string;
          readonly metadata?: JsonObject;
          readonly createdBefore?: number;
          readonly createdAfter?: number;
          readonly updatedBefore?: number;
        };
      };
    };
    readonly answer: BulkPreview;
  };
  /** does it to a page of runs: an outcome each, and the cursor of the next page */
  readonly applyBulk: {
    readonly request: {
      readonly body: {
        readonly action?: {
          readonly type: 'cancel' | 'pause' | 'resume' | 'signal' | 'retry';
          readonly reason?: string;
          readonly name?: string;
          readonly payload?: JsonValue;
        };
        readonly filter?: {
          readonly ids?: readonly string[];
          readonly status?: readonly (
            | 'pending'
            | 'ready'
            | 'running'
            | 'awaiting-human'
            | 'blocked'
            | 'paused'
            | 'completed'
            | 'partial'
            | 'failed'
            | 'cancelled'
          )[];
          readonly plan?: string;
          readonly metadata?: JsonObject;
          readonly createdBefore?: number;
          readonly createdAfter?: number;
          readonly updatedBefore?: number;
        };
        readonly token: string;
        readonly by: string;
        readonly cursor?: string;
        readonly limit?: number;
        readonly allowChanges?: boolean;
      };
    };
    readonly answer: BulkPage;
  };
  /** what waits for external workers, by handler; see [workers](workers.md) */
  readonly listOffers: {
    readonly request: Record<string, never>;
    readonly answer: {
      readonly offers: readonly OfferedWork[];
    };
  };
  /** gives a worker what it can do; where there is nothing the answer waits for `waitMs`; with its key again, what it holds still */
  readonly claimWork: {
    readonly request: {
      readonly body: {
        readonly worker: string;
        readonly capabilities: readonly (
          | string
          | {
              readonly name: string;
              readonly version?: string;
            }
        )[];
        readonly limit?: number;
        readonly waitMs?: number;
      };
    };
    readonly answer: {
      readonly claims: readonly ClaimedWork[];
    };
  };
  /** extends a lease; with `waitMs` the answer waits for a cancel, so that it is heard at once */
  readonly heartbeatWork: {
    readonly request: {
      readonly body: {
        readonly token: string;
        readonly payload?: JsonValue;
        readonly waitMs?: number;
      };
    };
    readonly answer: LeaseState;
  };
  /** records a progress value, and extends the lease */
  readonly reportProgress: {
    readonly request: {
      readonly body: {
        readonly token: string;
        readonly progress: JsonValue;
      };
    };
    readonly answer: LeaseState;
  };
  /** takes a large payload of an artifact, as JSON, ahead of the result, which names it by its `digest` */
  readonly uploadPayload: {
    readonly request: { readonly token: string; readonly body: JsonValue };
    readonly answer: KeptPayload;
  };
  /** ends an attempt with its result; the same again gets the same answer */
  readonly completeWork: {
    readonly request: {
      readonly body: {
        readonly token: string;
        readonly result?: JsonValue;
      };
    };
    readonly answer: AcceptedResult;
  };
  /** ends an attempt with a failure, which the node's policy decides about */
  readonly failWork: {
    readonly request: {
      readonly body: {
        readonly token: string;
        readonly error: {
          readonly message: string;
          readonly code?: string;
          readonly class?: string;
          readonly retryable?: boolean;
        };
      };
    };
    readonly answer: AcceptedResult;
  };
  /** gives an attempt back, for another worker; that uses up no try */
  readonly releaseWork: {
    readonly request: {
      readonly body: {
        readonly token: string;
      };
    };
    readonly answer: AcceptedResult;
  };
  /** adds a [webhook](webhooks.md) of the tenant: 201, `Location`, and the only answer with its secret */
  readonly addWebhook: {
    readonly request: {
      readonly body: {
        readonly types?: readonly string[];
        readonly plan?: string | null;
        readonly metadata?: JsonObject | null;
        readonly description?: string;
        readonly url: string;
        readonly id?: string;
        readonly secret?: string;
      };
    };
    readonly answer: WebhookWithSecret;
  };
  /** webhooks, by id; for a `host` those of all tenants */
  readonly listWebhooks: {
    readonly request: Record<string, never>;
    readonly answer: {
      readonly webhooks: readonly Webhook[];
    };
  };
  /** the webhook, and which runs it is behind with */
  readonly getWebhook: {
    readonly request: { readonly id: string };
    readonly answer: Webhook;
  };
  /** changes what the body has, and keeps the rest; what was disabled goes on */
  readonly updateWebhook: {
    readonly request: {
      readonly id: string;
      readonly body?: {
        readonly types?: readonly string[];
        readonly plan?: string | null;
        readonly metadata?: JsonObject | null;
        readonly description?: string;
        readonly url?: string;
        readonly disabled?: boolean;
      };
    };
    readonly answer: Webhook;
  };
  /** gives it another secret, which the answer has */
  readonly rotateWebhook: {
    readonly request: {
      readonly id: string;
      readonly body?: {
        readonly secret?: string;
        readonly overlapMs?: number;
      };
    };
    readonly answer: WebhookWithSecret;
  };
  /** sends a `webhook.test` message: `{accepted, status, error}` */
  readonly testWebhook: {
    readonly request: { readonly id: string; readonly body?: Record<string, never> };
    readonly answer: Delivered;
  };
  /** removes it with its dead letters */
  readonly removeWebhook: {
    readonly request: { readonly id: string; readonly body?: Record<string, never> };
    readonly answer: {
      readonly webhook: string;
      readonly removed: true;
    };
  };
  /** deliveries that were given up, oldest first; `after` a message */
  readonly listDeadLetters: {
    readonly request: { readonly id: string; readonly limit?: number; readonly after?: string };
    readonly answer: {
      readonly deadLetters: readonly DeadLetter[];
    };
  };
  /** one of them, with what is sent */
  readonly getDeadLetter: {
    readonly request: { readonly id: string; readonly message: string };
    readonly answer: DeadLetterWithBody;
  };
  /** sends it once more: `{accepted, status, error}` */
  readonly redeliverDeadLetter: {
    readonly request: {
      readonly id: string;
      readonly message: string;
      readonly body?: Record<string, never>;
    };
    readonly answer: Delivered;
  };
  /** forgets it */
  readonly discardDeadLetter: {
    readonly request: {
      readonly id: string;
      readonly message: string;
      readonly body?: Record<string, never>;
    };
    readonly answer: {
      readonly webhook: string;
      readonly message: string;
      readonly discarded: true;
    };
  };
  /** events of all runs `after` a position, from now on without one; see [events](events.md#the-events-of-all-runs). `types`, `runs` with commas between them, `metadata` as JSON. A stream if asked for */
  readonly listAllEvents: {
    readonly request: {
      readonly types?: string;
      readonly runs?: string;
      readonly plan?: string;
      readonly metadata?: string;
      readonly after?: string;
      readonly limit?: number;
    };
    readonly answer: BusPage;
  };
  /** what handlers at work stream, of one node run or of all; see [streams](streams.md). A stream if asked for */
  readonly streamRun: {
    readonly request: { readonly id: string; readonly node?: string };
    readonly answer: {
      readonly items: readonly (StreamedChunk | StreamGap | StreamEnd)[];
    };
  };
  /** shows output of work to those who watch; `number` is that of the first chunk */
  readonly streamWork: {
    readonly request: {
      readonly body: {
        readonly token: string;
        readonly number: number;
        readonly chunks: readonly JsonValue[];
      };
    };
    readonly answer: string;
  };
  /** takes a message of the Model Context Protocol, and answers; see [agents](mcp.md) */
  readonly tellMcp: {
    readonly request: { readonly body?: JsonObject };
    readonly answer: McpMessage;
  };
  /** a stream of what the server says of itself in a session */
  readonly hearMcp: {
    readonly request: Record<string, never>;
    readonly answer: string;
  };
  /** ends a session */
  readonly endMcp: {
    readonly request: Record<string, never>;
    readonly answer: string;
  };
}

/** Names of operations. */
export type OperationName = keyof Operations;

/** How each operation is asked for: what answers with a text or a stream says so, what is keyed may be repeated. */
export const OPERATIONS = {
  getHealth: {
    method: 'GET',
    path: '/health',
    query: [],
    answer: 'json',
    isKeyed: false,
    isRepeatable: true,
  },
  getLiveness: {
    method: 'GET',
    path: '/health/live',
    query: [],
    answer: 'json',
    isKeyed: false,
    isRepeatable: true,
  },
  getReadiness: {
    method: 'GET',
    path: '/health/ready',
    query: [],
    answer: 'json',
    isKeyed: false,
    isRepeatable: true,
  },
  listPlans: {
    method: 'GET',
    path: '/plans',
    query: [],
    answer: 'json',
    isKeyed: false,
    isRepeatable: true,
  },
  getPlan: {
    method: 'GET',
    path: '/plans/{name}',
    query: [],
    answer: 'json',
    isKeyed: false,
    isRepeatable: true,
  },
  getPlanDiagram: {
    method: 'GET',
    path: '/plans/{name}/diagram',
    query: [],
    answer: 'text',
    isKeyed: false,
    isRepeatable: true,
  },
  storePlan: {
    method: 'POST',
    path: '/plan-versions',
    query: [],
    answer: 'json',
    isKeyed: true,
    isRepeatable: true,
  },
  listPlanVersions: {
    method: 'GET',
    path: '/plan-versions',
    query: ['title', 'limit', 'before'],
    answer: 'json',
    isKeyed: false,
    isRepeatable: true,
  },
  getPlanVersion: {
    method: 'GET',
    path: '/plan-versions/{hash}',
    query: [],
    answer: 'json',
    isKeyed: false,
    isRepeatable: true,
  },
  getPlanVersionDiagram: {
    method: 'GET',
    path: '/plan-versions/{hash}/diagram',
    query: [],
    answer: 'text',
    isKeyed: false,
    isRepeatable: true,
  },
  validatePlan: {
    method: 'POST',
    path: '/plans/validate',
    query: [],
    answer: 'json',
    isKeyed: false,
    isRepeatable: true,
  },
  drawPlan: {
    method: 'POST',
    path: '/plans/diagram',
    query: [],
    answer: 'text',
    isKeyed: false,
    isRepeatable: true,
  },
  simulatePlan: {
    method: 'POST',
    path: '/plans/simulate',
    query: [],
    answer: 'json',
    isKeyed: true,
    isRepeatable: true,
  },
  startRun: {
    method: 'POST',
    path: '/runs',
    query: [],
    answer: 'json',
    isKeyed: true,
    isRepeatable: true,
  },
  listRuns: {
    method: 'GET',
    path: '/runs',
    query: ['status', 'limit', 'before'],
    answer: 'json',
    isKeyed: false,
    isRepeatable: true,
  },
  getRun: {
    method: 'GET',
    path: '/runs/{id}',
    query: ['include'],
    answer: 'json',
    isKeyed: false,
    isRepeatable: true,
  },
  getRunResult: {
    method: 'GET',
    path: '/runs/{id}/result',
    query: [],
    answer: 'json',
    isKeyed: false,
    isRepeatable: true,
  },
  getRunPlan: {
    method: 'GET',
    path: '/runs/{id}/plan',
    query: [],
    answer: 'json',
    isKeyed: false,
    isRepeatable: true,
  },
  getRunDiagram: {
    method: 'GET',
    path: '/runs/{id}/diagram',
    query: [],
    answer: 'text',
    isKeyed: false,
    isRepeatable: true,
  },
  cancelRun: {
    method: 'POST',
    path: '/runs/{id}/cancel',
    query: [],
    answer: 'json',
    isKeyed: true,
    isRepeatable: true,
  },
  pauseRun: {
    method: 'POST',
    path: '/runs/{id}/pause',
    query: [],
    answer: 'json',
    isKeyed: true,
    isRepeatable: true,
  },
  resumeRun: {
    method: 'POST',
    path: '/runs/{id}/resume',
    query: [],
    answer: 'json',
    isKeyed: true,
    isRepeatable: true,
  },
  stepRun: {
    method: 'POST',
    path: '/runs/{id}/step',
    query: [],
    answer: 'json',
    isKeyed: true,
    isRepeatable: true,
  },
  annotateRun: {
    method: 'POST',
    path: '/runs/{id}/metadata',
    query: [],
    answer: 'json',
    isKeyed: true,
    isRepeatable: true,
  },
  signalRun: {
    method: 'POST',
    path: '/runs/{id}/signals',
    query: [],
    answer: 'json',
    isKeyed: true,
    isRepeatable: true,
  },
  retryNode: {
    method: 'POST',
    path: '/runs/{id}/retry',
    query: [],
    answer: 'json',
    isKeyed: true,
    isRepeatable: true,
  },
  retryRun: {
    method: 'POST',
    path: '/runs/{id}/retry-run',
    query: [],
    answer: 'json',
    isKeyed: true,
    isRepeatable: true,
  },
  explainNode: {
    method: 'GET',
    path: '/runs/{id}/why',
    query: ['node'],
    answer: 'json',
    isKeyed: false,
    isRepeatable: true,
  },
  listNodeRuns: {
    method: 'GET',
    path: '/runs/{id}/nodes',
    query: ['scope', 'after', 'limit'],
    answer: 'json',
    isKeyed: false,
    isRepeatable: true,
  },
  listAttempts: {
    method: 'GET',
    path: '/runs/{id}/attempts',
    query: ['node', 'after', 'limit'],
    answer: 'json',
    isKeyed: false,
    isRepeatable: true,
  },
  listCheckpoints: {
    method: 'GET',
    path: '/runs/{id}/checkpoints',
    query: ['after', 'limit'],
    answer: 'json',
    isKeyed: false,
    isRepeatable: true,
  },
  listSignals: {
    method: 'GET',
    path: '/runs/{id}/signals',
    query: ['after', 'limit'],
    answer: 'json',
    isKeyed: false,
    isRepeatable: true,
  },
  listChanges: {
    method: 'GET',
    path: '/runs/{id}/changes',
    query: ['after', 'limit'],
    answer: 'json',
    isKeyed: false,
    isRepeatable: true,
  },
  listEvents: {
    method: 'GET',
    path: '/runs/{id}/events',
    query: ['after', 'limit'],
    answer: 'json',
    isKeyed: false,
    isRepeatable: true,
  },
  completeNode: {
    method: 'POST',
    path: '/runs/{id}/complete',
    query: [],
    answer: 'json',
    isKeyed: true,
    isRepeatable: true,
  },
  skipNode: {
    method: 'POST',
    path: '/runs/{id}/skip',
    query: [],
    answer: 'json',
    isKeyed: true,
    isRepeatable: true,
  },
  patchNode: {
    method: 'POST',
    path: '/runs/{id}/patch',
    query: [],
    answer: 'json',
    isKeyed: true,
    isRepeatable: true,
  },
  rollbackRun: {
    method: 'POST',
    path: '/runs/{id}/rollback',
    query: [],
    answer: 'json',
    isKeyed: true,
    isRepeatable: true,
  },
  replanRun: {
    method: 'POST',
    path: '/runs/{id}/replan',
    query: [],
    answer: 'json',
    isKeyed: true,
    isRepeatable: true,
  },
  forkRun: {
    method: 'POST',
    path: '/runs/{id}/fork',
    query: [],
    answer: 'json',
    isKeyed: true,
    isRepeatable: true,
  },
  replaceRun: {
    method: 'POST',
    path: '/runs/{id}/replace',
    query: [],
    answer: 'json',
    isKeyed: true,
    isRepeatable: true,
  },
  getRunState: {
    method: 'GET',
    path: '/runs/{id}/state',
    query: ['at'],
    answer: 'json',
    isKeyed: false,
    isRepeatable: true,
  },
  replayRun: {
    method: 'GET',
    path: '/runs/{id}/replay',
    query: ['at'],
    answer: 'json',
    isKeyed: false,
    isRepeatable: true,
  },
  verifyRun: {
    method: 'GET',
    path: '/runs/{id}/verify',
    query: [],
    answer: 'json',
    isKeyed: false,
    isRepeatable: true,
  },
  exportRun: {
    method: 'GET',
    path: '/runs/{id}/export',
    query: ['secrets'],
    answer: 'stream',
    isKeyed: false,
    isRepeatable: true,
  },
  importRun: {
    method: 'POST',
    path: '/imports',
    query: ['as'],
    answer: 'json',
    isKeyed: true,
    isRepeatable: true,
    bodyType: 'application/x-ndjson',
  },
  trimHistory: {
    method: 'POST',
    path: '/trim',
    query: [],
    answer: 'json',
    isKeyed: true,
    isRepeatable: true,
  },
  examineRuns: {
    method: 'GET',
    path: '/examination',
    query: [],
    answer: 'json',
    isKeyed: false,
    isRepeatable: true,
  },
  listArtifacts: {
    method: 'GET',
    path: '/runs/{id}/artifacts',
    query: ['after', 'limit'],
    answer: 'json',
    isKeyed: false,
    isRepeatable: true,
  },
  getArtifact: {
    method: 'GET',
    path: '/runs/{id}/artifacts/{name}',
    query: ['version'],
    answer: 'json',
    isKeyed: false,
    isRepeatable: true,
  },
  getArtifactPayload: {
    method: 'GET',
    path: '/runs/{id}/artifacts/{name}/payload',
    query: ['version'],
    answer: 'stream',
    isKeyed: false,
    isRepeatable: true,
  },
  listTasks: {
    method: 'GET',
    path: '/tasks',
    query: ['status', 'run', 'assignee', 'answerableBy', 'after', 'limit'],
    answer: 'json',
    isKeyed: false,
    isRepeatable: true,
  },
  getTask: {
    method: 'GET',
    path: '/tasks/{id}',
    query: [],
    answer: 'json',
    isKeyed: false,
    isRepeatable: true,
  },
  getTaskArtifact: {
    method: 'GET',
    path: '/tasks/{id}/artifacts/{name}',
    query: [],
    answer: 'json',
    isKeyed: false,
    isRepeatable: true,
  },
  listResponses: {
    method: 'GET',
    path: '/tasks/{id}/responses',
    query: [],
    answer: 'json',
    isKeyed: false,
    isRepeatable: true,
  },
  respond: {
    method: 'POST',
    path: '/tasks/{id}/response',
    query: [],
    answer: 'json',
    isKeyed: true,
    isRepeatable: true,
  },
  claimTask: {
    method: 'POST',
    path: '/tasks/{id}/claim',
    query: [],
    answer: 'json',
    isKeyed: true,
    isRepeatable: true,
  },
  releaseTask: {
    method: 'POST',
    path: '/tasks/{id}/release',
    query: [],
    answer: 'json',
    isKeyed: true,
    isRepeatable: true,
  },
  delegateTask: {
    method: 'POST',
    path: '/tasks/{id}/delegate',
    query: [],
    answer: 'json',
    isKeyed: true,
    isRepeatable: true,
  },
  assignTask: {
    method: 'POST',
    path: '/tasks/{id}/assign',
    query: [],
    answer: 'json',
    isKeyed: true,
    isRepeatable: true,
  },
  extendTask: {
    method: 'POST',
    path: '/tasks/{id}/extend',
    query: [],
    answer: 'json',
    isKeyed: true,
    isRepeatable: true,
  },
  createSchedule: {
    method: 'POST',
    path: '/schedules',
    query: [],
    answer: 'json',
    isKeyed: true,
    isRepeatable: true,
  },
  listSchedules: {
    method: 'GET',
    path: '/schedules',
    query: ['limit', 'after'],
    answer: 'json',
    isKeyed: false,
    isRepeatable: true,
  },
  getSchedule: {
    method: 'GET',
    path: '/schedules/{id}',
    query: [],
    answer: 'json',
    isKeyed: false,
    isRepeatable: true,
  },
  previewSchedule: {
    method: 'GET',
    path: '/schedules/{id}/occurrences',
    query: ['count'],
    answer: 'json',
    isKeyed: false,
    isRepeatable: true,
  },
  updateSchedule: {
    method: 'POST',
    path: '/schedules/{id}/update',
    query: [],
    answer: 'json',
    isKeyed: true,
    isRepeatable: true,
  },
  pauseSchedule: {
    method: 'POST',
    path: '/schedules/{id}/pause',
    query: [],
    answer: 'json',
    isKeyed: true,
    isRepeatable: true,
  },
  resumeSchedule: {
    method: 'POST',
    path: '/schedules/{id}/resume',
    query: [],
    answer: 'json',
    isKeyed: true,
    isRepeatable: true,
  },
  triggerSchedule: {
    method: 'POST',
    path: '/schedules/{id}/trigger',
    query: [],
    answer: 'json',
    isKeyed: true,
    isRepeatable: true,
  },
  removeSchedule: {
    method: 'POST',
    path: '/schedules/{id}/remove',
    query: [],
    answer: 'json',
    isKeyed: true,
    isRepeatable: true,
  },
  createToken: {
    method: 'POST',
    path: '/tokens',
    query: [],
    answer: 'json',
    isKeyed: true,
    isRepeatable: true,
  },
  listTokens: {
    method: 'GET',
    path: '/tokens',
    query: ['after', 'limit', 'tenant'],
    answer: 'json',
    isKeyed: false,
    isRepeatable: true,
  },
  revokeToken: {
    method: 'POST',
    path: '/tokens/{id}/revoke',
    query: [],
    answer: 'json',
    isKeyed: true,
    isRepeatable: true,
  },
  listAudit: {
    method: 'GET',
    path: '/audit',
    query: ['before', 'limit', 'tenant'],
    answer: 'json',
    isKeyed: false,
    isRepeatable: true,
  },
  createTaskLink: {
    method: 'POST',
    path: '/tasks/{id}/links',
    query: [],
    answer: 'json',
    isKeyed: true,
    isRepeatable: true,
  },
  revokeTaskLinks: {
    method: 'POST',
    path: '/tasks/{id}/links/revoke',
    query: [],
    answer: 'json',
    isKeyed: true,
    isRepeatable: true,
  },
  openLink: {
    method: 'GET',
    path: '/links/{secret}',
    query: [],
    answer: 'text',
    isKeyed: false,
    isRepeatable: true,
  },
  answerLink: {
    method: 'POST',
    path: '/links/{secret}',
    query: [],
    answer: 'text',
    isKeyed: false,
    isRepeatable: false,
    bodyType: 'application/x-www-form-urlencoded',
  },
  getMetrics: {
    method: 'GET',
    path: '/metrics',
    query: [],
    answer: 'text',
    isKeyed: false,
    isRepeatable: true,
  },
  previewBulk: {
    method: 'POST',
    path: '/bulk/preview',
    query: [],
    answer: 'json',
    isKeyed: true,
    isRepeatable: true,
  },
  applyBulk: {
    method: 'POST',
    path: '/bulk/apply',
    query: [],
    answer: 'json',
    isKeyed: true,
    isRepeatable: true,
  },
  listOffers: {
    method: 'GET',
    path: '/work',
    query: [],
    answer: 'json',
    isKeyed: false,
    isRepeatable: true,
  },
  claimWork: {
    method: 'POST',
    path: '/work/claim',
    query: [],
    answer: 'json',
    isKeyed: true,
    isRepeatable: true,
  },
  heartbeatWork: {
    method: 'POST',
    path: '/work/heartbeat',
    query: [],
    answer: 'json',
    isKeyed: true,
    isRepeatable: true,
  },
  reportProgress: {
    method: 'POST',
    path: '/work/progress',
    query: [],
    answer: 'json',
    isKeyed: true,
    isRepeatable: true,
  },
  uploadPayload: {
    method: 'POST',
    path: '/work/payloads',
    query: ['token'],
    answer: 'json',
    isKeyed: false,
    isRepeatable: true,
    bodyType: 'application/json',
  },
  completeWork: {
    method: 'POST',
    path: '/work/complete',
    query: [],
    answer: 'json',
    isKeyed: true,
    isRepeatable: true,
  },
  failWork: {
    method: 'POST',
    path: '/work/fail',
    query: [],
    answer: 'json',
    isKeyed: true,
    isRepeatable: true,
  },
  releaseWork: {
    method: 'POST',
    path: '/work/release',
    query: [],
    answer: 'json',
    isKeyed: true,
    isRepeatable: true,
  },
  addWebhook: {
    method: 'POST',
    path: '/webhooks',
    query: [],
    answer: 'json',
    isKeyed: true,
    isRepeatable: true,
  },
  listWebhooks: {
    method: 'GET',
    path: '/webhooks',
    query: [],
    answer: 'json',
    isKeyed: false,
    isRepeatable: true,
  },
  getWebhook: {
    method: 'GET',
    path: '/webhooks/{id}',
    query: [],
    answer: 'json',
    isKeyed: false,
    isRepeatable: true,
  },
  updateWebhook: {
    method: 'POST',
    path: '/webhooks/{id}/update',
    query: [],
    answer: 'json',
    isKeyed: true,
    isRepeatable: true,
  },
  rotateWebhook: {
    method: 'POST',
    path: '/webhooks/{id}/rotate',
    query: [],
    answer: 'json',
    isKeyed: true,
    isRepeatable: true,
  },
  testWebhook: {
    method: 'POST',
    path: '/webhooks/{id}/test',
    query: [],
    answer: 'json',
    isKeyed: true,
    isRepeatable: true,
  },
  removeWebhook: {
    method: 'POST',
    path: '/webhooks/{id}/remove',
    query: [],
    answer: 'json',
    isKeyed: true,
    isRepeatable: true,
  },
  listDeadLetters: {
    method: 'GET',
    path: '/webhooks/{id}/dead-letters',
    query: ['limit', 'after'],
    answer: 'json',
    isKeyed: false,
    isRepeatable: true,
  },
  getDeadLetter: {
    method: 'GET',
    path: '/webhooks/{id}/dead-letters/{message}',
    query: [],
    answer: 'json',
    isKeyed: false,
    isRepeatable: true,
  },
  redeliverDeadLetter: {
    method: 'POST',
    path: '/webhooks/{id}/dead-letters/{message}/redeliver',
    query: [],
    answer: 'json',
    isKeyed: true,
    isRepeatable: true,
  },
  discardDeadLetter: {
    method: 'POST',
    path: '/webhooks/{id}/dead-letters/{message}/discard',
    query: [],
    answer: 'json',
    isKeyed: true,
    isRepeatable: true,
  },
  listAllEvents: {
    method: 'GET',
    path: '/events',
    query: ['types', 'runs', 'plan', 'metadata', 'after', 'limit'],
    answer: 'json',
    isKeyed: false,
    isRepeatable: true,
  },
  streamRun: {
    method: 'GET',
    path: '/runs/{id}/stream',
    query: ['node'],
    answer: 'json',
    isKeyed: false,
    isRepeatable: true,
  },
  streamWork: {
    method: 'POST',
    path: '/work/stream',
    query: [],
    answer: 'text',
    isKeyed: false,
    isRepeatable: true,
  },
  tellMcp: {
    method: 'POST',
    path: '/mcp',
    query: [],
    answer: 'json',
    isKeyed: false,
    isRepeatable: true,
  },
  hearMcp: {
    method: 'GET',
    path: '/mcp',
    query: [],
    answer: 'text',
    isKeyed: false,
    isRepeatable: true,
  },
  endMcp: {
    method: 'DELETE',
    path: '/mcp',
    query: [],
    answer: 'text',
    isKeyed: false,
    isRepeatable: true,
  },
} as const satisfies Record<OperationName, object>;
