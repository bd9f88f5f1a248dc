/**
 * Server-sent events over connections that may be cut anywhere. Invariants: 1. each connection begins where the one
 * before was left; 2. one that brought news is gone on with at once, others are waited for, longer each time; 3. it
 * is given up when the server refuses for good, or was not heard in as many attempts as the transport makes.
 */
import { Connection, type Heard } from './connection.js';
import { ProblemError } from './problem-error.js';
import { backoffMs, sleep, type Transport } from './transport.js';

/** How to listen. */
export interface Listening {
  readonly signal?: AbortSignal;
  /** Silence after which a connection counts as cut, in milliseconds; a minute unless given. */
  readonly silenceMs?: number;
}

/** Where the listener is. */
export interface Listener {
  /** Id of the last event that it knows; undefined where the server decides where to begin. */
  position(): string | undefined;
  /** Told of each connection before it is opened. */
  connecting?(): void;
}

/** Ends where the server has nothing left to say. Rejects with a ProblemError, and with the reason of the signal. */
export async function* reconnecting<T>(
  transport: Transport,
  path: string,
  { signal, silenceMs = 60_000 }: Listening,
  listener: Listener,
): AsyncGenerator<Heard<T>, void, undefined> {
  for (let failures = 0; ; ) {
    signal?.throwIfAborted();
    const last = listener.position();
    const connection = new Connection<T>(transport, path, { last, signal, silenceMs });
    listener.connecting?.();
    let broughtData = false;
    try {
      if (!(await connection.open())) return;
      for await (const heard of connection.events()) {
        signal?.throwIfAborted();
        broughtData ||= heard.data !== undefined;
        yield heard;
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
    const broughtNews = broughtData && listener.position() !== last;
    if (!broughtNews) await sleep(backoffMs(failures + 1, connection.retryMs), signal);
  }
}
