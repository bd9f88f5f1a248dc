import type { Context, Hono } from 'hono';
import { isFinal } from '../../machines/statuses.js';
import { eventStream } from '../event-stream.js';
import { parseCount, pathPart, queryCount } from '../read-query.js';
import { resource } from '../resource.js';
import type { HttpScope } from '../scope.js';

/** Events that a page has unless told otherwise. */
const PAGE = 1_000;
/** Events that a subscriber holds in memory. */
const STREAM_PAGE = 50;

/** The events of a run: a page of JSON, or a stream for those who accept one. */
export function addEvents(app: Hono, scope: HttpScope): void {
  resource(app, '/runs/:id/events', {
    GET: (context) =>
      context.req.header('accept')?.includes('text/event-stream')
        ? stream(context, scope)
        : page(context, scope),
  });
}

async function page(context: Context, { orchestrator }: HttpScope): Promise<Response> {
  const after = queryCount(context, 'after', { min: 0, otherwise: 0 });
  const limit = queryCount(context, 'limit', { min: 1, otherwise: PAGE });
  const events = await orchestrator.runs.events(pathPart(context, 'id'), after, limit);
  return context.json({ events });
}

/** A client that has the terminal event already is told, by 204, not to come back. */
async function stream(context: Context, scope: HttpScope): Promise<Response> {
  const { orchestrator, heartbeatMs, closing } = scope;
  const id = pathPart(context, 'id');
  const after = readAfter(context);
  const { status } = await orchestrator.runs.summary(id);
  if (isFinal(status) && (await orchestrator.runs.events(id, after, 1)).length === 0) {
    return context.body(null, 204);
  }
  const stop = new AbortController();
  const signal = AbortSignal.any([stop.signal, closing]);
  const events = orchestrator.events(id, { after, signal, pageSize: STREAM_PAGE });
  const body = eventStream({ events, heartbeatMs, onCancel: () => stop.abort() });
  return context.body(body, 200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  });
}

/** A reconnecting client says by header what it has; the query is for the first time. */
function readAfter(context: Context): number {
  const last = context.req.header('last-event-id') ?? '';
  if (last !== '') return parseCount('Last-Event-ID', last, 0);
  return queryCount(context, 'after', { min: 0, otherwise: 0 });
}
