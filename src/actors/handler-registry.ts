/** Finds handlers by key, in the version that is asked for, with the middleware around them. */
import { RunchartError } from '../errors.js';
import { executorsOf } from '../plan/executors.js';
import { parseHandlerReference } from '../plan/handler-reference.js';
import type { PlanVersion } from '../plan/plan-version.js';
import { ExternalHandler } from './external-handler.js';
import { VersionedHandler } from './handler-versions.js';
import type { Handler, HandlerFunction, Handlers, LocalHandler, PlaceOfWork } from './handlers.js';
import { asFunction } from './lifecycle.js';
import { assertMiddleware, type Middleware, withMiddleware } from './middleware.js';

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

  /** `executors` names owners that need no handler, as `user/alice`. Throws on what is no handler, or no middleware. */
  constructor(
    handlers: Handlers,
    executors: readonly string[] = [],
    middleware: readonly Middleware[] = [],
  ) {
    assertMiddleware(middleware);
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
