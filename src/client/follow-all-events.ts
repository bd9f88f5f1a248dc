/**
 * The events of all runs over connections that may be cut anywhere. Invariants: 1. each event is given once, those of
 * a run in order; 2. what is gone before it was read is told; 3. what is not read is not asked for.
 */
import type { BusEvent, BusGap } from './api.js';
import { Connection } from './connection.js';
import { ProblemError } from './problem-error.js';
import { backoffMs, sleep, type Transport } from './transport.js';

/** Where to begin, and when to stop. */
export interface FollowAllOptions {
  /** Position of the last event already known; `0/0` is from the first. From now on unless given. */
  readonly after?: string;
  readonly signal?: AbortSignal;
  /** Silence after which a connection counts as cut, in milliseconds; a minute unless given. */
  readonly silenceMs?: number;
  /** Told of events that retention has removed before they were read. */
  onGap?(gap: BusGap): void;
}

/** Never ends by itself. Rejects with a ProblemError, and with the reason of the signal. */
export async function* followAllEvents(
  transport: Transport,
  path: string,
  { after, signal, silenceMs = 60_000, onGap }: FollowAllOptions = {},
): AsyncGenerator<BusEvent, void, undefined> {
  let last = after;
  let gap = '';
  for (let failures = 0; ; ) {
    signal?.throwIfAborted();
    const connection = new Connection<BusEvent | BusGap>(transport, path, {
      ...{ signal, silenceMs },
      ...(last !== undefined && { last }),
    });
    const before = last;
    try {
      await connection.open();
      for await (const { id, name, data } of connection.events()) {
        signal?.throwIfAborted();
        if (name === 'gap') {
          const found = data as BusGap;
          // Told again to whoever comes back before he has passed it.
          if (found.to !== gap) onGap?.(found);
          gap = found.to;
          continue;
        }
        last = id ?? last;
        if (data !== undefined) yield data as BusEvent;
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
    if (last === before) await sleep(backoffMs(failures + 1, connection.retryMs), signal);
  }
}
