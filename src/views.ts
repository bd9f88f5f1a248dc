/** What the API shows of runs: plain data, JSON all through, the same in the library, HTTP and CLI. */
import type { Emitter } from './emitters.js';
import type { NodeStatus, RunStatus } from './machines/statuses.js';
import type { TaskStatus } from './machines/task-events.js';
import type { Issue, IssueSeverity } from './plan/issue.js';
import type { JsonObject, JsonValue } from './plan/json.js';
import type { Plan } from './plan/schema.js';

/** A run in a line. */
export interface RunSummary {
  readonly id: string;
  readonly status: RunStatus;
  /** Hash of the plan version that the run is pinned to. */
  readonly plan: string;
  readonly metadata: JsonObject;
  /** Milliseconds since the epoch, as all times. */
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly endedAt: number | null;
  /** Why it failed or was cancelled. */
  readonly reason: JsonObject | null;
  /** The run that it came of; null where it was started anew. */
  readonly origin: RunOrigin | null;
}

/** Where a run came from: a fork of another one, its replacement, or the file of a run elsewhere. */
export interface RunOrigin {
  readonly type: 'fork' | 'replacement' | 'import';
  /** Id of the other run. */
  readonly run: string;
  /** Number of the event of the other run at which this one begins. */
  readonly seq: number;
}

/** A node run: its status, and what went in and came out. */
export interface NodeRunView {
  readonly node: string;
  readonly status: NodeStatus;
  readonly attempt: number;
  readonly input?: JsonValue;
  readonly output?: JsonValue;
  /** Outcome of an approval. */
  readonly outcome?: string;
  /** Action that the result named. */
  readonly action?: string;
  readonly reason?: JsonObject;
}

/** A question to a person: what is shown, who may answer, until when. */
export interface TaskView {
  readonly id: string;
  readonly run: string;
  readonly node: string;
  readonly kind: string;
  readonly status: TaskStatus;
  /** What the person is shown: objective, instructions, criteria, deliverables, input. */
  readonly presented: JsonObject;
  /** Digest of what is presented and how it may be answered; an answer may name it. */
  readonly digest: string;
  /** JSON Schema of the response; null where none is declared. */
  readonly responseSchema: JsonValue;
  /** Who may answer; null means anybody. */
  readonly responders: readonly string[] | null;
  /** Groups whose members may answer; null where none is named. */
  readonly groups: readonly string[] | null;
  /** Votes that decide; null where one answer does. */
  readonly quorum: { readonly approvals: number; readonly rejections: number } | null;
  /** To whom it belongs; nobody else may answer then. */
  readonly assignee: string | null;
  /** How many times the node has asked by now. */
  readonly round: number;
  /** Number of reminders sent. */
  readonly reminders: number;
  readonly deadlineAt: number | null;
  readonly openedAt: number;
  readonly closedAt: number | null;
}

/** One answer to a task. */
export interface ResponseView {
  readonly id: string;
  readonly task: string;
  readonly responder: string | null;
  readonly response: JsonValue;
  readonly outcome: string;
  readonly at: number;
  /** Digest of what the responder was shown. */
  readonly digest: string;
  /** The message that brought it, as its sender names it. */
  readonly messageId: string | null;
  readonly comment: string | null;
}

/** One version of an artifact, as a node left it. */
export interface ArtifactView {
  readonly name: string;
  readonly version: number;
  readonly kind: string;
  /** Those of failed attempts are rejected: kept, and seen by nothing downstream. */
  readonly standing: 'accepted' | 'rejected';
  readonly node: string;
  readonly generation: number;
  readonly attempt: number;
  /** Where it lies; `file:sha256:…` where its payload was too large for a row. */
  readonly pointer: string | null;
  /** Absent where there is none, and in lists where it is kept in a file. */
  readonly payload?: JsonValue;
  /** JSON Schema that the payload was checked against. */
  readonly schema?: JsonValue;
  /** SHA-256 of a payload that is kept in a file, in hexadecimal, and its size. */
  readonly digest?: string;
  readonly bytes?: number;
  readonly at: number;
}

/** An output that a node set, or that was deleted as the node began again. */
export interface ContextChange {
  /** Number of its event. */
  readonly seq: number;
  readonly at: number;
  readonly op: 'set' | 'delete';
  /** Path of the node run whose output it is. */
  readonly node: string;
  readonly generation: number;
  readonly attempt: number;
  /** What it was set to. */
  readonly value?: JsonValue;
}

/** A finding about what a node gave. */
export interface IssueView {
  readonly node: string;
  readonly generation: number;
  /** 0 where it is about a person's response. */
  readonly attempt: number;
  readonly severity: IssueSeverity;
  readonly code: string;
  readonly message: string;
  /** JSON Pointer into the result; empty where it is about all of it. */
  readonly path: string;
  readonly detail?: JsonValue;
}

/** One try of a node run: when, by whom, on what, and what came of it. */
export interface AttemptView {
  readonly node: string;
  readonly generation: number;
  readonly attempt: number;
  readonly worker: string;
  readonly startedAt: number;
  readonly endedAt: number | null;
  readonly outcome: string | null;
  readonly error: JsonObject | null;
  readonly issues: readonly Issue[];
  /** Whether its handler worked in place of the node's own, which had failed. */
  readonly isSubstitute: boolean;
  /** What it was given, whatever input the node run has by now; a substitute was given `{ input, error }`. */
  readonly input?: JsonValue;
  readonly output?: JsonValue;
  readonly notes?: JsonValue;
}

