import { describe, expect, it } from 'vitest';
import { Kernel } from '../support/kernel.js';
import { action, chain, edge, join, plan } from '../support/plans.js';

const letters = (text: string) => [...text].map((id) => action(id));

describe('scheduling', () => {
  it('S53 S56 starts all entry nodes at once, up to the limit of the run', async () => {
    const kernel = new Kernel();
    await kernel.start(plan(letters('abcd')), { concurrency: 3 });
    await kernel.settle();
    expect(kernel.working()).toEqual(['a', 'b', 'c']);
    await kernel.finish('b');
    expect(kernel.working()).toEqual(['a', 'c', 'd']);
  });

  it('S53 shares the limit of the process between runs in the order in which they asked', async () => {
    const kernel = new Kernel({ concurrency: 1 });
    for (const id of ['r1', 'r2', 'r3']) {
      await kernel.start(plan(letters('ab')), { id });
      await kernel.settle();
    }
    const order: string[] = [];
    for (let i = 0; i < 6; i++) {
      const [open, ...others] = ['r1', 'r2', 'r3'].flatMap((run) => kernel.open(run));
      expect(others).toEqual([]);
      if (open === undefined) throw new Error('nothing is at work');
      order.push(`${open.run}/${open.node}`);
      await kernel.finish(open.node, undefined, open.run);
    }
    expect(order).toEqual(['r1/a', 'r1/b', 'r2/a', 'r3/a', 'r2/b', 'r3/b']);
  });

  it('S54 S58 with a limit of one follows readiness, then position', async () => {
    const kernel = new Kernel();
    await kernel.start(plan(letters('cabd'), [edge('c', 'd')]), { concurrency: 1 });
    await kernel.settle();
    const order: string[] = [];
    for (let [id] = kernel.working(); id !== undefined; [id] = kernel.working()) {
      order.push(id);
      await kernel.finish(id);
    }
    expect(order).toEqual(['c', 'a', 'b', 'd']);
  });

  it('S55 starts a successor as soon as its own inputs are there', async () => {
    const kernel = new Kernel();
    await kernel.start(plan(letters('abc'), [edge('a', 'c')]));
    await kernel.settle();
    await kernel.finish('a');
    expect(kernel.working()).toEqual(['b', 'c']);
  });

  it('S80 records what arrives at a join that has fired, and runs it once', async () => {
    const kernel = new Kernel();
    const version = plan(
      [...letters('ab'), join('j', { rule: 'any' }), action('c')],
      [edge('a', 'j'), edge('b', 'j'), edge('j', 'c')],
    );
    await kernel.start(version);
    await kernel.settle();
    await kernel.finish('b', 1);
    expect(kernel.summary().outputs.j).toEqual({ b: 1 });
    await kernel.finish('a', 2);
    expect(kernel.log('r1', / j/)).toEqual([
      'node.ready j',
      'node.completed j',
      'join.arrival-ignored j',
    ]);
    expect(kernel.executions.filter((key) => key.startsWith('r1/c/'))).toHaveLength(1);
  });

  it('S59 S120 lets independent branches finish beside a tolerated failure, and ends partial', async () => {
    const kernel = new Kernel();
    const version = plan(
      [action('a', { onFailure: 'continue' }), ...letters('bcd')],
      [edge('a', 'b'), edge('c', 'd')],
    );
    await kernel.start(version);
    await kernel.settle();
    await kernel.fail('a');
    await kernel.finish('c');
    await kernel.finish('d');
    expect(kernel.summary()).toMatchObject({
      status: 'partial',
      nodes: { a: 'failed', b: 'skipped', c: 'completed', d: 'completed' },
    });
  });

  it('S89 fails a node whose input does not fit its schema, before it starts', async () => {
    const kernel = new Kernel();
    const inputSchema = { type: 'object', required: ['v'] };
    await kernel.start(plan([action('a'), action('b', { inputSchema })], [edge('a', 'b')]));
    await kernel.settle();
    await kernel.finish('a', {});
    expect(kernel.summary()).toMatchObject({ status: 'failed', nodes: { b: 'failed' } });
    expect(kernel.log('r1', /^node.* b/)).toEqual(['node.failed b']);
  });

  it('S57 passes a chain of 800 nodes through a process that holds no more than a turn', async () => {
    const ids = Array.from({ length: 800 }, (_, i) => `n${i}`);
    const kernel = new Kernel({ maxResidentRuns: 0, handlers: { work: () => 1 } });
    await kernel.start(
      plan(
        ids.map((id) => action(id)),
        chain(...ids),
      ),
    );
    await kernel.settle();
    expect(kernel.status()).toBe('completed');
  });
});

describe('starting', () => {
  it('S36 twice with the same content is one run', async () => {
    const kernel = new Kernel();
    const version = plan(letters('a'));
    await expect(kernel.start(version)).resolves.toEqual({ created: true });
    await kernel.settle();
    await expect(kernel.start(version)).resolves.toEqual({ created: false });
    await kernel.finish('a');
    await expect(kernel.start(version)).resolves.toEqual({ created: false });
    expect(kernel.executions).toEqual(['r1/a/1/1']);
  });

  it('S36 with other content is a conflict', async () => {
    const kernel = new Kernel();
    await kernel.start(plan(letters('a')));
    const other = kernel.start(plan(letters('b')), { digest: 'other' });
    await expect(other).rejects.toMatchObject({ code: 'run-conflict', retryable: false });
  });
});

