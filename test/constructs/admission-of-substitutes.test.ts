import { describe, expect, it } from 'vitest';
import { Kernel } from '../support/kernel.js';
import { action, chain, plan } from '../support/plans.js';

const FALLS_BACK = { onFailure: 'fallback', fallback: { handler: 'work' } };

/** Attempts at work in all runs, by what admission says and by what handlers there are. */
function atWork(kernel: Kernel, ...runs: string[]) {
  const { used } = kernel.supervisor.stats().admission;
  return { used, handlers: runs.flatMap((run) => kernel.open(run)).length };
}

describe('work in place of what failed', () => {
  const escalation = [{ handler: 'work', delayMs: 100 }];
  const escalated = plan([action('a', { onFailure: 'escalate', escalation })]);

  it('S53 S118 that begins after a delay waits for a slot of the process', async () => {
    const kernel = new Kernel({ concurrency: 1 });
    await kernel.start(escalated);
    await kernel.fail('a');
    await kernel.start(plan([action('b')]), { id: 'r2' });
    await kernel.advance(100);
    expect(kernel.working()).toEqual([]);
    expect(atWork(kernel, 'r1', 'r2')).toEqual({ used: 1, handlers: 1 });
    expect(kernel.summary()).toMatchObject({ nodes: { a: 'ready' }, status: 'running' });
    await kernel.finish('b', 1, 'r2');
    expect(kernel.working()).toEqual(['a']);
    expect(atWork(kernel, 'r1', 'r2')).toEqual({ used: 1, handlers: 1 });
    await kernel.finish('a', 'mended');
    expect(kernel.summary()).toMatchObject({ outputs: { a: 'mended' }, status: 'completed' });
    expect(atWork(kernel, 'r1', 'r2')).toEqual({ used: 0, handlers: 0 });
  });

  it('S118 S167 finds its place in line again after a restart', async () => {
    const kernel = new Kernel({ concurrency: 1 });
    await kernel.start(escalated);
    await kernel.fail('a');
    await kernel.start(plan([action('b'), action('c')]), { id: 'r2' });
    await kernel.advance(100);
    await kernel.restart();
    expect([kernel.working(), kernel.working('r2')]).toEqual([['a'], []]);
    expect(kernel.attempt('a').input).toMatchObject({ error: { message: 'boom' } });
    await kernel.finish('a', 1);
    expect(kernel.working('r2')).toHaveLength(1);
    expect(atWork(kernel, 'r1', 'r2')).toEqual({ used: 1, handlers: 1 });
  });

  it('S114 S166 that a stop interrupts begins again, and is let in again', async () => {
    const kernel = new Kernel({ concurrency: 1 });
    await kernel.start(plan([action('a', FALLS_BACK)]));
    await kernel.fail('a');
    await kernel.restart();
    expect(kernel.attempt('a')).toMatchObject({
      attempt: 3,
      input: { error: { message: 'boom' } },
    });
    expect(atWork(kernel, 'r1')).toEqual({ used: 1, handlers: 1 });
  });

  it('S114 S223 gives back what its node was let in with, and is let in by limits of its own', async () => {
    const policies = { slow: { concurrency: 1 } };
    const kernel = new Kernel({ policies, handlers: { slow: () => new Promise(() => {}) } });
    const fallback = { handler: 'slow' };
    const nodes = ['a', 'b'].map((id) => action(id, { onFailure: 'fallback', fallback }));
    await kernel.start(plan(nodes));
    await kernel.fail('a');
    await kernel.fail('b');
    expect(kernel.summary().nodes).toEqual({ a: 'running', b: 'ready' });
    expect(kernel.supervisor.stats().admission).toMatchObject({
      handlers: [{ handler: 'slow', atWork: 1, waitingRuns: 1 }],
      used: 1,
    });
  });

  it('S122 hides nothing from the breaker of the handler that failed', async () => {
    const policies = { flaky: { circuitBreaker: { failures: 2, cooldownMs: 1_000 } } };
    const flaky = () => Promise.reject(new Error('boom'));
    const kernel = new Kernel({ policies, handlers: { flaky } });
    const nodes = ['a', 'b', 'c'].map((id) => ({ ...action(id, FALLS_BACK), handler: 'flaky' }));
    await kernel.start(plan(nodes, chain('a', 'b', 'c')));
    await kernel.settle();
    await kernel.finish('a', 1);
    await kernel.finish('b', 1);
    expect(kernel.summary().nodes).toEqual({ a: 'completed', b: 'completed', c: 'ready' });
    expect(kernel.supervisor.stats().admission.handlers).toMatchObject([{ breaker: 'open' }]);
  });

  it('S61 S213 is an attempt that the budget has to have', async () => {
    const kernel = new Kernel();
    await kernel.start(plan([action('a', FALLS_BACK)], [], { budget: { maxAttempts: 1 } }));
    await kernel.fail('a');
    expect(kernel.working()).toEqual([]);
    expect(kernel.status()).toBe('failed');
    expect(kernel.rows().record.reasonJson).toContain('budget_exhausted');
  });

  it('S156 does not begin while the run is paused', async () => {
    const kernel = new Kernel();
    await kernel.start(plan([action('a', FALLS_BACK)]));
    await kernel.send({ type: 'run.pause' });
    await kernel.fail('a');
    expect(kernel.working()).toEqual([]);
    await kernel.send({ type: 'run.resume' });
    await kernel.settle();
    expect(kernel.working()).toEqual(['a']);
  });

  it('S152 S153 that waits for its slot is cancelled at once', async () => {
    const kernel = new Kernel({ concurrency: 1 });
    await kernel.start(escalated);
    await kernel.fail('a');
    await kernel.start(plan([action('b')]), { id: 'r2' });
    await kernel.advance(100);
    await kernel.cancel();
    await kernel.settle();
    expect(kernel.summary()).toMatchObject({ nodes: { a: 'cancelled' }, status: 'cancelled' });
    await kernel.finish('b', 1, 'r2');
    expect(atWork(kernel, 'r1', 'r2')).toEqual({ used: 0, handlers: 0 });
  });
});
