/**
 * Answers a piece at a time. The first piece is awaited, so that what is refused is answered as an error; whoever
 * does not read on holds one of his streams.
 */
import type { Context } from 'hono';
import type { RouteEnv } from './route-spec.js';
import type { HttpScope } from './scope.js';
import { countedStream } from './stream-answer.js';

type Pieces = AsyncGenerator<string | Uint8Array, void, undefined>;

/** Rejects with `too-many-streams`, and as the pieces do. */
export async function piecewise(
  context: Context<RouteEnv>,
  scope: Pick<HttpScope, 'streams'>,
  pieces: Pieces,
  headers: Readonly<Record<string, string>>,
): Promise<Response> {
  return countedStream(context, scope, async () => {
    const first = await pieces.next();
    const all = { ...headers, 'cache-control': 'no-store' };
    if (context.req.method === 'GET') return context.body(bodyOf(first, pieces), 200, all);
    // HEAD is served by the same handler, and nobody reads its body.
    await pieces.return();
    return context.body(null, 200, all);
  });
}

function bodyOf(
  first: IteratorResult<string | Uint8Array, void>,
  pieces: Pieces,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const bytesOf = (piece: string | Uint8Array) =>
    typeof piece === 'string' ? encoder.encode(piece) : piece;
  return new ReadableStream<Uint8Array>({
    start(controller) {
      if (first.done !== true) controller.enqueue(bytesOf(first.value));
    },
    async pull(controller) {
      const next = await pieces.next();
      if (next.done === true) controller.close();
      else controller.enqueue(bytesOf(next.value));
    },
    async cancel() {
      await pieces.return();
    },
  });
}
