import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Fifo } from '../../src/actors/fifo.js';
import { PositionQueue } from '../../src/actors/run/position-queue.js';
import {
  type DecidedEdgeOutcome,
  EDGE_OUTCOMES,
  Progress,
  Tally,
} from '../../src/actors/run/progress.js';
import { NODE_STATUSES, NODE_TRANSITIONS, type NodeStatus } from '../../src/machines/statuses.js';
import { action, edge, plan } from '../support/plans.js';

describe('PositionQueue', () => {
  it('S58 gives the lowest position first, each once, like a sorted set', () => {
    const steps = fc.array(fc.option(fc.nat(40)), { maxLength: 200 });
    fc.assert(
      fc.property(steps, (pushes) => {
        const queue = new PositionQueue(41);
        const model = new Set<number>();
        for (const push of pushes) {
          if (push !== null) {
            queue.push(push);
            model.add(push);
            continue;
          }
          const [lowest] = [...model].sort((a, b) => a - b);
          if (lowest !== undefined) model.delete(lowest);
          expect(queue.pop()).toBe(lowest);
          expect(queue.isEmpty).toBe(model.size === 0);
        }
      }),
    );
  });
});

describe('Fifo', () => {
  it('gives items in order, and takes some back in front', () => {
    const step = fc.oneof(
      fc.record({ push: fc.nat() }),
      fc.record({ back: fc.array(fc.nat(), { maxLength: 3 }) }),
      fc.constant('shift' as const),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const fifo = new Fifo<number>();
        let model: number[] = [];
        for (const current of steps) {
          if (current === 'shift') expect(fifo.shift()).toBe(model.shift());
          else if ('push' in current) {
            fifo.push(current.push);
            model.push(current.push);
          } else {
            fifo.unshiftAll(current.back);
            model = [...current.back, ...model];
          }
          expect(fifo.size).toBe(model.length);
          expect(fifo.peek()).toBe(model[0]);
        }
      }),
    );
  });

  it('keeps its order while thousands pass through', () => {
    const fifo = new Fifo<number>();
    let next = 0;
    for (let i = 0; i < 10_000; i++) {
      fifo.push(i);
      if (i % 3 !== 0) expect(fifo.shift()).toBe(next++);
    }
    while (fifo.size > 0) expect(fifo.shift()).toBe(next++);
    expect(next).toBe(10_000);
  });
});

describe('Progress', () => {
  const nodes = [...'abcdef'].map((id) => action(id));
  const edges = ['ab', 'ac', 'bd', 'cd', 'de', 'df', 'ef', 'af'].map((pair) =>
    edge(pair.charAt(0), pair.charAt(1)),
  );
  const { graph } = plan(nodes, edges);

  it('S163 counts as a recount does, whatever happens', () => {
    const change = fc.record({ node: fc.nat(5), to: fc.constantFrom(...NODE_STATUSES) });
    const decide = fc.record({
      edge: fc.nat(7),
      outcome: fc.constantFrom<DecidedEdgeOutcome>('taken', 'dead', 'failed', 'error'),
    });
    fc.assert(
      fc.property(fc.array(fc.oneof(change, decide), { maxLength: 60 }), (steps) => {
        const progress = new Progress(graph, new Tally());
        const statuses: NodeStatus[] = nodes.map(() => 'pending');
        const outcomes = new Map<number, DecidedEdgeOutcome>();
        for (const step of steps) {
          if ('to' in step) {
            const from = statuses[step.node] ?? 'pending';
            if (NODE_TRANSITIONS[from].includes(step.to)) {
              progress.change(step.node, step.to);
              statuses[step.node] = step.to;
            } else expect(() => progress.change(step.node, step.to)).toThrow(/illegal/);
          } else if (outcomes.has(step.edge)) {
            expect(() => progress.decideEdge(step.edge, step.outcome)).toThrow(/already/);
          } else {
            progress.decideEdge(step.edge, step.outcome);
            outcomes.set(step.edge, step.outcome);
          }
          expectRecount(progress, statuses, outcomes);
        }
      }),
    );
  });

  function expectRecount(
    progress: Progress,
    statuses: readonly NodeStatus[],
    outcomes: ReadonlyMap<number, DecidedEdgeOutcome>,
  ): void {
    for (const status of NODE_STATUSES) {
      expect(progress.count(status)).toBe(statuses.filter((one) => one === status).length);
    }
    statuses.forEach((_, position) => {
      const inbound = graph.edges.filter((one) => one.target === position);
      const count = (outcome: string) =>
        inbound.filter((one) => (outcomes.get(one.index) ?? 'undecided') === outcome).length;
      const [open, taken, dead, failed, error] = EDGE_OUTCOMES.map(count);
      const total = inbound.length;
      expect(progress.arrivals(position)).toEqual({ total, open, taken, dead, failed, error });
      const outgoing = graph.edges.filter((one) => one.source === position);
      const letters = outgoing.map((one) => outcomes.get(one.index)?.charAt(0));
      expect(progress.outgoing(position)).toBe(letters.includes(undefined) ? '' : letters.join(''));
    });
  }

  it('S165 restores the outcomes of outgoing edges from their letters', () => {
    const progress = new Progress(graph, new Tally());
    progress.restoreOutgoing(0, 'tde');
    expect(progress.outgoing(0)).toBe('tde');
    expect(progress.edge(1)).toBe('dead');
    expect(() => new Progress(graph, new Tally()).restoreOutgoing(0, 'x')).toThrow(
      /unknown edge outcome/,
    );
  });
});
