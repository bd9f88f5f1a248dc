/** What the page knows of the run that it shows. Live it follows the stream; otherwise it shows one event. */
import { createStore } from '@xstate/store';
import { useRef, useSyncExternalStore } from 'react';
import type {
  InspectedActor,
  InspectedSnapshot,
  InspectionEvent,
} from '../../src/inspect/inspection-event.js';
import type { EdgeOutcomes, RunGraph } from '../../src/inspect/run-graph.js';
import { statusOf } from './statuses.js';

export type Actors = ReadonlyMap<string, InspectedSnapshot>;

export interface RunView {
  readonly run: string;
  readonly graph: RunGraph | undefined;
  /** By path; the run's own has the empty one. Copied when it changes. */
  readonly live: Actors;
  readonly definitions: Readonly<Record<string, string>>;
  /** Number of the newest event. */
  readonly head: number;
  readonly connection: 'connecting' | 'live' | 'ended' | 'lost';
  /** The event that is looked at; null is live. */
  readonly at: number | null;
  /** The actors at that event; undefined while they are on their way. */
  readonly past: Actors | undefined;
  readonly edges: EdgeOutcomes;
  /** Path of the selected actor; empty for the run. */
  readonly selected: string;
  readonly opened: ReadonlySet<string>;
  readonly problem: string | undefined;
}

const EMPTY: RunView = {
  run: '',
  graph: undefined,
  live: new Map(),
  definitions: {},
  head: 0,
  connection: 'connecting',
  at: null,
  past: undefined,
  edges: {},
  selected: '',
  opened: new Set(),
  problem: undefined,
};

export const store = createStore({
  context: EMPTY,
  on: {
    shown: (_, { run }: { run: string }) => ({ ...EMPTY, run }),
    graphRead: (view, { graph }: { graph: RunGraph }) => ({
      ...view,
      graph,
      head: Math.max(view.head, graph.seq),
    }),
    edgesRead: (view, { edges }: { edges: EdgeOutcomes }) => ({ ...view, edges }),
    told: (view, { events }: { events: readonly InspectionEvent[] }) => take(view, events),
    connected: (view, { is }: { is: RunView['connection'] }) => ({ ...view, connection: is }),
    lookedAt: (view, { at }: { at: number | null }) => ({
      ...view,
      at,
      past: at === null ? undefined : view.past,
    }),
    pastRead: (view, { at, actors }: { at: number; actors: readonly InspectedActor[] }) =>
      view.at === at ? { ...view, past: byPath(view.run, actors) } : view,
    selected: (view, { path }: { path: string }) => ({ ...view, selected: path }),
    opened: (view, { boxes }: { boxes: readonly string[] }) => ({
      ...view,
      opened: new Set([...view.opened, ...boxes]),
    }),
    closed: (view) => ({ ...view, opened: new Set<string>() }),
    failed: (view, { problem }: { problem: string }) => ({ ...view, problem }),
  },
});

/** A part of what is known; drawn anew when it is another one. */
export function useView<T>(select: (view: RunView) => T): T {
  const selector = useRef(select);
  selector.current = select;
  const read = () => selector.current(store.getSnapshot().context);
  return useSyncExternalStore(subscribe, read);
}

function subscribe(listener: () => void): () => void {
  const subscription = store.subscribe(listener);
  return () => subscription.unsubscribe();
}

/** The actors that are shown: live, or as they were. */
export function shownActors({ at, past, live }: RunView): Actors {
  return at === null ? live : (past ?? live);
}

function take(view: RunView, events: readonly InspectionEvent[]): RunView {
  const live = new Map(view.live);
  const definitions = { ...view.definitions };
  let { head } = view;
  for (const event of events) {
    head = Math.max(head, seqOf(event));
    if (event.type === '@xstate.event') continue;
    live.set(pathOf(view.run, event.sessionId), event.snapshot);
    if (event.type === '@xstate.actor' && event.definition !== undefined) {
      definitions[event.machine] = event.definition;
    }
  }
  return { ...view, live, definitions, head, connection: 'live' };
}

/** Ids of inspection events have the number of the event of the log behind the id of the run. */
function seqOf({ id, rootId }: InspectionEvent): number {
  return Number.parseInt(id.slice(rootId.length + 1), 10);
}

function byPath(run: string, actors: readonly InspectedActor[]): Actors {
  return new Map(actors.map(({ sessionId, snapshot }) => [pathOf(run, sessionId), snapshot]));
}

function pathOf(run: string, session: string): string {
  return session === run ? '' : session.slice(run.length + 1);
}

/** How many actors there are of each status, of those whose path begins so. */
export function countInside(actors: Actors, host: string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const [path, { value }] of actors) {
    if (!path.startsWith(`${host}[`)) continue;
    const status = statusOf(value);
    counts.set(status, (counts.get(status) ?? 0) + 1);
  }
  return counts;
}
