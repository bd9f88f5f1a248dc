/** Who a plan needs: the keys of handlers and the owners that its nodes name, wherever they stand. */

import type { PlanNode } from './node-schemas.js';
import { checksOf, handlerOf, ownerOf } from './node-settings.js';
import type { Plan } from './schema.js';

export interface Executors {
  readonly handlers: ReadonlySet<string>;
  /** As `executorType/ref`; owners whose node has a handler of that very key are left out. */
  readonly owners: ReadonlySet<string>;
  /** Those of the handlers that checks ask. */
  readonly asked: ReadonlySet<string>;
}

/** Runs of one version ask again and again. */
const known = new WeakMap<Plan, Executors>();

export function executorsOf(plan: Plan): Executors {
  let executors = known.get(plan);
  if (executors === undefined) {
    executors = collect(plan);
    known.set(plan, executors);
  }
  return executors;
}

function collect(plan: Plan): Executors {
  const handlers = new Set<string>();
  const owners = new Set<string>();
  const asked = new Set<string>();
  const open: PlanNode[] = [plan, ...Object.values(plan.plans ?? {})].flatMap(({ nodes }) => nodes);
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    for (const key of handlersOf(node)) handlers.add(key);
    for (const key of askedBy(node)) asked.add(key);
    const owner = ownerOf(node);
    if (owner !== undefined && owner !== handlerOf(node)) owners.add(owner);
    if (node.kind === 'loop') open.push(...node.body.nodes);
  }
  return { handlers, owners, asked };
}

function handlersOf(node: PlanNode): string[] {
  const keys = [handlerOf(node)];
  if (node.kind === 'action') {
    keys.push(node.fallback?.handler, node.compensate?.handler);
    for (const level of node.escalation ?? []) keys.push(level.handler);
  }
  return [...keys.filter((key) => key !== undefined), ...askedBy(node)];
}

function askedBy(node: PlanNode): string[] {
  return checksOf(node).flatMap((check) => ('handler' in check ? [check.handler] : []));
}
