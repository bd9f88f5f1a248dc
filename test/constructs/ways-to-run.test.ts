import { describe, expect, it } from 'vitest';
import { Kernel } from '../support/kernel.js';
import { action, chain, edge, plan } from '../support/plans.js';

const abc = plan([action('a'), action('b'), action('c')], chain('a', 'b', 'c'));

describe('a run that is taken step by step', () => {
  it('S62 S63 starts paused, and takes one scheduling turn with each step', async () => {
    const kernel = new Kernel();
    await kernel.start(abc, { settings: { isStepwise: true } });
    expect(kernel.status()).toBe('paused');
    expect(kernel.working()).toEqual([]);
    await kernel.send({ type: 'run.step' });
    await kernel.settle();
    expect(kernel.working()).toEqual(['a']);
    await kernel.finish('a');
    expect(kernel.summary()).toMatchObject({
      status: 'paused',
      nodes: { a: 'completed', b: 'pending' },
    });
    await kernel.restart();
    await kernel.send({ type: 'run.step' });
    await kernel.settle();
    expect(kernel.working()).toEqual(['b']);
  });

  it('S63 S156 goes on by itself when it is resumed', async () => {
    const kernel = new Kernel();
    await kernel.start(abc, { settings: { isStepwise: true } });
    await kernel.send({ type: 'run.resume' });
    for (const node of ['a', 'b', 'c']) await kernel.finish(node);
    expect(kernel.status()).toBe('completed');
  });

  it('S63 steps where it is paused only', async () => {
    const kernel = new Kernel();
    await kernel.start(abc);
    await expect(kernel.send({ type: 'run.step' })).rejects.toMatchObject({
      code: 'run-not-paused',
    });
  });
});

describe('a run with targets', () => {
  it('S64 pauses when they are final, and goes on when it is resumed', async () => {
    const kernel = new Kernel();
    const nodes = [action('a'), action('b'), action('c')];
    await kernel.start(plan(nodes, [edge('a', 'b'), edge('b', 'c')]), {
      settings: { until: ['b'] },
    });
    await kernel.finish('a');
    await kernel.finish('b');
    expect(kernel.summary()).toMatchObject({ status: 'paused', nodes: { c: 'pending' } });
    expect(kernel.details('run.target-reached')).toEqual([{ nodes: ['b'] }]);
    await kernel.send({ type: 'run.resume' });
    await kernel.finish('c');
    expect(kernel.status()).toBe('completed');
  });

  it('S64 does not pause before all of them are', async () => {
    const kernel = new Kernel();
    await kernel.start(plan([action('a'), action('b')]), { settings: { until: ['a', 'b'] } });
    await kernel.finish('a');
    expect(kernel.status()).toBe('running');
    await kernel.finish('b');
    expect(kernel.status()).toBe('completed');
  });
});

describe('a run for later', () => {
  it('S28 S39 is pending until its time, over a restart, and runs then', async () => {
    const kernel = new Kernel();
    const startAt = kernel.clock.now() + 60_000;
    await kernel.start(abc, { settings: { startAt } });
    expect(kernel.status()).toBe('pending');
    await kernel.restart();
    await kernel.advance(59_999);
    expect(kernel.status()).toBe('pending');
    await kernel.advance(1);
    expect(kernel.working()).toEqual(['a']);
    expect(kernel.log('r1', /^run\.(?!recovered)/)).toEqual([
      'run.created →pending',
      'run.scheduled',
      'run.admitted pending→ready',
      'run.started ready→running',
    ]);
  });

  it('S152 can be cancelled before it starts', async () => {
    const kernel = new Kernel();
    await kernel.start(abc, { settings: { startAt: kernel.clock.now() + 1_000 } });
    await kernel.cancel();
    expect(kernel.status()).toBe('cancelled');
    await kernel.advance(2_000);
    expect(kernel.executions).toEqual([]);
  });
});

