/**
 * What the page of the inspector asks for, all below `/inspect`. Invariants: nothing but the files of the page is
 * given without a session; everything is masked as the stream is. docs/inspect.md describes it.
 */
import { type Context, Hono } from 'hono';
import { z } from 'zod';
import { readActorHistory } from '../../inspect/actor-history.js';
import type { Mask } from '../../inspect/conversion.js';
import type { InspectSource } from '../../inspect/inspect-source.js';
import { readEdgeOutcomes, readGraph } from '../../inspect/run-graph.js';
import type { RunSummary } from '../../views.js';
import { loopbackOnly } from '../loopback.js';
import { RequestError, sendProblem, toProblem } from '../problem.js';
import { type Given, readAs, readBody } from '../read-body.js';
import { ndjson } from './ndjson.js';
import { PageFiles } from './page-files.js';
import type { Passes } from './passes.js';

export interface InspectAppParts {
  readonly source: InspectSource;
  readonly passes: Passes;
  readonly mask: Mask | undefined;
  onInternalError?(error: unknown): void;
}

/** A run as it is listed. */
export type ListedRun = Pick<RunSummary, 'id' | 'status' | 'createdAt'>;

/** Events that a list has at most. */
const MAX_EVENTS = 500;
const TICKET = z.strictObject({ ticket: z.string().max(256) });
const number = z.coerce.number().int();
const QUERY = z.object({
  /** The event at which the run is looked at; the newest where absent. */
  at: number.min(1).optional(),
  /** Path of an actor; empty for the run. */
  actor: z.string().default(''),
  after: number.min(0).default(0),
  limit: number.min(1).max(MAX_EVENTS).default(100),
});

export function createInspectApp({ source, passes, mask, onInternalError }: InspectAppParts): Hono {
  const app = new Hono().basePath('/inspect');
  const files = new PageFiles();
  app.use(loopbackOnly);
  app.post('/api/session', async (context) => {
    const { ticket } = await readBody(context, TICKET);
    const session = passes.openSession(ticket);
    if (session === undefined) throw refused();
    return context.json({ session });
  });
  app.use('/api/*', async (context, next) => {
    const [scheme, session = ''] = (context.req.header('authorization') ?? '').split(' ');
    if (scheme !== 'Bearer' || !passes.isSession(session)) throw refused();
    await next();
    context.header('cache-control', 'no-store');
  });
  app.post('/api/tickets', (context) => context.json({ ticket: passes.issue() }));
  addReads(app, source, mask);
  app.get('/*', (context) => {
    // What the page refers to lies below it.
    if (context.req.path === '/inspect') return context.redirect(`/inspect/${searchOf(context)}`);
    const name = context.req.path.replace(/^\/inspect\/?/, '') || 'index.html';
    const file = files.answer(context, name);
    if (file === undefined) throw new RequestError('route-unknown', `There is no ${name} here.`);
    return file;
  });
  app.onError((error, context) => {
    if (toProblem(error).status >= 500) onInternalError?.(error);
    return sendProblem(context, error);
  });
  return app;
}

function addReads(app: Hono, source: InspectSource, mask: Mask | undefined): void {
  const { runs } = source;
  const read = (what: string, answer: (context: Context, asked: Asked) => Promise<Response>) =>
    app.get(`/api/runs/:run/${what}`, (context) =>
      answer(context, {
        run: context.req.param('run') ?? '',
        ...readAs(QUERY, context.req.query(), 'The query'),
      }),
    );
  app.get('/api/runs', async (context) => {
    const listed = await runs.list();
    const shown = listed.map(({ id, status, createdAt }): ListedRun => ({ id, status, createdAt }));
    return context.json({ runs: shown });
  });
  read('graph', async (context, { run, at }) => context.json(await readGraph(runs, run, at)));
  read('edges', async (context, { run, at }) =>
    context.json(await readEdgeOutcomes(runs, run, at)),
  );
  read('actors', async (context, { run, at }) => {
    const seq = at ?? (await readGraph(runs, run)).seq;
    return ndjson(context, source.inspect(run, { actors: 'all', at: seq, ...(mask && { mask }) }));
  });
  read('steps', async (context, { run, actor, at }) =>
    context.json({ steps: await readActorHistory(runs, run, actor, at) }),
  );
  read('events', async (context, { run, after, limit }) => {
    const events = await runs.events(run, after, limit);
    const masked = events.map((event) => ({
      ...event,
      detail: mask?.(event.detail, { actor: event.node ?? '', of: 'event' }) ?? event.detail,
    }));
    return context.json({ events: masked });
  });
}

type Asked = Given<z.infer<typeof QUERY>> & { readonly run: string };

function searchOf({ req }: Context): string {
  return new URL(req.url).search;
}

function refused(): RequestError {
  return new RequestError(
    'inspection-refused',
    'The inspector was not opened with a ticket that is still good.',
    'Tickets are good once: `runchart inspect RUN` prints an address with a new one.',
  );
}
