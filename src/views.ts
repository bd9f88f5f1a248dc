/** What the API shows of runs: plain data, JSON all through, the same in the library, HTTP and CLI. */
import type { NodeStatus, RunStatus } from './machines/statuses.js';
import type { Issue } from './plan/issue.js';
import type { JsonObject, JsonValue } from './plan/json.js';

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

/** Where a run came from: a fork of another one, or its replacement. */
export interface RunOrigin {
  readonly type: 'fork' | 'replacement';
  /** Id of the other run. */
  readonly run: string;
  /** Number of the event of the other run at which this one begins. */
  readonly seq: number;
}

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

export interface TaskView {
  readonly id: string;
  readonly run: string;
  readonly node: string;
  readonly kind: string;
  readonly status: string;
  /** What the person is shown: objective, instructions, criteria, deliverables, input. */
  readonly presented: JsonObject;
  /** JSON Schema of the response; null where none is declared. */
  readonly responseSchema: JsonValue;
  /** Who may answer; null means anybody. */
  readonly responders: readonly string[] | null;
  readonly deadlineAt: number | null;
  readonly openedAt: number;
  readonly closedAt: number | null;
}

export interface ArtifactView {
  readonly name: string;
  readonly version: number;
  readonly kind: string;
  readonly node: string;
  readonly attempt: number;
  readonly pointer: string | null;
  readonly payload?: JsonValue;
  readonly at: number;
}

export interface AttemptView {
  readonly node: string;
  readonly attempt: number;
  readonly worker: string;
  readonly startedAt: number;
  readonly endedAt: number | null;
  readonly outcome: string | null;
  readonly error: JsonObject | null;
  readonly issues: readonly Issue[];
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
}

export interface RunDetails extends RunSummary {
  readonly inputs: JsonValue;
  /** Number of the newest event. */
  readonly seq: number;
  readonly nodes: readonly NodeRunView[];
  /** Open tasks. */
  readonly tasks: readonly TaskView[];
  readonly artifacts: readonly ArtifactView[];
}

export interface RunError {
  readonly node: string;
  readonly attempt: number;
  readonly at: number;
  readonly code: string;
  readonly message: string;
}

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
  readonly artifacts: readonly { readonly name: string; readonly version: number }[];
}

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
