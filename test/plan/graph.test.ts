import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Adjacency,
  type Arc,
  buildAdjacency,
  findCycles,
  nodesWithoutInbound,
  unreachableNodes,
} from '../../src/plan/graph.js';

const graphs = fc.integer({ min: 1, max: 12 }).chain((count) =>
  fc.record({
    count: fc.constant(count),
    arcs: fc.array(fc.record({ source: fc.nat(count - 1), target: fc.nat(count - 1) }), {
      maxLength: 30,
    }),
  }),
);

function range(starts: Uint32Array, node: number): number[] {
  const from = starts[node] ?? 0;
  return Array.from({ length: (starts[node + 1] ?? 0) - from }, (_, i) => from + i);
}

/** Authoring indexes of the edges out of `node`, in order. */
function outgoing(graph: Adjacency, node: number): (number | undefined)[] {
  return range(graph.outStart, node).map((edge) => graph.order[edge]);
}

function reachable(count: number, arcs: readonly Arc[], from: readonly number[]): Set<number> {
  const reached = new Set(from);
  for (let round = 0; round < count; round++) {
    for (const { source, target } of arcs) if (reached.has(source)) reached.add(target);
  }
  return reached;
}

describe('the graph', () => {
  it('S3 S4 lists the same neighbours as the edges, in authoring order', () => {
    fc.assert(
      fc.property(graphs, ({ count, arcs }) => {
        const graph = buildAdjacency(count, arcs);
        for (let node = 0; node < count; node++) {
          const indexes = [...arcs.keys()];
          expect(outgoing(graph, node)).toEqual(indexes.filter((i) => arcs[i]?.source === node));
          const inbound = range(graph.inStart, node).map((i) => graph.inEdges[i] ?? -1);
          expect(inbound).toEqual([...inbound].sort((a, b) => a - b));
          const authored = inbound.map((edge) => graph.order[edge] ?? -1);
          expect(authored.sort((a, b) => a - b)).toEqual(
            indexes.filter((i) => arcs[i]?.target === node),
          );
        }
      }),
    );
  });

  it('S16 finds a cycle exactly where a node leads back to itself over others', () => {
    fc.assert(
      fc.property(graphs, ({ count, arcs }) => {
        const others = arcs.filter(({ source, target }) => source !== target);
        const cycles = findCycles(buildAdjacency(count, arcs));
        const onCycle = [...Array(count).keys()].filter((node) =>
          others.some(
            ({ source, target }) => source === node && reachable(count, others, [target]).has(node),
          ),
        );
        expect(cycles.length > 0).toBe(onCycle.length > 0);
        for (const cycle of cycles) {
          expect(new Set(cycle).size).toBe(cycle.length);
          cycle.forEach((node, i) => {
            const next = cycle[(i + 1) % cycle.length];
            expect(others).toContainEqual({ source: node, target: next });
          });
        }
        // One per group: no two cycles lead to each other.
        cycles.forEach((cycle, i) => {
          const reach = reachable(count, others, cycle);
          for (const other of cycles.slice(i + 1)) {
            const back = reachable(count, others, other);
            expect(reach.has(other[0] ?? -1) && back.has(cycle[0] ?? -1)).toBe(false);
          }
        });
      }),
    );
  });

  it('S17 finds the nodes that no path leads to', () => {
    fc.assert(
      fc.property(graphs, ({ count, arcs }) => {
        const graph = buildAdjacency(count, arcs);
        const entries = nodesWithoutInbound(graph);
        const reached = reachable(count, arcs, entries);
        const expected = [...Array(count).keys()].filter((node) => !reached.has(node));
        expect(unreachableNodes(graph, entries)).toEqual(expected);
      }),
    );
  });

  it('S57 walks a chain of 300,000 nodes without recursion', () => {
    const count = 300_000;
    const arcs = Array.from({ length: count - 1 }, (_, i) => ({ source: i, target: i + 1 }));
    const graph = buildAdjacency(count, arcs);
    expect(findCycles(graph)).toEqual([]);
    const closed = buildAdjacency(count, [...arcs, { source: count - 1, target: 0 }]);
    expect(findCycles(closed)[0]).toHaveLength(count);
  });
});
