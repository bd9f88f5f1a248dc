/**
 * Stands between the engine and the handlers under test. Invariants: what handlers tell, progress and
 * outcome, reaches the engine by `release` only, one at a time; attempts are ordered by their start;
 * what belongs to a process that stopped reaches nobody.
 */
import { ExternalHandler } from '../actors/external-handler.js';
import { HandlerRegistry } from '../actors/handler-registry.js';
import { VersionedHandler } from '../actors/handler-versions.js';
import type { HandlerContext, HandlerFunction, Handlers } from '../actors/handlers.js';
import type { JsonValue } from '../plan/json.js';
import { toJsonValue } from '../plan/json-values.js';
import type { Faults, HandlerOrder } from './faults.js';
import type { SimulatedClock } from './simulation.js';

/** What a handler tells: any number of progress values, then its outcome. */
export type Report =
  | { readonly type: 'progressed'; readonly value: JsonValue }
  | { readonly type: 'returned'; readonly value: unknown }
  | { readonly type: 'threw'; readonly error: unknown };

/** `held`: not called yet. `asleep`: waits for simulated time. `hung`: waits for its signal. */
type Phase = 'held' | 'asleep' | 'hung' | 'working' | 'ended';

/** An attempt that the engine has started and not heard the end of. */
export class GatedAttempt {
  readonly context: HandlerContext;
  /** Told and not released yet. */
  readonly reports: Report[] = [];
  phase: Phase = 'held';
  /** The call of the handler. */
  readonly work: () => unknown;
  readonly #answer: (report: Exclude<Report, { type: 'progressed' }>) => void;

  constructor(
    context: HandlerContext,
    work: (context: HandlerContext) => unknown,
    answer: (report: Exclude<Report, { type: 'progressed' }>) => void,
  ) {
    this.context = context;
    this.work = () => work(reportingTo(this, context));
    this.#answer = answer;
  }

  /** It has told all it had to tell. */
  end(...reports: readonly Report[]): void {
    this.phase = 'ended';
    this.reports.push(...reports);
  }

  /** Tells the engine the oldest report; returns whether it was the last. */
  release(): boolean {
    const report = this.reports.shift();
    if (report === undefined) return false;
    if (report.type !== 'progressed') this.#answer(report);
    else this.context.progress(report.value);
    return report.type !== 'progressed';
  }
}

export class HandlerGate {
  /** Holds handlers back until `begin`; else they begin at once. */
  readonly #holds: boolean;
  readonly #clock: SimulatedClock;
  readonly #faults: Faults;
  readonly #attempts = new Map<string, GatedAttempt>();
  #started = 0;
  readonly #waiting = new Set<() => void>();

  constructor(params: {
    readonly holds: boolean;
    readonly clock: SimulatedClock;
    readonly faults: Faults;
  }) {
    this.#holds = params.holds;
    this.#clock = params.clock;
    this.#faults = params.faults;
  }

