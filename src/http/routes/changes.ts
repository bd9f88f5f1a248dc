import { changeApi } from '../api/changes.js';
import { made } from '../reply.js';
import type { HttpScope } from '../scope.js';
import type { RouteServer } from '../serve-routes.js';

/** What an operator changes: nodes, plans, runs in place of others. */
export function serveChanges(server: RouteServer, { orchestrator, catalog }: HttpScope): void {
  const { change, runs } = orchestrator;
  server.serve(changeApi, {
    completeNode: ({ params, body: { node, ...options } }) =>
      change.completeNode(params.id, node, options),
    skipNode: ({ params, body: { node, ...options } }) => change.skipNode(params.id, node, options),
    patchNode: ({ params, body: { node, ...options } }) =>
      change.patchInput(params.id, node, options),
    async rollbackRun({ params, body: { node, ...options } }) {
      await change.rollback(params.id, node, options);
      return runs.summary(params.id);
    },
    replanRun: ({ params, body: { plan, ...options } }) =>
      change.replan(params.id, catalog.planOf(plan), options),
    async forkRun({ params, body: { plan, ...options } }) {
      const other = plan === undefined ? {} : { plan: catalog.planOf(plan) };
      return madeRun(await change.fork(params.id, { ...options, ...other }));
    },
    async replaceRun({ params, body: { plan, ...options } }) {
      return madeRun(await change.replace(params.id, catalog.planOf(plan), options));
    },
  });
}

function madeRun<Run extends { readonly id: string; readonly created: boolean }>(run: Run) {
  return made(run, run.created, `/runs/${encodeURIComponent(run.id)}`);
}
