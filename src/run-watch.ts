/** Waits for what becomes of runs: every event in order, or a status. Fed by commits, read from the log. */
import type { LiveIndex } from './actors/live-index.js';
import { ChangeSignal } from './change-signal.js';
import { RunchartError } from './errors.js';
import { isFinal, type RunStatus } from './machines/statuses.js';
import { readOptions } from './read-arguments.js';
import type { RunReader } from './run-reader.js';
import type { RunStreams, StreamItem, StreamOptions } from './run-streams.js';
import type { RunEvent, RunResult } from './views.js';

/** Where to begin with the events of a run, and when to stop. */
export interface EventsOptions {
  /** Number of the last event already known; 0 is from the first. */
  readonly after?: number;
  /** Ends the iteration. */
  readonly signal?: AbortSignal;
  /** Events read from the log at a time; 1,000 unless given. */
  readonly pageSize?: number | (() => number);
}

/** A run by its id: waits for its result and follows its events. */
export interface RunHandle {
  readonly id: string;
  /** Resolves when the run has ended. */
  result(): Promise<RunResult>;
  events(options?: EventsOptions): AsyncIterableIterator<RunEvent>;
  /** What its handlers stream while they work. */
  stream(options?: StreamOptions): AsyncIterableIterator<StreamItem>;
}

/** The handle of a run that was started, or was there already. */
export interface StartedRun extends RunHandle {
  /** False where the same start had created the run before. */
  readonly created: boolean;
}

export class RunWatch {
  readonly #runs: RunReader;
  readonly #live: LiveIndex;
  readonly #streams: RunStreams;
  /** Those who wait for a change; closing wakes them. */
  readonly #signals = new Set<ChangeSignal>();
  #isClosed = false;

  constructor(runs: RunReader, live: LiveIndex, streams: RunStreams) {
    this.#runs = runs;
    this.#live = live;
    this.#streams = streams;
  }

  /**
   * The events of a run, from the log, in order and without a gap; live until the run's terminal
   * event. A slow reader is never behind by more than what lies on disk.
   */
  async *events(id: string, options: EventsOptions = {}): AsyncIterableIterator<RunEvent> {
    for await (const page of this.pages(id, options)) yield* page;
  }

  /** As `events`, as many at a time as were read. */
  async *pages(id: string, options: EventsOptions = {}): AsyncGenerator<readonly RunEvent[], void> {
    const { signal } = readOptions(options);
    let after = options.after ?? 0;
    const change = this.#newSignal();
    const onAbort = () => change.raise();
    signal?.addEventListener('abort', onAbort);
    let isLastLook = false;
    const unwatch = this.#live.watch(id, () => change.raise());
    try {
      while (signal?.aborted !== true && !this.#isClosed) {
        const page = await this.#runs.events(id, after, pageSizeOf(options));
        const newest = page.at(-1);
        if (newest !== undefined) {
          yield page;
          after = newest.seq;
          if (isTerminal(newest)) return;
          continue;
        }
        if (isLastLook) return;
        // The last events may have been committed since the page was read.
        isLastLook = isFinal(await this.#newestStatus(id));
        if (!isLastLook) await change.wait();
      }
    } finally {
      unwatch();
      signal?.removeEventListener('abort', onAbort);
      this.#signals.delete(change);
    }
  }

  /** Yields at once, and whenever the run may have changed, once for many changes; ends with the signal, or as all closes. */
  async *changes(id: string, signal: AbortSignal): AsyncGenerator<void, void, undefined> {
    const change = this.#newSignal();
    const onAbort = () => change.raise();
    signal.addEventListener('abort', onAbort);
    const unwatch = this.#live.watch(id, () => change.raise());
    try {
      while (!signal.aborted && !this.#isClosed) {
        yield;
        await change.wait();
      }
    } finally {
      unwatch();
      signal.removeEventListener('abort', onAbort);
      this.#signals.delete(change);
    }
  }

  /** A handle on a run by id; nothing is checked until it is used. */
  handle(id: string): RunHandle {
    return {
      id,
      result: () => this.result(id),
      events: (options) => this.events(id, options),
      stream: (options = {}) => this.#streams.watch(id, options),
    };
  }

  /** Resolves when the run has ended, with its outputs and errors. Rejects with `closing`, `run-unknown`. */
  async result(id: string): Promise<RunResult> {
    await this.when(id, isFinal);
    return this.#runs.result(id);
  }

  #newSignal(): ChangeSignal {
    const change = new ChangeSignal();
    this.#signals.add(change);
    return change;
  }

  /** Resolves with the first durable status that is asked for. */
  async when(id: string, isReached: (status: RunStatus) => boolean): Promise<RunStatus> {
    const live = this.#live;
    const change = this.#newSignal();
    let status: RunStatus | undefined;
    const unwatch = live.watch(id, (run) => {
      status = run.status;
      if (isReached(status)) change.raise();
    });
    try {
      const read = await this.#newestStatus(id);
      // A commit meanwhile is newer than what was read.
      status ??= read;
      while (!isReached(status)) {
        if (this.#isClosed) throw new RunchartError('closing', 'the orchestrator is closed');
        await change.wait();
      }
      return status;
    } finally {
      unwatch();
      this.#signals.delete(change);
    }
  }

  /** As the newest commit left it. */
  async #newestStatus(id: string): Promise<RunStatus> {
    return this.#live.get(id)?.status ?? (await this.#runs.summary(id)).status;
  }

  /** Resolves when the run has ended. Rejects with `closing`. */
  async whenEnded(id: string): Promise<void> {
    await this.when(id, isFinal);
  }

  /** Ends all waiting: with the events read so far, or the error `closing`. */
  close(): void {
    this.#isClosed = true;
    for (const signal of this.#signals) signal.raise();
  }
}

function pageSizeOf({ pageSize }: EventsOptions): number | undefined {
  const size = typeof pageSize === 'function' ? pageSize() : pageSize;
  if (size === undefined || (Number.isSafeInteger(size) && size >= 1)) return size;
  throw new RunchartError('argument-invalid', 'a page has a whole number of events, 1 or more');
}

const TERMINAL_EVENTS = new Set(['run.completed', 'run.partial', 'run.failed', 'run.cancelled']);

function isTerminal(event: RunEvent): boolean {
  return TERMINAL_EVENTS.has(event.type);
}
