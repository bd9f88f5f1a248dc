/** The plans inside a plan: which of them lead to which, and each as a plan of its own. */
import { isJsonObject, type JsonValue } from './json.js';
import type { Plan } from './schema.js';

/** By name, the names of all plans that a run of it may lead to, itself included where it recurs. */
export type NamedPlans = ReadonlyMap<string, ReadonlySet<string>>;

export function namedPlans(drafts: Readonly<Record<string, JsonValue>>): NamedPlans {
  const direct = new Map(
    Object.entries(drafts).map(([name, draft]) => [name, subplansOf(draft)] as const),
  );
  return new Map([...direct.keys()].map((name) => [name, reachable(name, direct)]));
}

/**
 * The plan `name` of `plan`, as one that stands alone: with those of its siblings that it may lead
 * to. Undefined where there is no such plan.
 */
export function draftOfSubplan(plan: Plan, name: string): Plan | undefined {
  const plans = plan.plans ?? {};
  const draft = plans[name];
  if (draft === undefined) return undefined;
  const needed = [...(namedPlans(plans as never).get(name) ?? [])].sort();
  if (needed.length === 0) return { ...draft };
  const siblings = needed.flatMap((key) => {
    const sibling = plans[key];
    return sibling === undefined ? [] : [[key, sibling] as const];
  });
  return { ...draft, plans: Object.fromEntries(siblings) };
}

function reachable(start: string, direct: ReadonlyMap<string, ReadonlySet<string>>): Set<string> {
  const reached = new Set<string>();
  const open = [start];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    for (const next of direct.get(name) ?? []) {
      if (reached.has(next)) continue;
      reached.add(next);
      open.push(next);
    }
  }
  return reached;
}

/** Names of the plans that the nodes of a draft run, those in bodies of loops included. */
function subplansOf(draft: JsonValue): ReadonlySet<string> {
  const names = new Set<string>();
  const open: JsonValue[] = [draft];
  for (let graph = open.pop(); graph !== undefined; graph = open.pop()) {
    for (const node of elements(graph, 'nodes')) {
      if (!isJsonObject(node)) continue;
      if (node.kind === 'subplan' && typeof node.plan === 'string') names.add(node.plan);
      if (node.kind === 'loop' && node.body !== undefined) open.push(node.body);
    }
  }
  return names;
}

function elements(value: JsonValue, key: string): readonly JsonValue[] {
  const list = isJsonObject(value) ? value[key] : undefined;
  return Array.isArray(list) ? list : [];
}