describe('a budget', () => {
  it('S60 S61 S213 fails the run when it is used up, and says what was', async () => {
    const kernel = new Kernel();
    await kernel.start(
      plan([action('a'), action('b'), action('c')], chain('a', 'b', 'c'), {
        budget: { maxSteps: 2 },
      }),
    );
    await kernel.finish('a');
    await kernel.restart();
    await kernel.finish('b');
    expect(kernel.status()).toBe('failed');
    expect(kernel.rows().record.reasonJson).toContain('budget_exhausted');
    expect(kernel.details('run.budget-exhausted')).toMatchObject([
      { kind: 'steps', usage: { steps: 2 } },
    ]);
    expect(kernel.working()).toEqual([]);
  });

  it('S60 S142 stops a loop that does not end', async () => {
    const kernel = new Kernel({ handlers: { now: () => 1 } });
    const body = { nodes: [{ kind: 'action', id: 'a', handler: 'now' }] };
    const endless = { kind: 'loop', id: 'l', body, maxIterations: 100_000 };
    await kernel.start(plan([endless], [], { budget: { maxSteps: 25 } }));
    await kernel.settle();
    expect(kernel.status()).toBe('failed');
    expect(JSON.parse(kernel.rows().record.usageJson ?? '')).toMatchObject({ steps: 25 });
  });

  it('S61 counts attempts, restarts, money and tokens', async () => {
    const cases = [
      { budget: { maxAttempts: 2 }, kind: 'attempts' },
      { budget: { maxCost: 1.5 }, kind: 'cost' },
      { budget: { maxTokens: 100 }, kind: 'tokens' },
    ];
    for (const { budget, kind } of cases) {
      const kernel = new Kernel();
      const retry = { maxAttempts: 5 };
      await kernel.start(plan([action('a', { retry }), action('b')], chain('a', 'b'), { budget }));
      for (let i = 0; i < 3 && kernel.working().length > 0; i++) {
        await kernel.finish('a', { ok: false, error: 'x', usage: { cost: 1, tokens: 60 } });
      }
      expect(kernel.status(), kind).toBe('failed');
      expect(kernel.details('run.budget-exhausted')).toMatchObject([{ kind }]);
    }
  });

  it('S61 S213 asks a person whether the run may go on, and starts nothing meanwhile', async () => {
    const kernel = new Kernel();
    const budget = { maxSteps: 1, onExhausted: 'ask' };
    await kernel.start(plan([action('a'), action('b')], chain('a', 'b'), { budget }));
    await kernel.finish('a');
    expect(kernel.status()).toBe('awaiting-human');
    await kernel.restart();
    expect(kernel.working()).toEqual([]);
    await expect(kernel.respond('', { approved: 'yes' })).rejects.toMatchObject({
      code: 'response-invalid',
    });
    await kernel.respond('', { approved: true });
    await kernel.finish('b');
    expect(kernel.status()).toBe('completed');
  });

  it('S61 fails the run where the person says no', async () => {
    const kernel = new Kernel();
    const budget = { maxSteps: 1, onExhausted: 'ask' };
    await kernel.start(plan([action('a'), action('b')], chain('a', 'b'), { budget }));
    await kernel.finish('a');
    await kernel.respond('', { approved: false });
    expect(kernel.status()).toBe('failed');
  });

  it('S61 S111 bounds the time of a run, over a restart', async () => {
    for (const [more, code] of [
      [{ budget: { maxWallMs: 1_000 } }, 'budget_exhausted'],
      [{ deadlineMs: 1_000 }, 'deadline-exceeded'],
    ] as const) {
      const kernel = new Kernel();
      await kernel.start(plan([action('a')], [], more));
      await kernel.advance(400);
      await kernel.restart();
      await kernel.advance(600);
      const late = kernel.attempt('a');
      expect(late.context.signal.aborted).toBe(true);
      late.throw(late.context.signal.reason);
      await kernel.settle();
      expect(kernel.status()).toBe('failed');
      expect(kernel.rows().record.reasonJson).toContain(code);
    }
  });

  it('S111 asks a person when the deadline passes, who may extend it', async () => {
    const kernel = new Kernel();
    await kernel.start(
      plan([action('a'), action('b')], chain('a', 'b'), { deadlineMs: 100, onDeadline: 'ask' }),
    );
    await kernel.advance(100);
    expect(kernel.openTasks()).toMatchObject([{ kind: 'deadline', node: '' }]);
    await kernel.finish('a');
    expect(kernel.status()).toBe('awaiting-human');
    await kernel.respond('', { approved: true });
    await kernel.finish('b');
    expect(kernel.status()).toBe('completed');
    expect(kernel.rows().timers.size).toBe(0);
  });

  it('S117 bounds how often a run goes back', async () => {
    const kernel = new Kernel();
    const failing = action('b', { onFailure: 'backtrack', backtrack: { to: 'a', maxRestarts: 9 } });
    await kernel.start(
      plan([action('a'), failing], chain('a', 'b'), { budget: { maxRestarts: 1 } }),
    );
    for (let i = 0; i < 2; i++) {
      await kernel.finish('a');
      await kernel.fail('b');
    }
    expect(kernel.status()).toBe('failed');
    expect(kernel.rows().record.reasonJson).toContain('budget_exhausted');
  });
});
