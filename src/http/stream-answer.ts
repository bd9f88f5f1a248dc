/** Answers with a stream, which counts as one of its principal's for as long as it lasts. */
import type { HttpBindings } from '@hono/node-server';
import type { Context } from 'hono';
import { addressOf } from './access/guard.js';
import { type EventStreamOptions, eventStream } from './event-stream.js';
import type { StreamOwner } from './open-streams.js';
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
  const stop = new AbortController();
  const leave = enter(context, streams, () => stop.abort());
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

/** The same for a stream that somebody else answers with. Rejects with `too-many-streams`, and as `answer` does. */
export async function countedStream(
  context: Context<RouteEnv>,
  { streams }: Pick<HttpScope, 'streams'>,
  answer: () => Promise<Response>,
): Promise<Response> {
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  const leave = enter(context, streams, () => void reader?.cancel().catch(() => {}));
  try {
    const { body, status, headers } = await answer();
    reader = body?.getReader();
    if (reader === undefined) leave();
    return new Response(reader && untilOver(reader, leave), { status, headers });
  } catch (error) {
    leave();
    throw error;
  }
}

/** What the reader has; `onEnd` is told once there is no more of it, or nobody wants it. */
function untilOver(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  onEnd: () => void,
): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (!done) return controller.enqueue(value);
        } catch (error) {
          onEnd();
          throw error;
        }
        onEnd();
        controller.close();
      },
      cancel(reason) {
        onEnd();
        return reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
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

/** A reader that does not read would keep his connection. */
export function cutOff(context: Context): void {
  const { outgoing } = (context.env ?? {}) as Partial<HttpBindings>;
  outgoing?.destroy();
}

/**
 * Counts a stream until it is left, which is what is returned, or its connection ends: of a response that waits
 * behind another one that is told of in no other way. `giveUp` ends it from here.
 */
function enter(
  context: Context<RouteEnv>,
  streams: HttpScope['streams'],
  giveUp: () => void,
): () => void {
  const { incoming } = (context.env ?? {}) as Partial<HttpBindings>;
  const uncount = streams.enter(ownerOf(context), () => {
    giveUp();
    cutOff(context);
  });
  const leave = () => {
    uncount();
    incoming?.socket.off('close', onClose);
  };
  const onClose = () => {
    giveUp();
    leave();
  };
  incoming?.socket.once('close', onClose);
  return leave;
}

/** A principal of a tenant, or an address where nobody has to say who he is. */
export function ownerOf(context: Context<RouteEnv>): StreamOwner {
  const session = context.get('session');
  if (session === undefined) return { tenant: '', name: `@${addressOf(context) ?? ''}` };
  return { tenant: session.tenant, name: session.principal.name };
}
