/** A plan as a dry run takes it: samples say nothing about quality, so that every check is taken as fulfilled. */
import { type CompileOptions, compilePlanOrThrow } from '../plan/compile.js';
import { isHuman } from '../plan/human-schemas.js';
import type { PlanNode } from '../plan/node-schemas.js';
import { checksOf } from '../plan/node-settings.js';
import type { PlanVersion } from '../plan/plan-version.js';
import type { Plan } from '../plan/schema.js';

/** Stands for all that judge an answer: it is content, or refuses for good. */
const STAND_IN = { checks: [{ name: 'simulated', handler: 'simulated' }], maxRounds: 1 };

/**
 * The same version where no node of it, in loops and plans inside too, has checks; with `failures` answers
 * that are judged have one that may refuse them.
 */
export function withoutChecks(
  version: PlanVersion,
  options: CompileOptions & { readonly failures?: boolean },
): PlanVersion {
  const { plan } = version;
  const { failures = false } = options;
  const graphs = [plan, ...Object.values(plan.plans ?? {})];
  if (!graphs.some(({ nodes }) => nodes.some(hasChecks))) return version;
  const unchecked = (node: PlanNode) => withoutOwn(node, failures);
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

function withoutOwn(node: PlanNode, failures: boolean): PlanNode {
  if (node.kind === 'loop') {
    const nodes = node.body.nodes.map((inner) => withoutOwn(inner, failures));
    return { ...node, body: { ...node.body, nodes } };
  }
  if (!('checks' in node)) return node;
  if (failures && isHuman(node) && isJudged(node)) return { ...node, ...STAND_IN };
  const { checks: _checks, ...rest } = node;
  return rest;
}

function isJudged(node: PlanNode): boolean {
  return checksOf(node).some((check) => !('when' in check));
}