  /** The same handlers behind the gate; once `isLost`, nothing gets through. */
  wrap(handlers: Handlers, executors: readonly string[], isLost: () => boolean): Handlers {
    const registry = new HandlerRegistry(handlers, executors);
    const gated =
      (key: string, reference = key) =>
      (input: JsonValue | undefined, context: HandlerContext) => {
        if (isLost()) return new Promise(() => {});
        return this.#admit(key, context, (reporting) =>
          registry.get(reference)?.(input, reporting),
        );
      };
    return Object.fromEntries(
      Object.entries(handlers).map(([key, handler]) => {
        if (handler instanceof ExternalHandler) return [key, handler];
        if (!(handler instanceof VersionedHandler)) return [key, gated(key)];
        const versions = [...handler.versions.keys()];
        const each = versions.map((version) => [version, gated(key, `${key}@${version}`)]);
        return [key, new VersionedHandler<HandlerFunction>(Object.fromEntries(each))];
      }),
    );
  }

  /** How many attempts were ever started. */
  get started(): number {
    return this.#started;
  }

  /** Attempts in order of their start. */
  get attempts(): readonly GatedAttempt[] {
    return [...this.#attempts.values()];
  }

  get(key: string): GatedAttempt | undefined {
    return this.#attempts.get(key);
  }

  /** Calls a handler that was held back. */
  begin(attempt: GatedAttempt): void {
    attempt.phase = 'working';
    void this.#perform(attempt);
  }

  /** Tells the engine one report. */
  release(attempt: GatedAttempt): void {
    if (attempt.release()) this.#attempts.delete(attempt.context.key);
  }

  /** Resolves true when no handler does real work, false after `patienceMs` of real time. */
  whenNoneWorks(patienceMs: number): Promise<boolean> {
    const isWorking = () => this.attempts.some(({ phase }) => phase === 'working');
    if (!isWorking()) return Promise.resolve(true);
    return new Promise((resolve) => {
      const end = (isCalm: boolean) => {
        this.#waiting.delete(check);
        clearTimeout(timer);
        resolve(isCalm);
      };
      const check = () => {
        if (!isWorking()) end(true);
      };
      const timer = setTimeout(() => end(false), patienceMs);
      this.#waiting.add(check);
    });
  }

  /** Gives up handlers that were told to stop and did not; returns whether none is at work then. */
  abandonStopped(): boolean {
    const working = this.attempts.filter(({ phase }) => phase === 'working');
    const stopped = working.filter(({ context }) => context.signal.aborted);
    for (const attempt of stopped) abandon(attempt);
    return stopped.length === working.length;
  }

  /** Forgets all attempts: their process has stopped. */
  clear(): void {
    this.#attempts.clear();
    for (const check of [...this.#waiting]) check();
  }

  #admit(
    handler: string,
    context: HandlerContext,
    work: (context: HandlerContext) => unknown,
  ): Promise<unknown> {
    this.#started += 1;
    return new Promise((resolve, reject) => {
      const attempt = new GatedAttempt(context, work, (report) =>
        report.type === 'returned' ? resolve(report.value) : reject(report.error),
      );
      this.#attempts.set(context.key, attempt);
      this.#follow(attempt, this.#faults.takeOrder(handler, context.node));
    });
  }

  #follow(attempt: GatedAttempt, order: HandlerOrder | undefined): void {
    switch (order?.type) {
      case undefined:
        return this.#admitted(attempt);
      case 'throw':
        return attempt.end({ type: 'threw', error: order.error });
      case 'hang':
        attempt.phase = 'hung';
        return onAbort(attempt, order.ignoresAbort ? abandon : giveUp);
      case 'delay':
        attempt.phase = 'asleep';
        onAbort(attempt, giveUp);
        this.#clock.wakeAt(this.#clock.now() + order.ms, () => {
          if (attempt.phase === 'asleep') this.#admitted(attempt);
        });
    }
  }

  #admitted(attempt: GatedAttempt): void {
    attempt.phase = 'held';
    if (!this.#holds) this.begin(attempt);
  }

  async #perform(attempt: GatedAttempt): Promise<void> {
    try {
      attempt.end({ type: 'returned', value: await attempt.work() });
    } catch (error) {
      attempt.end({ type: 'threw', error });
    }
    for (const check of [...this.#waiting]) check();
  }
}

/** Calls `end` when an attempt is told to stop while it waits for time or for ever. */
function onAbort(attempt: GatedAttempt, end: (attempt: GatedAttempt) => void): void {
  const { signal } = attempt.context;
  const stop = () => {
    if (attempt.phase === 'asleep' || attempt.phase === 'hung') end(attempt);
  };
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
}

function giveUp(attempt: GatedAttempt): void {
  attempt.end({ type: 'threw', error: attempt.context.signal.reason });
}

/** Nothing is expected of it any more. */
function abandon(attempt: GatedAttempt): void {
  attempt.phase = 'ended';
}

/** The context as the handler sees it: its progress goes through the gate, in order with its outcome. */
function reportingTo(attempt: GatedAttempt, context: HandlerContext): HandlerContext {
  const progress = (value: JsonValue) => {
    const converted = toJsonValue(value);
    if (!converted.ok) throw new TypeError(`progress is not JSON: ${converted.message}`);
    if (attempt.phase !== 'working' || converted.value === undefined) return;
    attempt.reports.push({ type: 'progressed', value: converted.value });
  };
  return new Proxy(context, {
    get(target, name) {
      if (name === 'progress') return progress;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
