/**
 * One watcher of what a run streams: a place in the window of each attempt, so that it costs next to nothing
 * however slow it is. Invariant: chunks of an attempt come in order; attempts take turns.
 */
import { ChangeSignal } from '../../change-signal.js';
import { RunchartError } from '../../errors.js';
import type { AttemptStream, StreamCursor, StreamItem } from './attempt-stream.js';

/** Attempts that a watcher may be behind with. */
const MAX_BEHIND = 10_000;

export class StreamWatcher {
  readonly #cursors = new Map<AttemptStream, StreamCursor>();
  /** Those that have something to tell. */
  readonly #ready = new Set<StreamCursor>();
  readonly #change = new ChangeSignal();
  readonly #node: string | undefined;
  #isFinishing = false;
  #isClosed = false;
  #isLost = false;

  /** Of one node run, by its path, or of all. */
  constructor(node: string | undefined) {
    this.#node = node;
  }

  /** An attempt of its run streams. */
  attach(stream: AttemptStream): void {
    if (this.#isClosed || (this.#node !== undefined && stream.name.node !== this.#node)) return;
    if (this.#cursors.size >= MAX_BEHIND) {
      this.#isLost = true;
      return this.close();
    }
    const cursor = stream.open((one) => this.#hear(one));
    this.#cursors.set(stream, cursor);
    this.#hear(cursor);
  }

  /** Its run has ended: nothing new comes. */
  finish(): void {
    this.#isFinishing = true;
    this.#change.raise();
  }

  /** Ends at once. */
  close(): void {
    this.#isClosed = true;
    for (const cursor of this.#cursors.values()) this.#leave(cursor);
    this.#change.raise();
  }

  /** What there is now. */
  *now(): Generator<StreamItem, void, undefined> {
    for (const cursor of this.#ready) {
      this.#ready.delete(cursor);
      const item = cursor.stream.take(cursor);
      if (cursor.isOver) this.#leave(cursor);
      else if (item !== undefined) this.#ready.add(cursor);
      if (item !== undefined) yield item;
      if (this.#isClosed) return;
    }
  }

  /** All that comes. Rejects with `overloaded` where the watcher is behind with too many attempts. */
  async *items(): AsyncGenerator<StreamItem, void, undefined> {
    try {
      while (!this.#isClosed) {
        yield* this.now();
        if (this.#isDone) break;
        await this.#change.wait();
      }
    } finally {
      this.close();
    }
    if (this.#isLost) throw new RunchartError('overloaded', 'the watcher is too far behind');
  }

  /** The end of an attempt is told a moment after its run has ended for those who read it. */
  get #isDone(): boolean {
    return this.#isClosed || (this.#isFinishing && this.#cursors.size === 0);
  }

  #hear(cursor: StreamCursor): void {
    if (this.#isClosed) return;
    this.#ready.add(cursor);
    this.#change.raise();
  }

  #leave(cursor: StreamCursor): void {
    this.#ready.delete(cursor);
    this.#cursors.delete(cursor.stream);
    cursor.stream.leave(cursor);
  }
}
