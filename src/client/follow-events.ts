/**
 * The events of a run over connections that may be cut anywhere. Invariants: 1. each event is given once, in
 * order; 2. a connection that is silent for too long is given up; 3. what is not read is not asked for.
 */
import type { RunEvent } from './api.js';
import { framesOf } from './event-stream.js';
import { ProblemError } from './problem-error.js';
import { backoffMs, sleep, type Transport } from './transport.js';

/** Where to begin, and when to stop. */
export interface FollowOptions {
  /** Number of the last event already known; 0 is from the first. */
  readonly after?: number;
  readonly signal?: AbortSignal;
  /** Silence after which a connection counts as cut, in milliseconds; a minute unless given. */
  readonly silenceMs?: number;
}

const TERMINAL: ReadonlySet<string> = new Set([
  ...['run.completed', 'run.partial', 'run.failed', 'run.cancelled'],
]);

/** Ends after the terminal event of the run. Rejects with a ProblemError, and with the reason of the signal. */
export async function* followEvents(
  transport: Transport,
  path: string,
  { after = 0, signal, silenceMs = 60_000 }: FollowOptions = {},
): AsyncGenerator<RunEvent, void, undefined> {
  let last = after;
  for (let failures = 0; ; ) {
    signal?.throwIfAborted();
    const connection = new Connection(transport, path, { last, signal, silenceMs });
    const before = last;
    try {
      if (!(await connection.open())) return;
      for await (const event of connection.events()) {
        signal?.throwIfAborted();
        if (event.seq <= last) continue;
        last = event.seq;
        yield event;
        if (TERMINAL.has(event.type)) return;
      }
    } catch (error) {
      signal?.throwIfAborted();
      const isHopeless = error instanceof ProblemError && !error.retryable;
      const isLast = !connection.wasHeard && failures + 1 >= transport.maxAttempts;
      if (isHopeless || isLast) throw error;
    } finally {
      connection.close();
    }
    failures = connection.wasHeard ? 0 : failures + 1;
    // One that brought something is gone on with at once.
    if (last === before) await sleep(backoffMs(failures + 1, connection.retryMs), signal);
  }
}

class Connection {
  readonly #transport: Transport;
  readonly #path: string;
  readonly #last: number;
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
    options: { last: number; signal: AbortSignal | undefined; silenceMs: number },
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
    const headers = { accept: 'text/event-stream', 'last-event-id': String(this.#last) };
    const sent = { path: this.#path, method: 'GET', headers, signal: this.#signal };
    this.#hear();
    const flags = { isRepeatable: false, isStream: true };
    const response = await this.#transport.send({ ...sent, ...flags }, async (found) => found);
    this.#body = response.body ?? undefined;
    return response.status !== 204;
  }

  async *events(): AsyncGenerator<RunEvent, void, undefined> {
    if (this.#body === undefined) return;
    const onChunk = () => {
      this.wasHeard = true;
      this.#hear();
    };
    for await (const { data, retryMs } of framesOf(this.#body, this.#signal, onChunk)) {
      this.retryMs = retryMs ?? this.retryMs;
      if (data !== '') yield JSON.parse(data) as RunEvent;
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
