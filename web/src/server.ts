/** Talks to the server of the page: the ticket of the address becomes a session, kept as long as the tab. */
import type { ListedRun } from '../../src/http/inspect/inspect-app.js';
import type { ActorStep } from '../../src/inspect/actor-history.js';
import type { InspectedActor, InspectionEvent } from '../../src/inspect/inspection-event.js';
import type { EdgeOutcomes, RunGraph } from '../../src/inspect/run-graph.js';
import type { RunEvent } from '../../src/views.js';

const KEY = 'runchart-inspector-session';

export class ServerError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** Exchanges the ticket behind the hash, if there is one, and takes it out of the address. */
export async function openSession(): Promise<void> {
  const ticket = new URLSearchParams(location.hash.slice(1)).get('ticket');
  if (ticket === null) return;
  history.replaceState(null, '', location.pathname + location.search);
  const { session } = await post<{ session: string }>('session', { ticket });
  sessionStorage.setItem(KEY, session);
}

export async function listRuns(): Promise<readonly ListedRun[]> {
  return (await get<{ runs: ListedRun[] }>('runs')).runs;
}

export function readGraph(run: string, at?: number): Promise<RunGraph> {
  return get(runPath(run, 'graph', { at }));
}

export function readEdges(run: string, at?: number): Promise<EdgeOutcomes> {
  return get(runPath(run, 'edges', { at }));
}

export async function readSteps(
  run: string,
  actor: string,
  at?: number,
): Promise<readonly ActorStep[]> {
  return (await get<{ steps: ActorStep[] }>(runPath(run, 'steps', { actor, at }))).steps;
}

export async function readEvents(
  run: string,
  after: number,
  limit: number,
): Promise<readonly RunEvent[]> {
  return (await get<{ events: RunEvent[] }>(runPath(run, 'events', { after, limit }))).events;
}

/** Every actor as it was at an event. */
export async function readActors(run: string, at: number): Promise<readonly InspectedActor[]> {
  const text = await (await request(runPath(run, 'actors', { at }))).text();
  return text
    .split('\n')
    .flatMap((line) => (line === '' ? [] : [JSON.parse(line) as InspectedActor]));
}

export interface Watching {
  onEvents(events: readonly InspectionEvent[]): void;
  /** `isOver`: the run has ended, and nothing is to come. */
  onClose(isOver: boolean): void;
}

/** Watches a run; what comes within one frame is handed over together. Returns a function that ends it. */
export async function watchRun(
  run: string,
  { onEvents, onClose }: Watching,
  definitions: 'once' | 'each' = 'once',
): Promise<() => void> {
  const { ticket } = await post<{ ticket: string }>('tickets', {});
  const query = new URLSearchParams({ run, ticket, actors: 'all', definitions });
  const socket = new WebSocket(`ws://${location.host}/inspect/socket?${query}`);
  let waiting: InspectionEvent[] = [];
  const handOver = () => {
    const events = waiting;
    waiting = [];
    if (events.length > 0) onEvents(events);
  };
  socket.onmessage = ({ data }) => {
    if (waiting.length === 0) requestAnimationFrame(handOver);
    waiting.push(JSON.parse(data as string) as InspectionEvent);
  };
  socket.onclose = ({ code }) => {
    handOver();
    onClose(code === 1000);
  };
  return () => {
    socket.onclose = null;
    socket.close();
  };
}

function runPath(
  run: string,
  what: string,
  query: Record<string, string | number | undefined>,
): string {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)]],
  );
  return `runs/${encodeURIComponent(run)}/${what}?${new URLSearchParams(given)}`;
}

async function get<T>(path: string): Promise<T> {
  return (await (await request(path)).json()) as T;
}

async function post<T>(path: string, body: object): Promise<T> {
  return (await (await request(path, body)).json()) as T;
}

async function request(path: string, body?: object): Promise<Response> {
  const response = await fetch(`/inspect/api/${path}`, {
    headers: {
      authorization: `Bearer ${sessionStorage.getItem(KEY) ?? ''}`,
      ...(body && { 'content-type': 'application/json' }),
    },
    ...(body && { method: 'POST', body: JSON.stringify(body) }),
  });
  if (response.ok) return response;
  const { code = 'failed', detail = response.statusText } = (await response
    .json()
    .catch(() => ({}))) as { code?: string; detail?: string };
  throw new ServerError(code, detail);
}
