/**
 * A connection that is read as a stream of server-sent events. Invariants: one that is silent for too long is cut;
 * what is not read is not asked for.
 */
import { framesOf } from './event-stream.js';
import type { Transport } from './transport.js';

/** What came over a connection. */
export interface Heard<T> {
  readonly id: string | undefined;
  readonly name: string | undefined;
  readonly data: T | undefined;
}

/** One connection to a stream of server-sent events. */
export class Connection<T> {
  readonly #transport: Transport;
  readonly #path: string;
  readonly #last: string | undefined;
  readonly #silenceMs: number;
  readonly #cut = new AbortController();
  readonly #signal: AbortSignal;
  /** How long to wait before the next one, in milliseconds, as the server asks. */
  retryMs: number | undefined;
  /** Whether anything came. */
  wasHeard = false;
  #body: ReadableStream<Uint8Array> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    transport: Transport,
    path: string,
    options: {
      readonly last: string | undefined;
      readonly signal: AbortSignal | undefined;
      readonly silenceMs: number;
    },
  ) {
    this.#transport = transport;
    this.#path = path;
    this.#last = options.last;
    this.#silenceMs = options.silenceMs;
    const { signal: outer } = options;
    this.#signal =
      outer === undefined ? this.#cut.signal : AbortSignal.any([outer, this.#cut.signal]);
  }

  /** False where there is nothing left to come. */
  async open(): Promise<boolean> {
    const headers = {
      accept: 'text/event-stream',
      ...(this.#last !== undefined && { 'last-event-id': this.#last }),
    };
    const sent = { path: this.#path, method: 'GET', headers, signal: this.#signal };
    this.#hear();
    const flags = { isRepeatable: false, isStream: true };
    const response = await this.#transport.send({ ...sent, ...flags }, async (found) => found);
    this.#body = response.body ?? undefined;
    return response.status !== 204;
  }

  /** What came, with its id; data is undefined where there is an id alone. */
  async *events(): AsyncGenerator<Heard<T>, void, undefined> {
    if (this.#body === undefined) return;
    const onChunk = () => {
      this.wasHeard = true;
      this.#hear();
    };
    for await (const { id, name, data, retryMs } of framesOf(this.#body, this.#signal, onChunk)) {
      this.retryMs = retryMs ?? this.retryMs;
      if (data !== '') yield { id, name, data: JSON.parse(data) as T };
      else if (id !== undefined) yield { id, name, data: undefined };
    }
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#cut.abort();
  }

  #hear(): void {
    clearTimeout(this.#timer);
    const tooLong = () => this.#cut.abort(new Error('nothing was heard for too long'));
    this.#timer = setTimeout(tooLong, this.#silenceMs);
  }
}
