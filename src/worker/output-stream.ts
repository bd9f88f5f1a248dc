/**
 * What a worker's function streams, on its way to the server. Invariants: the function never waits; chunks go in
 * order, one call at a time; where the server cannot keep up the oldest are left out, which their numbers tell.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { MAX_CHUNK_LENGTH, readChunk } from '../actors/streams/chunk.js';
import { Backoff } from './backoff.js';
import type { Json } from './messages.js';

/** Of one call. */
const MAX_CHUNKS = 256;
const MAX_CHARACTERS = 2 * MAX_CHUNK_LENGTH;
/** Between two calls, in milliseconds. */
const INTERVAL_MS = 100;
/** That wait for a call. */
const MAX_WAITING = 4_096;
const MAX_WAITING_CHARACTERS = 16 * MAX_CHUNK_LENGTH;

/** Sends chunks of which the first has that number. Rejects with whatever it cannot be sent for. */
export type SendChunks = (number: number, chunks: readonly Json[]) => Promise<void>;

export class OutputStream {
  readonly #send: SendChunks;
  /** Whether a call that failed may succeed later. */
  readonly #isRetryable: (error: unknown) => boolean;
  #waiting: { readonly value: Json; readonly length: number }[] = [];
  /** Characters of those. */
  #size = 0;
  /** Number of the first that waits. */
  #number = 1;
  /** Half of a pair of surrogates, which goes with the text that follows. */
  #half = '';
  readonly #ended = new AbortController();
  #sending: Promise<void> | undefined;

  constructor(send: SendChunks, isRetryable: (error: unknown) => boolean) {
    this.#send = send;
    this.#isRetryable = isRetryable;
  }

  /** Throws a TypeError on what is not JSON, and `chunk-too-large`. */
  push(value: unknown): void {
    const chunk = readChunk(value);
    if (this.#ended.signal.aborted) return;
    this.#add(typeof chunk.value === 'string' ? this.#whole(chunk.value) : (chunk.value as Json));
    this.#sending ??= this.#sendAll();
  }

  /** Nothing comes any more: resolves when what waits was sent, or cannot be. */
  async end(): Promise<void> {
    this.#ended.abort();
    if (this.#half !== '') this.#add('\ufffd');
    if (this.#waiting.length > 0) this.#sending ??= this.#sendAll();
    await this.#sending;
  }

  #add(value: Json): void {
    const length = typeof value === 'string' ? value.length : JSON.stringify(value).length;
    this.#waiting.push({ value, length });
    this.#size += length;
    while (this.#waiting.length > MAX_WAITING || this.#size > MAX_WAITING_CHARACTERS) this.#take();
  }

  #whole(text: string): string {
    const whole = this.#half + text;
    const isCut = /[\ud800-\udbff]$/.test(whole);
    this.#half = isCut ? whole.slice(-1) : '';
    return (isCut ? whole.slice(0, -1) : whole).toWellFormed();
  }

  async #sendAll(): Promise<void> {
    const backoff = new Backoff();
    const { signal } = this.#ended;
    // Whatever is streamed in the same moment goes in the same call.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const number = this.#number;
      const batch = this.#nextBatch();
      try {
        await this.#send(number, batch);
        backoff.reset();
        // Who streams fast sends more at once, and not more often: heartbeats have their turn too.
        await sleep(INTERVAL_MS, undefined, { signal }).catch(() => {});
      } catch (error) {
        // Nobody waits for what can still be shown after the end: the result goes first.
        if (signal.aborted) this.#waiting = [];
        if (!this.#isRetryable(error) || signal.aborted) continue;
        await backoff.wait(signal);
      }
    }
    this.#sending = undefined;
  }

  /** What a call could not bring is left out. */
  #nextBatch(): Json[] {
    const batch: Json[] = [];
    for (let size = 0; batch.length < MAX_CHUNKS && this.#waiting.length > 0; ) {
      size += this.#waiting[0]?.length ?? 0;
      if (size > MAX_CHARACTERS && batch.length > 0) break;
      batch.push(this.#take() as Json);
    }
    return batch;
  }

  #take(): Json | undefined {
    const first = this.#waiting.shift();
    this.#number += 1;
    this.#size -= first?.length ?? 0;
    return first?.value;
  }
}
