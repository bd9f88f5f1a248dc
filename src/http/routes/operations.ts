import { operationsApi } from '../api/operations.js';
import type { HttpScope } from '../scope.js';
import type { RouteServer } from '../serve-routes.js';

/** What operators look at, and what they do to many runs at once. */
export function serveOperations(server: RouteServer, { orchestrator, metrics }: HttpScope): void {
  server.serve(operationsApi, {
    async getMetrics({ context }) {
      const { contentType } = metrics.begin();
      return context.body(await metrics.begin().text(), 200, { 'content-type': contentType });
    },
    previewBulk: ({ body: { action, filter } }) => orchestrator.bulk.preview(action, filter),
    applyBulk: ({ body: { action, filter, ...options } }) =>
      orchestrator.bulk.apply(action, filter, options),
  });
}
