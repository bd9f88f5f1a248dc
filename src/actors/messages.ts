/** What the outside world can tell a run. Messages of one run are handled one at a time, in order. */
import type { Reason } from '../machines/node-run-events.js';
import type { RunStatus } from '../machines/statuses.js';
import type { JsonValue } from '../plan/json.js';
import type { ChangeMessage } from './change-messages.js';
import type { RunUsage } from './records.js';

/** What came back from a handler, before anything is believed of it. */
export type HandlerReturn =
  | { readonly type: 'returned'; readonly value: unknown }
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
export interface AttemptProgressMessage extends AttemptName {
  readonly type: 'attempt.progress';
  readonly progress: JsonValue;
}
/** A sign of life of an attempt, with something for the next attempt, should this one be lost. */
export interface AttemptHeartbeatMessage extends AttemptName {
  readonly type: 'attempt.heartbeat';
  readonly payload: JsonValue | undefined;
}
export interface TaskResponseMessage {
  readonly type: 'task.respond';
  readonly task: string;
  readonly response: JsonValue;
  readonly responder: string | null;
}
export interface CancelMessage {
  readonly type: 'run.cancel';
  readonly reason: string | null;
  readonly by: string | null;
  /** Id of the run that takes its place. */
  readonly replacedBy?: string;
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
}
export interface ResumeMessage {
  readonly type: 'run.resume';
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
  | AttemptProgressMessage
  | AttemptHeartbeatMessage
  | SignalMessage
  | ChildMessage
  | RetryNodeMessage
  | StepMessage
  | TaskResponseMessage
  | CancelMessage
  | PauseMessage
  | ResumeMessage
  | RecoverMessage
  | SlotMessage
  | TimerMessage
  | ContinueMessage
  | ChangeMessage;
