/**
 * The flat form of a plan: `steps: [{id?, uses, options?}]`, each done after the one before it.
 * `uses` is the key of the handler, `options` are further properties of an action.
 */
import type { Issue } from './issue.js';
import { isJsonObject, type JsonObject, type JsonValue } from './json.js';

/** Whether `draft` is written as a list of steps. */
export function hasSteps(draft: JsonObject): boolean {
  return draft.steps !== undefined && draft.nodes === undefined && draft.edges === undefined;
}

/** The same plan with nodes and edges. A step without an id is `step_0`, `step_1` and so on. */
export function planFromSteps(draft: JsonObject): JsonObject {
  const { steps, ...frame } = draft;
  const nodes = Array.isArray(steps) ? steps.map(nodeOfStep) : (steps ?? null);
  const ids = Array.isArray(nodes) ? nodes.map(idOf) : [];
  const edges = ids.slice(1).map((target, index) => ({ source: ids[index] ?? null, target }));
  return { ...frame, nodes, edges };
}

function nodeOfStep(step: JsonValue, index: number): JsonValue {
  if (!isJsonObject(step)) return step;
  const { id, uses, options, ...rest } = step;
  return {
    ...rest,
    ...(isJsonObject(options) ? options : {}),
    kind: 'action',
    id: id ?? `step_${index}`,
    ...(uses === undefined ? {} : { handler: uses }),
  };
}

function idOf(node: JsonValue): JsonValue {
  return isJsonObject(node) ? (node.id ?? null) : null;
}

/** Points an issue about a node to the step that it was made from. */
export function issueOfStep(issue: Issue): Issue {
  const path = issue.path
    .replace(/^\/nodes\/(\d+)\/handler/, '/steps/$1/uses')
    .replace(/^\/nodes\/(\d+)\/id/, '/steps/$1/id')
    .replace(/^\/nodes\/(\d+)\/(?!uses|id)/, '/steps/$1/options/')
    .replace(/^\/nodes/, '/steps');
  return path === issue.path ? issue : { ...issue, path };
}
