/** What attempts of a run stream, as those who watch see it. Of runs of this process, while they are at work. */
import type { LiveIndex } from './actors/live-index.js';
import type { StreamItem } from './actors/streams/attempt-stream.js';
import type { StreamHub } from './actors/streams/stream-hub.js';
import type { StreamWatcher } from './actors/streams/stream-watcher.js';
import { isFinal } from './machines/statuses.js';
import { readOptions } from './read-arguments.js';
import type { RunReader } from './run-reader.js';

export type {
  StreamEnd,
  StreamedChunk,
  StreamGap,
  StreamItem,
} from './actors/streams/attempt-stream.js';

/** What to watch of a run, and how long. */
export interface StreamOptions {
  /** Path of the node run; all of them unless given. */
  readonly node?: string | undefined;
  /** Ends the iteration. */
  readonly signal?: AbortSignal | undefined;
}

export class RunStreams {
  readonly #hub: StreamHub;
  readonly #runs: Pick<RunReader, 'summary'>;
  readonly #live: Pick<LiveIndex, 'watch'>;

  constructor(hub: StreamHub, runs: Pick<RunReader, 'summary'>, live: Pick<LiveIndex, 'watch'>) {
    this.#hub = hub;
    this.#runs = runs;
    this.#live = live;
  }

  /** Ends with the run. Rejects with `run-unknown`, `overloaded`. */
  async *watch(id: string, options: StreamOptions): AsyncGenerator<StreamItem, void> {
    const { node, signal } = readOptions(options);
    const watcher = this.#hub.watch(id, node);
    const onAbort = () => watcher.close();
    signal?.addEventListener('abort', onAbort);
    if (signal?.aborted) watcher.close();
    const unwatch = this.#live.watch(id, ({ status }) => finishIf(isFinal(status), watcher));
    try {
      finishIf(isFinal((await this.#runs.summary(id)).status), watcher);
      yield* watcher.items();
    } finally {
      unwatch();
      signal?.removeEventListener('abort', onAbort);
      this.#hub.unwatch(id, watcher);
    }
  }

  /** What is kept of a run now. Rejects with `run-unknown`. */
  async now(id: string, node?: string): Promise<readonly StreamItem[]> {
    await this.#runs.summary(id);
    const watcher = this.#hub.watch(id, node);
    const items = [...watcher.now()];
    this.#hub.unwatch(id, watcher);
    return items;
  }
}

function finishIf(isOver: boolean, watcher: StreamWatcher): void {
  if (isOver) watcher.finish();
}
