/** Keeps the store up to date: the stream while live, and what the server says of earlier events. */

import { store } from './run-store.js';
import { readActors, readEdges, readGraph, ServerError, watchRun } from './server.js';

/** How long the edges may be older than what is shown beside them, in milliseconds. */
const EDGES_AFTER_MS = 400;
/** A run whose connection was lost is looked for again after so long, in milliseconds. */
const RETRY_MS = 2_000;

/** Shows a run, and goes on until the returned function is called. */
export function follow(run: string): () => void {
  let isOver = false;
  let unwatch = () => {};
  const trigger = store.trigger;
  trigger.shown({ run });
  const connect = async () => {
    if (isOver) return;
    try {
      trigger.graphRead({ graph: await readGraph(run) });
      unwatch = await watchRun(run, {
        onEvents: (events) => {
          trigger.told({ events });
          if (store.getSnapshot().context.at === null) refreshEdges(run);
        },
        onClose: (hasEnded) => {
          trigger.connected({ is: hasEnded ? 'ended' : 'lost' });
          refreshEdges(run);
          if (!hasEnded) setTimeout(connect, RETRY_MS);
        },
      });
      if (isOver) unwatch();
    } catch (error) {
      fail(error);
      if (!(error instanceof ServerError)) setTimeout(connect, RETRY_MS);
    }
  };
  void connect();
  return () => {
    isOver = true;
    unwatch();
  };
}

/** Looks at the run as it was at an event, or live again. Of several calls the last one is what is shown. */
export async function lookAt(at: number | null): Promise<void> {
  const { run } = store.getSnapshot().context;
  store.trigger.lookedAt({ at });
  try {
    if (at === null) {
      store.trigger.graphRead({ graph: await readGraph(run) });
      return refreshEdges(run);
    }
    store.trigger.pastRead({ at, actors: await readActors(run, at) });
    const [graph, edges] = await Promise.all([readGraph(run, at), readEdges(run, at)]);
    if (store.getSnapshot().context.at !== at) return;
    store.trigger.graphRead({ graph });
    store.trigger.edgesRead({ edges });
  } catch (error) {
    fail(error);
  }
}

let edgesAsked: ReturnType<typeof setTimeout> | undefined;

function refreshEdges(run: string): void {
  if (edgesAsked !== undefined) return;
  edgesAsked = setTimeout(async () => {
    edgesAsked = undefined;
    try {
      const edges = await readEdges(run);
      const { at, run: shown } = store.getSnapshot().context;
      if (at === null && shown === run) store.trigger.edgesRead({ edges });
    } catch (error) {
      fail(error);
    }
  }, EDGES_AFTER_MS);
}

function fail(error: unknown): void {
  store.trigger.failed({ problem: error instanceof Error ? error.message : String(error) });
}
