/**
 * What handlers of a run stream, over connections that may be cut anywhere. Invariants: 1. a chunk is given once, and
 * those of an attempt in order; 2. what was missed meanwhile is told as a gap.
 */
import type { StreamEnd, StreamedChunk, StreamGap } from './api.js';
import { type Listening, reconnecting } from './reconnecting.js';
import type { Transport } from './transport.js';

/** What a watcher of a run is told of the output of its handlers. */
export type StreamItem = StreamedChunk | StreamGap | StreamEnd;

/** What to watch, and when to stop. */
export interface WatchOptions extends Listening {
  /** Path of the node run; all of them unless given. */
  readonly node?: string;
}

/** Ends with the run. Rejects with a ProblemError, and with the reason of the signal. */
export async function* followStream(
  transport: Transport,
  path: string,
  listening: Listening = {},
): AsyncGenerator<StreamItem, void, undefined> {
  const told = new Told();
  // Chunks are numbered by attempt, so that the server begins with all that it kept.
  const listener = { position: () => undefined, connecting: () => told.connected() };
  for await (const { data } of reconnecting<StreamItem>(transport, path, listening, listener)) {
    if (data !== undefined) yield* told.news(data);
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
