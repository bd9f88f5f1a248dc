/**
 * Runs handlers. Invariants: an attempt is started once per key and reported once; whatever user
 * code does, throw, hang, return late, its outcome is a message for its node alone.
 */
import type { JsonValue } from '../plan/json.js';
import { toJsonValue } from '../plan/json-values.js';
import type { ArtifactPayloads } from './artifact-payloads.js';
import { attemptLogger, type HideFor } from './attempt-logger.js';

import type { HandlerRegistry } from './handler-registry.js';
import type { HandlerContext, HandlerFunction, Logger } from './handlers.js';
import type { HandlerReturn } from './messages.js';
import type { Round, RunRecord } from './records.js';
import type { CallEnd, ObservedCall, RunObservers, UpcomingCall } from './run-observers.js';
import { readChunk } from './streams/chunk.js';
import type { StreamHub } from './streams/stream-hub.js';
import { type TraceContext, traceOf } from './trace-context.js';
import type { Effect } from './turn.js';

type StartEffect = Extract<Effect, { type: 'attempt.start' | 'check.start' }>;

/** Where outcomes go. */
export interface AttemptReports {
  result(attempt: Attempt, result: HandlerReturn): void;
  /** Resolves when the value is durable or was dropped: the next one waits for it. */
  progress(attempt: Attempt, value: JsonValue): Promise<void>;
  /** As `progress`, for a sign of life. */
  heartbeat(attempt: Attempt, payload: JsonValue | undefined): Promise<void>;
}

export interface Attempt {
  readonly run: string;
  readonly node: string;
  readonly generation: number;
  readonly attempt: number;
  readonly key: string;
  /** The check that it is the work of; undefined where it is the node's own. */
  readonly check: CheckName | undefined;
}

/** A try of a check. */
export interface CheckName {
  readonly check: string;
  readonly number: number;
}

export class AttemptRunner {
  readonly #registry: HandlerRegistry;
  readonly #reports: AttemptReports;
  readonly #payloads: ArtifactPayloads;
  readonly #logger: Logger;
  readonly #observers: RunObservers;
  readonly #services: unknown;
  readonly #streams: StreamHub;
  readonly #hideFor: HideFor | undefined;
  readonly #running = new Map<string, RunningAttempt>();
  #idle: (() => void) | undefined;

  constructor(parts: {
    readonly registry: HandlerRegistry;
    readonly reports: AttemptReports;
    readonly payloads: ArtifactPayloads;
    readonly logger: Logger;
    readonly observers: RunObservers;
    readonly streams: StreamHub;
    /** What is secret of what handlers log; nothing unless given. */
    readonly hideFor?: HideFor | undefined;
    /** What the application shares with its handlers. */
    readonly services: unknown;
  }) {
    this.#services = parts.services;
    this.#streams = parts.streams;
    this.#registry = parts.registry;
    this.#observers = parts.observers;
    this.#reports = parts.reports;
    this.#payloads = parts.payloads;
    this.#logger = parts.logger;
    this.#hideFor = parts.hideFor;
  }

  /** Number of handlers at work. */
  get size(): number {
    return this.#running.size;
  }

