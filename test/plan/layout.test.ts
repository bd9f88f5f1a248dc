import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compilePlanOrThrow } from '../../src/plan/compile.js';
import type { JsonObject, JsonValue } from '../../src/plan/json.js';
import { layoutOf, withLayout } from '../../src/plan/layout.js';
import { randomRuns } from '../model/random-plans.js';

const EDITED: JsonObject = {
  title: 'Edited',
  nodes: [
    { kind: 'action', id: 'a', handler: 'h', position: { x: 1, y: 2 }, 'x-colour': 'red' },
    {
      kind: 'loop',
      id: 'again',
      maxIterations: 2,
      body: {
        nodes: [{ kind: 'action', id: 'inner', handler: 'h', ui: { open: true } }],
        edges: [],
      },
    },
    { kind: 'subplan', id: 'sub', plan: 'other' },
  ],
  edges: [
    { source: 'a', target: 'again', style: { dashed: true } },
    { id: 'e2', source: 'again', target: 'sub', data: 7 },
  ],
  plans: {
    other: {
      title: 'Other',
      nodes: [{ kind: 'action', id: 'a', handler: 'h', position: { x: 9, y: 9 } }],
      edges: [],
    },
  },
};

const LAYOUT = {
  nodes: { a: { position: { x: 1, y: 2 }, 'x-colour': 'red' } },
  edges: { 'a->again': { style: { dashed: true } }, e2: { data: 7 } },
  bodies: { again: { nodes: { inner: { ui: { open: true } } } } },
  plans: { other: { nodes: { a: { position: { x: 9, y: 9 } } } } },
};

describe('the layout of a plan', () => {
  it('S227 S9 is kept beside the plan, and put back as it was', () => {
    const { plan, hash } = compilePlanOrThrow(EDITED);
    expect(JSON.stringify(plan)).not.toContain('position');
    expect(layoutOf(EDITED)).toEqual(LAYOUT);
    const again = withLayout(plan, LAYOUT);
    expect(again).toEqual(EDITED);
    expect(compilePlanOrThrow(again).hash).toBe(hash);
  });

  it('S227 stays with the nodes and edges that the plan still has', () => {
    const { plan } = compilePlanOrThrow(EDITED);
    const smaller = { ...plan, nodes: plan.nodes.slice(0, 2), edges: plan.edges.slice(0, 1) };
    expect(layoutOf(withLayout(smaller, LAYOUT))).toEqual({
      ...LAYOUT,
      edges: { 'a->again': { style: { dashed: true } } },
    });
    expect(layoutOf(plan)).toEqual({});
  });

  it('S227 never changes what a plan is', () => {
    fc.assert(
      fc.property(randomRuns({ maxNodes: 8 }), fc.object(), ({ draft }, anything) => {
        const { plan, hash } = compilePlanOrThrow(draft);
        const nodes = Object.fromEntries(
          plan.nodes.map(({ id }, x) => [id, { position: { x, y: -x } } as JsonObject]),
        );
        const placed = withLayout(plan, { nodes });
        expect(compilePlanOrThrow(placed).hash).toBe(hash);
        expect(layoutOf(placed)).toEqual({ nodes });
        expect(() => layoutOf(anything as JsonValue)).not.toThrow();
      }),
      { numRuns: 40 },
    );
  });
});
