/** What the outside world can tell a run. Messages of one run are handled one at a time, in order. */
import type { Reason } from '../machines/node-run-events.js';
import type { RunStatus } from '../machines/statuses.js';
import type { JsonObject, JsonValue } from '../plan/json.js';
import type { ChangeMessage } from './change-messages.js';
import type { Principal, RunUsage } from './records.js';
import type { Chunk } from './streams/chunk.js';

/** A payload of an artifact that is not in the value any more, since it is too large for a row. */
export interface SpilledPayload {
  readonly payload: JsonValue;
  /** SHA-256 of its JSON text, in hexadecimal: it is durable under that name. Null where it could not be kept. */
  readonly digest: string | null;
  /** Size of its JSON text in UTF-8. */
  readonly bytes: number;
}

export interface ReturnedValue {
  readonly type: 'returned';
  readonly value: unknown;
  /** By their place among the artifacts of the value. */
  readonly spilled?: ReadonlyMap<number, SpilledPayload>;
  /** Why a payload could not be kept. */
  readonly fault?: { readonly code: string; readonly message: string };
}

/** What came back from a handler, before anything is believed of it. */
export type HandlerReturn =
  | ReturnedValue
  | { readonly type: 'threw'; readonly error: unknown }
  | { readonly type: 'aborted' };

/** Names an attempt of a run. */
export interface AttemptName {
  /** Path of the node run. */
  readonly node: string;
  readonly generation: number;
  readonly attempt: number;
}

export interface StartMessage {
  readonly type: 'run.start';
}
export interface AttemptResultMessage extends AttemptName {
  readonly type: 'attempt.result';
  readonly result: HandlerReturn;
}
/** What the handler of a check said about the product of an attempt. */
export interface CheckResultMessage extends AttemptName {
  readonly type: 'check.result';
  /** Name of the check. */
  readonly check: string;
  /** Number of its try, from 1. */
  readonly number: number;
  readonly result: HandlerReturn;
}
export interface AttemptProgressMessage extends AttemptName {
  readonly type: 'attempt.progress';
  readonly progress: JsonValue;
}
/** A sign of life of an attempt, with something for the next attempt, should this one be lost. */
export interface AttemptHeartbeatMessage extends AttemptName {
  readonly type: 'attempt.heartbeat';
  readonly payload: JsonValue | undefined;
}
/** What a worker can do, as it says itself. */
export interface Capability {
  readonly name: string;
  /** Of what it does the work with; missing where it has none. */
  readonly version?: string | undefined;
}
/** A worker outside asks for attempts that it can do. */
export interface WorkClaimMessage {
  readonly type: 'work.claim';
  readonly worker: string;
  readonly capabilities: readonly Capability[];
  /** How many attempts at most. */
  readonly limit: number;
  /** Names the call, where it has an idempotency key. */
  readonly claim?: string | undefined;
  /** Asks for what was claimed by this name and is held still, and for nothing else. */
  readonly isRepeated?: true | undefined;
}
/** Names an attempt by the lease that a worker has on it. */
export interface LeaseName extends AttemptName {
  readonly lease: string;
  /** The row of the attempt says that there was this lease: also where its iteration or its map is over. */
  readonly isGenuine?: true;
}
/** A worker is alive: its lease is extended. */
export interface WorkHeartbeatMessage extends LeaseName {
  readonly type: 'work.heartbeat';
  readonly payload: JsonValue | undefined;
}
export interface WorkProgressMessage extends LeaseName {
  readonly type: 'work.progress';
  readonly progress: JsonValue;
}
/** A worker streams output; nothing of it is stored. */
export interface WorkStreamMessage extends LeaseName {
  readonly type: 'work.stream';
  readonly chunks: readonly Chunk[];
  /** Of the first of them, within the attempt, from 1. */
  readonly number: number;
}
export interface WorkResultMessage extends LeaseName {
  readonly type: 'work.result';
  readonly result: HandlerReturn;
  /** Digest of the result as it was sent. */
  readonly digest: string;
}
/** A worker gives an attempt back without having failed. */
export interface WorkReleaseMessage extends LeaseName {
  readonly type: 'work.release';
}
export interface TaskResponseMessage {
  readonly type: 'task.respond';
  readonly task: string;
  /** Path of the node run that asked; empty where the run itself did. */
  readonly node: string;
  readonly response: JsonValue;
  readonly responder: string | null;
  /** Groups that the responder belongs to. */
  readonly groups: readonly string[];
  /** Digest of what the responder was shown; null where he does not say. */
  readonly digest: string | null;
  /** Names the message that brought the answer: told twice it is one. */
  readonly messageId: string | null;
  readonly comment: string | null;
  /** What came with it, large payloads taken out and kept; the value has `artifacts`. */
  readonly product: ReturnedValue | null;
}

