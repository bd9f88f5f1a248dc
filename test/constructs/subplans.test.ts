import { describe, expect, it } from 'vitest';
import { compilePlan } from '../../src/plan/compile.js';
import { Kernel } from '../support/kernel.js';
import {
  action,
  approval,
  chain,
  type Draft,
  edge,
  join,
  plan,
  switchNode,
} from '../support/plans.js';

function named(nodes: readonly Draft[], edges: readonly Draft[] = [], more: object = {}) {
  return { title: 'Child', nodes, edges, ...more };
}

function subplan(id: string, more: object = {}) {
  return { kind: 'subplan', id, plan: 'child', ...more };
}

/** Ids of the runs inside `r1`, in the order in which they were started. */
function children(kernel: Kernel): string[] {
  return [...kernel.storage.runs.keys()].filter((id) => id !== 'r1');
}

function child(kernel: Kernel): string {
  const [id] = children(kernel);
  if (id === undefined) throw new Error('no run was started inside');
  return id;
}

describe('a subplan', () => {
  it('S148 is a run of its own, with mapped inputs, and gives what its plan says', async () => {
    const kernel = new Kernel();
    const plans = { child: named([action('w')], [], { result: 'nodes["w"].output.sum' }) };
    const nodes = [action('a'), subplan('s'), action('z')];
    const edges = [edge('a', 's', { map: { order: 'output.id' } }), edge('s', 'z')];
    await kernel.start(plan(nodes, edges, { plans }));
    await kernel.settle();
    await kernel.finish('a', { id: 7 });
    expect(kernel.attempt('w', child(kernel)).input).toEqual({ order: 7 });
    expect(kernel.status()).toBe('running');
    await kernel.finish('w', { sum: 3 }, child(kernel));
    expect(kernel.attempt('z').input).toBe(3);
    await kernel.finish('z');
    expect(kernel.status()).toBe('completed');
    expect(kernel.rows(child(kernel)).record).toMatchObject({ parentId: 'r1', parentNode: 's' });
  });

  it('S148 gives the outputs of its last nodes where its plan does not say', async () => {
    const kernel = new Kernel();
    const plans = { child: named([action('a'), action('b')], chain('a', 'b')) };
    await kernel.start(plan([subplan('s')], [], { plans }));
    await kernel.settle();
    await kernel.finish('a', 1, child(kernel));
    await kernel.finish('b', 2, child(kernel));
    expect(kernel.summary().outputs.s).toEqual({ b: 2 });
  });

  it('S149 S207 that awaits a person lets its parent await one, when nothing else goes on', async () => {
    const kernel = new Kernel();
    const plans = { child: named([approval('ask')]) };
    await kernel.start(plan([subplan('s'), action('other')], [], { plans }));
    await kernel.settle();
    expect(kernel.status()).toBe('running');
    await kernel.finish('other');
    expect(kernel.status()).toBe('awaiting-human');
    await kernel.restart();
    expect(kernel.status()).toBe('awaiting-human');
    await kernel.respond('ask', { approved: true }, null, child(kernel));
    await kernel.settle();
    expect(kernel.status()).toBe('completed');
  });

  it('S149 S167 that rests otherwise than its parent was told tells it in the next process', async () => {
    const kernel = new Kernel();
    const nodes = [
      action('work', { onFailure: 'continue' }),
      approval('ask'),
      join('both', { onFailure: 'wait' }),
    ];
    const plans = { child: named(nodes, [edge('work', 'both'), edge('ask', 'both')]) };
    await kernel.start(plan([subplan('s')], [], { plans }));
    await kernel.settle();
    await kernel.fail('work', new Error('odd'), child(kernel));
    expect(kernel.status()).toBe('awaiting-human');
    // The child's turn is the last that gets through.
    kernel.dieAfter(1, false);
    await kernel.respond('ask', { approved: true }, null, child(kernel));
    await kernel.settle();
    expect([kernel.status(child(kernel)), kernel.status()]).toEqual(['blocked', 'awaiting-human']);
    await kernel.restart();
    expect(kernel.status()).toBe('blocked');
  });

  it('S151 that fails says in which run, at which node, and why', async () => {
    const kernel = new Kernel();
    const plans = { child: named([action('w')]) };
    await kernel.start(plan([subplan('s')], [], { plans }));
    await kernel.settle();
    await kernel.fail('w', new Error('no stock'), child(kernel));
    await kernel.settle();
    expect(kernel.status()).toBe('failed');
    expect(JSON.parse(kernel.rows().nodeRuns.get('s')?.reasonJson ?? '')).toMatchObject({
      class: 'child',
      message: 'no stock',
      detail: { run: child(kernel), cause: { detail: { node: 'w' } } },
    });
  });

  it('S105 S148 is tried again as another run', async () => {
    const kernel = new Kernel();
    const plans = { child: named([action('w')]) };
    await kernel.start(plan([subplan('s', { retry: { maxAttempts: 2 } })], [], { plans }));
    await kernel.settle();
    await kernel.fail('w', new Error('x'), child(kernel));
    await kernel.settle();
    const [first, second] = children(kernel);
    expect(first).not.toBe(second);
    await kernel.finish('w', 1, second);
    await kernel.settle();
    expect(kernel.status()).toBe('completed');
  });

  it('S101 S148 that is partial makes its parent partial', async () => {
    const kernel = new Kernel();
    const tolerant = action('w', { onFailure: 'continue', defaultOutput: 1 });
    await kernel.start(plan([subplan('s')], [], { plans: { child: named([tolerant]) } }));
    await kernel.settle();
    await kernel.fail('w', new Error('x'), child(kernel));
    await kernel.settle();
    expect(kernel.summary()).toMatchObject({ status: 'partial', nodes: { s: 'partial' } });
  });

  it('S148 S152 is cancelled with its parent, which ends after it', async () => {
    const kernel = new Kernel();
    const plans = { child: named([action('w')]) };
    await kernel.start(plan([subplan('s')], [], { plans }));
    await kernel.settle();
    const { context, throw: end } = kernel.attempt('w', child(kernel));
    await kernel.cancel();
    await kernel.settle();
    expect(context.signal.aborted).toBe(true);
    expect(kernel.status()).toBe('running');
    end(context.signal.reason);
    await kernel.settle();
    expect(kernel.status(child(kernel))).toBe('cancelled');
    expect(kernel.status()).toBe('cancelled');
  });

  it('S148 goes on, and is started once, when the process stops at any turn', async () => {
    for (let turns = 1; turns < 12; turns++) {
      const kernel = new Kernel();
      const plans = { child: named([action('w')]) };
      const version = plan([subplan('s'), action('z')], chain('s', 'z'), { plans });
      kernel.dieAfter(turns, turns % 2 === 0);
      void kernel.start(version);
      await kernel.settle();
      for (let step = 0; step < 10; step++) {
        if (kernel.isDead) await kernel.restart();
        for (const run of kernel.storage.runs.keys()) {
          for (const attempt of kernel.open(run)) attempt.return(1);
        }
        await kernel.settle();
      }
      expect(kernel.status(), `after ${turns} turns`).toBe('completed');
      expect(children(kernel), `after ${turns} turns`).toHaveLength(1);
    }
  });

  it('S61 S148 gets what is left of the budget, and what it uses is counted', async () => {
    const kernel = new Kernel();
    const plans = { child: named([action('w'), action('v')], chain('w', 'v')) };
    const nodes = [action('a'), subplan('s')];
    await kernel.start(plan(nodes, chain('a', 's'), { plans, budget: { maxSteps: 2 } }));
    await kernel.settle();
    await kernel.finish('a');
    await kernel.finish('w', 1, child(kernel));
    await kernel.settle();
    expect(kernel.status(child(kernel))).toBe('failed');
    expect(kernel.rows(child(kernel)).record.reasonJson).toContain('budget_exhausted');
    expect(JSON.parse(kernel.rows().record.usageJson ?? '')).toMatchObject({ steps: 2 });
  });

  it('S148 nests, to the depth that it is given', async () => {
    const kernel = new Kernel({ handlers: { now: () => 1 } });
    const deeper = [
      switchNode('again'),
      { kind: 'subplan', id: 's', plan: 'child', maxDepth: 3, onFailure: 'skip' },
    ];
    const plans = { child: named(deeper, chain('again', 's')) };
    await kernel.start(plan([subplan('s')], [], { plans }));
    await kernel.settle();
    for (let i = 0; i < 20; i++) await kernel.settle();
    expect(children(kernel)).toHaveLength(3);
    expect(kernel.status()).toBe('completed');
  });

  it('S8 S59 whose input does not fit its plan fails its node alone', async () => {
    const kernel = new Kernel();
    const plans = { child: named([action('w')], [], { inputs: { type: 'array' } }) };
    const nodes = [subplan('s', { onFailure: 'skip' }), action('a')];
    await kernel.start(plan(nodes, [], { plans }));
    await kernel.settle();
    // The harness starts children without checking inputs; the API does: see test/api.
    await kernel.finish('a');
    for (const id of children(kernel)) await kernel.finish('w', 1, id);
    expect(kernel.status()).toBe('completed');
  });
});

describe('plans inside a plan', () => {
  const draft = (child: object, nodes: object[] = [subplan('s')]) => ({
    title: 'T',
    nodes,
    edges: [],
    plans: { child },
  });

  it('S22 that are unknown are refused, with the nearest name', () => {
    const unknown = [{ kind: 'subplan', id: 's', plan: 'childs' }];
    expect(compilePlan(draft(named([action('w')]), unknown))).toMatchObject({
      issues: [
        { code: 'unknown-plan', path: '/nodes/0/plan', hint: expect.stringContaining('child') },
      ],
    });
  });

  it('S23 that contain themselves are refused, unless their depth is bounded', () => {
    const recursive = (more: object) => draft(named([subplan('again', more)]));
    expect(compilePlan(recursive({}))).toMatchObject({
      issues: [{ code: 'unbounded-recursion', path: '/plans/child/nodes/0/plan' }],
    });
    expect(compilePlan(recursive({ maxDepth: 3 })).ok).toBe(true);
  });

  it('S25 have their issues at their own place', () => {
    expect(compilePlan(draft(named([{ kind: 'action', id: 'w' }])))).toMatchObject({
      issues: [{ code: 'handler-missing-key', path: '/plans/child/nodes/0' }],
    });
  });
});