  /** Runs that have a handler at work here. */
  runsAtWork(): ReadonlySet<string> {
    return new Set([...this.#running.values()].map(({ run }) => run));
  }

  start(run: RunRecord, effect: StartEffect): void {
    const { key } = effect;
    const parts = {
      reports: this.#reports,
      payloads: this.#payloads,
      logger: this.#logger,
      services: this.#services,
      streams: this.#streams,
      hideFor: this.#hideFor,
    };
    const running = new RunningAttempt(run, effect, parts);
    if (!this.#observers.isEmpty) running.observe(this.#observers, callOf(run, effect));
    this.#running.set(key, running);
    const handler = this.#registry.get(effect.handler);
    if (handler === undefined) {
      const error = {
        code: 'handler-missing',
        message: `no handler is registered for "${effect.handler}"`,
        retryable: false,
      };
      this.#end(running, { type: 'threw', error });
      return;
    }
    this.#call(running, handler, effect.input);
  }

  /** Aborts an attempt's signal. One that never started, or ended, is left alone. */
  abort(key: string, reason: string): boolean {
    const running = this.#running.get(key);
    running?.abort(reason);
    return running !== undefined;
  }

  abortAll(reason: string): void {
    for (const running of this.#running.values()) running.abort(reason);
  }

  /** Resolves when no handler is at work. */
  whenIdle(): Promise<void> {
    if (this.#running.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#idle = resolve;
    });
  }

  #call(running: RunningAttempt, handler: HandlerFunction, input: JsonValue | undefined): void {
    try {
      const value = running.within(() => handler(input, running));
      if (isThenable(value)) {
        Promise.resolve(value).then(
          (settled) => this.#end(running, { type: 'returned', value: settled }),
          (error: unknown) => this.#end(running, { type: 'threw', error }),
        );
      } else this.#end(running, { type: 'returned', value });
    } catch (error) {
      this.#end(running, { type: 'threw', error });
    }
  }

  /** It is at work until its payloads are kept: closing waits for that too. */
  #end(running: RunningAttempt, result: HandlerReturn): void {
    running.isOver = true;
    const kept = this.#payloads.keep(result, running.run);
    if (!isThenable(kept)) return this.#report(running, kept);
    void (kept as Promise<HandlerReturn>).then((returned) => this.#report(running, returned));
  }

  #report(running: RunningAttempt, result: HandlerReturn): void {
    this.#running.delete(running.key);
    const aborted = running.isAborted && result.type === 'threw';
    running.ended(aborted ? 'aborted' : result.type);
    this.#reports.result(running, aborted ? { type: 'aborted' } : result);
    if (this.#running.size === 0) this.#idle?.();
  }
}

function callOf(run: RunRecord, effect: StartEffect): UpcomingCall {
  const { handler, node, generation, attempt } = effect;
  const check =
    effect.type === 'check.start' ? { check: effect.check, number: effect.number } : undefined;
  return { run, handler, node, generation, attempt, check };
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value;
}

/** The context that a handler sees. Its abort controller is made when it is first asked for. */
class RunningAttempt implements Attempt, HandlerContext {
  readonly run: string;
  readonly node: string;
  readonly generation: number;
  readonly attempt: number;
  readonly isLastTry: boolean;
  readonly key: string;
  readonly check: CheckName | undefined;
  readonly idempotencyKey: string;
  /** The handler has ended. */
  isOver = false;
  readonly lastHeartbeat: JsonValue | undefined;
  readonly feedback: readonly Round[] = [];
  readonly #record: RunRecord;
  readonly services: unknown;
  readonly #reports: AttemptReports;
  readonly #payloads: ArtifactPayloads;
  readonly #streams: StreamHub;
  readonly #hideFor: HideFor | undefined;
  readonly #baseLogger: Logger;
  #logger: Logger | undefined;
  #observers: RunObservers | undefined;
  #observed: readonly ObservedCall[] = [];
  #controller: AbortController | undefined;
  #aborted: Error | undefined;
  #latest: JsonValue | undefined;
  #reporting = false;
  #pulse: { readonly payload: JsonValue | undefined } | undefined;
  #isBeating = false;

  constructor(
    run: RunRecord,
    effect: StartEffect,
    parts: {
      readonly reports: AttemptReports;
      readonly payloads: ArtifactPayloads;
      readonly logger: Logger;
      readonly services: unknown;
      readonly streams: StreamHub;
      readonly hideFor: HideFor | undefined;
    },
  ) {
    this.#record = run;
    this.run = run.id;
    this.services = parts.services;
    this.node = effect.node;
    this.generation = effect.generation;
    this.attempt = effect.attempt;
    this.isLastTry = effect.isLastTry;
    this.key = effect.key;
    this.idempotencyKey = effect.key.slice(0, effect.key.lastIndexOf('/'));
    if (effect.type === 'attempt.start') {
      this.lastHeartbeat = effect.lastHeartbeat;
      this.feedback = effect.feedback;
    } else this.check = { check: effect.check, number: effect.number };
    this.#reports = parts.reports;
    this.#payloads = parts.payloads;
    this.#streams = parts.streams;
    this.#baseLogger = parts.logger;
    this.#hideFor = parts.hideFor;
  }

  get logger(): Logger {
    this.#logger ??= attemptLogger(this.#baseLogger, this, () => this.#hideFor?.(this.#record));
    return this.#logger;
  }

  get trace(): TraceContext | undefined {
    return this.#observed.find(({ trace }) => trace)?.trace ?? traceOf(this.#record);
  }

  observe(observers: RunObservers, call: UpcomingCall): void {
    this.#observers = observers;
    this.#observed = observers.handlerCalled(call);
  }

  /** Calls the handler as its observers want it called. */
  within<T>(call: () => T): T {
    return this.#observed.reduce<() => T>(
      (inner, { around }) => (around === undefined ? inner : () => around(inner)),
      call,
    )();
  }

  ended(outcome: CallEnd): void {
    this.#observers?.ended(this.#observed, outcome);
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#aborted !== undefined) this.#controller.abort(this.#aborted);
    return this.#controller.signal;
  }

  get isAborted(): boolean {
    return this.#aborted !== undefined;
  }

  abort(reason: string): void {
    this.#aborted ??= Object.assign(new Error(reason), { name: 'AbortError' });
    this.#controller?.abort(this.#aborted);
  }

  // Handlers take these out of their context, and call them on their own.

  readonly progress = (value: JsonValue): void => {
    const converted = toJsonValue(value);
    if (!converted.ok) throw new TypeError(`progress is not JSON: ${converted.message}`);
    this.#latest = converted.value;
    if (!this.#reporting) void this.#report();
  };

  readonly heartbeat = (payload?: JsonValue): void => {
    const converted = toJsonValue(payload);
    if (!converted.ok) throw new TypeError(`the heartbeat is not JSON: ${converted.message}`);
    this.#pulse = { payload: converted.value ?? this.#pulse?.payload };
    if (!this.#isBeating) void this.#beat();
  };

  /** What comes after the end, or after the abort, is heard by nobody. */
  readonly stream = (value: JsonValue): void => {
    const chunk = readChunk(value);
    if (this.isOver || this.isAborted) return;
    this.#streams.push(this.#record, this, chunk, this.check?.check);
  };

  readonly payload = (pointer: string): Promise<JsonValue> =>
    this.#payloads.read(pointer, this.#record.id);

  /** Beats that come faster than commits become one. */
  async #beat(): Promise<void> {
    this.#isBeating = true;
    for (let pulse = this.#pulse; pulse !== undefined; pulse = this.#pulse) {
      this.#pulse = undefined;
      await this.#reports.heartbeat(this, pulse.payload);
    }
    this.#isBeating = false;
  }

  async #report(): Promise<void> {
    this.#reporting = true;
    while (this.#latest !== undefined) {
      const value = this.#latest;
      this.#latest = undefined;
      await this.#reports.progress(this, value);
    }
    this.#reporting = false;
  }
}
