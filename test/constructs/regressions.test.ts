/** Faults that were found in use, each with the smallest plan that showed it. */
import { describe, expect, it } from 'vitest';
import { compilePlan } from '../../src/plan/compile.js';
import { Kernel } from '../support/kernel.js';
import { action, approval, chain, edge, plan } from '../support/plans.js';

const loop = (id: string, nodes: readonly object[], more: object = {}) => ({
  kind: 'loop',
  id,
  body: { nodes },
  ...more,
});

describe('what was found', () => {
  it('S118 an escalation that ends with people fails when their deadline passes', async () => {
    const kernel = new Kernel();
    const escalation = [{ responders: ['x'], deadlineMs: 1_000 }];
    await kernel.start(plan([action('a', { onFailure: 'escalate', escalation })]));
    await kernel.fail('a');
    await kernel.restart();
    await kernel.advance(1_000);
    expect(kernel.status()).toBe('failed');
    expect(kernel.complaints).toEqual([]);
  });

  it('S118 an escalation goes on, whatever a level fails with', async () => {
    const kernel = new Kernel();
    const escalation = [{ handler: 'work' }, { responders: ['x'] }];
    await kernel.start(plan([action('a', { onFailure: { exception: 'escalate' }, escalation })]));
    await kernel.fail('a');
    await kernel.finish('a', 1n);
    expect(kernel.status()).toBe('awaiting-human');
  });

  it('S164 a process that stops between two parts of a large decision goes on with the run', async () => {
    const kernel = new Kernel({ maxTurnSize: 1 });
    await kernel.start(plan([approval('ask'), action('a'), action('b')], chain('ask', 'a', 'b')));
    expect(kernel.status()).toBe('awaiting-human');
    kernel.dieAfter(1, false);
    await kernel.respond('ask', { approved: true });
    await kernel.settle();
    expect(kernel.isDead).toBe(true);
    expect(kernel.status()).toBe('running');
    await kernel.restart();
    expect(kernel.working()).toEqual(['a']);
  });

  it('S117 no attempt inside a loop or a map has the key of another, however often it begins', async () => {
    const kernel = new Kernel();
    const back = action('z', { onFailure: 'backtrack', backtrack: { to: 'l', maxRestarts: 1 } });
    const map = { kind: 'map', id: 'm', handler: 'work', items: '[1]', onFailure: 'human-review' };
    const nodes = [loop('l', [action('a')], { maxIterations: 1 }), map, back];
    await kernel.start(plan(nodes, chain('l', 'm', 'z')));
    await kernel.finish('l[1]/a');
    await kernel.fail('m[0]');
    await kernel.respond('m', { decision: 'retry' });
    await kernel.settle();
    await kernel.restart();
    await kernel.finish('m#2[0]');
    await kernel.fail('z');
    await kernel.finish('l#2[1]/a');
    await kernel.finish('m#3[0]');
    await kernel.finish('z');
    expect(kernel.status()).toBe('completed');
    expect(new Set(kernel.executions).size).toBe(kernel.executions.length);
  });

  it('S61 a run that overspends with its last node completes, and has no task open', async () => {
    for (const onExhausted of ['ask', 'fail']) {
      const kernel = new Kernel();
      await kernel.start(plan([action('a')], [], { budget: { maxCost: 1, onExhausted } }));
      await kernel.finish('a', { ok: true, usage: { cost: 2 } });
      expect(kernel.status()).toBe('completed');
      expect(kernel.openTasks()).toEqual([]);
    }
  });

  it('S61 a task about the run is closed when the run ends otherwise', async () => {
    const kernel = new Kernel();
    const budget = { maxSteps: 1, onExhausted: 'ask' };
    await kernel.start(plan([action('a'), action('b')], chain('a', 'b'), { budget }));
    await kernel.finish('a');
    expect(kernel.openTasks()).toHaveLength(1);
    await kernel.cancel();
    await kernel.settle();
    expect(kernel.openTasks()).toEqual([]);
    expect(kernel.log().at(-1)).toMatch(/^run\.cancelled/);
  });

  it('S133 an approval whose default output approves leads on', async () => {
    const kernel = new Kernel();
    const lenient = approval('ask', {
      deadlineMs: 10,
      onFailure: 'continue',
      defaultOutput: { approved: true },
    });
    await kernel.start(plan([lenient, action('z')], [edge('ask', 'z')]));
    await kernel.advance(10);
    expect(kernel.working()).toEqual(['z']);
  });

  it('S123 a compensation inside a loop is refused', () => {
    const nodes = [loop('l', [action('a', { compensate: { handler: 'work' } })])];
    expect(compilePlan({ title: 'T', nodes, edges: [] })).toMatchObject({
      issues: [{ code: 'compensation-in-loop', path: '/nodes/0/body/nodes/0/compensate' }],
    });
  });

  it('S61 S148 a subplan keeps its own budget where it is the tighter one', async () => {
    const kernel = new Kernel();
    const child = {
      title: 'Child',
      nodes: [action('w'), action('v')],
      edges: chain('w', 'v'),
      budget: { maxSteps: 1 },
    };
    const nodes = [{ kind: 'subplan', id: 's', plan: 'child' }];
    await kernel.start(plan(nodes, [], { plans: { child }, budget: { maxSteps: 10 } }));
    await kernel.settle();
    const id = [...kernel.storage.runs.keys()].find((run) => run !== 'r1') ?? '';
    await kernel.finish('w', 1, id);
    expect(kernel.status(id)).toBe('failed');
  });

  it('S142 loops inside each other may both have an edge to their end', async () => {
    const kernel = new Kernel();
    const inner = {
      ...loop('inner', []),
      body: { nodes: [action('b')], edges: [edge('b', '$break')] },
    };
    const outer = {
      kind: 'loop',
      id: 'outer',
      body: { nodes: [inner], edges: [edge('inner', '$break')] },
    };
    await kernel.start(plan([outer]));
    await kernel.finish('outer[1]/inner[1]/b');
    expect(kernel.status()).toBe('completed');
    expect(kernel.summary().outputs.outer).toMatchObject({ exit: 'break', iterations: 1 });
  });

  it('S86 S88 what a transform makes beside the plain output of its source is a conflict', async () => {
    const kernel = new Kernel();
    const edges = [edge('a', 'b', { transform: '{"v": 2}' }), edge('a', 'b')];
    await kernel.start(plan([action('a'), action('b', { onFailure: 'skip' })], edges));
    await kernel.finish('a', { v: 1 });
    expect(kernel.rows().nodeRuns.get('b')?.reasonJson).toContain('input-conflict');
  });

  it('S168 an item of a map is not tried again by an operator', async () => {
    const kernel = new Kernel();
    const map = { kind: 'map', id: 'm', handler: 'work', policy: 'collect' };
    await kernel.start(plan([map]), { input: [1, 2] });
    await kernel.fail('m[0]');
    const again = kernel.send({ type: 'node.retry', node: 'm[0]', by: null });
    await expect(again).rejects.toMatchObject({ code: 'node-not-retryable' });
  });

  it('S117 S149 a subplan that is gone back to while it awaits a person awaits nobody any more', async () => {
    const kernel = new Kernel();
    const child = { title: 'Child', nodes: [approval('ask')], edges: [] };
    const failing = action('b', { onFailure: 'backtrack', backtrack: { to: 'a' } });
    const nodes = [action('a'), failing, { kind: 'subplan', id: 's', plan: 'child' }];
    await kernel.start(plan(nodes, [edge('a', 'b'), edge('a', 's')], { plans: { child } }));
    await kernel.finish('a');
    await kernel.fail('b');
    expect(kernel.status()).toBe('running');
    await kernel.finish('a');
    await kernel.finish('b');
    expect(kernel.status()).toBe('awaiting-human');
    const [first, second] = [...kernel.storage.runs.keys()].filter((id) => id !== 'r1');
    expect(kernel.status(first)).toBe('cancelled');
    await kernel.respond('ask', { approved: true }, null, second);
    await kernel.settle();
    expect(kernel.status()).toBe('completed');
  });
});
