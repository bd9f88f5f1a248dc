import { describe, expect, it } from 'vitest';
import { Kernel } from '../support/kernel.js';
import { action, chain, plan } from '../support/plans.js';

describe('limits of a handler', () => {
  it('S122 opens its breaker after repeated failures, reports it, and tries one attempt when it may', async () => {
    const policies = { work: { circuitBreaker: { failures: 2, cooldownMs: 1_000 } } };
    const kernel = new Kernel({ policies });
    const nodes = ['a', 'b', 'c', 'd'].map((id) => action(id, { onFailure: 'continue' }));
    await kernel.start(plan(nodes, chain('a', 'b', 'c', 'd')), { concurrency: 1 });
    const loose = plan(['x', 'y', 'z'].map((id) => action(id, { onFailure: 'continue' })));
    await kernel.start(loose, { id: 'r2', concurrency: 1 });
    await kernel.fail('x', new Error('1'), 'r2');
    await kernel.fail('y', new Error('2'), 'r2');
    expect(kernel.complaints).toEqual(['a circuit breaker: undefined']);
    expect(kernel.working('r2')).toEqual([]);
    expect(kernel.supervisor.stats().admission.handlers).toMatchObject([
      { handler: 'work', breaker: 'open' },
    ]);
    await kernel.advance(1_000);
    expect(kernel.working('r2')).toEqual(['z']);
    expect(kernel.supervisor.stats().admission.handlers).toMatchObject([{ breaker: 'half-open' }]);
    await kernel.finish('z', 1, 'r2');
    expect(kernel.supervisor.stats().admission.handlers).toMatchObject([{ breaker: 'closed' }]);
  });

  it('S223 starts attempts no faster than its rate, and holds nobody else back', async () => {
    const policies = { work: { rateLimit: { limit: 1, perMs: 1_000 } } };
    const kernel = new Kernel({ policies, handlers: { other: () => 1 } });
    const nodes = [action('a'), action('b'), { kind: 'action', id: 'o', handler: 'other' }];
    await kernel.start(plan(nodes));
    await kernel.settle();
    expect(kernel.working()).toEqual(['a']);
    expect(kernel.summary().nodes.o).toBe('completed');
    await kernel.advance(999);
    expect(kernel.working()).toEqual(['a']);
    await kernel.advance(1);
    expect(kernel.working()).toEqual(['a', 'b']);
  });
});

describe('a concurrency key', () => {
  const keyed = (id: string, limit = 1) =>
    action(id, { concurrencyKey: { key: 'input.account', limit } });

  it('S223 lets one attempt work at a time under each key, over all runs', async () => {
    const kernel = new Kernel();
    for (const [id, account] of [
      ['r1', 'A'],
      ['r2', 'A'],
      ['r3', 'B'],
    ] as const) {
      await kernel.start(plan([keyed('a')]), { id, input: { account } });
    }
    await kernel.settle();
    expect([kernel.working('r1'), kernel.working('r2'), kernel.working('r3')]).toEqual([
      ['a'],
      [],
      ['a'],
    ]);
    await kernel.finish('a', 1, 'r1');
    expect(kernel.working('r2')).toEqual(['a']);
  });

  it('S223 keeps its order and its limit over a restart', async () => {
    const kernel = new Kernel();
    for (const id of ['r1', 'r2'])
      await kernel.start(plan([keyed('a')]), { id, input: { account: 'A' } });
    await kernel.restart();
    expect([kernel.working('r1'), kernel.working('r2')]).toEqual([['a'], []]);
  });

  it('S59 S67 that cannot be worked out fails its node alone', async () => {
    const kernel = new Kernel();
    const broken = { ...keyed('a'), onFailure: 'continue' };
    await kernel.start(plan([broken, action('b')]), { input: {} });
    expect(kernel.summary().nodes).toEqual({ a: 'failed', b: 'running' });
  });
});

describe('priority', () => {
  it('S223 decides which run goes first where handlers are scarce', async () => {
    const kernel = new Kernel({ concurrency: 1 });
    await kernel.start(plan([action('a')]), { id: 'first' });
    await kernel.start(plan([action('a')]), { id: 'low', settings: { priority: 1 } });
    await kernel.start(plan([action('a')]), { id: 'high', settings: { priority: 9 } });
    await kernel.settle();
    await kernel.finish('a', 1, 'first');
    expect([kernel.working('low'), kernel.working('high')]).toEqual([[], ['a']]);
  });
});
