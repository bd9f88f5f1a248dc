import type { Context, Hono } from 'hono';
import { z } from 'zod';
import { RunchartError } from '../../errors.js';
import { RUN_STATUSES, type RunStatus } from '../../machines/statuses.js';
import type { JsonObject, JsonValue } from '../../plan/json.js';
import type { Plan } from '../../plan/schema.js';
import { emptyBody, jsonObject, planOrName } from '../body-parts.js';
import { mermaid } from '../mermaid.js';
import { readBody } from '../read-body.js';
import { pathPart, queryCount } from '../read-query.js';
import { resource } from '../resource.js';
import type { HttpScope } from '../scope.js';

const start = z.strictObject({
  plan: planOrName,
  input: z.custom<JsonValue>().optional(),
  id: z.string().optional(),
  metadata: jsonObject.optional(),
});
const cancel = z.strictObject({
  reason: z.string().max(2_000).optional(),
  by: z.string().max(256).optional(),
});
const annotation = z.strictObject({ metadata: jsonObject, by: z.string().max(256).optional() });
const signal = z.strictObject({
  name: z.string(),
  payload: z.custom<JsonValue>().optional(),
  id: z.string().optional(),
});
const retry = z.strictObject({ node: z.string(), by: z.string().max(256).optional() });

/** Runs: start, list, read, cancel, pause, resume, step, signal, retry. Their events have a file of their own. */
export function addRuns(app: Hono, scope: HttpScope): void {
  const { orchestrator } = scope;
  const { runs } = orchestrator;
  resource(app, '/runs', {
    POST: (context) => startRun(context, scope),
    async GET(context) {
      const status = readStatus(context.req.query('status'));
      const before = context.req.query('before');
      const limit = queryCount(context, 'limit', { min: 1, otherwise: 50 });
      const page = await runs.list({
        limit,
        ...(status !== undefined && { status }),
        ...(before !== undefined && { before }),
      });
      return context.json({ runs: page });
    },
  });
  resource(app, '/runs/:id', {
    GET: async (context) => context.json(await runs.details(pathPart(context, 'id'))),
  });
  resource(app, '/runs/:id/result', {
    GET: async (context) => context.json(await runs.result(pathPart(context, 'id'))),
  });
  resource(app, '/runs/:id/diagram', {
    GET: async (context) => mermaid(context, await runs.diagram(pathPart(context, 'id'))),
  });
  resource(app, '/runs/:id/cancel', {
    async POST(context) {
      const { reason, by } = await readBody(context, cancel);
      const options = { ...(reason !== undefined && { reason }), ...(by !== undefined && { by }) };
      return context.json(await orchestrator.cancel(pathPart(context, 'id'), options));
    },
  });
  for (const verb of ['pause', 'resume', 'step'] as const) {
    resource(app, `/runs/:id/${verb}`, {
      async POST(context) {
        await readBody(context, emptyBody);
        const id = pathPart(context, 'id');
        await orchestrator[verb](id);
        return context.json(await runs.summary(id));
      },
    });
  }
  resource(app, '/runs/:id/metadata', {
    async POST(context) {
      const { metadata, ...by } = await readBody(context, annotation);
      return context.json(await orchestrator.annotate(pathPart(context, 'id'), metadata, by));
    },
  });
  resource(app, '/runs/:id/signals', {
    async POST(context) {
      const { name, payload, id } = await readBody(context, signal);
      const options = {
        ...(payload !== undefined && { payload }),
        ...(id !== undefined && { id }),
      };
      const signalled = await orchestrator.signal(pathPart(context, 'id'), name, options);
      return context.json(signalled, signalled.isNew ? 201 : 200);
    },
  });
  resource(app, '/runs/:id/retry', {
    async POST(context) {
      const { node, by } = await readBody(context, retry);
      await orchestrator.retryNode(pathPart(context, 'id'), node, {
        ...(by !== undefined && { by }),
      });
      return context.json(await runs.summary(pathPart(context, 'id')));
    },
  });
  resource(app, '/runs/:id/why', {
    async GET(context) {
      const node = context.req.query('node') ?? '';
      return context.json(await runs.why(pathPart(context, 'id'), node));
    },
  });
  resource(app, '/runs/:id/nodes', {
    async GET(context) {
      const scope = context.req.query('scope');
      const after = context.req.query('after');
      const limit = queryCount(context, 'limit', { min: 1, otherwise: 1_000 });
      const page = await runs.nodeRuns(pathPart(context, 'id'), {
        limit,
        ...(scope !== undefined && { scope }),
        ...(after !== undefined && { after }),
      });
      return context.json({ nodes: page });
    },
  });
  resource(app, '/runs/:id/changes', {
    async GET(context) {
      const after = queryCount(context, 'after', { min: 0, otherwise: 0 });
      const limit = queryCount(context, 'limit', { min: 1, otherwise: 1_000 });
      return context.json({ changes: await runs.changes(pathPart(context, 'id'), after, limit) });
    },
  });
}

/** 201 for a new run, 200 for one that exists with the same plan and input. */
async function startRun(context: Context, { orchestrator, catalog }: HttpScope): Promise<Response> {
  const body = await readBody(context, start);
  refuseReserved(body.metadata ?? {});
  const offered = typeof body.plan === 'string' ? catalog.get(body.plan) : undefined;
  const handle = await orchestrator.start(offered?.version.plan ?? (body.plan as unknown as Plan), {
    ...(body.input !== undefined && { input: body.input }),
    ...(body.id !== undefined && { id: body.id }),
    metadata: { ...body.metadata, ...offered?.metadata },
  });
  context.header('Location', `/runs/${encodeURIComponent(handle.id)}`);
  return context.json(await orchestrator.runs.summary(handle.id), handle.created ? 201 : 200);
}

/** Keys under `runchart.` are for the server and the command line: they name modules to load. */
function refuseReserved(metadata: JsonObject): void {
  const reserved = Object.keys(metadata).find((key) => key.startsWith('runchart.'));
  if (reserved === undefined) return;
  throw new RunchartError('argument-invalid', `the key ${reserved} of the metadata is reserved`);
}

function readStatus(text: string | undefined): RunStatus | undefined {
  if (text === undefined) return undefined;
  const status = RUN_STATUSES.find((known) => known === text);
  if (status !== undefined) return status;
  throw new RunchartError('argument-invalid', `"${text.slice(0, 64)}" is no status of a run`, {
    hint: `statuses are ${RUN_STATUSES.join(', ')}`,
  });
}
