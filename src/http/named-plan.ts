/** The plan that a request means. */
import type { JsonObject } from '../plan/json.js';
import { isPlanHash } from '../plan/plan-version.js';
import type { Plan } from '../plan/schema.js';
import type { HttpScope } from './scope.js';

/**
 * One on offer, by its name; a version, by its hash; or one in place, which is not looked at yet. Rejects with
 * `plan-unknown`.
 */
export async function namedPlan(
  { catalog, orchestrator }: Pick<HttpScope, 'catalog' | 'orchestrator'>,
  plan: string | JsonObject,
): Promise<Plan> {
  const isVersion = typeof plan === 'string' && isPlanHash(plan) && !catalog.has(plan);
  return isVersion ? orchestrator.runs.plan(plan) : catalog.planOf(plan);
}
