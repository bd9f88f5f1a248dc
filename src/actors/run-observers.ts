/**
 * Who is told of what became durable and of handlers at work: metrics, traces. Invariants: nobody
 * listening costs a comparison; an observer that fails harms nothing and is logged; what is told of a
 * turn is told once, after its commit, in the order of commits of its run.
 */
import type { Logger } from './handlers.js';
import type { GroupCommit } from './ports.js';
import type { RunRecord, TurnRecord } from './records.js';
import type { TraceContext } from './trace-context.js';

/** A handler that is about to be called, for an attempt or one of its checks. */
export interface UpcomingCall {
  readonly run: RunRecord;
  readonly handler: string;
  readonly node: string;
  readonly generation: number;
  readonly attempt: number;
  /** The check that it is the work of; undefined where it is the node's own. */
  readonly check: { readonly check: string; readonly number: number } | undefined;
}

/** How a call of a handler ended, to an observer. */
export type CallEnd = 'returned' | 'threw' | 'aborted';

/** What an observer has to do with one call. */
export interface ObservedCall {
  /** The trace that the handler works in. */
  readonly trace?: TraceContext;
  /** Calls the handler. */
  around?<T>(call: () => T): T;
  ended?(outcome: CallEnd): void;
}

/** Who is told of turns that became durable and of calls of handlers. */
export interface RunObserver {
  /** `run` is as the turn left it, or as a later one did. */
  turnCommitted?(run: RunRecord, turn: TurnRecord): void;
  handlerCalled?(call: UpcomingCall): ObservedCall | undefined;
  /** A transaction that turns of many runs share has its outcome. */
  groupCommitted?(commit: GroupCommit): void;
}

export class RunObservers {
  readonly #logger: Logger;
  readonly #observers = new Set<RunObserver>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  get isEmpty(): boolean {
    return this.#observers.size === 0;
  }

  /** Returns a function that ends it. */
  add(observer: RunObserver): () => void {
    this.#observers.add(observer);
    return () => void this.#observers.delete(observer);
  }

  turnCommitted(run: RunRecord, turn: TurnRecord): void {
    for (const observer of this.#observers) {
      this.#guard(() => observer.turnCommitted?.(run, turn));
    }
  }

  handlerCalled(call: UpcomingCall): readonly ObservedCall[] {
    const calls: ObservedCall[] = [];
    for (const observer of this.#observers) {
      const observed = this.#guard(() => observer.handlerCalled?.(call));
      if (observed !== undefined) calls.push(observed);
    }
    return calls;
  }

  ended(calls: readonly ObservedCall[], outcome: CallEnd): void {
    for (const call of calls) this.#guard(() => call.ended?.(outcome));
  }

  #guard<T>(tell: () => T): T | undefined {
    try {
      return tell();
    } catch (error) {
      this.#logger.error({ error }, 'an observer failed');
      return undefined;
    }
  }
}
