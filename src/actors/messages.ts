/** What the outside world can tell a run. Messages of one run are handled one at a time, in order. */
import type { JsonValue } from '../plan/json.js';

/** What came back from a handler, before anything is believed of it. */
export type HandlerReturn =
  | { readonly type: 'returned'; readonly value: unknown }
  | { readonly type: 'threw'; readonly error: unknown }
  | { readonly type: 'aborted' };

export interface StartMessage {
  readonly type: 'run.start';
}
export interface AttemptResultMessage {
  readonly type: 'attempt.result';
  readonly node: string;
  readonly attempt: number;
  readonly result: HandlerReturn;
}
export interface AttemptProgressMessage {
  readonly type: 'attempt.progress';
  readonly node: string;
  readonly attempt: number;
  readonly progress: JsonValue;
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
  | TaskResponseMessage
  | CancelMessage
  | PauseMessage
  | ResumeMessage
  | RecoverMessage
  | SlotMessage
  | TimerMessage
  | ContinueMessage;
