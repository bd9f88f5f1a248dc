import { streamApi } from '../api/streams.js';
import type { HttpScope } from '../scope.js';
import type { RouteServer } from '../serve-routes.js';
import { streamedOf } from '../streamed-answer.js';

/** Output past the log: what handlers at work stream, and what external workers do. */
export function serveStreams(server: RouteServer, scope: HttpScope): void {
  server.serve(streamApi, {
    streamRun: (incoming) => streamedOf(incoming, scope),
    async streamWork({ context, body: { token, number, chunks } }) {
      await scope.orchestrator.work.stream(token, number, chunks);
      return context.body(null, 204);
    },
  });
}
