/**
 * What one attempt has streamed: its newest chunks, and how far each watcher has come in them. Invariants:
 * 1. nobody is waited for: the oldest chunks make room for new ones; 2. numbers grow, so that whoever was too
 * slow, or came late, is told how many he has missed; 3. nothing is shown before it is known what is secret.
 */
import type { JsonValue } from '../../plan/json.js';
import type { AttemptName } from '../messages.js';
import type { Chunk } from './chunk.js';

/** An attempt of a run. */
export interface StreamName extends AttemptName {
  readonly run: string;
}

/** How much was streamed. */
export interface Streamed {
  readonly chunks: number;
  readonly characters: number;
  /** How often a watcher was too slow for a chunk. */
  readonly dropped: number;
}

/** A piece of output. */
export interface StreamedChunk extends AttemptName {
  readonly type: 'chunk';
  /** Within its attempt, from 1. */
  readonly number: number;
  /** The check whose handler streams it; absent where that is the node's own. */
  readonly check?: string;
  readonly value: JsonValue;
}

/** Chunks that are not told: the watcher came late, or was too slow. */
export interface StreamGap extends AttemptName {
  readonly type: 'gap';
  readonly chunks: number;
}

/** The attempt is over, and its marker is in the log. */
export interface StreamEnd extends AttemptName, Streamed {
  readonly type: 'end';
  /** Number of its event `attempt.streamed`; null where it has none, since its process stops. */
  readonly seq: number | null;
}

/** What a watcher of streams is told. */
export type StreamItem = StreamedChunk | StreamGap | StreamEnd;

/** Keeps secrets out of what is streamed, in order. */
export interface StreamMask {
  /**
   * Takes a chunk of so many characters; gives those that may be shown by now, one for each that was taken, in order.
   * What could be the beginning of a secret waits.
   */
  take(value: JsonValue, length: number): readonly JsonValue[];
  /** What waits at the end, and what was held back of texts. */
  rest(): { readonly values: readonly JsonValue[]; readonly text: string };
}

/** Of chunks that are kept. */
export interface WindowLimits {
  readonly chunks: number;
  readonly characters: number;
}

interface Kept {
  readonly number: number;
  readonly value: JsonValue;
  readonly length: number;
  readonly check: string | undefined;
}

/** How far one watcher has come. */
export class StreamCursor {
  readonly stream: AttemptStream;
  /** Number of the chunk that is told next. */
  next = 1;
  /** Its place among all that were ever kept. */
  place: number;
  isOver = false;
  readonly #onNews: (cursor: StreamCursor) => void;

  constructor(stream: AttemptStream, place: number, onNews: (cursor: StreamCursor) => void) {
    this.stream = stream;
    this.place = place;
    this.#onNews = onNews;
  }

  news(): void {
    this.#onNews(this);
  }
}

export class AttemptStream {
  readonly name: StreamName;
  readonly #limits: WindowLimits;
  readonly #onLeft: (stream: AttemptStream) => void;
  readonly #cursors = new Set<StreamCursor>();
  #kept: Kept[] = [];
  /** Characters of those. */
  #size = 0;
  /** How many were let go: the place of the first that is kept. */
  #base = 0;
  /** Number of the newest chunk. */
  #last = 0;
  #chunks = 0;
  #characters = 0;
  #dropped = 0;
  #mask: StreamMask | undefined;
  /** Chunks that were taken and are not shown yet, in order. */
  readonly #unshown: Omit<Kept, 'value'>[] = [];
  #isShown = false;
  #end: { readonly seq: number | null } | undefined;

  /** `onLeft` is told when the last watcher has left. */
  constructor(
    name: StreamName,
    limits: WindowLimits,
    onLeft: (stream: AttemptStream) => void = () => {},
  ) {
    this.name = name;
    this.#limits = limits;
    this.#onLeft = onLeft;
  }

