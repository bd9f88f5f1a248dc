import { describe, expect, it } from 'vitest';
import { compilePlan } from '../../src/plan/compile.js';
import { Kernel } from '../support/kernel.js';
import { action, chain, plan } from '../support/plans.js';

const sleep = (id: string, more: object) => ({ kind: 'sleep', id, ...more });
const signal = (id: string, more: object = {}) => ({ kind: 'signal', id, ...more });
const send = (kernel: Kernel, id: string, name: string, payload: unknown = null) =>
  kernel.send({ type: 'signal.send', id, name, payload: payload as never });

describe('a sleep', () => {
  it.each([
    [1_500, 1_500],
    ['30s', 30_000],
    ['5m', 300_000],
    ['2h', 7_200_000],
    ['1d', 86_400_000],
  ])('S140 of %s lasts %d ms, and fires once', async (duration, ms) => {
    const kernel = new Kernel();
    await kernel.start(plan([sleep('s', { duration })]));
    expect(kernel.status()).toBe('running');
    await kernel.advance(ms - 1);
    expect(kernel.status()).toBe('running');
    await kernel.advance(1);
    expect(kernel.status()).toBe('completed');
    expect(kernel.log('r1', /^timer\.fired/)).toEqual(['timer.fired s']);
  });

  it.each([-1, 1.5, '5', '5 m', '-5m', 'soon', '1w', ''])(
    'S140 of %j is refused when the plan is compiled',
    (duration) => {
      const draft = { title: 'T', nodes: [sleep('s', { duration })], edges: [] };
      expect(compilePlan(draft)).toMatchObject({
        ok: false,
        issues: [{ path: '/nodes/0/duration' }],
      });
    },
  );

  it('S140 that says neither how long nor until when is refused', () => {
    const draft = { title: 'T', nodes: [sleep('s', {})], edges: [] };
    expect(compilePlan(draft)).toMatchObject({ issues: [{ code: 'sleep-without-time' }] });
  });

  it('S141 after another fires once, and so does the other', async () => {
    const kernel = new Kernel();
    const nodes = [sleep('a', { duration: 10 }), sleep('b', { duration: 20 })];
    await kernel.start(plan(nodes, chain('a', 'b')));
    await kernel.advance(10);
    await kernel.restart();
    await kernel.advance(20);
    expect(kernel.log('r1', /^timer\.fired/)).toEqual(['timer.fired a', 'timer.fired b']);
    expect(kernel.status()).toBe('completed');
  });

  it('S140 lasts until a time that an expression gives', async () => {
    const kernel = new Kernel();
    const at = kernel.clock.now() + 5_000;
    const nodes = [sleep('n', { until: 'inputs.at' }), sleep('t', { until: 'inputs.text' })];
    await kernel.start(plan(nodes), { input: { at, text: new Date(at).toISOString() } });
    await kernel.advance(4_999);
    expect(kernel.status()).toBe('running');
    await kernel.advance(1);
    expect(kernel.status()).toBe('completed');
  });

  it('S59 until what is no time fails alone', async () => {
    const kernel = new Kernel();
    const nodes = [sleep('s', { until: '"soon"', onFailure: 'skip' }), action('a')];
    await kernel.start(plan(nodes));
    await kernel.finish('a');
    expect(kernel.summary().nodes).toEqual({ s: 'skipped', a: 'completed' });
  });

  it.each([
    ['keep-due', 0],
    ['remaining', 600],
    ['restart', 1_000],
  ])(
    'S209 under %s has %d ms left after a downtime that its time fell into',
    async (onDowntime, left) => {
      const kernel = new Kernel();
      const nodes = [sleep('s', { duration: 1_000, onDowntime }), signal('tick'), signal('never')];
      await kernel.start(plan(nodes));
      await kernel.advance(400);
      // The newest turn: until then a process was at work for certain.
      await send(kernel, '1', 'tick');
      kernel.clock.advance(0);
      await kernel.restart({
        beforeRecovery: () => kernel.clock.advance(5_000),
      });
      await kernel.settle();
      if (left > 0) {
        await kernel.advance(left - 1);
        expect(kernel.summary().nodes.s).toBe('running');
        await kernel.advance(1);
      }
      expect(kernel.summary().nodes.s).toBe('completed');
      expect(kernel.log('r1', /^timer\.fired/)).toHaveLength(1);
    },
  );
});

