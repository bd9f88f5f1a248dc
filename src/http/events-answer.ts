/** The events of a run: a page of JSON, or a stream for those who accept one. */
import type { Context } from 'hono';
import { isFinal } from '../machines/statuses.js';
import type { RunEvent } from '../views.js';
import { lastEventId } from './api/parts.js';
import type { runApi } from './api/runs.js';
import { StreamPage } from './event-stream.js';
import { readAs } from './read-body.js';
import type { HttpScope } from './scope.js';
import type { Incoming } from './serve-routes.js';
import { streamAnswer, wantsStream } from './stream-answer.js';

type Asked = Incoming<typeof runApi.listEvents>;

export async function eventsOf(asked: Asked, scope: HttpScope) {
  const { context, params, query } = asked;
  if (wantsStream(context)) return stream(asked, scope);
  return { events: await scope.orchestrator.runs.events(params.id, query.after, query.limit) };
}

/** A client that has the terminal event already is told, by 204, not to come back. */
async function stream({ context, params: { id }, query }: Asked, scope: HttpScope) {
  const { orchestrator } = scope;
  const after = readLast(context) ?? query.after;
  const { status } = await orchestrator.runs.summary(id);
  // What is refused, as of history that is gone, is refused before anything is sent.
  const [next] = await orchestrator.runs.events(id, after, 1);
  if (isFinal(status) && next === undefined) return context.body(null, 204);
  const page = new StreamPage();
  return streamAnswer<RunEvent>(context, scope, {
    open: (signal) => orchestrator.events(id, { after, signal, pageSize: () => page.size }),
    format: (event) => `id: ${event.seq}\ndata: ${JSON.stringify(event)}\n\n`,
    onSent: (length) => page.sent(length),
  });
}

/** A reconnecting client says by header what it has; the query is for the first time. */
function readLast(context: Context): number | undefined {
  const last = context.req.header('last-event-id') ?? '';
  return readAs(lastEventId, last === '' ? undefined : last, 'Last-Event-ID');
}
