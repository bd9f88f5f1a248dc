/**
 * What differs between two versions of a plan, node by node, and what each node rests on. Pure. Nodes and
 * edges are compared as they are written, together with the schemas and plans that they name; what is
 * written the same in another order of keys is the same.
 */
import { canonicalJson } from './canonical.js';
import type { PlanEdge } from './edge-schema.js';
import { CEL } from './evaluator.js';
import type { JsonValue } from './json.js';
import type { CompiledEdge, PlanGraph, PlanVersion } from './plan-version.js';
import type { Plan } from './schema.js';
import { draftOfSubplan } from './subplans.js';

export type Difference =
  /** The node itself, or a schema or plan that it names. */
  | 'definition'
  /** Edges that lead to it, or edges beside them with which they are decided together. */
  | 'inbound-edges';

export interface PlanComparison {
  /** Nodes of both plans that differ. */
  readonly changed: ReadonlyMap<string, Difference>;
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

export function comparePlans(before: PlanVersion, after: PlanVersion): PlanComparison {
  const old = new PlanParts(before);
  const next = new PlanParts(after);
  const changed = new Map<string, Difference>();
  const added: string[] = [];
  for (const { id } of after.graph.nodes) {
    if (!before.graph.positionOf.has(id)) added.push(id);
    else if (!isSameNode(old, next, id)) changed.set(id, 'definition');
    else if (!isSameInbound(old, next, id)) changed.set(id, 'inbound-edges');
  }
  const removed = before.graph.nodes.flatMap(({ id }) =>
    after.graph.positionOf.has(id) ? [] : [id],
  );
  return { changed, added, removed };
}

/**
 * For each outgoing edge of a node that both plans have, in edge order: the place among its old outgoing
 * edges of the edge that it is, and undefined where it has to be decided anew.
 */
export function samePlaces(
  before: PlanVersion,
  after: PlanVersion,
): (id: string) => readonly (number | undefined)[] {
  const old = new PlanParts(before);
  const next = new PlanParts(after);
  return (id) => {
    const edges = next.outgoing(id);
    const oldEdges = old.outgoing(id);
    if (!inOneLanguage(old, next)) return edges.map(() => undefined);
    if (isSame(oldEdges, edges)) return edges.map((_, place) => place);
    if (old.decidesTogether(id) || next.decidesTogether(id)) return edges.map(() => undefined);
    const places = new Map<string, number[]>();
    for (const [place, edge] of oldEdges.entries()) {
      const text = canonicalJson(edge as JsonValue);
      places.set(text, [...(places.get(text) ?? []), place]);
    }
    return edges.map((edge) => places.get(canonicalJson(edge as JsonValue))?.shift());
  };
}

/**
 * Which nodes rest on each node, by id: those that its edges lead to, and those whose expressions, or
 * whose inbound edges, read it by name.
 */
export function dependents({ plan, graph }: PlanVersion): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, Set<string>>();
  const note = (source: string, target: string) => {
    const targets = found.get(source);
    if (targets === undefined) found.set(source, new Set([target]));
    else targets.add(target);
  };
  for (const node of plan.nodes) for (const read of readsOf(node, plan)) note(read, node.id);
  for (const edge of plan.edges) {
    note(edge.source, edge.target);
    for (const read of readsOf(edge, plan)) {
      note(read, edge.target);
      if (!decidesTogether(graph, edge.source)) continue;
      for (const { targetId } of outgoingOf(graph, edge.source)) note(read, targetId);
    }
  }
  return found;
}

/** All nodes that rest on one of `ids`, directly or through others, each with the one it was found by. */
export function restingOn(
  version: PlanVersion,
  ids: Iterable<string>,
): ReadonlyMap<string, string> {
  const resting = dependents(version);
  const found = new Map<string, string>();
  const begun = new Set(ids);
  const open = [...begun];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    for (const next of resting.get(id) ?? []) {
      if (begun.has(next) || found.has(next)) continue;
      found.set(next, id);
      open.push(next);
    }
  }
  return found;
}

const READ = /\bnodes\s*(?:\.\s*([A-Za-z_][\w-]*)|\[\s*\\?["']([^"'\\]+)\\?["']\s*\])/g;

/**
 * Ids in `nodes["id"]` and `nodes.id`, wherever they are written. In a language that is not known here,
 * whatever could be one.
 */
function readsOf(written: unknown, { language = CEL, nodes }: Plan): string[] {
  const text = JSON.stringify(written);
  if (language !== CEL) return nodes.flatMap(({ id }) => (text.includes(id) ? [id] : []));
  if (!text.includes('nodes')) return [];
  return [...text.matchAll(READ)].map(([, plain, quoted]) => plain ?? quoted ?? '');
}

