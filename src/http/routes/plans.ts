import { compilePlan, compilePlanOrThrow } from '../../plan/compile.js';
import { planToMermaid } from '../../plan/diagram.js';
import type { JsonObject } from '../../plan/json.js';
import type { Plan } from '../../plan/schema.js';
import { planApi } from '../api/plans.js';
import { mermaid } from '../mermaid.js';
import type { HttpScope } from '../scope.js';
import type { RouteServer } from '../serve-routes.js';

/** The plans that the server offers, versions that runs are pinned to, and plans that are tried out. */
export function servePlans(server: RouteServer, { catalog, orchestrator }: HttpScope): void {
  const { runs, evaluators } = orchestrator;
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
    validatePlan({ body }) {
      const compiled = compilePlan(catalog.planOf(body.plan), { evaluators });
      if (!compiled.ok) return { ok: false, hash: null, issues: compiled.issues };
      return { ok: true, hash: compiled.version.hash, issues: compiled.version.warnings };
    },
    drawPlan: ({ context, body }) =>
      mermaid(
        context,
        planToMermaid(compilePlanOrThrow(catalog.planOf(body.plan), { evaluators }).plan),
      ),
    async simulatePlan({ body: { plan, ...options } }) {
      // Brings the test kit along, which nobody else needs.
      const { simulatePlan } = await import('../../explain/simulate.js');
      return simulatePlan(catalog.planOf(plan), { ...options, evaluators });
    },
  });
}

function asJson(plan: Plan): JsonObject {
  return plan as unknown as JsonObject;
}
