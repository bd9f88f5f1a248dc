import { describe, expect, it } from 'vitest';
import { Kernel } from '../support/kernel.js';
import { action, approval, edge, plan } from '../support/plans.js';

const version = plan(
  [action('done'), action('a'), approval('ask'), action('later')],
  [edge('a', 'later')],
);

async function underWay(): Promise<Kernel> {
  const kernel = new Kernel({ graceMs: 500 });
  await kernel.start(version);
  await kernel.settle();
  await kernel.finish('done', { kept: true });
  return kernel;
}

describe('cancelling', () => {
  it('S152 S153 S155 signals what works, closes what is asked, starts nothing, and ends once', async () => {
    const kernel = await underWay();
    const { signal } = kernel.attempt('a').context;
    await kernel.cancel('r1', 'not needed');
    await kernel.settle();
    expect(signal.aborted).toBe(true);
    expect(kernel.openTasks()).toEqual([]);
    expect(kernel.status()).toBe('running');
    await kernel.fail('a');
    expect(kernel.summary()).toMatchObject({
      status: 'cancelled',
      nodes: { done: 'completed', a: 'cancelled', ask: 'cancelled', later: 'cancelled' },
      outputs: { done: { kept: true } },
    });
    expect(kernel.log('r1', /^run.cancelled/)).toHaveLength(1);
    expect(JSON.parse(kernel.rows().record.reasonJson ?? '')).toMatchObject({
      message: 'not needed',
    });
  });

  it('S153 ends within the grace where a handler ignores its signal', async () => {
    const kernel = await underWay();
    await kernel.cancel();
    await kernel.advance(499);
    expect(kernel.status()).toBe('running');
    await kernel.advance(1);
    expect(kernel.status()).toBe('cancelled');
    const late = kernel.attempt('a');
    const before = kernel.log();
    late.return({ late: true });
    await kernel.settle();
    expect(kernel.log()).toEqual(before);
    expect([...kernel.rows().attempts.values()].at(-1)?.outcome).toBe('cancelled');
  });

  it('S153 keeps its grace over a restart', async () => {
    const kernel = await underWay();
    await kernel.cancel();
    await kernel.settle();
    await kernel.restart();
    expect(kernel.status()).toBe('cancelled');
  });

  it.each([true, false])(
    'S153 ends in a process without the handlers, whether that recovers or not: %j',
    async (recover) => {
      const kernel = new Kernel({ graceMs: 500 });
      await kernel.start(plan([action('a'), action('b')], [edge('a', 'b')]));
      await kernel.settle();
      await kernel.restart({ hasHandlers: false, recover });
      expect([...kernel.rows().attempts.values()].map(({ outcome }) => outcome)).toEqual([null]);
      await expect(kernel.cancel()).resolves.toEqual({ run: 'r1', cancelled: true });
      await kernel.advance(499);
      expect(kernel.status()).toBe('running');
      await kernel.advance(1);
      expect(kernel.summary()).toMatchObject({
        status: 'cancelled',
        nodes: { a: 'cancelled', b: 'cancelled' },
      });
      expect(kernel.log('r1', /^run.cancelled/)).toHaveLength(1);
      expect([...kernel.rows().attempts.values()]).toMatchObject([{ outcome: 'cancelled' }]);
      expect(kernel.rows().timers.size).toBe(0);
    },
  );

  it('S153 ends in one process after another without the handlers, within the first grace', async () => {
    const kernel = new Kernel({ graceMs: 500 });
    await kernel.start(plan([action('a')]));
    await kernel.settle();
    await kernel.restart({ hasHandlers: false });
    await kernel.cancel();
    await kernel.advance(300);
    await kernel.restart({ hasHandlers: false });
    await kernel.advance(200);
    expect(kernel.status()).toBe('cancelled');
  });

  it('S155 keeps what a handler still brings within the grace', async () => {
    const kernel = await underWay();
    await kernel.cancel();
    await kernel.settle();
    await kernel.finish('a', { in: 'time' });
    expect(kernel.summary()).toMatchObject({
      status: 'cancelled',
      nodes: { a: 'completed', later: 'cancelled' },
      outputs: { a: { in: 'time' } },
    });
  });

  it('S154 has the same answer twice, before and after the end', async () => {
    const kernel = await underWay();
    const first = await kernel.cancel();
    expect(await kernel.cancel()).toEqual(first);
    await kernel.advance(500);
    expect(await kernel.cancel()).toEqual(first);
    expect(kernel.log('r1', /cancel-requested/)).toHaveLength(1);
  });

  it('S154 S31 is refused where the run has ended or is unknown', async () => {
    const kernel = new Kernel();
    await kernel.start(plan([action('a')]));
    await kernel.settle();
    await kernel.finish('a');
    await expect(kernel.cancel()).rejects.toMatchObject({ code: 'run-ended' });
    await expect(kernel.cancel('nobody')).rejects.toMatchObject({ code: 'run-unknown' });
    expect(kernel.status()).toBe('completed');
  });

  it('S152 wins over work whose start is not durable yet: its handler is never called', async () => {
    const kernel = new Kernel();
    kernel.storage.isHeld = true;
    const started = kernel.start(plan([action('a')]));
    await kernel.settle();
    const cancelled = kernel.cancel();
    await kernel.settle();
    kernel.storage.isHeld = false;
    kernel.storage.flush();
    await Promise.all([started, cancelled]);
    await kernel.settle();
    expect(kernel.status()).toBe('cancelled');
    expect(kernel.executions).toEqual([]);
  });

  it('S119 a failure under abort cancels the rest, with events', async () => {
    const kernel = await underWay();
    await kernel.fail('a');
    expect(kernel.summary()).toMatchObject({
      status: 'failed',
      nodes: { a: 'failed', ask: 'cancelled', later: 'cancelled' },
    });
    expect(kernel.details('nodes.cancelled')).toEqual([
      { from: 'pending', to: 'cancelled', count: 1 },
    ]);
  });
});

describe('pausing', () => {
  it('S156 starts nothing until resumed, and records what comes in', async () => {
    const kernel = await underWay();
    await kernel.send({ type: 'run.pause' });
    await kernel.finish('a', 1);
    expect(kernel.status()).toBe('paused');
    expect(kernel.working()).toEqual([]);
    await kernel.restart();
    expect(kernel.working()).toEqual([]);
    await kernel.send({ type: 'run.resume' });
    await kernel.settle();
    expect(kernel.working()).toEqual(['later']);
  });
});