describe('a signal', () => {
  it('S139 sets the node going that waits for it, once, with its payload', async () => {
    const kernel = new Kernel();
    await kernel.start(plan([signal('paid'), action('ship')], chain('paid', 'ship')));
    expect(await send(kernel, 'e1', 'paid', { sum: 3 })).toMatchObject({ isNew: true });
    expect(await send(kernel, 'e1', 'paid', { sum: 3 })).toMatchObject({ isNew: false });
    expect(kernel.attempt('ship').input).toEqual({ sum: 3 });
    await kernel.finish('ship');
    expect(kernel.status()).toBe('completed');
    expect(kernel.log('r1', /^signal\./)).toEqual(['signal.received', 'signal.delivered paid']);
  });

  it('S219 that comes before anyone waits is kept, over a restart, and delivered once', async () => {
    const kernel = new Kernel();
    const nodes = [
      action('a'),
      signal('first', { signal: 's' }),
      signal('second', { signal: 's' }),
    ];
    await kernel.start(plan(nodes, chain('a', 'first', 'second')));
    await send(kernel, 'e1', 's', 1);
    await kernel.restart();
    await kernel.finish('a');
    expect(kernel.summary().nodes).toEqual({
      a: 'completed',
      first: 'completed',
      second: 'running',
    });
    expect(await send(kernel, 'e1', 's', 1)).toMatchObject({ isNew: false });
    await send(kernel, 'e2', 's', 2);
    expect(kernel.summary().outputs).toMatchObject({ first: 1, second: 2 });
  });

  it('S219 goes to the node that has waited longest', async () => {
    const kernel = new Kernel();
    const nodes = [signal('b', { signal: 's' }), signal('a', { signal: 's' })];
    await kernel.start(plan(nodes));
    await send(kernel, '1', 's');
    expect(kernel.summary().nodes).toEqual({ b: 'completed', a: 'running' });
  });

  it('S131 S139 whose payload does not fit is refused with the issues, and the node waits on', async () => {
    const kernel = new Kernel();
    await kernel.start(plan([signal('n', { outputSchema: { type: 'number' } })]));
    await expect(send(kernel, '1', 'n', 'x')).rejects.toMatchObject({
      code: 'signal-invalid',
      issues: [{ code: 'schema-mismatch' }],
    });
    await send(kernel, '1', 'n', 5);
    expect(kernel.status()).toBe('completed');
  });

  it.each([
    [{ onFailure: 'skip' }, 'skipped', 'completed'],
    [{ onFailure: 'continue', defaultOutput: 0 }, 'partial', 'partial'],
    [{}, 'failed', 'failed'],
  ])('S136 that does not come before its deadline is settled by %j', async (more, node, run) => {
    const kernel = new Kernel();
    await kernel.start(plan([signal('n', { deadlineMs: 100, ...more })]));
    await kernel.advance(100);
    expect(kernel.summary()).toMatchObject({ nodes: { n: node }, status: run });
  });

  it('S31 to a run that has ended is refused', async () => {
    const kernel = new Kernel();
    await kernel.start(plan([action('a')]));
    await kernel.finish('a');
    await expect(send(kernel, '1', 's')).rejects.toMatchObject({ code: 'run-ended' });
  });

  it('S219 that nobody takes is refused beyond a thousand of them', async () => {
    const kernel = new Kernel();
    await kernel.start(plan([action('a')]));
    await Promise.all(Array.from({ length: 1_000 }, (_, i) => send(kernel, `${i}`, 's')));
    await expect(send(kernel, 'one too many', 's')).rejects.toMatchObject({ code: 'overloaded' });
  });
});

describe('a run that waits for time, a signal or a child', () => {
  it('S228 takes no memory, and goes on when what it waits for comes', async () => {
    const kernel = new Kernel();
    const child = { title: 'Child', nodes: [sleep('long', { duration: '1h' })], edges: [] };
    const nodes = [
      sleep('s', { duration: '5m' }),
      signal('g'),
      { kind: 'subplan', id: 'sub', plan: 'child' },
      action('late', { retry: { maxAttempts: 2, backoff: 'fixed', delayMs: 60_000 } }),
    ];
    await kernel.start(plan(nodes, [], { plans: { child } }));
    await kernel.fail('late');
    expect(kernel.status()).toBe('running');
    expect(kernel.supervisor.stats().residentRuns).toBe(0);
    await kernel.advance(60_000);
    await kernel.finish('late');
    await send(kernel, '1', 'g');
    await kernel.advance(3_600_000);
    await kernel.settle();
    expect(kernel.status()).toBe('completed');
    expect(kernel.log('r1', /recovered/)).toEqual([]);
  });
});