function outgoingOf(graph: PlanGraph, id: string): readonly CompiledEdge[] {
  const position = graph.positionOf.get(id) ?? -1;
  return graph.edges.slice(graph.outStart[position], graph.outStart[position + 1]);
}

/** Whether the outcome of one outgoing edge depends on the others. */
function decidesTogether(graph: PlanGraph, id: string): boolean {
  const node = graph.nodes[graph.positionOf.get(id) ?? -1];
  return node?.switchMode === 'exclusive' || outgoingOf(graph, id).some((edge) => edge.isDefault);
}

/** A plan version by id, with the edges as they are written. */
class PlanParts {
  readonly plan: Plan;
  readonly #version: PlanVersion;
  readonly #nodes: ReadonlyMap<string, Plan['nodes'][number]>;
  readonly #outgoing = new Map<string, PlanEdge[]>();
  readonly #inbound = new Map<string, PlanEdge[]>();

  constructor(version: PlanVersion) {
    this.plan = version.plan;
    this.#version = version;
    this.#nodes = new Map(version.plan.nodes.map((node) => [node.id, node]));
    const bySource = new Map<string, PlanEdge[]>();
    for (const edge of version.plan.edges) push(bySource, edge.source, edge);
    // In the order in which edges are numbered, which is that of the inputs too.
    for (const { id } of version.graph.nodes) {
      for (const edge of bySource.get(id) ?? []) {
        push(this.#outgoing, id, edge);
        push(this.#inbound, edge.target, edge);
      }
    }
  }

  node(id: string) {
    return this.#nodes.get(id);
  }

  outgoing(id: string): readonly PlanEdge[] {
    return this.#outgoing.get(id) ?? [];
  }

  inbound(id: string): readonly PlanEdge[] {
    return this.#inbound.get(id) ?? [];
  }

  decidesTogether(id: string): boolean {
    return decidesTogether(this.#version.graph, id);
  }

  /** Whether the order of its inbound edges decides about its input. */
  isOrdered(id: string): boolean {
    const { nodes, positionOf } = this.#version.graph;
    return nodes[positionOf.get(id) ?? -1]?.mergeInputs !== 'error';
  }

  /** What a node names beside itself: schemas, and the plans that run inside it. */
  named(id: string): JsonValue {
    const schemas = this.plan.schemas ?? {};
    const plans = this.plan.plans ?? {};
    const found: Record<string, unknown> = {};
    const open: unknown[] = [this.node(id)];
    for (let value = open.pop(); value !== undefined; value = open.pop()) {
      if (typeof value === 'object' && value !== null) open.push(...Object.values(value));
      if (typeof value !== 'string') continue;
      if (Object.hasOwn(schemas, value) && found[`schema ${value}`] === undefined) {
        found[`schema ${value}`] = schemas[value];
        open.push(schemas[value]);
      }
      if (Object.hasOwn(plans, value)) found[`plan ${value}`] = draftOfSubplan(this.plan, value);
    }
    return found as JsonValue;
  }
}

/** The same text says something else in another language. */
function inOneLanguage(before: PlanParts, after: PlanParts): boolean {
  return (before.plan.language ?? CEL) === (after.plan.language ?? CEL);
}

function isSameNode(before: PlanParts, after: PlanParts, id: string): boolean {
  if (!inOneLanguage(before, after) || !isSame(before.node(id), after.node(id))) return false;
  const namesNothing = [before.plan, after.plan].every(
    ({ schemas, plans }) => schemas === undefined && plans === undefined,
  );
  return namesNothing || isSame(before.named(id), after.named(id));
}

function isSameInbound(before: PlanParts, after: PlanParts, id: string): boolean {
  const [old, next] = [before.inbound(id), after.inbound(id)];
  if (old.length !== next.length) return false;
  if (!isSame(old, next)) {
    if (after.isOrdered(id)) return false;
    const texts = (edges: readonly PlanEdge[]) =>
      edges.map((edge) => canonicalJson(edge as JsonValue)).sort();
    if (!isSame(texts(old), texts(next))) return false;
  }
  return next.every(({ source }) => {
    if (!before.decidesTogether(source) && !after.decidesTogether(source)) return true;
    return isSame(before.outgoing(source), after.outgoing(source));
  });
}

function isSame(a: unknown, b: unknown): boolean {
  if (JSON.stringify(a) === JSON.stringify(b)) return true;
  if (a === undefined || b === undefined) return false;
  return canonicalJson(a as JsonValue) === canonicalJson(b as JsonValue);
}

function push<T>(lists: Map<string, T[]>, key: string, value: T): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}
