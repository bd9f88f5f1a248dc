import { describe, expect, it } from 'vitest';
import { compilePlan } from '../../src/plan/compile.js';
import { Kernel } from '../support/kernel.js';
import { action, chain, edge, join, plan } from '../support/plans.js';

const classed = (name: string) => Object.assign(new Error(name), { class: name });

describe('a failure policy', () => {
  it('S112 S113 says what is done for each class of failure, and aborts for all others', async () => {
    const policy = { onFailure: { late: 'skip', odd: 'continue' } };
    for (const [name, node, run] of [
      ['late', 'skipped', 'completed'],
      ['odd', 'failed', 'partial'],
      ['new', 'failed', 'failed'],
    ] as const) {
      const kernel = new Kernel();
      await kernel.start(plan([action('a', policy)]));
      await kernel.fail('a', classed(name));
      expect(kernel.summary(), name).toMatchObject({ nodes: { a: node }, status: run });
    }
  });

  it('S104 classes what Runchart finds out itself', async () => {
    const kernel = new Kernel();
    const nodes = [
      action('thrown'),
      action('not-json'),
      action('schema', { outputSchema: { type: 'number' } }),
      action('deliverable', { deliverables: [{ name: 'r', kind: 'md' }] }),
      action('timeout', { timeoutMs: 10 }),
      action('heartbeat', { heartbeatMs: 10 }),
    ].map((node) => ({ ...node, onFailure: 'continue' }));
    await kernel.start(plan(nodes));
    await kernel.fail('thrown');
    await kernel.finish('not-json', 1n);
    await kernel.finish('schema', 'x');
    await kernel.finish('deliverable', 1);
    await kernel.advance(10);
    const classes = kernel
      .details('attempt.failed')
      .map((detail) => (detail as { class: string }).class);
    expect(classes).toEqual([
      'exception',
      'not-json',
      'schema',
      'deliverable',
      'timeout',
      'heartbeat',
    ]);
  });

  it('S106 S107 retries the classes that it lists, and nothing that says it makes no sense', async () => {
    const kernel = new Kernel();
    const retry = { maxAttempts: 3, retryOn: ['late'] };
    const nodes = ['a', 'b', 'c'].map((id) => action(id, { retry, onFailure: 'continue' }));
    await kernel.start(plan(nodes));
    await kernel.fail('a', classed('late'));
    await kernel.fail('b', classed('other'));
    await kernel.fail('c', Object.assign(classed('late'), { retryable: false }));
    expect(kernel.summary().nodes).toEqual({ a: 'running', b: 'failed', c: 'failed' });
  });

  it('S109 S112 retries a class that is mapped to it, whatever retryOn lists', async () => {
    const kernel = new Kernel();
    const retry = { maxAttempts: 2, retryOn: ['late'] };
    await kernel.start(plan([action('a', { retry, onFailure: { odd: 'retry' } })]));
    await kernel.fail('a', classed('odd'));
    expect(kernel.log('r1', /^node\.ready/)).toHaveLength(2);
    await kernel.fail('a', classed('odd'));
    expect(kernel.status()).toBe('failed');
  });

  it('S110 aborts an attempt that takes too long, and refuses what it still says', async () => {
    const kernel = new Kernel();
    await kernel.start(plan([action('a', { timeoutMs: 50, retry: { maxAttempts: 2 } })]));
    const first = kernel.attempt('a');
    await kernel.advance(50);
    expect(first.context.signal.aborted).toBe(true);
    expect(kernel.attempt('a').attempt).toBe(2);
    first.return('late');
    await kernel.settle();
    expect(kernel.log('r1', /result-refused/)).toEqual(['attempt.result-refused a#1']);
    await kernel.finish('a', 'in time');
    expect(kernel.summary().outputs.a).toBe('in time');
    expect(kernel.rows().timers.size).toBe(0);
  });

  it('S52 S237 counts every sign of life, and hands the newest payload to the next attempt', async () => {
    const kernel = new Kernel();
    await kernel.start(plan([action('a', { heartbeatMs: 100, retry: { maxAttempts: 3 } })]));
    const first = kernel.attempt('a');
    expect(first.context.lastHeartbeat).toBeUndefined();
    await kernel.advance(80);
    first.context.heartbeat({ done: 40 });
    await kernel.settle();
    await kernel.advance(80);
    expect(kernel.attempt('a').attempt).toBe(1);
    await kernel.advance(20);
    const second = kernel.attempt('a');
    expect(second.context.lastHeartbeat).toEqual({ done: 40 });
    second.context.heartbeat({ done: 60 });
    await kernel.settle();
    await kernel.restart();
    expect(kernel.attempt('a').context.lastHeartbeat).toEqual({ done: 60 });
  });

  it('S114 lets a fallback work in the place of its node, along the same edges', async () => {
    const kernel = new Kernel();
    const covered = action('a', { onFailure: 'fallback', fallback: { handler: 'work' } });
    await kernel.start(plan([covered, action('z')], chain('a', 'z')), { input: { q: 1 } });
    await kernel.fail('a', new Error('down'));
    expect(kernel.attempt('a').input).toMatchObject({
      input: { q: 1 },
      error: { message: 'down', class: 'exception' },
    });
    await kernel.finish('a', 'stale copy');
    expect(kernel.attempt('z').input).toBe('stale copy');
    expect(kernel.summary().nodes.a).toBe('completed');
  });

  it('S118 S153 that waits for its next level is cancelled at once', async () => {
    const kernel = new Kernel();
    const escalation = [{ responders: ['lead'], delayMs: 60_000 }];
    await kernel.start(plan([action('a', { onFailure: 'escalate', escalation })]));
    await kernel.fail('a');
    await kernel.cancel();
    await kernel.settle();
    expect(kernel.summary()).toMatchObject({ nodes: { a: 'cancelled' }, status: 'cancelled' });
    expect(kernel.rows().timers.size).toBe(0);
  });

  it('S115 of one node hides no failure of another', async () => {
    const kernel = new Kernel();
    const covered = action('a', { onFailure: 'fallback', fallback: { handler: 'work' } });
    await kernel.start(plan([covered, action('b')]));
    await kernel.fail('a');
    await kernel.fail('b', new Error('b broke'));
    kernel.attempt('a').return(1);
    await kernel.settle();
    expect(kernel.status()).toBe('failed');
    expect(kernel.rows().record.reasonJson).toContain('b broke');
  });

  it('S114 S166 that was covered by a fallback fails for good when that fails too, also after a stop', async () => {
    const kernel = new Kernel();
    const covered = action('a', { onFailure: 'fallback', fallback: { handler: 'work' } });
    await kernel.start(plan([covered]));
    await kernel.fail('a', new Error('first'));
    await kernel.restart();
    expect(kernel.attempt('a').input).toMatchObject({ error: { message: 'first' } });
    await kernel.fail('a', new Error('second'));
    expect(kernel.status()).toBe('failed');
    expect(kernel.executions).toHaveLength(3);
  });

  it('S135 asks a reviewer, who accepts an output, tries again, or gives it up', async () => {
    for (const [response, status, output] of [
      [{ decision: 'accept', output: 5 }, 'completed', 5],
      [{ decision: 'abort' }, 'failed', undefined],
    ] as const) {
      const kernel = new Kernel();
      const reviewed = action('a', { onFailure: 'human-review', outputSchema: { type: 'number' } });
      await kernel.start(plan([reviewed]));
      await kernel.fail('a');
      expect(kernel.status()).toBe('awaiting-human');
      await expect(kernel.respond('a', { decision: 'accept', output: 'x' })).rejects.toMatchObject({
        code: 'response-invalid',
        issues: [{ path: '/output' }],
      });
      await kernel.respond('a', { decision: 'retry' });
      await kernel.fail('a');
      await kernel.restart();
      await kernel.respond('a', response);
      await kernel.settle();
      expect(kernel.status()).toBe(status);
      expect(kernel.summary().outputs.a).toBe(output);
    }
  });

  it('S34 S168 blocks for a replan, names the node and why, and goes on when an operator says so', async () => {
    const kernel = new Kernel();
    await kernel.start(plan([action('a', { onFailure: 'replan' }), action('b')]));
    await kernel.fail('a', new Error('no such table'));
    expect(kernel.status()).toBe('running');
    await kernel.finish('b');
    expect(kernel.status()).toBe('blocked');
    const blocked = kernel.details('run.status-changed').at(-1);
    expect(blocked).toMatchObject({
      to: 'blocked',
      nodes: [{ node: 'a', reason: { message: 'no such table' } }],
    });
    await kernel.send({ type: 'node.retry', node: 'a', by: 'ann' });
    await kernel.finish('a', 1);
    expect(kernel.status()).toBe('completed');
    expect(kernel.details('operator.retried')).toEqual([{ by: 'ann' }]);
  });

  it('S118 escalates level by level, each after its delay, to handlers and people', async () => {
    const kernel = new Kernel();
    const escalation = [
      { handler: 'work', delayMs: 10 },
      { responders: ['lead'], deadlineMs: 1_000, instructions: 'Please decide' },
      { responders: ['boss'] },
    ];
    await kernel.start(plan([action('a', { onFailure: 'escalate', escalation })]));
    await kernel.fail('a', new Error('down'));
    expect(kernel.working()).toEqual([]);
    await kernel.advance(10);
    expect(kernel.attempt('a').input).toMatchObject({ error: { message: 'down' } });
    await kernel.fail('a');
    expect(kernel.openTasks()).toMatchObject([
      { kind: 'escalation', peopleJson: '{"responders":["lead"]}' },
    ]);
    await kernel.advance(1_000);
    expect(kernel.openTasks()).toMatchObject([{ peopleJson: '{"responders":["boss"]}' }]);
    await expect(kernel.respond('a', { decision: 'abort' }, 'lead')).rejects.toMatchObject({
      code: 'responder-refused',
    });
    await kernel.respond('a', { decision: 'accept', output: 1 }, 'boss');
    expect(kernel.status()).toBe('completed');
    expect(kernel.log('r1', /^escalation/)).toHaveLength(3);
  });

  it('S117 goes back to a node before it, as often as it may, and then fails', async () => {
    const kernel = new Kernel();
    const failing = action('c', { onFailure: 'backtrack', backtrack: { to: 'b', maxRestarts: 1 } });
    await kernel.start(plan([action('a'), action('b'), failing], chain('a', 'b', 'c')));
    await kernel.finish('a', 1);
    await kernel.finish('b', 2);
    await kernel.fail('c');
    expect(kernel.attempt('b')).toMatchObject({ attempt: 1, key: 'r1/b/2/1', input: 1 });
    await kernel.restart();
    await kernel.finish('b', 3);
    expect(kernel.attempt('c').input).toBe(3);
    await kernel.fail('c', new Error('again'));
    expect(kernel.status()).toBe('failed');
    expect(kernel.rows().record.reasonJson).toContain('budget_exhausted');
    expect(kernel.log('r1', /backtracked/)).toEqual(['run.backtracked c']);
  });

  it('S117 calls off what worked after the node it goes back to', async () => {
    const kernel = new Kernel();
    const failing = action('b', { onFailure: 'backtrack', backtrack: { to: 'a' } });
    await kernel.start(plan([action('a'), failing, action('c')], [edge('a', 'b'), edge('a', 'c')]));
    await kernel.finish('a');
    const old = kernel.attempt('c');
    await kernel.fail('b');
    expect(old.context.signal.aborted).toBe(true);
    old.return('of the first generation');
    await kernel.settle();
    expect(kernel.log('r1', /result-refused/)).toHaveLength(1);
    await kernel.finish('a');
    await kernel.finish('b');
    await kernel.finish('c', 'of the second');
    expect(kernel.summary()).toMatchObject({
      status: 'completed',
      outputs: { c: 'of the second' },
    });
  });

  it('S120 lets independent branches finish, and the run ends partial', async () => {
    const kernel = new Kernel();
    await kernel.start(
      plan([action('a', { onFailure: 'continue' }), action('b'), action('c')], chain('b', 'c')),
    );
    await kernel.fail('a');
    await kernel.finish('b');
    await kernel.finish('c');
    expect(kernel.status()).toBe('partial');
  });

  it('S201 tolerates the classes that the plan names, as long as enough succeeded', async () => {
    for (const [minShare, status] of [
      [0.5, 'partial'],
      [0.7, 'failed'],
    ] as const) {
      const kernel = new Kernel();
      const completion = { tolerate: ['late'], minShare };
      await kernel.start(plan([action('a'), action('b')], [], { completion }));
      await kernel.fail('a', classed('late'));
      await kernel.finish('b');
      expect(kernel.status()).toBe(status);
    }
  });

  it('S119 S123 undoes what was done, the newest first, one after another, when the run fails', async () => {
    const kernel = new Kernel();
    const undoable = (id: string) => action(id, { compensate: { handler: 'work' } });
    const nodes = [undoable('book'), undoable('pay'), action('ship'), action('thank')];
    await kernel.start(plan(nodes, chain('book', 'pay', 'ship', 'thank')));
    await kernel.finish('book', 'B1');
    await kernel.finish('pay', 'P1');
    await kernel.fail('ship');
    expect(kernel.working()).toEqual(['~/pay']);
    expect(kernel.attempt('~/pay').input).toMatchObject({ output: 'P1' });
    await kernel.restart();
    await kernel.finish('~/pay');
    expect(kernel.attempt('~/book').input).toMatchObject({ output: 'B1' });
    expect(kernel.status()).toBe('running');
    await kernel.finish('~/book');
    expect(kernel.status()).toBe('failed');
    expect(kernel.log().at(-1)).toBe('run.failed running→failed');
    expect(kernel.summary().nodes).toMatchObject({ ship: 'failed', thank: 'cancelled' });
  });

  it('S123 undoes on a cancel too, goes on after a compensation that fails, and starts nothing else', async () => {
    const kernel = new Kernel();
    const undoable = (id: string) => action(id, { compensate: { handler: 'work' } });
    await kernel.start(plan([undoable('a'), undoable('b'), action('c')], chain('a', 'b', 'c')));
    await kernel.finish('a');
    await kernel.finish('b');
    const running = kernel.attempt('c');
    await kernel.cancel();
    running.throw(running.context.signal.reason);
    await kernel.settle();
    await kernel.fail('~/b');
    await kernel.finish('~/a');
    expect(kernel.status()).toBe('cancelled');
    expect(kernel.log('r1', /^node\.failed/)).toEqual(['node.failed ~/b#1']);
  });

  it('S81 cancels the branches that a join has made pointless', async () => {
    const kernel = new Kernel();
    const nodes = [
      action('a'),
      action('b'),
      action('b2'),
      join('j', { rule: 'any', cancelRest: true }),
      action('z'),
    ];
    const edges = [edge('a', 'j'), edge('b', 'b2'), edge('b2', 'j'), edge('j', 'z')];
    await kernel.start(plan(nodes, edges));
    const loser = kernel.attempt('b');
    await kernel.finish('a', 'first');
    expect(loser.context.signal.aborted).toBe(true);
    expect(kernel.working()).toEqual(['b', 'z']);
    loser.throw(loser.context.signal.reason);
    await kernel.finish('z');
    expect(kernel.summary()).toMatchObject({
      status: 'completed',
      nodes: { b: 'cancelled', b2: 'cancelled' },
    });
  });

  it('S84 tells skipped, failed and cancelled apart', async () => {
    const kernel = new Kernel();
    const nodes = [
      action('a', { onFailure: 'skip' }),
      action('b', { onFailure: 'continue' }),
      action('c'),
    ];
    await kernel.start(plan([...nodes, action('d')], chain('c', 'd')));
    await kernel.fail('a');
    await kernel.fail('b');
    await kernel.cancel();
    kernel.attempt('c').throw(kernel.attempt('c').context.signal.reason);
    await kernel.settle();
    expect(kernel.summary().nodes).toEqual({
      a: 'skipped',
      b: 'failed',
      c: 'cancelled',
      d: 'cancelled',
    });
  });

  it('S83 S199 lets a join wait for an input that may recover, until an operator retries it', async () => {
    const kernel = new Kernel();
    const nodes = [
      action('a', { onFailure: 'continue' }),
      action('b'),
      join('j', { onFailure: 'wait' }),
      action('z'),
    ];
    await kernel.start(plan(nodes, [edge('a', 'j'), edge('b', 'j'), edge('j', 'z')]));
    await kernel.fail('a');
    await kernel.finish('b', 2);
    expect(kernel.status()).toBe('blocked');
    await kernel.send({ type: 'node.retry', node: 'a', by: null });
    await kernel.finish('a', 1);
    expect(kernel.attempt('z').input).toEqual({ a: 1, b: 2 });
  });
});

describe('wrong settings', () => {
  it.each([
    [{ onFailure: 'fallback' }, 'failure-setting-missing'],
    [{ onFailure: { timeout: 'escalate' } }, 'failure-setting-missing'],
    [{ onFailure: 'backtrack', backtrack: { to: 'nobody' } }, 'unknown-backtrack'],
    [{ onFailure: 'backtrack', backtrack: { to: 'after' } }, 'backtrack-not-upstream'],
    [{ onFailure: 'give-up' }, 'invalid-value'],
    [{ onFailure: 'escalate', escalation: [{}] }, 'invalid-value'],
  ])('S22 S112 %j are refused with %s', (more, code) => {
    const nodes = [action('a', more), action('after')];
    const result = compilePlan({ title: 'T', nodes, edges: chain('a', 'after') });
    expect(result).toMatchObject({ ok: false });
    expect(JSON.stringify(result)).toContain(code);
  });
});
