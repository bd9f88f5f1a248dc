import { describe, expect, it } from 'vitest';
import type { Arrivals } from '../../src/actors/run/progress.js';
import { decideReadiness } from '../../src/actors/run/readiness.js';
import { routeFrom } from '../../src/actors/run/routing.js';
import { parseCountCondition } from '../../src/plan/conditions.js';
import { outgoingEdges } from '../../src/plan/graph-edges.js';
import type { EdgeScope, JoinPolicy, PlanVersion } from '../../src/plan/plan-version.js';
import { action, approval, edge, plan, switchNode } from '../support/plans.js';

/** All ways in which up to `edges` inbound edges can stand. */
function* allArrivals(edges: number): Generator<Arrivals> {
  for (let total = 1; total <= edges; total++) {
    for (let code = 0; code < 5 ** total; code++) {
      const counts = [0, 0, 0, 0, 0];
      for (let i = 0, rest = code; i < total; i++, rest = Math.floor(rest / 5)) {
        counts[rest % 5] = (counts[rest % 5] ?? 0) + 1;
      }
      const [open = 0, taken = 0, dead = 0, failed = 0, error = 0] = counts;
      yield { total, open, taken, dead, failed, error };
    }
  }
}

/** Tries every way in which the open edges may still turn out: what holds for all of them is decided. */
function naive({ open: undecided, ...known }: Arrivals, join: JoinPolicy | undefined): string {
  if (known.error > 0) return 'failed';
  // An input that may recover has not been decided yet.
  const mayRecover = join?.onFailure === 'wait' ? known.failed : 0;
  const open = undecided + mayRecover;
  if (join === undefined) {
    if (known.failed > 0) return 'skipped';
    if (open > 0) return 'waiting';
    return known.taken > 0 ? 'ready' : 'skipped';
  }
  const failed = join.onFailure === 'fail' ? known.failed : 0;
  if (join.rule.type === 'when') {
    // The rule of the table: two arrived, or one and nothing is open any more.
    if (known.taken >= 2 || (known.taken === 1 && open === 0)) return 'ready';
    if (open > 0) return 'waiting';
    return failed > 0 ? 'failed' : 'skipped';
  }
  if (join.rule.type === 'all') {
    if (failed > 0) return 'failed';
    if (open > 0) return 'waiting';
    return known.taken > 0 ? 'ready' : 'skipped';
  }
  const needed = join.rule.type === 'count' ? join.rule.count : 1;
  if (known.taken >= needed) return 'ready';
  const futures = [...Array(open + 1).keys()].map((more) => known.taken + more >= needed);
  if (futures.includes(true)) return 'waiting';
  // Hopeless: a failure, unless nothing failed and nothing ever arrives.
  if (known.taken > 0 || failed > 0) return 'failed';
  return open > 0 ? 'waiting' : 'skipped';
}

const RULES: readonly JoinPolicy['rule'][] = [
  { type: 'all' },
  { type: 'any' },
  ...[1, 2, 3, 4].map((count) => ({ type: 'count', count }) as const),
  { type: 'when', condition: countCondition('taken >= 2 || (taken == 1 && open == 0)') },
];

function countCondition(text: string) {
  const parsed = parseCountCondition(text);
  if (!parsed.ok) throw new Error(parsed.fault.message);
  return parsed.condition;
}

describe('readiness', () => {
  it('S75 S76 S199 of a node that is no join has one result for every mix of four inbound edges', () => {
    for (const arrivals of allArrivals(4)) {
      expect(decideReadiness(arrivals, undefined).is, JSON.stringify(arrivals)).toBe(
        naive(arrivals, undefined),
      );
    }
  });

  it('S77 S78 S79 S83 S199 of a join has one result for every mix, rule and policy', () => {
    for (const rule of RULES) {
      for (const onFailure of ['fail', 'ignore', 'wait'] as const) {
        for (const arrivals of allArrivals(4)) {
          if (rule.type === 'count' && rule.count > arrivals.total) continue;
          const join = { rule, onFailure, rest: [] };
          const what = JSON.stringify({ arrivals, join });
          expect(decideReadiness(arrivals, join).is, what).toBe(naive(arrivals, join));
        }
      }
    }
  });
});

