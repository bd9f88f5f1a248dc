/**
 * What handlers of a run stream, over connections that may be cut anywhere. Invariants: 1. a chunk is given once, and
 * those of an attempt in order; 2. what was missed meanwhile is told as a gap.
 */
import type { StreamEnd, StreamedChunk, StreamGap } from './api.js';
import { Connection } from './connection.js';
import { ProblemError } from './problem-error.js';
import { backoffMs, sleep, type Transport } from './transport.js';

/** What a watcher of a run is told of the output of its handlers. */
export type StreamItem = StreamedChunk | StreamGap | StreamEnd;

/** What to watch, and when to stop. */
export interface WatchOptions {
  /** Path of the node run; all of them unless given. */
  readonly node?: string;
  readonly signal?: AbortSignal;
  /** Silence after which a connection counts as cut, in milliseconds; a minute unless given. */
  readonly silenceMs?: number;
}

/** Ends with the run. Rejects with a ProblemError, and with the reason of the signal. */
export async function* followStream(
  transport: Transport,
  path: string,
  { signal, silenceMs = 60_000 }: Omit<WatchOptions, 'node'> = {},
): AsyncGenerator<StreamItem, void, undefined> {
  const told = new Told();
  for (let failures = 0; ; ) {
    signal?.throwIfAborted();
    const connection = new Connection<StreamItem>(transport, path, { signal, silenceMs });
    told.connected();
    try {
      if (!(await connection.open())) return;
      for await (const { data } of connection.events()) {
        signal?.throwIfAborted();
        if (data !== undefined) yield* told.news(data);
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
    await sleep(backoffMs(failures + 1, connection.retryMs), signal);
  }
}

/** How far each attempt was told. A connection begins with what is kept of it. */
class Told {
  /** Number of the last chunk that was told, or was told to be missed, by attempt. */
  readonly #last = new Map<string, number>();
  /** The same of what the connection has brought. */
  readonly #heard = new Map<string, number>();

  connected(): void {
    this.#heard.clear();
  }

  *news(item: StreamItem): Generator<StreamItem, void, undefined> {
    const key = `${item.node}/${item.generation}/${item.attempt}`;
    const last = this.#last.get(key) ?? 0;
    if (item.type === 'end') {
      this.#last.delete(key);
      yield item;
      return;
    }
    const heard = (this.#heard.get(key) ?? 0) + (item.type === 'gap' ? item.chunks : 1);
    this.#heard.set(key, heard);
    if (heard <= last) return;
    this.#last.set(key, heard);
    yield item.type === 'gap' ? { ...item, chunks: heard - last } : item;
  }
}
