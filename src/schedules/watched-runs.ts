/**
 * The runs of schedules, over an orchestrator. Invariant: whoever was told that a run has not ended is
 * told when it has.
 */
import type { RunRange } from '../actors/ports.js';
import { RunchartError } from '../errors.js';
import { isFinal, type RunStatus } from '../machines/statuses.js';
import type { ScheduledRuns } from './ports.js';
import { runIdRange, type ScheduledStart } from './schedule.js';

/** What an orchestrator can do with runs. */
export interface RunControl {
  /** Resolves when the run is durable. */
  start(start: ScheduledStart): Promise<unknown>;
  /** Rejects as `cancel` of the orchestrator does. */
  cancel(run: string, reason: string): Promise<unknown>;
  /** The durable status. */
  status(run: string): Promise<RunStatus | undefined>;
  runsBetween(from: string, before: string): Promise<RunRange>;
  /** Calls `listener` after each commit; returns a function that ends it. */
  watch(run: string, listener: (status: RunStatus) => void): () => void;
}

/** Where a cancel comes too late, or again. */
const NO_FAILURE: ReadonlySet<string> = new Set(['run-ended', 'run-ending', 'run-unknown']);

export class WatchedRuns implements ScheduledRuns {
  readonly #control: RunControl;
  readonly #watched = new Map<string, () => void>();
  readonly #listeners = new Set<(run: string) => void>();

  constructor(control: RunControl) {
    this.#control = control;
  }

  async start(start: ScheduledStart): Promise<void> {
    await this.#control.start(start);
    await this.status(start.run);
  }

  async cancel(run: string, reason: string): Promise<void> {
    try {
      await this.#control.cancel(run, reason);
    } catch (error) {
      if (!(error instanceof RunchartError && NO_FAILURE.has(error.code))) throw error;
    }
  }

  async status(run: string): Promise<RunStatus | undefined> {
    const status = await this.#control.status(run);
    if (status === undefined || isFinal(status) || this.#watched.has(run)) return status;
    this.#watch(run);
    // It may have ended since it was looked at.
    const newest = await this.#control.status(run);
    if (newest !== undefined && isFinal(newest)) this.#end(run);
    return newest;
  }

  startedAfter(schedule: string, at: number): Promise<RunRange> {
    const { from, before } = runIdRange(schedule, at);
    return this.#control.runsBetween(from, before);
  }

  onEnded(listener: (run: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #watch(run: string): void {
    const unwatch = this.#control.watch(run, (status) => {
      // A watcher is not taken away while watchers are being called.
      if (isFinal(status)) queueMicrotask(() => this.#end(run));
    });
    this.#watched.set(run, unwatch);
  }

  #end(run: string): void {
    const unwatch = this.#watched.get(run);
    if (unwatch === undefined) return;
    this.#watched.delete(run);
    unwatch();
    for (const listener of this.#listeners) listener(run);
  }
}
