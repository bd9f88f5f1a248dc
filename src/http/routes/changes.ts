import type { Context, Hono } from 'hono';
import { z } from 'zod';
import type { JsonObject, JsonValue } from '../../plan/json.js';
import type { Plan } from '../../plan/schema.js';
import { readBody } from '../read-body.js';
import { pathPart } from '../read-query.js';
import { resource } from '../resource.js';
import type { HttpScope } from '../scope.js';

const anyObject = z.custom<JsonObject>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  'Expected an object',
);
const planOrName = z.union([z.string(), anyObject], {
  error: 'Expected the name of a plan, or a plan',
});
const anything = z.custom<JsonValue>();
const asked = { by: z.string(), reason: z.string().optional() };
const node = z.strictObject({ node: z.string(), ...asked });
const complete = z.strictObject({
  ...node.shape,
  output: anything.optional(),
  outcome: z.string().optional(),
  action: z.string().optional(),
});
const patch = z.strictObject({ ...node.shape, input: anything });
const replan = z.strictObject({
  plan: planOrName,
  dryRun: z.boolean().optional(),
  cancelRunning: z.boolean().optional(),
  ...asked,
});
const fork = z.strictObject({
  at: z.int().optional(),
  from: z.string().optional(),
  id: z.string().optional(),
  plan: planOrName.optional(),
  inputs: z.record(z.string(), anything).optional(),
  ...asked,
});
const replace = z.strictObject({ plan: planOrName, id: z.string().optional(), ...asked });

/** What an operator changes: nodes, plans, runs in place of others. */
export function addChanges(app: Hono, scope: HttpScope): void {
  const { change } = scope.orchestrator;
  resource(app, '/runs/:id/complete', {
    async POST(context) {
      const { node: path, ...options } = await readBody(context, complete);
      return context.json(await change.completeNode(runOf(context), path, options));
    },
  });
  resource(app, '/runs/:id/skip', {
    async POST(context) {
      const { node: path, ...options } = await readBody(context, node);
      return context.json(await change.skipNode(runOf(context), path, options));
    },
  });
  resource(app, '/runs/:id/patch', {
    async POST(context) {
      const { node: path, ...options } = await readBody(context, patch);
      return context.json(await change.patchInput(runOf(context), path, options));
    },
  });
  resource(app, '/runs/:id/rollback', {
    async POST(context) {
      const { node: path, ...options } = await readBody(context, node);
      await change.rollback(runOf(context), path, options);
      return context.json(await scope.orchestrator.runs.summary(runOf(context)));
    },
  });
  resource(app, '/runs/:id/replan', {
    async POST(context) {
      const { plan, ...options } = await readBody(context, replan);
      return context.json(await change.replan(runOf(context), planOf(scope, plan), options));
    },
  });
  resource(app, '/runs/:id/fork', {
    async POST(context) {
      const { plan, ...options } = await readBody(context, fork);
      const other = plan === undefined ? {} : { plan: planOf(scope, plan) };
      return created(context, await change.fork(runOf(context), { ...options, ...other }));
    },
  });
  resource(app, '/runs/:id/replace', {
    async POST(context) {
      const { plan, ...options } = await readBody(context, replace);
      return created(context, await change.replace(runOf(context), planOf(scope, plan), options));
    },
  });
}

function runOf(context: Context): string {
  return pathPart(context, 'id');
}

/** One on offer, by its name, or one in place. */
function planOf({ catalog }: HttpScope, plan: string | JsonObject): Plan {
  return typeof plan === 'string' ? catalog.get(plan).version.plan : (plan as unknown as Plan);
}

/** 201 for a new run, 200 for one that the same request had made before. */
function created(
  context: Context,
  run: { readonly id: string; readonly created: boolean },
): Response {
  context.header('Location', `/runs/${encodeURIComponent(run.id)}`);
  return context.json(run, run.created ? 201 : 200);
}
