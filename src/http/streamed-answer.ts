/** What handlers of a run stream: what is kept of it as JSON, or a stream for those who accept one. */

import { isFinal } from '../machines/statuses.js';
import type { StreamItem } from '../run-streams.js';
import type { streamApi } from './api/streams.js';
import type { HttpScope } from './scope.js';
import type { Incoming } from './serve-routes.js';
import { streamAnswer, wantsStream } from './stream-answer.js';

/** Of a run that has ended there is nothing: the client of a stream is told, by 204, not to come back. */
export async function streamedOf(
  { context, params: { id }, query: { node } }: Incoming<typeof streamApi.streamRun>,
  scope: HttpScope,
) {
  const { orchestrator } = scope;
  if (!wantsStream(context)) return { items: await orchestrator.streamed(id, node) };
  if (isFinal((await orchestrator.runs.summary(id)).status)) return context.body(null, 204);
  return streamAnswer<StreamItem>(context, scope, {
    open: (signal) => orchestrator.stream(id, { node, signal }),
    format: (item) => `data: ${JSON.stringify(item)}\n\n`,
  });
}
