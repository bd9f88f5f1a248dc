/** Answers with JSON, a value a line, as it is asked for: a slow reader holds no more than one value. */
import type { Context } from 'hono';

/** Waits for the first value, so that what goes wrong at once is an error and no broken answer. */
export async function ndjson<T>(
  context: Context,
  values: AsyncIterator<T, unknown>,
): Promise<Response> {
  const encoder = new TextEncoder();
  const first = await values.next();
  let next: Promise<IteratorResult<T, unknown>> | undefined = Promise.resolve(first);
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await (next ?? values.next());
        next = undefined;
        if (done === true) controller.close();
        else controller.enqueue(encoder.encode(`${JSON.stringify(value)}\n`));
      },
      async cancel() {
        await values.return?.();
      },
    },
    { highWaterMark: 0 },
  );
  return context.body(body, 200, { 'content-type': 'application/x-ndjson' });
}
