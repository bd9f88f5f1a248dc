import type { Context } from 'hono';
import { historyApi } from '../api/history.js';
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
      return exportOf(context, id, reader.export(id, query));
    },
    async importRun({ file, query }) {
      const imported = await orchestrator.import(file.path, query);
      return made(imported, imported.created);
    },
    trimHistory: ({ body }) => scope.host.trim(body),
    examineRuns: async () => ({ runs: await scope.host.examine() }),
  });
}

/** The first line is awaited, so that what is refused is answered as an error. */
async function exportOf(
  context: Context,
  id: string,
  lines: AsyncGenerator<string, void, undefined>,
): Promise<Response> {
  const first = await lines.next();
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      if (first.done !== true) controller.enqueue(encoder.encode(first.value));
    },
    async pull(controller) {
      const next = await lines.next();
      if (next.done === true) controller.close();
      else controller.enqueue(encoder.encode(next.value));
    },
    async cancel() {
      await lines.return();
    },
  });
  return context.body(body, 200, {
    'content-type': 'application/x-ndjson',
    'content-disposition': `attachment; filename="${encodeURIComponent(id)}.jsonl"`,
    'cache-control': 'no-store',
  });
}
