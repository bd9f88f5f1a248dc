/** Random plans whose runs end the same whatever comes first, and changed versions of them. */
import fc from 'fast-check';
import { compilePlan } from '../../../src/plan/compile.js';
import type { PlanVersion } from '../../../src/plan/plan-version.js';

export interface PlanPair {
  readonly before: PlanVersion;
  readonly after: PlanVersion;
}

const KINDS = ['action', 'action', 'action', 'switch', 'join', 'human-approval', 'loop', 'map'];
const nodeShape = fc.record({
  kind: fc.constantFrom(...KINDS),
  mode: fc.constantFrom('exclusive', 'inclusive'),
  onFailure: fc.constantFrom('skip', 'continue'),
  title: fc.constantFrom('One', 'One', 'Two'),
});
const edgeShape = fc.record({
  source: fc.nat(20),
  guard: fc.constantFrom('none', 'none', 'none', 'when', 'default'),
  condition: fc.constantFrom('output.v > 2', 'has(output.v) && output.v < 2', 'inputs.flag'),
});
type NodeShape = typeof nodeShape extends fc.Arbitrary<infer T> ? T : never;
type EdgeShape = typeof edgeShape extends fc.Arbitrary<infer T> ? T : never;

interface Slot {
  readonly node: NodeShape;
  readonly inbound: readonly EdgeShape[];
}
const slot: fc.Arbitrary<Slot> = fc.record({
  node: nodeShape,
  inbound: fc.array(edgeShape, { maxLength: 3 }),
});
const edits = fc.constantFrom('keep', 'keep', 'keep', 'node', 'edges', 'all', 'drop');

/** Each slot is a node, in an order that its edges follow; an edit takes parts of another slot instead. */
const pairs = fc
  .array(fc.tuple(slot, edits, slot), { minLength: 2, maxLength: 9 })
  .map((slots) => ({
    // What is all the other slot's is not there before.
    before: draft(slots.map(([own, edit]) => (edit === 'all' ? undefined : own))),
    after: draft(slots.map(([own, edit, other]) => edited(own, edit, other))),
  }));

function edited(own: Slot, edit: string, other: Slot): Slot | undefined {
  switch (edit) {
    case 'node':
      return { ...own, node: other.node };
    case 'edges':
      return { ...own, inbound: other.inbound };
    case 'all':
      return other;
    case 'drop':
      return undefined;
    default:
      return own;
  }
}

function draft(slots: readonly (Slot | undefined)[]): object {
  const there = slots.flatMap((found, i) => (found === undefined ? [] : [i]));
  const edges: { source: string; target: string }[] = [];
  const withDefault = new Set<string>();
  const nodes = there.map((index) => {
    const { node, inbound } = slots[index] as Slot;
    const earlier = there.filter((other) => other < index);
    for (const shape of inbound) {
      const source = earlier[shape.source % Math.max(1, earlier.length)];
      if (source !== undefined)
        edges.push(edgeDraft(`n${source}`, `n${index}`, shape, withDefault));
    }
    const hasInbound = edges.some(({ target }) => target === `n${index}`);
    return nodeDraft(`n${index}`, node, hasInbound);
  });
  return { title: 'Random', nodes, edges };
}

const LOOP = {
  maxIterations: 2,
  body: {
    nodes: ['x', 'y'].map((id) => ({ kind: 'action', id, handler: 'work' })),
    edges: [{ source: 'x', target: 'y' }],
  },
};
const MAP = { items: '[1, 2, 3]', handler: 'work', concurrency: 2, policy: 'collect' };

function nodeDraft(id: string, shape: NodeShape, hasInbound: boolean): object {
  const common = { id, title: shape.title };
  if (shape.kind === 'switch') return { kind: 'switch', ...common, mode: shape.mode };
  if (shape.kind === 'human-approval') return { kind: 'human-approval', ...common };
  if (shape.kind === 'join' && hasInbound) return { kind: 'join', ...common, onFailure: 'ignore' };
  if (shape.kind === 'loop')
    return { kind: 'loop', ...common, onFailure: shape.onFailure, ...LOOP };
  if (shape.kind === 'map') return { kind: 'map', ...common, onFailure: shape.onFailure, ...MAP };
  return { kind: 'action', ...common, handler: 'work', onFailure: shape.onFailure };
}

function edgeDraft(source: string, target: string, shape: EdgeShape, withDefault: Set<string>) {
  if (shape.guard === 'when') return { source, target, when: shape.condition, onError: 'dead' };
  if (shape.guard !== 'default' || withDefault.has(source)) return { source, target };
  withDefault.add(source);
  return { source, target, default: true };
}

/** Pairs of plans that compile. */
export const planPairs: fc.Arbitrary<PlanPair> = pairs
  .map(({ before, after }) => ({ before: compilePlan(before), after: compilePlan(after) }))
  .filter(({ before, after }) => before.ok && after.ok)
  .map(({ before, after }) => {
    if (!before.ok || !after.ok) throw new Error('filtered');
    return { before: before.version, after: after.version };
  });
