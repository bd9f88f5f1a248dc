import { compilePlan, compilePlanOrThrow } from '../../plan/compile.js';
import { planToMermaid } from '../../plan/diagram.js';
import type { JsonObject } from '../../plan/json.js';
import type { Plan } from '../../plan/schema.js';
import { planApi } from '../api/plans.js';
import { mermaid } from '../mermaid.js';
import { namedPlan } from '../named-plan.js';
import { made } from '../reply.js';
import type { HttpScope } from '../scope.js';
import type { RouteServer } from '../serve-routes.js';

/** The plans that the server offers, versions that runs are pinned to, and plans that are tried out. */
export function servePlans(server: RouteServer, scope: HttpScope): void {
  const { catalog, orchestrator } = scope;
  const { runs, plans, evaluators } = orchestrator;
  server.serve(planApi, {
    listPlans: () => ({
      plans: catalog.list().map(({ name, version }) => ({
        name,
        title: version.plan.title,
        hash: version.hash,
      })),
    }),
    getPlan: ({ params }) => asJson(catalog.get(params.name).version.plan),
    getPlanDiagram: ({ context, params }) =>
      mermaid(context, planToMermaid(catalog.get(params.name).version.plan)),
    getPlanVersion: async ({ params }) => asJson(await runs.plan(params.hash)),
    getPlanVersionDiagram: async ({ context, params }) =>
      mermaid(context, planToMermaid(await runs.plan(params.hash))),
    async storePlan({ body: { plan, ...by } }) {
      const { created, ...version } = await plans.store(plan as unknown as Plan, by);
      return made(version, created, `/plan-versions/${encodeURIComponent(version.hash)}`);
    },
    listPlanVersions: async ({ query }) => ({ versions: await plans.list(query) }),
    async validatePlan({ body }) {
      const compiled = compilePlan(await namedPlan(scope, body.plan), { evaluators });
      if (!compiled.ok) return { ok: false, hash: null, issues: compiled.issues };
      return { ok: true, hash: compiled.version.hash, issues: compiled.version.warnings };
    },
    async drawPlan({ context, body }) {
      const given = await namedPlan(scope, body.plan);
      return mermaid(context, planToMermaid(compilePlanOrThrow(given, { evaluators }).plan));
    },
    async simulatePlan({ body: { plan, ...options } }) {
      // Brings the test kit along, which nobody else needs.
      const { simulatePlan } = await import('../../explain/simulate.js');
      return simulatePlan(await namedPlan(scope, plan), { ...options, evaluators });
    },
  });
}

function asJson(plan: Plan): JsonObject {
  return plan as unknown as JsonObject;
}
