/** The work behind action nodes: what a handler is given, what it may be, and how one is found by key. */

import { RunchartError } from '../errors.js';
import { executorsOf } from '../plan/executors.js';
import { parseHandlerReference } from '../plan/handler-reference.js';
import type { JsonValue } from '../plan/json.js';
import type { PlanVersion } from '../plan/plan-version.js';
import { ExternalHandler } from './external-handler.js';
import { VersionedHandler } from './handler-versions.js';
import { type Middleware, withMiddleware } from './middleware.js';
import type { Round } from './records.js';

/** Where handlers and the orchestrator write their logs. A pino logger is one. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** What a handler is given beside its input. `Services` is what the application shares with its handlers. */
export interface HandlerContext<Services = unknown> {
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
  /** What the application gave when it made the orchestrator: connections, clients. */
  readonly services: Services;
}

/**
 * Does an action's work. Its return value is the node's output, unless it is a result record: an
 * object with a boolean `ok`, or with an `error`; then `output`, `action`, `artifacts`, `notes` and
 * `events` are read from it. Runs at least once per attempt that was started; a crash repeats it
 * under a new attempt number.
 */
// biome-ignore lint/suspicious/noExplicitAny: the author knows the input; its schema is checked at run time
export type HandlerFunction<Services = any> = (
  // biome-ignore lint/suspicious/noExplicitAny: as above
  input: any,
  context: HandlerContext<Services>,
) => unknown;

/** A handler in phases: `prep` makes the argument of `exec` from the input, `post` the result from its value. */
// biome-ignore lint/suspicious/noExplicitAny: as above
export interface LifecycleHandler<Services = any> {
  // biome-ignore lint/suspicious/noExplicitAny: as above
  prep?(input: any, context: HandlerContext<Services>): unknown;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  exec(prepared: any, context: HandlerContext<Services>): unknown;
  /** Stands in for `exec` where it failed and no try is left, or none makes sense; its value goes to `post`. */
  // biome-ignore lint/suspicious/noExplicitAny: as above
  fallback?(error: unknown, prepared: any, context: HandlerContext<Services>): unknown;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  post?(value: any, context: HandlerContext<Services>): unknown;
  /** Called when the attempt has failed, not when it was aborted: cleans up. The failure stays as it is. */
  recover?(error: unknown, context: HandlerContext<Services>): unknown;
}

/** A lifecycle class is instantiated anew for each attempt. */
// biome-ignore lint/suspicious/noExplicitAny: as above
export type LifecycleClass<Services = any> = new () => LifecycleHandler<Services>;

/** Work that is done in this process. */
// biome-ignore lint/suspicious/noExplicitAny: as above
export type LocalHandler<Services = any> =
  | HandlerFunction<Services>
  | LifecycleHandler<Services>
  | LifecycleClass<Services>;
// biome-ignore lint/suspicious/noExplicitAny: as above
export type Handler<Services = any> =
  | LocalHandler<Services>
  | ExternalHandler
  | VersionedHandler<LocalHandler<Services>>;
// biome-ignore lint/suspicious/noExplicitAny: as above
export type Handlers<Services = any> = Readonly<Record<string, Handler<Services>>>;

/** Where the work of a handler is done. `nowhere`: it is known, and this process lacks the version. */
export type PlaceOfWork = 'here' | 'outside' | 'nowhere';

interface LocalWork {
  /** What does it where no version is asked for. */
  readonly otherwise: HandlerFunction;
  readonly versions: ReadonlyMap<string, HandlerFunction>;
}

export class HandlerRegistry {
  readonly #local = new Map<string, LocalWork>();
  readonly #external = new Map<string, ExternalHandler>();
  readonly #executors: ReadonlySet<string>;
  readonly #middleware: readonly Middleware[];

  /** `executors` names owners that need no handler, as `user/alice`. Throws on what is no handler. */
  constructor(
    handlers: Handlers,
    executors: readonly string[] = [],
    middleware: readonly Middleware[] = [],
  ) {
    this.#middleware = middleware;
    this.#executors = new Set(executors);
    for (const [key, handler] of Object.entries(handlers)) this.#register(key, handler);
  }

  /** What does the work here, by its key or by `key@version`. */
  get(reference: string): HandlerFunction | undefined {
    const whole = this.#local.get(reference);
    if (whole !== undefined) return whole.otherwise;
    const { key, version } = parseHandlerReference(reference);
    return version === undefined ? undefined : this.#local.get(key)?.versions.get(version);
  }

  /** What is known of work that is done outside, by its key or by `key@version`. */
  external(reference: string): ExternalHandler | undefined {
    if (this.#external.size === 0) return undefined;
    const { key } = parseHandlerReference(reference);
    return this.#external.get(reference) ?? this.#external.get(key);
  }

  /** What workers claim the work by; undefined where it is done here, or nowhere. */
  capabilityOf(reference: string): string | undefined {
    const found = this.external(reference);
    return found && (found.capability ?? parseHandlerReference(reference).key);
  }

  place(reference: string): PlaceOfWork {
    if (this.#local.has(reference)) return 'here';
    if (this.external(reference) !== undefined) return 'outside';
    return this.get(reference) === undefined ? 'nowhere' : 'here';
  }

  /** Whether the key is registered, in whatever version. */
  has(reference: string): boolean {
    if (this.#local.has(reference) || this.external(reference) !== undefined) return true;
    return this.#local.has(parseHandlerReference(reference).key);
  }

  #register(key: string, handler: Handler): void {
    if (handler instanceof ExternalHandler) return void this.#external.set(key, handler);
    const named = handler instanceof VersionedHandler ? [...handler.versions] : [];
    const versions = new Map(
      named.map(([version, one]) => [version, this.#wrap(`${key}@${version}`, one)]),
    );
    const otherwise =
      handler instanceof VersionedHandler
        ? this.#wrap(key, handler.newest)
        : this.#wrap(key, handler);
    this.#local.set(key, { otherwise, versions });
  }

  #wrap(key: string, handler: LocalHandler): HandlerFunction {
    return withMiddleware(key, asFunction(key, handler), this.#middleware);
  }

  /** Refuses a plan whose handlers, their versions, or owners are not all there, naming every one that is missing. */
  assertServes(version: PlanVersion): void {
    this.assertKnows(version);
    const { handlers, asked } = executorsOf(version.plan);
    const lacking = [...handlers].filter((key) => this.place(key) === 'nowhere').sort();
    if (lacking.length > 0) {
      throw new RunchartError(
        'handler-version-missing',
        `this process has not the version of ${quote(lacking)}`,
        { hint: 'register it with `versions`, or start the run where it is' },
      );
    }
    const far = [...asked].filter((key) => this.place(key) === 'outside').sort();
    if (far.length === 0) return;
    throw new RunchartError('handler-missing', `${quote(far)} cannot be asked by a check`, {
      hint: 'checks are done in the process: register a function for it',
    });
  }

  /** As `assertServes`, whatever the versions. */
  assertKnows(version: PlanVersion): void {
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

function asFunction(key: string, handler: LocalHandler): HandlerFunction {
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
