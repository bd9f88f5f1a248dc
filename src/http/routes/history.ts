import type { Context, Hono } from 'hono';
import { z } from 'zod';
import { readBody } from '../read-body.js';
import { parseCount, pathPart } from '../read-query.js';
import { resource } from '../resource.js';
import type { HttpScope } from '../scope.js';
import { spooled } from '../spool.js';

const age = z.number().nonnegative();
const trim = z.strictObject({
  olderThanMs: age.optional(),
  historyOlderThanMs: age.optional(),
  dryRun: z.boolean().optional(),
});

/** What runs were, whether they are whole, and how they come and go. */
export function addHistory(app: Hono, scope: HttpScope): void {
  const { orchestrator } = scope;
  const { runs } = orchestrator;
  resource(app, '/runs/:id/replay', {
    async GET(context) {
      const at = context.req.query('at');
      const options = at === undefined ? {} : { to: parseCount('at', at, 1) };
      return context.json(await runs.replay(pathPart(context, 'id'), options));
    },
  });
  resource(app, '/runs/:id/verify', {
    GET: async (context) => context.json(await runs.verify(pathPart(context, 'id'))),
  });
  resource(app, '/runs/:id/export', { GET: (context) => exportRun(context, scope) });
  resource(app, '/imports', {
    async POST(context) {
      const as = context.req.query('as');
      const options = as === undefined ? {} : { as };
      const imported = await spooled(context, (file) => orchestrator.import(file, options));
      return context.json(imported, imported.created ? 201 : 200);
    },
  });
  resource(app, '/trim', {
    async POST(context) {
      const { olderThanMs, historyOlderThanMs, dryRun } = await readBody(context, trim);
      const trimmed = await orchestrator.trim({
        ...(olderThanMs !== undefined && { olderThanMs }),
        ...(historyOlderThanMs !== undefined && { historyOlderThanMs }),
        ...(dryRun !== undefined && { dryRun }),
      });
      return context.json(trimmed);
    },
  });
  resource(app, '/examination', {
    GET: async (context) => context.json({ runs: await orchestrator.examine() }),
  });
}

/** The first line is awaited, so that what is refused is answered as an error. */
async function exportRun(context: Context, { orchestrator }: HttpScope): Promise<Response> {
  const id = pathPart(context, 'id');
  const lines = orchestrator.runs.export(id);
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
