/**
 * Server-sent events of one subscriber. Invariant: nothing is read from the log before the client
 * has taken what was read last, so a stalled client costs one page and holds up nobody.
 */
import type { RunEvent } from '../views.js';

export interface EventStreamOptions {
  readonly events: AsyncIterator<RunEvent>;
  /** Silence after which a comment is sent, in milliseconds. */
  readonly heartbeatMs: number;
  /** Called when the client has gone: has to end `events`. */
  onCancel(): void;
}

/** How long a client waits before it connects again, in milliseconds. */
const RECONNECT_MS = 1_000;
const HEARTBEAT = ': still here\n\n';

export function eventStream({
  events,
  heartbeatMs,
  onCancel,
}: EventStreamOptions): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let pending: Promise<IteratorResult<RunEvent>> | undefined;
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        controller.enqueue(encoder.encode(`retry: ${RECONNECT_MS}\n\n`));
      },
      async pull(controller) {
        pending ??= events.next();
        const next = await orSilence(pending, heartbeatMs);
        if (next === undefined) return controller.enqueue(encoder.encode(HEARTBEAT));
        pending = undefined;
        if (next.done === true) return controller.close();
        controller.enqueue(encoder.encode(formatEvent(next.value)));
      },
      async cancel() {
        onCancel();
        await events.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}

function formatEvent(event: RunEvent): string {
  return `id: ${event.seq}\ndata: ${JSON.stringify(event)}\n\n`;
}

/** What `promise` gives, or undefined if it takes longer than `ms`. */
function orSilence<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, ms, undefined);
  });
  return Promise.race([promise, silence]).finally(() => clearTimeout(timer));
}
