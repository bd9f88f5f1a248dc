/** The events of all runs: a page of JSON, or a stream for those who accept one. */
import type { Context } from 'hono';
import type { BusEvent, BusGap } from '../delivery/event-bus.js';
import { type eventApi, position } from './api/events.js';
import { HEARTBEAT, StreamPage } from './event-stream.js';
import { readAs } from './read-body.js';
import type { HttpScope } from './scope.js';
import type { Incoming } from './serve-routes.js';
import { streamAnswer, wantsStream } from './stream-answer.js';

type Asked = Incoming<typeof eventApi.listAllEvents>;

export async function allEventsOf(asked: Asked, scope: HttpScope) {
  const { context, query } = asked;
  if (!wantsStream(context)) {
    return scope.orchestrator.bus.page({ ...query, limit: Math.min(query.limit, 1_000) });
  }
  return stream(asked, scope);
}

/**
 * The id of an event is its position. In silence, too, the client learns how far it has come: it need not look
 * again at what it does not want. A tenant is told so at each heartbeat, whether others are at work or not. A gap is an event with a name, and has no id.
 */
function stream({ context, query: { limit: _, ...query } }: Asked, scope: HttpScope): Response {
  const { bus } = scope.orchestrator;
  let at = readLast(context) ?? query.after ?? bus.position;
  let told = at;
  const gaps: BusGap[] = [];
  const page = new StreamPage();
  /** Gaps in front of what comes after them. */
  const gapsNow = () =>
    gaps
      .splice(0)
      .map((gap) => `event: gap\ndata: ${JSON.stringify(gap)}\n\n`)
      .join('');
  const after = at;
  return streamAnswer<BusEvent>(context, scope, {
    open: (signal) =>
      bus.events({
        ...{ ...query, after, signal },
        pageSize: () => page.size,
        onGap: (gap) => void gaps.push(gap),
        onPassed(upTo) {
          at = upTo;
        },
      }),
    first: `id: ${at}\n\n`,
    format(event) {
      told = event.position;
      return `${gapsNow()}id: ${event.position}\ndata: ${JSON.stringify(event)}\n\n`;
    },
    onSent: (length) => page.sent(length),
    heartbeat() {
      at = bus.renewed(at);
      const news = at === told ? '' : `id: ${at}\n\n`;
      told = at;
      return `${gapsNow()}${HEARTBEAT}${news}`;
    },
  });
}

/** A reconnecting client says by header what it has; the query is for the first time. */
function readLast(context: Context): string | undefined {
  return readAs(position, context.req.header('last-event-id') || undefined, 'Last-Event-ID');
}
