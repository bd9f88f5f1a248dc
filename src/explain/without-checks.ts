/** A plan as a dry run takes it: samples say nothing about quality, so that every check is taken as fulfilled. */
import { type CompileOptions, compilePlanOrThrow } from '../plan/compile.js';
import type { PlanNode } from '../plan/node-schemas.js';
import type { PlanVersion } from '../plan/plan-version.js';
import type { Plan } from '../plan/schema.js';

/** The same version where no node of it, in loops and plans inside too, has checks. */
export function withoutChecks(version: PlanVersion, options: CompileOptions): PlanVersion {
  const { plan } = version;
  const graphs = [plan, ...Object.values(plan.plans ?? {})];
  if (!graphs.some(({ nodes }) => nodes.some(hasChecks))) return version;
  const plans = Object.entries(plan.plans ?? {}).map(
    ([name, inner]) => [name, { ...inner, nodes: inner.nodes.map(unchecked) }] as const,
  );
  const stripped: Plan = {
    ...plan,
    nodes: plan.nodes.map(unchecked),
    ...(plan.plans !== undefined && { plans: Object.fromEntries(plans) }),
  };
  return compilePlanOrThrow(stripped, options);
}

function hasChecks(node: PlanNode): boolean {
  return node.kind === 'loop' ? node.body.nodes.some(hasChecks) : 'checks' in node;
}

function unchecked(node: PlanNode): PlanNode {
  if (node.kind === 'loop') {
    return { ...node, body: { ...node.body, nodes: node.body.nodes.map(unchecked) } };
  }
  if (!('checks' in node)) return node;
  const { checks: _checks, ...rest } = node;
  return rest;
}
