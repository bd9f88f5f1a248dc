/**
 * The events of a run over connections that may be cut anywhere. Invariants: 1. each event is given once, in
 * order; 2. a connection that is silent for too long is given up; 3. what is not read is not asked for.
 */
import type { RunEvent } from './api.js';
import { Connection } from './connection.js';
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
    const connection = new Connection<RunEvent>(transport, path, {
      ...{ last: String(last), signal, silenceMs },
    });
    const before = last;
    try {
      if (!(await connection.open())) return;
      for await (const { data: event } of connection.events()) {
        signal?.throwIfAborted();
        if (event === undefined || event.seq <= last) continue;
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
