import { changeApi } from '../api/changes.js';
import { namedPlan } from '../named-plan.js';
import { made } from '../reply.js';
import type { HttpScope } from '../scope.js';
import type { RouteServer } from '../serve-routes.js';

/** What an operator changes: nodes, plans, runs in place of others. */
export function serveChanges(server: RouteServer, scope: HttpScope): void {
  const { change, runs } = scope.orchestrator;
  server.serve(changeApi, {
    completeNode: ({ params, body: { node, ...options }, keyed }) =>
      change.completeNode(params.id, node, { ...options, ...keyed }),
    skipNode: ({ params, body: { node, ...options }, keyed }) =>
      change.skipNode(params.id, node, { ...options, ...keyed }),
    patchNode: ({ params, body: { node, ...options }, keyed }) =>
      change.patchInput(params.id, node, { ...options, ...keyed }),
    async rollbackRun({ params, body: { node, ...options }, keyed }) {
      await change.rollback(params.id, node, { ...options, ...keyed });
      return runs.summary(params.id);
    },
    replanRun: async ({ params, body: { plan, ...options }, keyed }) =>
      change.replan(params.id, await namedPlan(scope, plan), { ...options, ...keyed }),
    async forkRun({ params, body: { plan, ...options }, keyed }) {
      const other = plan === undefined ? {} : { plan: await namedPlan(scope, plan) };
      return madeRun(await change.fork(params.id, { ...options, ...other, ...keyed }));
    },
    async replaceRun({ params, body: { plan, ...options }, keyed }) {
      return madeRun(
        await change.replace(params.id, await namedPlan(scope, plan), { ...options, ...keyed }),
      );
    },
  });
}

function madeRun<Run extends { readonly id: string; readonly created: boolean }>(run: Run) {
  return made(run, run.created, `/runs/${encodeURIComponent(run.id)}`);
}
