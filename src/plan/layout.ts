/**
 * Where an editor has put the nodes and edges of a plan, apart from the plan: what the compiler strips from a
 * draft is kept beside it, by id, and put back when the plan is edited again.
 */
import { edgeIds } from './edge-ids.js';
import type { PlanEdge } from './edge-schema.js';
import { isJsonObject, type JsonObject, type JsonValue } from './json.js';
import { isLayout } from './sanitize.js';
import type { Plan } from './schema.js';

/** Plain JSON. What has no layout is left out. */
export interface PlanLayout {
  /** Properties of editors (`ui`, `position`, `data`, `style`, `x-…`) by the id of the node. */
  readonly nodes?: Readonly<Record<string, JsonObject>>;
  /** By the id of the edge: its own, or `source->target`, `source->target#2` and so on. */
  readonly edges?: Readonly<Record<string, JsonObject>>;
  /** Of the bodies of loops, by the id of the loop. */
  readonly bodies?: Readonly<Record<string, PlanLayout>>;
  /** Of named plans. */
  readonly plans?: Readonly<Record<string, PlanLayout>>;
}

type Graph = JsonObject & { nodes?: JsonValue; edges?: JsonValue };

/** The layout in a draft. What is malformed has none: that is for the compiler to say. */
export function layoutOf(draft: JsonValue | Plan): PlanLayout {
  if (!isJsonObject(draft)) return {};
  const nodes = elementsOf(draft, 'nodes').map(
    (node) => [node.id, layoutProperties(node)] as const,
  );
  const edges = elementsOf(draft, 'edges');
  const ids = edgeIds(edges as unknown as PlanEdge[]);
  const bodies = elementsOf(draft, 'nodes').map(
    (node) => [node.id, layoutOf(node.body ?? null)] as const,
  );
  const plans = isJsonObject(draft.plans) ? Object.entries(draft.plans) : [];
  return withoutEmpty({
    nodes: byId(nodes),
    edges: byId(edges.map((edge, index) => [ids[index], layoutProperties(edge)] as const)),
    bodies: byId(bodies),
    plans: byId(plans.map(([name, plan]) => [name, layoutOf(plan)] as const)),
  });
}

/** A plan as an editor wants it: with the layout of all nodes and edges that it still has. */
export function withLayout<P extends Plan | JsonObject>(plan: P, layout: PlanLayout): P {
  const graph = plan as Graph;
  const edges = elementsOf(graph, 'edges');
  const ids = edgeIds(edges as unknown as PlanEdge[]);
  const named = Object.entries(isJsonObject(graph.plans) ? graph.plans : {});
  return {
    ...plan,
    ...(graph.nodes !== undefined && {
      nodes: elementsOf(graph, 'nodes').map((node) => placedNode(node, layout)),
    }),
    ...(graph.edges !== undefined && {
      edges: edges.map((edge, index) => ({ ...edge, ...own(layout.edges, ids[index] ?? '') })),
    }),
    ...(named.length > 0 && {
      plans: Object.fromEntries(
        named.map(([name, inner]) => [
          name,
          isJsonObject(inner) ? withLayout(inner, own(layout.plans, name) ?? {}) : inner,
        ]),
      ),
    }),
  };
}

function placedNode(node: JsonObject, layout: PlanLayout): JsonObject {
  const id = String(node.id);
  const body = isJsonObject(node.body)
    ? { body: withLayout(node.body, own(layout.bodies, id) ?? {}) }
    : {};
  return { ...node, ...body, ...own(layout.nodes, id) };
}

function layoutProperties(element: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(element).filter(([key]) => isLayout(key)));
}

function elementsOf(graph: JsonObject, property: 'nodes' | 'edges'): JsonObject[] {
  const elements = graph[property];
  return Array.isArray(elements) ? elements.filter(isJsonObject) : [];
}

/** Entries that have something, by id; an id may be `__proto__`, and nobody's prototype changes. */
function byId<T extends object>(
  entries: readonly (readonly [JsonValue | undefined, T])[],
): Record<string, T> {
  const named = entries.flatMap(([id, value]): [string, T][] =>
    typeof id === 'string' && Object.keys(value).length > 0 ? [[id, value]] : [],
  );
  return Object.fromEntries(named);
}

function own<T>(record: Readonly<Record<string, T>> | undefined, key: string): T | undefined {
  return record !== undefined && Object.hasOwn(record, key) ? record[key] : undefined;
}

function withoutEmpty(layout: Required<PlanLayout>): PlanLayout {
  const parts = Object.entries(layout).filter(([, part]) => Object.keys(part).length > 0);
  return Object.fromEntries(parts) as PlanLayout;
}
