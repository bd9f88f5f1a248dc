/**
 * Compiles a graph: the nodes and edges of a plan, or of the body of a loop, and what lies inside
 * them. Checking comes first and reports everything; assembling is done for a draft without faults.
 */

import { assembleNode } from './assemble-node.js';
import { checkFit } from './check-fit.js';
import { EdgeCompiler, type EdgeParts } from './compile-edges.js';
import { compileNode } from './compile-node.js';
import { edgeIds } from './edge-ids.js';
import { BREAK, type PlanEdge } from './edge-schema.js';
import type { Reporter } from './findings.js';
import type { GraphContext, GraphParts } from './graph-parts.js';
import type { JsonObject } from './json.js';
import type { PlanNode } from './node-schemas.js';
import type { CompiledEdge, PlanGraph } from './plan-version.js';
import { checkRouting } from './routing.js';
import type { GraphOutline } from './shape.js';
import { checkTopology } from './topology.js';

export function compileGraph(
  outline: GraphOutline,
  context: GraphContext,
  findings: Reporter,
): GraphParts {
  const topology = checkTopology(outline, findings);
  checkRouting(topology, findings);
  checkFit(topology, context, findings);
  const edgeCompiler = new EdgeCompiler(topology, context, findings);
  return {
    topology,
    nodes: topology.nodes.map((node) =>
      compileNode(node, topology, { ...context, compileGraph }, findings),
    ),
    edges: topology.edges.map((edge) => edgeCompiler.compile(edge)),
  };
}

export function assembleGraph(
  planNodes: readonly PlanNode[],
  planEdges: readonly PlanEdge[],
  parts: GraphParts,
  named: Readonly<Record<string, JsonObject | boolean>>,
): PlanGraph {
  const { topology } = parts;
  const { adjacency } = topology;
  const nodes = planNodes.map((source, position) =>
    assembleNode(source, position, { parts, named, assembleGraph }),
  );
  const exits = planNodes.flatMap(({ id }, position) =>
    id !== BREAK && adjacency.outStart[position] === adjacency.outStart[position + 1]
      ? [position]
      : [],
  );
  return Object.freeze({
    nodes: Object.freeze(nodes),
    edges: Object.freeze(assembleEdges(planEdges, parts)),
    positionOf: topology.positionOf,
    outStart: adjacency.outStart,
    inStart: adjacency.inStart,
    inEdges: adjacency.inEdges,
    predecessors: adjacency.predecessors,
    parallel: adjacency.parallel,
    entries: Uint32Array.from(topology.entries),
    exits: Uint32Array.from(exits),
  });
}

function assembleEdges(planEdges: readonly PlanEdge[], parts: GraphParts): CompiledEdge[] {
  const { adjacency } = parts.topology;
  const ids = edgeIds(planEdges);
  return Array.from(adjacency.order, (authored, index): CompiledEdge => {
    const edge = planEdges[authored] as PlanEdge;
    return Object.freeze({
      index,
      id: ids[authored] ?? '',
      source: adjacency.sources[index] ?? 0,
      target: adjacency.targets[index] ?? 0,
      sourceId: edge.source,
      targetId: edge.target,
      on: edge.on,
      isDefault: edge.default ?? false,
      onError: edge.onError ?? 'fail',
      ...(parts.edges[authored] as EdgeParts),
    });
  });
}