describe('retries', () => {
  const backoff = { maxAttempts: 3, backoff: 'exponential', delayMs: 1_000 };

  it('S108 S109 wait for a durable timer, twice as long each time, less at most a quarter', async () => {
    const kernel = new Kernel();
    await kernel.start(plan([action('a', { retry: backoff })]));
    await kernel.settle();
    for (const baseMs of [1_000, 2_000]) {
      await kernel.fail('a');
      expect(kernel.log().slice(-2)).toEqual([
        `node.retry-scheduled a#${baseMs / 1_000}`,
        'timer.armed a',
      ]);
      const [timer] = kernel.rows().timers.values();
      const dueAt = timer?.dueAt ?? 0;
      const delayMs = dueAt - kernel.clock.now();
      expect(kernel.details('timer.armed').at(-1)).toEqual({ kind: 'retry', delayMs, dueAt });
      expect(delayMs).toBeGreaterThanOrEqual(0.75 * baseMs);
      expect(delayMs).toBeLessThanOrEqual(baseMs);
      await kernel.advance(delayMs - 1);
      expect(kernel.working()).toEqual([]);
      await kernel.advance(1);
      expect(kernel.working()).toEqual(['a']);
      expect(kernel.details('timer.fired').at(-1)).toEqual({ kind: 'retry', dueAt });
    }
    await kernel.fail('a');
    expect(kernel.details('timer.armed')).toHaveLength(2);
    expect(kernel.status()).toBe('failed');
    expect(kernel.rows().timers.size).toBe(0);
  });

  it('S108 S167 fire after a restart, those that fell due meanwhile at once', async () => {
    const kernel = new Kernel();
    await kernel.start(plan([action('a', { retry: backoff })]));
    await kernel.settle();
    await kernel.fail('a');
    await kernel.restart();
    expect(kernel.working()).toEqual([]);
    kernel.clock.advance(5_000);
    await kernel.restart();
    expect(kernel.attempt('a').attempt).toBe(2);
  });

  it('S106 S107 are granted to listed and retryable failures only', async () => {
    for (const error of [Object.assign(new Error('no'), { retryable: false }), new Error('no')]) {
      const kernel = new Kernel();
      const retry = { maxAttempts: 3, ...('retryable' in error ? {} : { retryOn: ['schema'] }) };
      await kernel.start(plan([action('a', { retry })]));
      await kernel.settle();
      await kernel.fail('a', error);
      expect(kernel.status()).toBe('failed');
      expect(kernel.executions).toHaveLength(1);
    }
  });

  it('S164 S105 an interruption uses up no try, and has a limit of its own', async () => {
    const kernel = new Kernel();
    await kernel.start(plan([action('a', { retry: { maxAttempts: 1, maxInterruptions: 2 } })]));
    await kernel.settle();
    await kernel.restart();
    await kernel.restart();
    expect(kernel.attempt('a').key).toBe('r1/a/1/3');
    await kernel.restart();
    expect(kernel.status()).toBe('failed');
    expect([...kernel.rows().attempts.values()].map((attempt) => attempt.outcome)).toEqual([
      'interrupted',
      'interrupted',
      'interrupted',
    ]);
  });
});

describe('results', () => {
  const result = (node: string, attempt: number) =>
    ({
      type: 'attempt.result',
      node,
      generation: 1,
      attempt,
      result: { type: 'returned', value: 1 },
    }) as const;

  it('S50 S51 of another attempt, an idle node or an ended run are refused, each in its way', async () => {
    const kernel = new Kernel();
    const retry = { maxAttempts: 2 };
    await kernel.start(plan([action('a', { retry }), action('b')], [edge('a', 'b')]));
    await kernel.settle();
    await kernel.fail('a');
    await expect(kernel.send(result('a', 1))).rejects.toMatchObject({ code: 'attempt-stale' });
    await expect(kernel.send(result('b', 1))).rejects.toMatchObject({ code: 'node-not-running' });
    expect(kernel.log('r1', /refused/)).toHaveLength(2);
    await kernel.finish('a');
    await kernel.finish('b');
    const before = kernel.log().length;
    await expect(kernel.send(result('b', 1))).rejects.toMatchObject({ code: 'run-ended' });
    expect(kernel.log()).toHaveLength(before);
  });

  it('S51 submitted twice at once win once', async () => {
    const kernel = new Kernel();
    await kernel.start(plan(letters('ab'), [edge('a', 'b')]));
    await kernel.settle();
    const both = await Promise.allSettled([
      kernel.send(result('a', 1)),
      kernel.send(result('a', 1)),
    ]);
    expect(both.map((one) => one.status)).toEqual(['fulfilled', 'rejected']);
    expect(kernel.log('r1', /^node.completed a/)).toHaveLength(1);
  });

  it('S52 progress is recorded while the node works, and not after', async () => {
    const kernel = new Kernel();
    await kernel.start(plan(letters('a')));
    await kernel.settle();
    const { context } = kernel.attempt('a');
    context.progress({ done: 1 });
    await kernel.settle();
    await kernel.finish('a');
    context.progress({ done: 2 });
    await kernel.settle();
    expect(kernel.details('attempt.progressed')).toEqual([{ progress: { done: 1 } }]);
  });
});
