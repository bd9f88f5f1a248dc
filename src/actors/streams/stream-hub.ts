/**
 * What attempts at work stream, on its way to those who watch: in memory alone, nothing of it is stored.
 * Invariants: 1. a handler is never held up, and never harmed by a watcher; 2. what is kept is bounded for each
 * attempt and for the process; 3. an attempt that streams nothing leaves no trace.
 */
import type { Logger } from '../handlers.js';
import type { RunRecord } from '../records.js';
import {
  AttemptStream,
  type Streamed,
  type StreamMask,
  type StreamName,
  type WindowLimits,
} from './attempt-stream.js';
import type { Chunk } from './chunk.js';
import { StreamWatcher } from './stream-watcher.js';

export interface StreamHubParts {
  readonly logger: Logger;
  /** What is secret of a run; undefined where nothing is. */
  readonly maskFor?: ((run: RunRecord) => Promise<StreamMask | undefined>) | undefined;
}

/** What is kept of each attempt, for those who come late or are slow. */
const WINDOW: WindowLimits = { chunks: 256, characters: 262_144 };
/** Characters that are kept of all attempts together. */
const MAX_KEPT = 64 * 1024 * 1024;

/** What the decisions of a run ask about streams. */
export interface StreamedAttempts {
  readonly isEmpty: boolean;
  /** How much an attempt has streamed, by its key; undefined where it has not. */
  countsOf(key: string): Streamed | undefined;
}

export class StreamHub implements StreamedAttempts {
  readonly #parts: StreamHubParts;
  /** Of attempts at work, by their keys. */
  readonly #open = new Map<string, AttemptStream>();
  /** All that keep chunks, also of attempts that are over; the one that was written to last is the last. */
  readonly #keeping = new Set<AttemptStream>();
  readonly #watchers = new Map<string, Set<StreamWatcher>>();
  #kept = 0;

  constructor(parts: StreamHubParts) {
    this.#parts = parts;
  }

  get isEmpty(): boolean {
    return this.#open.size === 0;
  }

  countsOf(key: string): Streamed | undefined {
    return this.#open.get(key)?.counts;
  }

  /** A chunk of an attempt that is at work. `number` is there where the sender counts. */
  push(run: RunRecord, name: StreamName, chunk: Chunk, check?: string, number?: number): void {
    const key = `${name.run}/${name.node}/${name.generation}/${name.attempt}`;
    const stream = this.#open.get(key) ?? this.#begin(key, run, name);
    this.#changing(stream, () => stream.push(chunk, check, number));
    for (const oldest of this.#keeping) {
      if (this.#kept <= MAX_KEPT) return;
      this.#changing(oldest, () => oldest.forget());
    }
  }

  /** The attempt is over; `seq` is the number of its marker. */
  end(key: string, seq: number | null): void {
    const stream = this.#open.get(key);
    if (stream === undefined) return;
    this.#open.delete(key);
    this.#changing(stream, () => stream.end(seq));
    this.#settle(stream);
  }

  /** Begins with what is kept of the run's attempts at work. */
  watch(run: string, node?: string): StreamWatcher {
    const watcher = new StreamWatcher(node);
    const watchers = this.#watchers.get(run) ?? new Set();
    this.#watchers.set(run, watchers.add(watcher));
    for (const stream of this.#open.values()) if (stream.name.run === run) watcher.attach(stream);
    return watcher;
  }

  unwatch(run: string, watcher: StreamWatcher): void {
    watcher.close();
    const watchers = this.#watchers.get(run);
    watchers?.delete(watcher);
    if (watchers?.size === 0) this.#watchers.delete(run);
  }

  /** Ends all watching. */
  close(): void {
    for (const watchers of this.#watchers.values()) for (const one of watchers) one.close();
  }

  #begin(key: string, run: RunRecord, name: StreamName): AttemptStream {
    const { node, generation, attempt } = name;
    const own = { run: run.id, node, generation, attempt };
    const stream = new AttemptStream(own, WINDOW, (left) => this.#settle(left));
    this.#open.set(key, stream);
    for (const watcher of this.#watchers.get(name.run) ?? []) watcher.attach(stream);
    const { maskFor, logger } = this.#parts;
    const show = (mask: StreamMask | undefined) => this.#changing(stream, () => stream.show(mask));
    if (maskFor === undefined) show(undefined);
    else {
      maskFor(run).then(show, (error: unknown) => {
        logger.warn({ run: run.id, error }, 'what an attempt streams cannot be shown');
        show(NOTHING_SHOWN);
      });
    }
    return stream;
  }

  /** Counts what is kept before and after. */
  #changing(stream: AttemptStream, change: () => void): void {
    this.#kept -= stream.size;
    change();
    this.#kept += stream.size;
    this.#keeping.delete(stream);
    if (stream.size > 0) this.#keeping.add(stream);
  }

  /** Of an attempt that is over nothing is kept but for those who have not read it. */
  #settle(stream: AttemptStream): void {
    const { run, node, generation, attempt } = stream.name;
    const isOpen = this.#open.get(`${run}/${node}/${generation}/${attempt}`) === stream;
    if (!isOpen && !stream.isWatched) this.#changing(stream, () => stream.forget());
  }
}

/** Where nobody can say what is secret. */
const NOTHING_SHOWN: StreamMask = { take: () => [''], rest: () => ({ values: [], text: '' }) };
