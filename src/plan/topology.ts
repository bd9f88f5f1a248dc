/** Checks the graph of a plan: ids, ends of edges, cycles, entry nodes, joins, defaults. */
import { BREAK } from './edge-schema.js';
import type { Reporter } from './findings.js';
import {
  type Adjacency,
  buildAdjacency,
  findCycles,
  nodesWithoutInbound,
  unreachableNodes,
} from './graph.js';
import { pointer } from './pointer.js';
import type { EdgeOutline, GraphOutline, NodeOutline } from './shape.js';
import { didYouMean } from './suggest.js';

const MAX_NAMED_NODES = 50;

/** Edges between known nodes, and their order. Positions index `nodes`. */
export interface Topology {
  readonly nodes: readonly NodeOutline[];
  readonly positionOf: ReadonlyMap<string, number>;
  /** In authoring order; adjacency numbers them anew. */
  readonly edges: readonly EdgeOutline[];
  readonly adjacency: Adjacency;
  readonly entries: readonly number[];
}

export function checkTopology(outline: GraphOutline, findings: Reporter): Topology {
  const { nodes, positionOf } = uniqueNodes(outline.nodes, findings);
  checkEdgeIds(outline.edges, findings);
  const edges = outline.edges.filter((edge) => checkEnds(edge, positionOf, findings));
  const adjacency = buildAdjacency(
    nodes.length,
    edges.map((edge) => ({
      source: positionOf.get(edge.source) ?? 0,
      target: positionOf.get(edge.target) ?? 0,
    })),
  );
  const topology = { nodes, positionOf, edges, adjacency };
  for (const cycle of findCycles(adjacency)) reportCycle(cycle, nodes, findings);
  const entries = checkEntries(outline.entry, topology, findings);
  return { ...topology, entries };
}

function uniqueNodes(
  outlines: readonly NodeOutline[],
  findings: Reporter,
): Pick<Topology, 'nodes' | 'positionOf'> {
  const nodes: NodeOutline[] = [];
  const positionOf = new Map<string, number>();
  for (const outline of outlines) {
    const { id, index } = outline;
    const first = positionOf.get(id);
    if (first === undefined) {
      positionOf.set(id, nodes.length);
      nodes.push(outline);
      continue;
    }
    findings.block({
      code: 'duplicate-node-id',
      message: `Two nodes have the id '${id}'`,
      path: pointer('nodes', index, 'id'),
      node: id,
      detail: { first: pointer('nodes', nodes[first]?.index ?? 0) },
    });
  }
  return { nodes, positionOf };
}

function checkEdgeIds(edges: readonly EdgeOutline[], findings: Reporter): void {
  const seen = new Map<string, number>();
  for (const { id, index } of edges) {
    if (id === undefined) continue;
    const first = seen.get(id);
    if (first === undefined) {
      seen.set(id, index);
      continue;
    }
    findings.block({
      code: 'duplicate-edge-id',
      message: `Two edges have the id '${id}'`,
      path: pointer('edges', index, 'id'),
      detail: { first: pointer('edges', first) },
    });
  }
}

function checkEnds(
  { index, source, target }: EdgeOutline,
  positionOf: ReadonlyMap<string, number>,
  findings: Reporter,
): boolean {
  for (const [end, id] of [
    ['source', source],
    ['target', target],
  ] as const) {
    if (positionOf.has(id)) continue;
    findings.block({
      code: `unknown-${end}`,
      message: `The ${end} '${id}' of an edge is not a node`,
      path: pointer('edges', index, end),
      hint:
        id === BREAK
          ? 'Only edges in the body of a loop lead to its end'
          : didYouMean(id, positionOf.keys()),
    });
  }
  if (source === target && positionOf.has(source)) {
    findings.block({
      code: 'self-edge',
      message: `An edge leads from '${source}' to itself`,
      path: pointer('edges', index),
      node: source,
      hint: 'To try a node again, give it a `retry`; to repeat it, put it in a loop',
    });
  }
  return positionOf.has(source) && positionOf.has(target);
}

function reportCycle(
  cycle: readonly number[],
  nodes: readonly NodeOutline[],
  findings: Reporter,
): void {
  const ids = cycle.slice(0, MAX_NAMED_NODES).map((position) => nodes[position]?.id ?? '');
  const rest = cycle.length > ids.length ? ' → …' : ` → ${ids[0]}`;
  findings.block({
    code: 'cycle',
    message: `Nodes lead back to themselves: ${ids.join(' → ')}${rest}`,
    path: pointer('nodes', nodes[cycle[0] ?? 0]?.index ?? 0),
    node: ids[0],
    hint: 'Put what is repeated into the body of a loop',
    detail: { nodes: ids, length: cycle.length },
  });
}

function checkEntries(
  declared: GraphOutline['entry'],
  { nodes, positionOf, adjacency }: Omit<Topology, 'entries'>,
  findings: Reporter,
): number[] {
  const roots = nodesWithoutInbound(adjacency);
  if (declared === undefined && roots.length === 0 && nodes.length > 0) {
    findings.block({
      code: 'no-entry-node',
      message: 'Every node has an inbound edge, so nothing can start',
      path: pointer('nodes'),
    });
  }
  const entries =
    declared === undefined ? roots : knownEntries(declared, positionOf, new Set(roots), findings);
  if (entries.length === 0) return [];
  for (const position of unreachableNodes(adjacency, entries)) {
    const { id, index } = nodes[position] as NodeOutline;
    findings.block({
      code: 'unreachable-node',
      message: `No path leads from an entry node to '${id}'`,
      path: pointer('nodes', index),
      node: id,
    });
  }
  return entries;
}

function knownEntries(
  declared: NonNullable<GraphOutline['entry']>,
  positionOf: ReadonlyMap<string, number>,
  roots: ReadonlySet<number>,
  findings: Reporter,
): number[] {
  const entries = new Set<number>();
  declared.forEach((id, index) => {
    if (id === undefined) return;
    const position = positionOf.get(id);
    const path = pointer('entry', index);
    if (position === undefined) {
      const hint = didYouMean(id, positionOf.keys());
      findings.block({ code: 'unknown-entry', message: `'${id}' is not a node`, path, hint });
      return;
    }
    entries.add(position);
    if (roots.has(position)) return;
    findings.block({
      code: 'entry-has-inbound',
      message: `The entry node '${id}' has an inbound edge`,
      path,
      node: id,
    });
  });
  return [...entries].sort((a, b) => a - b);
}