/** One fact of a run, as the log holds it. */
export interface RunEvent {
  /** `run/seq`: unique over all runs. */
  readonly id: string;
  readonly run: string;
  /** 1, 2, 3 … without a gap. */
  readonly seq: number;
  readonly type: string;
  readonly node: string | null;
  readonly attempt: number | null;
  readonly at: number;
  readonly detail: JsonObject;
  /** What it comes from. */
  readonly emitter: Emitter;
  /** Shared by all that comes of one start, the runs of subplans and forks too. */
  readonly correlation: string;
}

/** A run with its nodes, open tasks, artifacts and issues. */
export interface RunDetails extends RunHead {
  readonly nodes: readonly NodeRunView[];
  /** Open tasks. */
  readonly tasks: readonly TaskView[];
  readonly artifacts: readonly ArtifactView[];
  /** Findings about results and responses, a thousand at most. */
  readonly issues: readonly IssueView[];
}

/** A run without its lists. */
export interface RunHead extends RunSummary {
  readonly inputs: JsonValue;
  /** Number of the newest event. */
  readonly seq: number;
}

/** Lists that a snapshot of a run may have. */
export interface RunPartLists {
  /** By path, those inside of loops and maps too; nodes that were never touched have none. */
  readonly nodes: readonly NodeRunView[];
  readonly attempts: readonly AttemptView[];
  readonly events: readonly RunEvent[];
  readonly artifacts: readonly ArtifactView[];
  /** Of any status. */
  readonly tasks: readonly TaskView[];
  readonly checkpoints: readonly CheckpointView[];
  readonly issues: readonly IssueView[];
  readonly signals: readonly SignalView[];
}

/** What a snapshot of a run may have. */
export const RUN_PARTS = [
  ...(['plan', 'nodes', 'attempts', 'events', 'artifacts'] as const),
  ...(['tasks', 'checkpoints', 'issues', 'signals'] as const),
] as const;

/** One of them. */
export type RunPart = (typeof RUN_PARTS)[number];

/** A run with those of its parts that were asked for, 500 entries of each at most. */
export interface RunSnapshot extends RunHead, Partial<RunPartLists> {
  /** The plan that it is pinned to. */
  readonly definition?: Plan;
  /** Parts that go on in their own lists. */
  readonly more: readonly RunPart[];
}

/** The end of a turn: what was decided by then is durable. */
export interface CheckpointView {
  /** Number of the last event of the turn. */
  readonly seq: number;
  /** Type of the message that caused the turn. */
  readonly cause: string;
  readonly at: number;
}

/** Something that a run was told. */
export interface SignalView {
  readonly id: string;
  readonly name: string;
  /** Absent once it is delivered: then it is the output of its receiver. */
  readonly payload?: JsonValue;
  readonly sentAt: number;
  /** Number of the event that it came with; not above 0 where it was carried over from another run. */
  readonly seq: number;
  /** Path of the node run that received it. */
  readonly deliveredTo: string | null;
}

/** One failure of an attempt or a node. */
export interface RunError {
  readonly node: string;
  readonly attempt: number;
  readonly at: number;
  readonly code: string;
  readonly message: string;
}

/** What a run came to, or has come to so far. */
export interface RunResult<Outputs = Readonly<Record<string, JsonValue>>> {
  readonly id: string;
  readonly status: RunStatus;
  /** Outputs of the nodes that have one, by node id. */
  readonly outputs: Outputs;
  /** What the plan's `result` gave, where it has one and the run ended well. */
  readonly output?: JsonValue;
  /** Failed attempts and failed nodes, in the order in which they failed. */
  readonly errors: readonly RunError[];
  /** Attempts that failed, and nodes that failed for good. */
  readonly failureCount: { readonly attempts: number; readonly nodes: number };
  readonly reason: JsonObject | null;
}

/** An artifact without what is in it. */
export interface ArtifactMention {
  readonly name: string;
  readonly kind: string;
  readonly version: number;
  /** Only where it is rejected. */
  readonly standing?: 'rejected';
}

/** A run as it was at one of its events. */
export interface RunState {
  readonly run: string;
  readonly seq: number;
  readonly status: RunStatus;
  /** Type of the message that caused the turn of the event. */
  readonly cause: string;
  readonly at: number;
  readonly nodes: readonly NodeStateView[];
  /** Artifacts stored by then. */
  readonly artifacts: readonly ArtifactMention[];
}

/** A node run as it was at an event. */
export interface NodeStateView {
  readonly node: string;
  readonly status: NodeStatus;
  readonly attempt: number;
  readonly reason?: JsonObject;
}

/** One thing that led to a status: a stable code, the same in words, and what it rests on. */
export interface ExplanationCause {
  readonly code: string;
  readonly message: string;
  readonly detail: JsonObject;
  /** What led to this in turn. */
  readonly causes: readonly ExplanationCause[];
}

/** Why a node run has the status that it has. */
export interface Explanation {
  readonly run: string;
  /** Path of the node run. */
  readonly node: string;
  readonly status: NodeStatus;
  readonly generation: number;
  /** Number of the newest attempt; 0 before the first. */
  readonly attempt: number;
  /** The event that brought it where it is; null where nothing has happened to it. */
  readonly since: { readonly seq: number; readonly type: string; readonly at: number } | null;
  readonly causes: readonly ExplanationCause[];
  /** All of it as text, causes of causes further in. */
  readonly lines: readonly string[];
}
