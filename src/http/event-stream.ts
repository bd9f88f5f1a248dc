/**
 * Server-sent events of one subscriber. Invariant: nothing is read from the log before the client
 * has taken what was read last, so a stalled client costs one page and holds up nobody.
 */

export interface EventStreamOptions<T> {
  readonly events: AsyncIterator<T>;
  /** A frame, with the empty line at its end. */
  format(event: T): string;
  /** Silence after which a comment is sent, in milliseconds. */
  readonly heartbeatMs: number;
  /** Sent at once. */
  readonly first?: string | undefined;
  /** Told the length of each event that is sent. */
  onSent?(length: number): void;
  /** What is sent in silence; a comment unless given. */
  heartbeat?(): string;
  /** Called once, when all is sent or the client has gone: has to end `events`. */
  onEnd(): void;
}

/** How long a client waits before it connects again, in milliseconds. */
const RECONNECT_MS = 1_000;
/** Characters that a page of one reader is meant to have. */
const PAGE_LENGTH = 128 * 1024;
const MAX_PAGE = 50;

/** How many events to read at a time: few where they are long, so that a reader who stalls holds little. */
export class StreamPage {
  #longest = PAGE_LENGTH / 4;

  get size(): number {
    return Math.min(Math.max(Math.floor(PAGE_LENGTH / this.#longest), 1), MAX_PAGE);
  }

  /** The longest of late counts. */
  sent(length: number): void {
    this.#longest = Math.max(length, this.#longest * 0.8);
  }
}

/** Keeps a connection from being given up. */
export const HEARTBEAT = ': still here\n\n';

export function eventStream<T>({
  events,
  format,
  heartbeatMs,
  first = '',
  onSent,
  heartbeat = () => HEARTBEAT,
  onEnd,
}: EventStreamOptions<T>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let pending: Promise<IteratorResult<T>> | undefined;
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        controller.enqueue(encoder.encode(`retry: ${RECONNECT_MS}\n\n${first}`));
      },
      async pull(controller) {
        pending ??= events.next();
        const next = await orSilence(pending, heartbeatMs).catch((error: unknown) => {
          onEnd();
          throw error;
        });
        if (next === undefined) return controller.enqueue(encoder.encode(heartbeat()));
        pending = undefined;
        if (next.done === true) {
          onEnd();
          return controller.close();
        }
        const text = format(next.value);
        onSent?.(text.length);
        controller.enqueue(encoder.encode(text));
      },
      async cancel() {
        onEnd();
        await events.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}

/** What `promise` gives, or undefined if it takes longer than `ms`. */
function orSilence<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, ms, undefined);
  });
  return Promise.race([promise, silence]).finally(() => clearTimeout(timer));
}