/** What somebody does with an open task beside answering it. */
export type TaskChange =
  | { readonly type: 'claim'; readonly by: Principal }
  | { readonly type: 'release'; readonly by: Principal | null }
  | { readonly type: 'delegate'; readonly by: Principal; readonly to: Principal }
  | { readonly type: 'assign'; readonly by: Principal | null; readonly to: Principal | null }
  | { readonly type: 'extend'; readonly by: Principal | null; readonly deadlineAt: number };

export interface TaskChangeMessage {
  readonly type: 'task.change';
  readonly task: string;
  readonly change: TaskChange;
}

export interface CancelMessage {
  readonly type: 'run.cancel';
  readonly reason: string | null;
  readonly by: string | null;
  /** Id of the run that takes its place. */
  readonly replacedBy?: string;
}
/** What is known of a run beside what it does; keys that are not named stay as they are. */
export interface AnnotateMessage {
  readonly type: 'run.annotate';
  readonly metadata: JsonObject;
  readonly by: string | null;
}
/** Something that the run is told from outside; the same id twice is told once. */
export interface SignalMessage {
  readonly type: 'signal.send';
  readonly id: string;
  readonly name: string;
  readonly payload: JsonValue;
}
/** The status of a run inside this one has changed. */
export interface ChildMessage {
  readonly type: 'child.changed';
  readonly node: string;
  readonly child: string;
  readonly status: RunStatus;
  readonly output?: JsonValue;
  readonly reason?: Reason;
  readonly usage?: RunUsage;
}
/** An operator sets a node run going again: one that is blocked, or that failed and was tolerated. */
export interface RetryNodeMessage {
  readonly type: 'node.retry';
  readonly node: string;
  readonly by: string | null;
}
/** A paused run is to take one step. */
export interface StepMessage {
  readonly type: 'run.step';
}
export interface PauseMessage {
  readonly type: 'run.pause';
  /** The run that it works for is paused. */
  readonly isWithParent?: boolean;
}
export interface ResumeMessage {
  readonly type: 'run.resume';
  /** The run that it works for goes on. */
  readonly isWithParent?: boolean;
}
/** An earlier process left the run in motion: close what was interrupted and go on. */
export interface RecoverMessage {
  readonly type: 'run.recover';
  /** Until when a process was at work for certain, in milliseconds since the epoch. */
  readonly downSince: number | null;
}
/** A process slot is free, and this run's turn has come. */
export interface SlotMessage {
  readonly type: 'slot.offer';
}
export interface TimerMessage {
  readonly type: 'timer.fire';
  readonly timer: string;
}
/** A turn grew above its limit: go on with what it left to decide. */
export interface ContinueMessage {
  readonly type: 'turn.continue';
}

export type RunMessage =
  | StartMessage
  | AttemptResultMessage
  | CheckResultMessage
  | AttemptProgressMessage
  | AttemptHeartbeatMessage
  | WorkClaimMessage
  | WorkHeartbeatMessage
  | WorkProgressMessage
  | WorkStreamMessage
  | WorkResultMessage
  | WorkReleaseMessage
  | SignalMessage
  | ChildMessage
  | RetryNodeMessage
  | StepMessage
  | TaskResponseMessage
  | TaskChangeMessage
  | CancelMessage
  | AnnotateMessage
  | PauseMessage
  | ResumeMessage
  | RecoverMessage
  | SlotMessage
  | TimerMessage
  | ContinueMessage
  | ChangeMessage;
