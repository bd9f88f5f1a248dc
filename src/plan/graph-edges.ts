/** The edges of a node in a compiled graph. */
import type { CompiledEdge, PlanGraph } from './plan-version.js';

/** Outgoing edges of the node at a position, in edge order. */
export function outgoingEdges(graph: PlanGraph, position: number): readonly CompiledEdge[] {
  return graph.edges.slice(graph.outStart[position], graph.outStart[position + 1]);
}

/** Edges that lead to the node at a position, in edge order. */
export function inboundEdges(graph: PlanGraph, position: number): readonly CompiledEdge[] {
  const { inStart, inEdges, edges } = graph;
  const inbound: CompiledEdge[] = [];
  for (let i = inStart[position] ?? 0; i < (inStart[position + 1] ?? 0); i++) {
    const edge = edges[inEdges[i] ?? -1];
    if (edge !== undefined) inbound.push(edge);
  }
  return inbound;
}
