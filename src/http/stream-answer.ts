/** Answers with a stream of server-sent events, which counts as one of its principal's for as long as it lasts. */
import type { Context } from 'hono';
import { addressOf } from './access/guard.js';
import { type EventStreamOptions, eventStream } from './event-stream.js';
import type { RouteEnv } from './route-spec.js';
import type { HttpScope } from './scope.js';

export type StreamAnswer<T> = Pick<
  EventStreamOptions<T>,
  'format' | 'first' | 'onSent' | 'heartbeat'
> & {
  /** What is sent; ends with the signal. */
  open(signal: AbortSignal): AsyncIterator<T>;
};

/** Whether a client asks for a stream: HEAD is served by the same handler, and nobody reads its body. */
export function wantsStream(context: Context): boolean {
  if (context.req.method !== 'GET') return false;
  return context.req.header('accept')?.includes('text/event-stream') === true;
}

/** Throws `too-many-streams`. */
export function streamAnswer<T>(
  context: Context<RouteEnv>,
  { streams, heartbeatMs, closing }: Pick<HttpScope, 'streams' | 'heartbeatMs' | 'closing'>,
  { open, ...how }: StreamAnswer<T>,
): Response {
  const leave = streams.enter(streamOwner(context));
  const stop = new AbortController();
  const onEnd = () => {
    stop.abort();
    leave();
  };
  const events = opened(() => open(AbortSignal.any([stop.signal, closing])), onEnd);
  return context.body(eventStream({ ...how, events, heartbeatMs, onEnd }), 200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  });
}

/** What is refused is no open stream. */
function opened<T>(open: () => T, onRefused: () => void): T {
  try {
    return open();
  } catch (error) {
    onRefused();
    throw error;
  }
}

/** Who has a stream open: a principal of a tenant, or an address where nobody has to say who he is. */
function streamOwner(context: Context<RouteEnv>): string {
  const session = context.get('session');
  if (session === undefined) return `@${addressOf(context) ?? ''}`;
  return `${session.tenant}~${session.principal.name}`;
}
