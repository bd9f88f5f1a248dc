/** What an isolated handler is given: the data of the call, and methods that send. A call that is over sends nothing. */
import { inspect } from 'node:util';
import type { HandlerContext } from '../actors/handlers.js';
import { readChunk } from '../actors/streams/chunk.js';
import type { JsonValue } from '../plan/json.js';
import { toJsonValue } from '../plan/json-values.js';
import type { CallMessage, FromWorker, LogLevel } from './messages.js';

/** A message without the call that it belongs to. */
export type Said = FromWorker extends infer M
  ? M extends FromWorker
    ? Omit<M, 'call'>
    : never
  : never;
/** Throws where the message cannot be cloned. */
export type Say = (said: Said) => void;

/** What a context is made of, beside the data of the call. */
export interface WorkerMeans {
  readonly signal: AbortSignal;
  readonly say: Say;
  /** Asks outside for a payload. */
  read(pointer: string): Promise<JsonValue>;
}

/** Makes the context; its `progress` and `heartbeat` throw a TypeError on what is not JSON. */
export function workerContext(
  { data }: CallMessage,
  { signal, say, read }: WorkerMeans,
): HandlerContext {
  const log =
    (level: LogLevel) =>
    (...args: readonly unknown[]) =>
      sayLog(say, level, args);
  const methods = {
    signal,
    logger: { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') },
    payload: read,
    progress: (value: JsonValue) =>
      say({ type: 'progress', value: asJson('progress', value) ?? null }),
    stream: (value: JsonValue) => say({ type: 'stream', value: readChunk(value).value }),
    heartbeat: (...args: readonly JsonValue[]) =>
      say({ type: 'heartbeat', args: args.map((value) => asJson('heartbeat', value) ?? null) }),
  };
  // The data are those of a context: whoever sent them took them from one.
  return { ...data, ...methods } as unknown as HandlerContext;
}

function asJson(what: string, value: unknown): JsonValue | undefined {
  const converted = toJsonValue(value);
  if (!converted.ok) throw new TypeError(`${what} is not JSON: ${converted.message}`);
  return converted.value;
}

/** Fields that cannot be cloned are told as text rather than not at all. */
function sayLog(say: Say, level: LogLevel, args: readonly unknown[]): void {
  try {
    say({ type: 'log', level, args });
  } catch {
    const [fields, message] = args;
    say({ type: 'log', level, args: [{ fields: inspect(fields) }, String(message ?? '')] });
  }
}
