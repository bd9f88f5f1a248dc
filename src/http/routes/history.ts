import { historyApi } from '../api/history.js';
import { piecewise } from '../piecewise.js';
import { made } from '../reply.js';
import type { HttpScope } from '../scope.js';
import type { RouteServer } from '../serve-routes.js';

/** What runs were, whether they are whole, and how they come and go. */
export function serveHistory(server: RouteServer, scope: HttpScope): void {
  const { orchestrator } = scope;
  const { runs } = orchestrator;
  server.serve(historyApi, {
    getRunState: ({ params, query }) => runs.stateAt(params.id, query.at),
    replayRun: ({ params, query: { at } }) =>
      runs.replay(params.id, at === undefined ? {} : { to: at }),
    verifyRun: ({ params }) => runs.verify(params.id),
    exportRun({ context, params: { id }, query }) {
      const reader = query.secrets === 'include' ? scope.host.runs : runs;
      return piecewise(context, scope, reader.export(id, query), {
        'content-type': 'application/x-ndjson',
        'content-disposition': `attachment; filename="${encodeURIComponent(id)}.jsonl"`,
      });
    },
    async importRun({ file, query }) {
      const imported = await orchestrator.import(file.path, query);
      return made(imported, imported.created);
    },
    trimHistory: ({ body }) => scope.host.trim(body),
    examineRuns: async () => ({ runs: await scope.host.examine() }),
  });
}