function scope(output: EdgeScope['output'], outcome?: string): EdgeScope {
  return { inputs: {}, input: undefined, output, outcome, node: () => undefined };
}

function route(
  version: PlanVersion,
  parts: { output?: EdgeScope['output']; action?: string; outcome?: string } = {},
): string[] {
  const [node] = version.graph.nodes;
  if (node === undefined) throw new Error('no node');
  const result = {
    action: parts.action ?? null,
    outcome: parts.outcome ?? null,
    scope: scope(parts.output, parts.outcome),
  };
  return routeFrom(node, outgoingEdges(version.graph, 0), 'completed', result).map(
    ({ edge: { targetId }, outcome, evaluated }) =>
      `${targetId} ${outcome}${evaluated ? ` (${evaluated.condition}: ${evaluated.result})` : ''}`,
  );
}

const targets = ['x', 'y', 'z'].map((id) => action(id));

describe('routing', () => {
  it('S70 S71 takes the edge whose action was named, and no other', () => {
    const version = plan(
      [action('a'), ...targets],
      [edge('a', 'x', { on: 'go' }), edge('a', 'y', { on: 'stay' }), edge('a', 'z')],
    );
    expect(route(version, { action: 'go' })).toEqual([
      'x taken (on go: true)',
      'y dead (on stay: false)',
      'z taken',
    ]);
    expect(route(version, { action: 'other' }).slice(0, 2)).toEqual([
      'x dead (on go: false)',
      'y dead (on stay: false)',
    ]);
  });

  it('S72 takes the default edge only where no other is', () => {
    const version = plan(
      [switchNode('s', { mode: 'inclusive' }), ...targets],
      [edge('s', 'z', { default: true }), edge('s', 'x', { when: 'output.v > 1' })],
    );
    expect(route(version, { output: { v: 2 } })).toEqual([
      'z dead (default: false)',
      'x taken (output.v > 1: true)',
    ]);
    expect(route(version, { output: { v: 0 } })).toEqual([
      'z taken (default: true)',
      'x dead (output.v > 1: false)',
    ]);
  });

  it('S73 S74 an exclusive switch stops asking at the first true edge, an inclusive one asks all', () => {
    const edges = ['x', 'y', 'z'].map((id, i) => edge('s', id, { when: `output.v > ${i}` }));
    const exclusive = plan([switchNode('s'), ...targets], edges);
    expect(route(exclusive, { output: { v: 9 } })).toEqual([
      'x taken (output.v > 0: true)',
      'y dead',
      'z dead',
    ]);
    const inclusive = plan([switchNode('s', { mode: 'inclusive' }), ...targets], edges);
    expect(route(inclusive, { output: { v: 2 } }).map((line) => line.split(' ')[1])).toEqual([
      'taken',
      'taken',
      'dead',
    ]);
  });

  it('S67 an error in a condition fails the target or kills the edge, and hides behind no default', () => {
    const edges = (onError: string) => [
      edge('s', 'x', { when: 'output.none > 1', onError }),
      edge('s', 'y', { default: true }),
    ];
    const failing = plan([switchNode('s'), ...targets.slice(0, 2)], edges('fail'));
    expect(route(failing, { output: {} })).toEqual([
      'x error (output.none > 1: null)',
      'y dead (default: false)',
    ]);
    const dying = plan([switchNode('s'), ...targets.slice(0, 2)], edges('dead'));
    expect(route(dying, { output: {} })).toEqual([
      'x dead (output.none > 1: null)',
      'y taken (default: true)',
    ]);
  });

  it('S133 takes unconditional edges out of an approval only where it is approved', () => {
    const version = plan(
      [approval('p'), ...targets.slice(0, 2)],
      [edge('p', 'x'), edge('p', 'y', { when: 'outcome == "rejected"' })],
    );
    expect(route(version, { outcome: 'approved' })[0]).toBe('x taken (approved: true)');
    expect(route(version, { outcome: 'rejected' })).toEqual([
      'x dead (approved: false)',
      'y taken (outcome == "rejected": true)',
    ]);
  });
});
