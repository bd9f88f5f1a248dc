/** What an isolated handler and this process tell each other. Each message names its call: a late one finds nobody. */
import type { JsonObject, JsonValue } from '../plan/json.js';
import type { SentError } from './sent-error.js';

export interface CallMessage {
  readonly type: 'call';
  readonly call: string;
  /** URL of the handler's module. */
  readonly module: string;
  readonly export: string;
  readonly input: unknown;
  /** The plain data of the context. */
  readonly data: JsonObject;
}

export type ToWorker =
  | CallMessage
  | { readonly type: 'abort'; readonly call: string; readonly reason: SentError }
  | PayloadMessage;

/** The answer to a `payload-wanted` of the same number. */
export interface PayloadMessage {
  readonly type: 'payload';
  readonly call: string;
  readonly number: number;
  readonly found: { readonly value: JsonValue } | { readonly error: SentError };
}

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export type FromWorker = { readonly call: string } & (
  | { readonly type: 'progress'; readonly value: JsonValue }
  | { readonly type: 'stream'; readonly value: JsonValue }
  | { readonly type: 'heartbeat'; readonly args: readonly JsonValue[] }
  | { readonly type: 'payload-wanted'; readonly number: number; readonly pointer: string }
  | { readonly type: 'log'; readonly level: LogLevel; readonly args: readonly unknown[] }
  | { readonly type: 'returned'; readonly value: JsonValue | undefined }
  | { readonly type: 'threw'; readonly error: SentError }
  /** Isolation's own verdict, not an error of the handler. */
  | { readonly type: 'refused'; readonly code: RefusalCode; readonly message: string }
);

export type RefusalCode = 'handler-not-loadable' | 'result-not-json';

/** Whether `message` is for `call`; what code in the worker sends on its own account is not. */
export function isFor(call: string, message: unknown): message is FromWorker {
  return typeof message === 'object' && message !== null && Reflect.get(message, 'call') === call;
}
