/** The work behind action nodes: what a handler is given, what it may be, and how one is found by key. */

import { RunchartError } from '../errors.js';
import { executorsOf } from '../plan/executors.js';
import type { JsonValue } from '../plan/json.js';
import type { PlanVersion } from '../plan/plan-version.js';
import type { Round } from './records.js';
import type { TraceContext } from './trace-context.js';

/** Where handlers and the orchestrator write their logs. A pino logger is one. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** What a handler is given beside its input. */
export interface HandlerContext {
  readonly run: string;
  readonly node: string;
  /** 1, unless the run went back to before this node: then 2, 3 and so on. */
  readonly generation: number;
  /** Number of this attempt within its generation, from 1. */
  readonly attempt: number;
  /** Whether its failure is not tried again, as far as that depends on the number of tries. */
  readonly isLastTry: boolean;
  /** `run/node/generation/attempt`: names this attempt, and no other. */
  readonly key: string;
  /**
   * `run/node/generation`: the same for all attempts. Hand it to whatever you call, so that it can
   * tell a repetition, after a crash or a failed try.
   */
  readonly idempotencyKey: string;
  /** Aborted when the run is cancelled or fails, and when the process shuts down. */
  readonly signal: AbortSignal;
  /** Each of its lines has `run`, `node`, `generation` and `attempt`. */
  readonly logger: Logger;
  /** Records a progress value in the run's events. Values that come faster than commits replace each other. */
  progress(value: JsonValue): void;
  /**
   * A sign of life, for a node that limits the time without one. Its payload goes to the next attempt,
   * as `lastHeartbeat`, should this one fail or its process stop.
   */
  heartbeat(payload?: JsonValue): void;
  /**
   * Reads the payload of an artifact that was too large for a row, by its pointer `file:sha256:…`.
   * Rejects with a RunchartError: `argument-invalid`, `artifact-corrupt`.
   */
  payload(pointer: string): Promise<JsonValue>;
  /** Payload of the newest heartbeat of the attempts before this one. */
  readonly lastHeartbeat: JsonValue | undefined;
  /** What reviewers said of earlier tries, oldest first, where the work is done again because of it. */
  readonly feedback: readonly Round[];
  /** The trace that the attempt belongs to, to be handed on; undefined where its run belongs to none. */
  readonly trace: TraceContext | undefined;
}

/**
 * Does an action's work. Its return value is the node's output, unless it is a result record: an
 * object with a boolean `ok`, or with an `error`; then `output`, `action`, `artifacts`, `notes` and
 * `events` are read from it. Runs at least once per attempt that was started; a crash repeats it
 * under a new attempt number.
 */
// biome-ignore lint/suspicious/noExplicitAny: the author knows the input; its schema is checked at run time
export type HandlerFunction = (input: any, context: HandlerContext) => unknown;

/** A handler in phases: `prep` makes the argument of `exec` from the input, `post` the result from its value. */
export interface LifecycleHandler {
  // biome-ignore lint/suspicious/noExplicitAny: as above
  prep?(input: any, context: HandlerContext): unknown;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  exec(prepared: any, context: HandlerContext): unknown;
  /** Stands in for `exec` where it failed and no try is left, or none makes sense; its value goes to `post`. */
  // biome-ignore lint/suspicious/noExplicitAny: as above
  fallback?(error: unknown, prepared: any, context: HandlerContext): unknown;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  post?(value: any, context: HandlerContext): unknown;
  /** Called when the attempt has failed, not when it was aborted: cleans up. The failure stays as it is. */
  recover?(error: unknown, context: HandlerContext): unknown;
}

/** A lifecycle class is instantiated anew for each attempt. */
export type LifecycleClass = new () => LifecycleHandler;

/** What does the work of an action: a function, an object with `exec`, or a lifecycle class. */
export type Handler = HandlerFunction | LifecycleHandler | LifecycleClass;
/** Handlers by the keys that plans name them with. */
export type Handlers = Readonly<Record<string, Handler>>;

export class HandlerRegistry {
  readonly #handlers = new Map<string, HandlerFunction>();
  readonly #executors: ReadonlySet<string>;

  /** `executors` names owners that need no handler, as `user/alice`. Throws on what is no handler. */
  constructor(handlers: Handlers, executors: readonly string[] = []) {
    for (const [key, handler] of Object.entries(handlers)) {
      this.#handlers.set(key, asFunction(key, handler));
    }
    this.#executors = new Set(executors);
  }

  get(key: string): HandlerFunction | undefined {
    return this.#handlers.get(key);
  }

  has(key: string): boolean {
    return this.#handlers.has(key);
  }

  /** Refuses a plan whose handlers or owners are not all registered, naming every one that is missing. */
  assertServes(version: PlanVersion): void {
    const needed = executorsOf(version.plan);
    const handlers = [...needed.handlers].filter((key) => !this.has(key)).sort();
    const owners = [...needed.owners]
      .filter((owner) => !this.has(owner) && !this.#executors.has(owner))
      .sort();
    if (handlers.length > 0) {
      throw new RunchartError(
        'handler-missing',
        `no handler is registered for ${quote(handlers)}`,
        {
          hint: 'pass them in `handlers` when you create the orchestrator',
        },
      );
    }
    if (owners.length > 0) {
      throw new RunchartError(
        'executor-missing',
        `no executor is registered for ${quote(owners)}`,
        {
          hint: 'pass them in `executors`, or a handler under that key',
        },
      );
    }
  }
}

function quote(keys: Iterable<string>): string {
  return [...keys].map((key) => `"${key}"`).join(', ');
}

function asFunction(key: string, handler: Handler): HandlerFunction {
  if (typeof handler === 'function') {
    return isLifecycleClass(handler)
      ? (input, context) => runLifecycle(new handler(), input, context)
      : handler;
  }
  if (typeof handler?.exec === 'function') {
    return (input, context) => runLifecycle(handler, input, context);
  }
  throw new RunchartError(
    'argument-invalid',
    `handler "${key}" is neither a function nor has it exec()`,
  );
}

function isLifecycleClass(handler: HandlerFunction | LifecycleClass): handler is LifecycleClass {
  const prototype: unknown = handler.prototype;
  return typeof prototype === 'object' && prototype !== null && 'exec' in prototype;
}

async function runLifecycle(
  handler: LifecycleHandler,
  input: unknown,
  context: HandlerContext,
): Promise<unknown> {
  try {
    const prepared = handler.prep ? await handler.prep(input, context) : input;
    // Nothing new starts once the run is ending, not even the next phase.
    context.signal.throwIfAborted();
    const value = await execute(handler, prepared, context);
    context.signal.throwIfAborted();
    return handler.post ? await handler.post(value, context) : value;
  } catch (error) {
    if (!context.signal.aborted) await handler.recover?.(error, context);
    throw error;
  }
}

async function execute(
  handler: LifecycleHandler,
  prepared: unknown,
  context: HandlerContext,
): Promise<unknown> {
  try {
    return await handler.exec(prepared, context);
  } catch (error) {
    const isLast = context.isLastTry || isHopeless(error);
    if (handler.fallback === undefined || !isLast || context.signal.aborted) throw error;
    return handler.fallback(error, prepared, context);
  }
}

/** Whether whoever threw it says that another try makes no sense. */
function isHopeless(error: unknown): boolean {
  return (
    typeof error === 'object' && error !== null && 'retryable' in error && error.retryable === false
  );
}
