/** What a thread and a process have in common for those who use one. */
import type { ToWorker } from './messages.js';

/** A thread or a process in which one handler works. */
export interface Isolate {
  /** Throws where the message cannot be cloned. To an isolate that has ended it does nothing. */
  post(message: ToWorker): void;
  /** Keeps this process alive while the isolate is there. */
  hold(): void;
  /** Lets this process end although the isolate is there. */
  letGo(): void;
  /** Ends it in the middle of whatever it does. `ended` tells when it is gone. */
  kill(): void;
  /** Ends it while it is idle. */
  retire(): void;
}

/** How an isolate ended when nobody had ended it. */
export interface IsolateEnd {
  readonly code: 'handler-exited' | 'handler-out-of-memory';
  readonly message: string;
  readonly cause?: unknown;
}

export interface IsolateEvents {
  message(message: unknown): void;
  /** Called once, after the last message. */
  ended(end: IsolateEnd): void;
}

export interface IsolateOptions {
  readonly memoryLimitMb: number | undefined;
  /** Takes the place of this process's own variables. */
  readonly env: Readonly<Record<string, string | undefined>> | undefined;
}

/** Starts an isolate. Throws where the system refuses it at once. */
export type StartIsolate = (events: IsolateEvents) => Isolate;
