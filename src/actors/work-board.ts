/**
 * Which runs have work for workers outside, and which workers wait for some. Holds an entry per run and
 * handler, whether or not the run is in memory; what is claimed is decided by the runs. Invariants: runs of
 * a higher priority are asked first, those of one priority take turns; whoever waits is told of work that
 * comes, those that wait longest first; those with another version of it come last, to be refused.
 */
import type { Fit } from './run/claim.js';
import type { RunActor } from './run/run-actor.js';

const LEVELS = 10;
/** Workers that may wait at the same time. */
const MAX_WAITING = 10_000;

/** How many attempts a run offers, by handler. */
type Offers = ReadonlyMap<string, number>;
/** What a worker is to a handler. */
type FitOf = (handler: string) => Fit;
/** Whether a worker may have work of a run, by its id. */
type IsMeant = (run: string) => boolean;

/** A worker that asks for work. */
export class WaitingWorker {
  readonly fitOf: FitOf;
  readonly isMeant: IsMeant;
  /** Something has changed since it last looked. */
  isCalled = false;
  /** It looked, and what it could do was not to be had. */
  isHungry = false;
  #wake: (() => void) | undefined;

  constructor(fitOf: FitOf, isMeant: IsMeant) {
    this.fitOf = fitOf;
    this.isMeant = isMeant;
  }

  /** Resolves when it is worth looking again; at once where that is so already. */
  called(): Promise<void> {
    if (this.isCalled) return Promise.resolve();
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  call(): void {
    this.isCalled = true;
    this.#wake?.();
  }
}

export class WorkBoard {
  /** By priority; within one in the order in which runs are asked. */
  readonly #levels = Array.from({ length: LEVELS }, () => new Map<string, Offers>());
  readonly #levelOf = new Map<string, number>();
  readonly #waiting = new Set<WaitingWorker>();
  readonly #watched = new Map<string, Set<() => void>>();
  #isClosed = false;

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get isCrowded(): boolean {
    return this.#waiting.size >= MAX_WAITING;
  }

  /** Attempts that could be claimed, by handler; of runs that `isMeant`. */
  offers(isMeant: IsMeant = () => true): Offers {
    const sums = new Map<string, number>();
    for (const level of this.#levels) {
      for (const [run, offers] of level) {
        if (!isMeant(run)) continue;
        for (const [handler, count] of offers) {
          sums.set(handler, (sums.get(handler) ?? 0) + count);
        }
      }
    }
    return sums;
  }

  /** After each turn of a run; a claim has nothing new for anybody else. */
  turnEnded({ id, priority, offers }: RunActor, isClaim: boolean): void {
    this.#keep(id, priority, offers);
    if (offers !== undefined && !isClaim) this.#call(id, offers);
  }

  /** A run came into memory. What was known of it is no news: a claim that brought it there would call itself. */
  adopted({ id, priority, offers }: RunActor): void {
    const before = this.#keep(id, priority, offers);
    if (offers !== undefined && !isSame(before, offers)) this.#call(id, offers);
  }

  /** Returns what was known of the run, at its priority. */
  #keep(id: string, priority: number, offers: Offers | undefined): Offers | undefined {
    if (offers === undefined || offers.size === 0) {
      if (this.#levelOf.size > 0) this.remove(id);
      return undefined;
    }
    const level = Math.min(LEVELS - 1, Math.max(0, priority));
    if (this.#levelOf.get(id) !== level) this.remove(id);
    this.#levelOf.set(id, level);
    const before = this.#levels[level]?.get(id);
    this.#levels[level]?.set(id, offers);
    return before;
  }

  remove(run: string): void {
    const level = this.#levelOf.get(run);
    if (level === undefined) return;
    this.#levelOf.delete(run);
    this.#levels[level]?.delete(run);
  }

  /**
   * Runs with work for a worker, in the order in which to ask them; each is asked last from then on. Behind them those
   * that need another version of what it has.
   */
  *runsFor(fitOf: FitOf, isMeant: IsMeant = () => true): IterableIterator<string> {
    for (const fit of ['fits', 'other-version'] as const) {
      for (const level of [...this.#levels].reverse()) {
        for (const run of [...level.keys()]) {
          const offers = level.get(run);
          if (offers === undefined || !isMeant(run) || bestFit(offers, fitOf) !== fit) continue;
          level.delete(run);
          level.set(run, offers);
          yield run;
        }
      }
    }
  }

  /** `isMeant` says of which runs it may have work: it is told of no other's. */
  enter(fitOf: FitOf, isMeant: IsMeant = () => true): WaitingWorker {
    const worker = new WaitingWorker(fitOf, isMeant);
    this.#waiting.add(worker);
    return worker;
  }

  leave(worker: WaitingWorker): void {
    this.#waiting.delete(worker);
  }

  /** A slot, or a place at a gate, is free again. */
  slotFreed(): void {
    for (const worker of this.#waiting) {
      if (worker.isHungry && !worker.isCalled) return worker.call();
    }
  }

  /** Calls `listener` when the attempt with this key is told to stop; returns a function that ends it. */
  watch(key: string, listener: () => void): () => void {
    const listeners = this.#watched.get(key) ?? new Set();
    this.#watched.set(key, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#watched.get(key) === listeners) this.#watched.delete(key);
    };
  }

  stopped(key: string): void {
    for (const listener of this.#watched.get(key) ?? []) listener();
  }

  /** Nobody waits any more. */
  close(): void {
    this.#isClosed = true;
    for (const worker of this.#waiting) worker.call();
    for (const listeners of this.#watched.values()) for (const listener of listeners) listener();
  }

  #call(run: string, offers: Offers): void {
    let left = [...offers.values()].reduce((sum, count) => sum + count, 0);
    for (const fit of ['fits', 'other-version'] as const) {
      for (const worker of this.#waiting) {
        if (left === 0) return;
        if (worker.isCalled || !worker.isMeant(run)) continue;
        if (bestFit(offers, worker.fitOf) !== fit) continue;
        worker.call();
        left -= 1;
      }
    }
  }
}

/** What a worker is to the best of what a run offers. */
function bestFit(offers: Offers, fitOf: FitOf): Fit {
  let best: Fit = 'none';
  for (const handler of offers.keys()) {
    const fit = fitOf(handler);
    if (fit === 'fits') return fit;
    if (fit === 'other-version') best = fit;
  }
  return best;
}

function isSame(before: Offers | undefined, now: Offers): boolean {
  if (before?.size !== now.size) return false;
  return [...before].every(([handler, count]) => now.get(handler) === count);
}
