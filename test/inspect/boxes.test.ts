import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { boxesAround, draw, MAX_BOXES } from '../../web/src/boxes.js';
import { fan, layered } from './support/large.js';

const NOTHING: ReadonlySet<string> = new Set();

interface Graph {
  readonly nodes: readonly { readonly id: string; readonly kind: string }[];
  readonly edges: readonly {
    readonly id: string;
    readonly source: string;
    readonly target: string;
  }[];
}

function graphOf(size: number, arcs: readonly (readonly [number, number])[]): Graph {
  const nodes = Array.from({ length: size }, (_, index) => ({ id: `n${index}`, kind: 'action' }));
  const edges = arcs.map(([from, to], index) => ({
    id: `e${index}`,
    source: `n${Math.min(from, to)}`,
    target: `n${Math.max(from, to)}`,
  }));
  return { nodes, edges: edges.filter(({ source, target }) => source !== target) };
}

/** Any graph without cycles of up to 2,000 nodes. */
const graphs = fc
  .integer({ min: 1, max: 2_000 })
  .chain((size) =>
    fc
      .array(fc.tuple(fc.nat(size - 1), fc.nat(size - 1)), { maxLength: 3_000 })
      .map((arcs) => graphOf(size, arcs)),
  );

const sizeOf = (boxes: readonly unknown[]) => boxes.length;

describe('boxes of the graph', () => {
  it('S211 every node is in one box, there are never too many, and every edge between boxes is drawn', () => {
    fc.assert(
      fc.property(graphs, ({ nodes, edges }) => {
        const { boxes, links, boxOf } = draw(nodes, edges, NOTHING);
        expect(sizeOf(boxes)).toBeLessThanOrEqual(MAX_BOXES);
        const members = boxes.flatMap((box) => box.members);
        expect([...members].sort()).toEqual(nodes.map(({ id }) => id).sort());
        expect(new Set(boxes.map(({ id }) => id)).size).toBe(boxes.length);
        const between = edges.filter(
          ({ source, target }) => boxOf.get(source) !== boxOf.get(target),
        );
        expect(links.flatMap((link) => link.edges)).toHaveLength(between.length);
      }),
      { numRuns: 60 },
    );
  });

  it('S211 any node is seen by itself once the boxes around it are opened', () => {
    fc.assert(
      fc.property(graphs, fc.nat(), ({ nodes, edges }, place) => {
        const node = nodes[place % nodes.length]?.id ?? '';
        const opened = new Set(boxesAround(nodes, edges, node));
        const { boxes } = draw(nodes, edges, opened);
        expect(boxes.find(({ members }) => members.includes(node))?.members).toEqual([node]);
      }),
      { numRuns: 60 },
    );
  });

  it('S211 a small graph is drawn as it is, a fan as three boxes, and a deep one by layers', () => {
    const drawn = ({ nodes, edges }: ReturnType<typeof fan>) => {
      const all = edges.map((edge, index) => ({ ...edge, id: String(index) }));
      return draw(nodes, all as never, NOTHING).boxes.map(({ label }) => label);
    };
    expect(drawn(fan(12))).toHaveLength(12);
    expect(drawn(fan(2_000))).toEqual(['first', '1998 alike', 'last']);
    expect(drawn(layered(2_000, 20))[0]).toBe('layers 1–2');
  });
});
