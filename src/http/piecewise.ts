/** Answers a piece at a time. The first piece is awaited, so that what is refused is answered as an error. */
import type { Context } from 'hono';

export async function piecewise(
  context: Context,
  pieces: AsyncGenerator<string | Uint8Array, void, undefined>,
  headers: Readonly<Record<string, string>>,
): Promise<Response> {
  const first = await pieces.next();
  const encoder = new TextEncoder();
  const bytesOf = (piece: string | Uint8Array) =>
    typeof piece === 'string' ? encoder.encode(piece) : piece;
  const body = new ReadableStream<Uint8Array>({
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
  return context.body(body, 200, { ...headers, 'cache-control': 'no-store' });
}
