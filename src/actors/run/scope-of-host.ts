/** What lies inside a composite: the graph of its body or of its items. A pure function of what is stored. */
import type { JsonObject, JsonValue } from '../../plan/json.js';
import type { CompiledNode, EdgeScope, Evaluation, PlanGraph } from '../../plan/plan-version.js';
import type { NodeRun } from './scope.js';

/** Most items of a map, and of a list that a loop goes through. */
export const MAX_ITEMS = 100_000;

export interface ScopeParts {
  readonly path: string;
  readonly graph: PlanGraph;
  readonly loop?: JsonObject;
}

/** What a loop keeps as its output while it runs. */
export interface LoopProgress {
  /** Iterations that are over. */
  readonly iterations: number;
  /** Result of the newest of them. */
  readonly last?: JsonValue;
  /** Whether any of them was partial. */
  readonly isPartial?: boolean;
  /** Path of the node run whose failure has called off the iteration at work. */
  readonly abortedBy?: string;
}

/** The scope at work inside a running composite; undefined where it has none, as a subplan. */
export function scopeOfHost(host: NodeRun, scope: EdgeScope): ScopeParts | undefined {
  const { map, loop } = host.node;
  if (map !== undefined) {
    const items = itemsOf(host, scope);
    return items.ok ? itemsScope(host, items.value) : undefined;
  }
  if (loop === undefined) return undefined;
  return iterationScope(host, scope, loopProgressOf(host).iterations + 1);
}

export function loopProgressOf(host: NodeRun): LoopProgress {
  return (host.output as unknown as LoopProgress | undefined) ?? { iterations: 0 };
}

/** The scope of iteration `iteration`, counted from 1. */
export function iterationScope(host: NodeRun, scope: EdgeScope, iteration: number): ScopeParts {
  const body = host.node.loop?.body;
  if (body === undefined) throw new Error(`"${host.path}" is no loop`);
  const loop = loopVariable(host, scope, iteration);
  return { path: `${baseOf(host)}[${iteration}]`, graph: body, loop };
}

/** What an iteration knows of itself, and its first nodes get as input. */
export function loopVariable(host: NodeRun, scope: EdgeScope, iteration: number): JsonObject {
  const { last } = loopProgressOf(host);
  const items = host.node.loop?.forEach === undefined ? undefined : itemsOf(host, scope);
  const item = items?.ok ? items.value[iteration - 1] : undefined;
  return {
    iteration,
    index: iteration - 1,
    ...(host.input !== undefined && { input: host.input }),
    ...(item !== undefined && { item }),
    ...(last !== undefined && { previous: last }),
  };
}

type Items = Evaluation<readonly JsonValue[]>;

/** The items of a map, in chunks where it wants them, or those that a loop goes through. */
export function itemsOf(host: NodeRun, scope: EdgeScope): Items {
  if (host.items === undefined) {
    const found = evaluateItems(host.node, host.input, scope);
    if (!found.ok) return found;
    host.items = inChunks(found.value, host.node.map?.chunkSize);
  }
  return { ok: true, value: host.items };
}

function evaluateItems(
  { map, loop }: CompiledNode,
  input: JsonValue | undefined,
  scope: EdgeScope,
): Items {
  const expression = map?.items ?? loop?.forEach;
  const result = expression?.evaluate(scope) ?? { ok: true, value: input ?? null };
  if (!result.ok) return result;
  if (!Array.isArray(result.value)) {
    return { ok: false, code: 'items-not-a-list', message: 'the items are not a list' };
  }
  if (result.value.length <= MAX_ITEMS) return { ok: true, value: result.value };
  const message = `${result.value.length} items are more than ${MAX_ITEMS}`;
  return { ok: false, code: 'too-many-items', message };
}

function inChunks(items: readonly JsonValue[], size: number | undefined): readonly JsonValue[] {
  if (size === undefined) return items;
  const chunks: JsonValue[] = [];
  for (let start = 0; start < items.length; start += size) {
    chunks.push(items.slice(start, start + size));
  }
  return chunks;
}

/** A graph without edges, in which every node is the worker. */
export function itemsScope(host: NodeRun, items: readonly JsonValue[]): ScopeParts {
  const worker = host.node.map?.worker;
  if (worker === undefined) throw new Error(`"${host.path}" is no map`);
  return { path: `${baseOf(host)}[]`, graph: listGraph(new Array(items.length).fill(worker)) };
}

/** What lies inside a later generation of a composite has paths of its own: no key is used twice. */
function baseOf({ path, generation }: NodeRun): string {
  return generation === 1 ? path : `${path}#${generation}`;
}

/** Nodes without edges between them. */
export function listGraph(nodes: readonly CompiledNode[]): PlanGraph {
  const starts = new Uint32Array(nodes.length + 1);
  const none = new Uint32Array(0);
  return {
    nodes,
    edges: [],
    positionOf: new Map(nodes.map(({ id }, position) => [id, position])),
    outStart: starts,
    inStart: starts,
    inEdges: none,
    predecessors: starts,
    parallel: new Map(),
    entries: none,
    exits: none,
  };
}
