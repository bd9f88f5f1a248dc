import { describe, expect, it } from 'vitest';
import { Kernel } from '../support/kernel.js';
import { action, approval, chain, type Draft, edge, plan, switchNode } from '../support/plans.js';

const BREAK = '$break';

function loop(id: string, nodes: readonly Draft[], edges: readonly Draft[], more: object = {}) {
  return { kind: 'loop', id, body: { nodes, edges }, ...more };
}

const STARTED = /^node\.started .*#/;

describe('a loop', () => {
  it('S142 repeats its body while a condition holds, and each iteration has its own node runs', async () => {
    const kernel = new Kernel();
    const body = loop('l', [action('a')], [], { while: 'loop.iteration <= inputs.n' });
    await kernel.start(plan([body]), { input: { n: 2 } });
    await kernel.finish('l[1]/a', 'one');
    await kernel.finish('l[2]/a', 'two');
    expect(kernel.status()).toBe('completed');
    expect(kernel.summary().outputs.l).toEqual({
      exit: 'while',
      iterations: 2,
      last: { a: 'two' },
    });
    const rows = kernel.rows().nodeRuns;
    expect(['l[1]/a', 'l[2]/a'].map((path) => rows.get(path)?.outputJson)).toEqual([
      '"one"',
      '"two"',
    ]);
  });

  it('S142 ends after the iteration in which its condition holds', async () => {
    const kernel = new Kernel();
    const body = loop('l', [action('a')], [], { until: 'nodes["a"].output.done' });
    await kernel.start(plan([body]));
    await kernel.finish('l[1]/a', { done: false });
    await kernel.finish('l[2]/a', { done: true });
    expect(kernel.summary().outputs.l).toMatchObject({ exit: 'until', iterations: 2 });
  });

  it('S142 completes at its maximum, and says so', async () => {
    const kernel = new Kernel();
    await kernel.start(plan([loop('l', [action('a')], [], { maxIterations: 2 })]));
    await kernel.finish('l[1]/a');
    await kernel.finish('l[2]/a');
    expect(kernel.summary().outputs.l).toMatchObject({ exit: 'max', iterations: 2 });
    expect(kernel.status()).toBe('completed');
  });

  it('S142 goes through a list, item by item, each with what the one before it gave', async () => {
    const kernel = new Kernel();
    const body = loop('l', [action('a')], [], {
      forEach: 'input.items',
      result: 'nodes["a"].output',
    });
    await kernel.start(plan([body]), { input: { items: ['x', 'y'] } });
    expect(kernel.attempt('l[1]/a').input).toEqual({
      iteration: 1,
      index: 0,
      input: { items: ['x', 'y'] },
      item: 'x',
    });
    await kernel.finish('l[1]/a', 7);
    expect(kernel.attempt('l[2]/a').input).toMatchObject({ iteration: 2, item: 'y', previous: 7 });
    await kernel.finish('l[2]/a', 8);
    expect(kernel.summary().outputs.l).toEqual({ exit: 'done', iterations: 2, last: 8 });
  });

  it('S142 S144 over an empty list has no iteration', async () => {
    const kernel = new Kernel();
    await kernel.start(plan([loop('l', [action('a')], [], { forEach: 'input' })]), { input: [] });
    expect(kernel.status()).toBe('completed');
    expect(kernel.summary().outputs.l).toEqual({ exit: 'done', iterations: 0 });
  });

  it('S16 S142 ends where an edge to its end is taken, once the iteration is over', async () => {
    const kernel = new Kernel();
    const edges = [
      edge('decide', 'search', { on: 'search' }),
      edge('decide', BREAK, { on: 'answer' }),
    ];
    const body = loop('l', [action('decide'), action('search')], edges);
    await kernel.start(plan([body, action('answer')], chain('l', 'answer')));
    await kernel.finish('l[1]/decide', { ok: true, action: 'search' });
    await kernel.finish('l[1]/search');
    await kernel.finish('l[2]/decide', { ok: true, action: 'answer' });
    await kernel.finish('answer');
    expect(kernel.log('r1', STARTED)).toEqual([
      'node.started l[1]/decide#1',
      'node.started l[1]/search#1',
      'node.started l[2]/decide#1',
      'node.started answer#1',
    ]);
    expect(kernel.summary().outputs.l).toMatchObject({ exit: 'break', iterations: 2 });
  });

  it('S142 S165 goes on in the iteration it was in when its process stopped', async () => {
    const kernel = new Kernel();
    const body = loop('l', [action('a'), action('b')], chain('a', 'b'), { maxIterations: 2 });
    await kernel.start(plan([body]));
    await kernel.finish('l[1]/a', 1);
    await kernel.finish('l[1]/b', 1);
    await kernel.finish('l[2]/a', 2);
    await kernel.restart();
    expect(kernel.working()).toEqual(['l[2]/b']);
    await kernel.finish('l[2]/b', 2);
    expect(kernel.status()).toBe('completed');
    expect(kernel.executions.filter((key) => key.includes('[1]'))).toHaveLength(2);
  });

  it('S142 fails with the node of its body that failed, after the others of the iteration were stopped', async () => {
    const kernel = new Kernel();
    const body = loop('l', [action('a'), action('b')], [], { onFailure: 'skip' });
    await kernel.start(plan([body, action('z')], chain('l', 'z')));
    const other = kernel.attempt('l[1]/b');
    await kernel.fail('l[1]/a');
    expect(other.context.signal.aborted).toBe(true);
    other.throw(other.context.signal.reason);
    await kernel.settle();
    expect(kernel.summary().nodes).toEqual({ l: 'skipped', z: 'skipped' });
    expect(kernel.status()).toBe('completed');
    expect(kernel.rows().nodeRuns.get('l')?.reasonJson).toContain('l[1]/a');
  });

  it('S142 is partial where an iteration was', async () => {
    const kernel = new Kernel();
    const tolerant = action('a', { onFailure: 'continue', defaultOutput: 0 });
    await kernel.start(plan([loop('l', [tolerant], [], { maxIterations: 2 })]));
    await kernel.fail('l[1]/a');
    await kernel.restart();
    await kernel.finish('l[2]/a', 1);
    expect(kernel.summary().nodes).toEqual({ l: 'partial' });
    expect(kernel.status()).toBe('partial');
  });

  it('S67 S142 whose condition cannot be evaluated fails, and an event says why', async () => {
    const kernel = new Kernel();
    await kernel.start(plan([loop('l', [action('a')], [], { while: 'input.missing > 1' })]));
    expect(kernel.status()).toBe('failed');
    expect(kernel.details('loop.condition-evaluated')).toMatchObject([{ result: null }]);
    expect(kernel.rows().record.reasonJson).toContain('"class":"condition"');
  });

  it('S142 lies in a loop, and sees the nodes around it', async () => {
    const kernel = new Kernel();
    const inner = loop('inner', [action('a')], [], { forEach: 'nodes["list"].output' });
    const outer = loop('outer', [switchNode('s'), inner], chain('s', 'inner'), {
      maxIterations: 2,
    });
    await kernel.start(plan([action('list'), outer], chain('list', 'outer')));
    await kernel.finish('list', [1, 2]);
    for (const path of ['outer[1]/inner[1]/a', 'outer[1]/inner[2]/a', 'outer[2]/inner[1]/a']) {
      await kernel.finish(path);
    }
    await kernel.restart();
    await kernel.finish('outer[2]/inner[2]/a');
    expect(kernel.status()).toBe('completed');
  });

  it('S127 S207 whose body asks a person waits alone', async () => {
    const kernel = new Kernel();
    const body = loop('l', [approval('ask')], [], { maxIterations: 1 });
    await kernel.start(plan([body, action('other')]));
    expect(kernel.status()).toBe('running');
    await kernel.finish('other');
    expect(kernel.status()).toBe('awaiting-human');
    await kernel.respond('l[1]/ask', { approved: true });
    expect(kernel.status()).toBe('completed');
  });

  it('S152 S153 is cancelled with all that works inside it', async () => {
    const kernel = new Kernel();
    await kernel.start(plan([loop('l', [action('a'), action('b')], chain('a', 'b'))]));
    const { context, throw: end } = kernel.attempt('l[1]/a');
    await kernel.cancel();
    expect(context.signal.aborted).toBe(true);
    end(context.signal.reason);
    await kernel.settle();
    expect(kernel.status()).toBe('cancelled');
    expect(kernel.log('r1', /started/)).toHaveLength(4);
  });

  it('S142 runs ten thousand iterations in one run', async () => {
    const kernel = new Kernel({ handlers: { now: () => null } });
    const body = loop('l', [{ kind: 'action', id: 'a', handler: 'now' }], [], {
      maxIterations: 10_000,
    });
    await kernel.start(plan([body]));
    for (let i = 0; i < 1_000 && kernel.status() !== 'completed'; i++) await kernel.settle();
    expect(kernel.summary().outputs.l).toMatchObject({ exit: 'max', iterations: 10_000 });
  }, 60_000);
});
