import { describe, expect, it } from 'vitest';
import { Kernel } from '../support/kernel.js';
import { action, approval, edge, plan } from '../support/plans.js';

describe('memory', () => {
  it('S228 holds no run that has ended, whatever is asked of it afterwards', async () => {
    const kernel = new Kernel();
    const version = plan([action('a')]);
    await kernel.start(version);
    await kernel.settle();
    await kernel.finish('a');
    expect(kernel.supervisor.stats().residentRuns).toBe(0);
    await kernel.cancel().catch(() => {});
    await kernel.settle();
    expect(kernel.supervisor.stats().residentRuns, 'after a refused cancel').toBe(0);
  });

  it('S228 S36 holds no parked run after a repeated start', async () => {
    const kernel = new Kernel();
    const version = plan([approval('ask')]);
    await kernel.start(version);
    await kernel.settle();
    expect(kernel.supervisor.stats().residentRuns).toBe(0);
    await kernel.start(version);
    await kernel.settle();
    expect(kernel.supervisor.stats().residentRuns).toBe(0);
  });
});

describe('a run that is ending', () => {
  it.each([1_000, 0])(
    'S58 withdraws its nodes in plan order, where %i runs may stay in memory',
    async (maxResidentRuns) => {
      const kernel = new Kernel({ maxResidentRuns });
      const nodes = ['late', 'x', 'y', 'z'].map((id) => action(id));
      await kernel.start(plan(nodes, [edge('y', 'late')]), { concurrency: 2 });
      await kernel.settle();
      await kernel.finish('y');
      await kernel.cancel();
      await kernel.settle();
      expect(kernel.log('r1', /^node.(cancelled|stopping)/)).toEqual([
        'node.cancelled late',
        'node.stopping x#1',
        'node.stopping z#1',
      ]);
    },
  );

  it('S58 S165 withdraws its nodes in the same order whether it was in memory or not', async () => {
    const logs: string[][] = [];
    for (const maxResidentRuns of [1_000, 0]) {
      const kernel = new Kernel({ maxResidentRuns });
      const nodes = ['x', 'y', 'z', 'w'].map((id) => action(id, { retry: { maxAttempts: 2 } }));
      await kernel.start(plan(nodes), { concurrency: 1 });
      await kernel.settle();
      await kernel.fail('x');
      await kernel.cancel();
      await kernel.settle();
      logs.push(kernel.log('r1', /^node.(cancelled|stopping)/));
    }
    expect(logs[1]).toEqual(logs[0]);
  });

  it('leaves no default output on a node that was cancelled', async () => {
    const kernel = new Kernel();
    const policy = { onFailure: 'continue', defaultOutput: { v: 3 } };
    await kernel.start(plan([action('a', policy)]));
    await kernel.settle();
    await kernel.cancel();
    await kernel.settle();
    await kernel.fail('a');
    expect(kernel.summary().nodes.a).toBe('cancelled');
    expect(kernel.summary().outputs).toEqual({});
  });
});

describe('a default output', () => {
  const policy = { onFailure: 'continue', defaultOutput: { v: 3 } };

  it('is not there before the last try has failed', async () => {
    const kernel = new Kernel();
    const retry = { maxAttempts: 2, backoff: 'fixed', delayMs: 1_000 };
    await kernel.start(plan([action('a', { ...policy, retry })]));
    await kernel.settle();
    await kernel.fail('a');
    expect(kernel.summary().outputs).toEqual({});
  });

  it('S164 is there where a node was interrupted once too often', async () => {
    const kernel = new Kernel();
    const retry = { maxInterruptions: 0 };
    await kernel.start(plan([action('a', { ...policy, retry }), action('b')], [edge('a', 'b')]));
    await kernel.settle();
    await kernel.restart();
    expect(kernel.summary().nodes.a).toBe('partial');
    expect(kernel.summary().outputs.a).toEqual({ v: 3 });
    expect(kernel.attempt('b').input).toEqual({ v: 3 });
  });

  it('stands in for an approval that nobody answered in time', async () => {
    const kernel = new Kernel();
    await kernel.start(plan([approval('ask', { ...policy, deadlineMs: 100 })]));
    await kernel.settle();
    await kernel.advance(100);
    expect(kernel.summary()).toMatchObject({ status: 'partial', nodes: { ask: 'partial' } });
  });
});

describe('messages that make no sense', () => {
  it('S50 a result for a node that the plan has not is refused as such', async () => {
    const kernel = new Kernel();
    await kernel.start(plan([action('a')]));
    await kernel.settle();
    const result = kernel.send({
      type: 'attempt.result',
      node: 'nowhere',
      generation: 1,
      attempt: 1,
      result: { type: 'returned', value: 1 },
    });
    await expect(result).rejects.toMatchObject({ code: 'node-unknown' });
  });

  it('S30 S31 nothing is recorded after the terminal event by a recovery that comes too late', async () => {
    const kernel = new Kernel();
    await kernel.start(plan([action('a')]));
    await kernel.settle();
    await kernel.finish('a');
    const before = kernel.log();
    await kernel.send({ type: 'run.recover', downSince: null });
    await kernel.settle();
    expect(kernel.log()).toEqual(before);
  });
});