  get counts(): Streamed {
    return { chunks: this.#chunks, characters: this.#characters, dropped: this.#dropped };
  }

  /** Characters that are kept. */
  get size(): number {
    return this.#size;
  }

  get isWatched(): boolean {
    return this.#cursors.size > 0;
  }

  /** Takes a chunk; one whose number has come before is dropped. Without a number it is the next one. */
  push({ value, length }: Chunk, check?: string, number = this.#last + 1): void {
    if (this.#end !== undefined || number <= this.#last) return;
    this.#last = number;
    this.#chunks += 1;
    this.#characters += length;
    this.#take({ number, value, length, check });
  }

  /** From now on it is shown; what has come before is masked too, all of it or none. */
  show(mask: StreamMask | undefined): void {
    this.#mask = mask;
    this.#isShown = true;
    if (mask !== undefined) {
      // The end of a secret cannot be told where its beginning was let go.
      if (this.#base > 0) this.forget();
      const raw = this.#kept;
      this.#kept = [];
      this.#size = 0;
      for (const chunk of raw) this.#take(chunk);
    }
    if (this.#end !== undefined) this.#flush();
    this.#tellNews();
  }

  /** Nothing comes any more. */
  end(seq: number | null): void {
    if (this.#end !== undefined) return;
    this.#end = { seq };
    if (this.#isShown) this.#flush();
    this.#tellNews();
  }

  /** Lets all chunks go. */
  forget(): void {
    while (this.#kept.length > 0) this.#dropOldest();
  }

  /** A new watcher, who begins with what is kept. */
  open(onNews: (cursor: StreamCursor) => void): StreamCursor {
    const cursor = new StreamCursor(this, this.#base, onNews);
    this.#cursors.add(cursor);
    return cursor;
  }

  leave(cursor: StreamCursor): void {
    this.#cursors.delete(cursor);
    if (this.#cursors.size === 0) this.#onLeft(this);
  }

  /** What comes next for a watcher; undefined where there is nothing yet, or nothing any more. */
  take(cursor: StreamCursor): StreamItem | undefined {
    if (!this.#isShown || cursor.isOver) return undefined;
    const kept = this.#kept[Math.max(cursor.place - this.#base, 0)];
    const upTo = kept?.number ?? this.#unshown[0]?.number ?? this.#last + 1;
    if (cursor.next < upTo) {
      const chunks = upTo - cursor.next;
      cursor.next = upTo;
      cursor.place = Math.max(cursor.place, this.#base);
      return { type: 'gap', ...this.#attempt, chunks };
    }
    if (kept !== undefined) {
      const { number, value, check } = kept;
      cursor.next = number + 1;
      cursor.place = Math.max(cursor.place, this.#base) + 1;
      return { type: 'chunk', ...this.#attempt, number, ...(check && { check }), value };
    }
    if (this.#end === undefined) return undefined;
    cursor.isOver = true;
    return { type: 'end', ...this.#attempt, ...this.counts, ...this.#end };
  }

  get #attempt(): AttemptName {
    const { node, generation, attempt } = this.name;
    return { node, generation, attempt };
  }

  #flush(): void {
    const { values, text } = this.#mask?.rest() ?? { values: [], text: '' };
    this.#keepShown(values);
    if (text === '') return;
    this.#last += 1;
    this.#keep({ number: this.#last, value: text, length: text.length, check: undefined });
  }

  #take(chunk: Kept): void {
    if (this.#mask === undefined) return this.#keep(chunk);
    const { value, ...unshown } = chunk;
    this.#unshown.push(unshown);
    this.#keepShown(this.#mask.take(value, unshown.length));
  }

  /** The values of as many chunks that were not shown yet. */
  #keepShown(values: readonly JsonValue[]): void {
    for (const value of values) {
      const chunk = this.#unshown.shift();
      if (chunk !== undefined) this.#keep({ ...chunk, value });
    }
  }

  #keep(chunk: Kept): void {
    this.#kept.push(chunk);
    this.#size += chunk.length;
    const { chunks, characters } = this.#limits;
    while (this.#kept.length > chunks || this.#size > characters) this.#dropOldest();
    this.#tellNews();
  }

  #dropOldest(): void {
    const oldest = this.#kept.shift();
    if (oldest === undefined) return;
    this.#size -= oldest.length;
    for (const cursor of this.#cursors) if (cursor.place <= this.#base) this.#dropped += 1;
    this.#base += 1;
  }

  #tellNews(): void {
    if (this.#isShown) for (const cursor of this.#cursors) cursor.news();
  }
}
