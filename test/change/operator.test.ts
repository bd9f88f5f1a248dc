import { describe, expect, it } from 'vitest';
import type { ChangeMessage } from '../../src/actors/change-messages.js';
import type { JsonValue } from '../../src/plan/json.js';
import { expectSoundLog } from '../model/invariants.js';
import { Kernel, respondMessage } from '../support/kernel.js';
import { action, approval, chain, edge, join, plan } from '../support/plans.js';

const ASKED = { by: 'ann', reason: null };

function complete(node: string, output: JsonValue, more: object = {}): ChangeMessage {
  return { type: 'node.complete', node, output, outcome: null, action: null, ...ASKED, ...more };
}
const skip = (node: string): ChangeMessage => ({ type: 'node.skip', node, ...ASKED });
const patch = (node: string, input: JsonValue): ChangeMessage => ({
  type: 'node.patch',
  node,
  input,
  ...ASKED,
});
const rollback = (node: string): ChangeMessage => ({ type: 'run.rollback', node, ...ASKED });

async function refusal(asked: Promise<unknown>): Promise<string> {
  return asked.then(
    () => 'none',
    (error: { code: string }) => error.code,
  );
}

async function tell(kernel: Kernel, message: ChangeMessage): Promise<void> {
  await kernel.send(message);
  await kernel.settle();
}

describe('completing a node by hand', () => {
  it('S172 lets a blocked run go on with the output that the operator gives', async () => {
    const kernel = new Kernel();
    await kernel.start(plan([action('a', { onFailure: 'replan' }), action('b')], chain('a', 'b')));
    await kernel.settle();
    await kernel.fail('a');
    expect(kernel.status()).toBe('blocked');
    await tell(kernel, complete('a', { v: 1 }, { reason: 'done on the phone' }));
    expect(kernel.attempt('b').input).toEqual({ v: 1 });
    expect(kernel.details('operator.completed')).toEqual([
      { by: 'ann', reason: 'done on the phone' },
    ]);
    expect(kernel.log('r1', /^(operator|node)\./).slice(3)).toEqual([
      'operator.completed a',
      'node.completed a#1',
      'node.ready b',
      'node.started b#1',
    ]);
    await kernel.finish('b');
    expect(kernel.status()).toBe('completed');
    expectSoundLog(kernel.rows(), kernel.version());
  });

  it('S172 S66 aborts the attempt that is at work, and refuses what it still brings', async () => {
    const kernel = new Kernel({ concurrency: 1 });
    await kernel.start(plan([action('a'), action('b')], chain('a', 'b')));
    await kernel.settle();
    const attempt = kernel.attempt('a');
    await tell(kernel, complete('a', 'by hand'));
    expect(attempt.context.signal.aborted).toBe(true);
    expect(kernel.working()).toEqual(['a', 'b']);
    attempt.return('too late');
    await kernel.settle();
    expect(kernel.summary().outputs.a).toBe('by hand');
    expect(kernel.log('r1', /refused/)).toEqual(['attempt.result-refused a#1']);
    expect(kernel.rows().attempts.get('a/1/1')).toMatchObject({ outcome: 'cancelled' });
    await kernel.finish('b');
    expectSoundLog(kernel.rows(), kernel.version());
  });

  it('S172 completes a node before its turn, and nothing that leads to it changes that', async () => {
    const kernel = new Kernel();
    const version = plan(
      [action('a'), action('b'), join('j', { rule: 'all' }), action('c')],
      [edge('a', 'j'), edge('b', 'j'), edge('j', 'c')],
    );
    await kernel.start(version);
    await kernel.settle();
    await tell(kernel, complete('j', { early: true }));
    expect(kernel.attempt('c').input).toEqual({ early: true });
    for (const node of ['a', 'b', 'c']) await kernel.finish(node);
    expect(kernel.summary()).toMatchObject({
      status: 'completed',
      outputs: { j: { early: true } },
    });
    expect(kernel.log('r1', /arrival-ignored/)).toHaveLength(2);
    expectSoundLog(kernel.rows(), version);
  });

  it('S172 calls off the branches that a join makes pointless, as its own decision would', async () => {
    const kernel = new Kernel();
    await kernel.start(
      plan(
        [action('a'), action('b'), join('j', { rule: 'any', cancelRest: true })],
        [edge('a', 'j'), edge('b', 'j')],
      ),
    );
    await kernel.settle();
    await tell(kernel, complete('j', null));
    expect(kernel.attempt('a').context.signal.aborted).toBe(true);
    for (const attempt of kernel.open()) attempt.throw(new Error('aborted'));
    await kernel.settle();
    expect(kernel.summary()).toMatchObject({
      status: 'completed',
      nodes: { a: 'cancelled', b: 'cancelled' },
    });
  });

  it('S172 takes an approval with its outcome, which routes', async () => {
    const kernel = new Kernel();
    await kernel.start(
      plan(
        [approval('ok'), action('yes'), action('no')],
        [edge('ok', 'yes'), edge('ok', 'no', { when: 'outcome == "rejected"' })],
      ),
    );
    await kernel.settle();
    expect(await refusal(kernel.send(complete('ok', {})))).toBe('output-invalid');
    await tell(kernel, complete('ok', { approved: false }, { outcome: 'rejected' }));
    expect(kernel.working()).toEqual(['no']);
    expect(kernel.log('r1', /^task/)).toEqual(['task.opened ok', 'task.closed ok']);
    expect(await refusal(kernel.send(complete('no', {}, { outcome: 'approved' })))).toBe(
      'output-invalid',
    );
  });

  it('S172 checks the output as it checks that of a handler', async () => {
    const kernel = new Kernel();
    const outputSchema = { type: 'object', required: ['v'] };
    await kernel.start(plan([action('a', { outputSchema })]));
    await kernel.settle();
    const before = kernel.rows().seq;
    expect(await refusal(kernel.send(complete('a', {})))).toBe('output-invalid');
    expect(kernel.rows().seq).toBe(before);
    await tell(kernel, complete('a', { v: 1 }));
    expect(kernel.status()).toBe('completed');
  });
});

const body = { nodes: [action('x'), action('y')], edges: [edge('x', 'y')] };

describe('composites that an operator ends', () => {
  it.each([
    ['loop', { kind: 'loop', id: 'c', body, maxIterations: 3 }, ['c[1]/x']],
    ['map', { kind: 'map', id: 'c', handler: 'work', concurrency: 2 }, ['c[0]', 'c[1]']],
  ])('S172 a %s ends with all that goes on inside it', async (_kind, node, inside) => {
    const kernel = new Kernel();
    const version = plan([node, action('after')], [edge('c', 'after')]);
    await kernel.start(version, { input: [1, 2, 3] });
    await kernel.settle();
    const attempts = kernel.open();
    expect(attempts.map((attempt) => attempt.node)).toEqual(inside);
    await tell(kernel, complete('c', 'enough'));
    expect(attempts.every(({ context }) => context.signal.aborted)).toBe(true);
    expect(kernel.attempt('after').input).toBe('enough');
    for (const attempt of attempts) attempt.return('late');
    await kernel.settle();
    await kernel.restart();
    await kernel.finish('after');
    expect(kernel.summary()).toMatchObject({ status: 'completed', outputs: { c: 'enough' } });
    expectSoundLog(kernel.rows(), version);
  });

  it('S172 a subplan ends, and the run that works for it is cancelled', async () => {
    const kernel = new Kernel();
    const inner = { title: 'Inner', nodes: [approval('ask')], edges: [] };
    await kernel.start(
      plan([{ kind: 'subplan', id: 's', plan: 'inner' }, action('b')], [edge('s', 'b')], {
        plans: { inner },
      }),
    );
    await kernel.settle();
    expect(kernel.status()).toBe('awaiting-human');
    const child = [...kernel.storage.runs.keys()].find((id) => id !== 'r1') ?? '';
    await tell(kernel, skip('s'));
    expect(kernel.status(child)).toBe('cancelled');
    expect(kernel.summary()).toMatchObject({ status: 'completed', nodes: { b: 'skipped' } });
  });

  it('S172 a node inside an iteration is completed like any other, and an item that is at work too', async () => {
    const kernel = new Kernel();
    const loop = { kind: 'loop', id: 'l', body, maxIterations: 1 };
    await kernel.start(
      plan([loop, { kind: 'map', id: 'm', handler: 'work', concurrency: 1 }], [], {
        entry: ['l', 'm'],
      }),
      { input: [1, 2] },
    );
    await kernel.settle();
    expect(await refusal(kernel.send(complete('m[1]', 'early')))).toBe('node-not-changeable');
    expect(await refusal(kernel.send(complete('l[2]/x', 'early')))).toBe('node-unknown');
    await tell(kernel, complete('l[1]/x', 1));
    await tell(kernel, complete('l[1]/y', 2));
    await tell(kernel, complete('m[0]', 'first'));
    await tell(kernel, skip('m[1]'));
    expect(kernel.summary()).toMatchObject({
      status: 'completed',
      outputs: { l: { exit: 'max', iterations: 1, last: { y: 2 } }, m: ['first', null] },
    });
    expectSoundLog(kernel.rows(), kernel.version());
  });
});

describe('skipping a node by hand', () => {
  it('S172 is a dead branch, and satisfies a join of all', async () => {
    const kernel = new Kernel();
    await kernel.start(
      plan(
        [action('a'), approval('b'), action('c'), join('j')],
        [edge('a', 'c'), edge('c', 'j'), edge('b', 'j')],
      ),
    );
    await kernel.settle();
    await tell(kernel, skip('b'));
    await tell(kernel, skip('c'));
    await kernel.finish('a');
    expect(kernel.summary()).toMatchObject({
      status: 'completed',
      nodes: { a: 'completed', b: 'skipped', c: 'skipped', j: 'skipped' },
    });
    expect(kernel.openTasks()).toEqual([]);
    expectSoundLog(kernel.rows(), kernel.version());
  });
});

describe('what an operator is refused', () => {
  it.each([
    ['an unknown node', complete('none', 1), 'node-unknown'],
    ['a final node', complete('done', 1), 'node-final'],
    ['skipping a final node', skip('done'), 'node-final'],
    ['patching a node that works', patch('busy', 1), 'node-not-changeable'],
    ['patching a node that is not ready', patch('later', 1), 'node-not-changeable'],
    ['going back to a node that has not begun', rollback('later'), 'node-not-changeable'],
  ])('S172 %s: nothing changes', async (_what, message, code) => {
    const kernel = new Kernel();
    await kernel.start(
      plan([action('done'), action('busy'), action('later')], chain('done', 'busy', 'later')),
    );
    await kernel.settle();
    await kernel.finish('done');
    const before = kernel.rows().seq;
    expect(await refusal(kernel.send(message))).toBe(code);
    expect(kernel.rows().seq).toBe(before);
  });

  it.each([
    ['complete', complete('a', 1)],
    ['skip', skip('a')],
    ['patch', patch('a', 1)],
    ['roll back', rollback('a')],
  ])('S172 S31 to %s a node of a run that has ended or has not started', async (_what, message) => {
    const kernel = new Kernel();
    await kernel.start(plan([action('a')]));
    await kernel.settle();
    await kernel.finish('a');
    expect(await refusal(kernel.send(message))).toBe('run-ended');
    await kernel.start(plan([action('a')]), {
      id: 'later',
      settings: { startAt: kernel.clock.now() + 1000 },
    });
    expect(await refusal(kernel.send(message, 'later'))).toBe('run-not-started');
  });
});

describe('another input', () => {
  it('S172 is what a blocked node works with when it is tried again', async () => {
    const kernel = new Kernel();
    const inputSchema = { type: 'object', required: ['v'] };
    await kernel.start(plan([action('a', { onFailure: 'replan', inputSchema })]), {
      input: { v: 1 },
    });
    await kernel.settle();
    await kernel.fail('a');
    expect(await refusal(kernel.send(patch('a', {})))).toBe('input-invalid');
    await tell(kernel, patch('a', { v: 2 }));
    await kernel.restart();
    await tell(kernel, { type: 'node.retry', node: 'a', by: null } as never);
    expect(kernel.attempt('a').input).toEqual({ v: 2 });
    expect(kernel.details('operator.input-patched')).toEqual([{ by: 'ann' }]);
  });

  it('S172 is what the next try gets while a node backs off', async () => {
    const kernel = new Kernel();
    await kernel.start(
      plan([action('a', { retry: { maxAttempts: 2, backoff: 'fixed', delayMs: 1000 } })]),
    );
    await kernel.settle();
    await kernel.fail('a');
    await tell(kernel, patch('a', 'better'));
    await kernel.advance(2000);
    expect(kernel.attempt('a').input).toBe('better');
  });

  it('S172 waits in a new place in line, the same after a restart', async () => {
    for (const restarts of [false, true]) {
      const kernel = new Kernel();
      await kernel.start(plan([action('a'), action('b'), action('c')]), { concurrency: 1 });
      await kernel.settle();
      await tell(kernel, patch('b', 'patched'));
      if (restarts) await kernel.restart();
      const order: string[] = [];
      for (let i = 0; i < 3; i++) {
        const [next] = kernel.open();
        order.push(`${next?.node} ${JSON.stringify(next?.input)}`);
        await kernel.finish(next?.node ?? '');
      }
      expect(order.filter((line) => !line.startsWith('a'))).toEqual(['c {}', 'b "patched"']);
      expect(kernel.status()).toBe('completed');
    }
  });

  it('S172 closes the task that shows the old one, and opens one that shows the new one', async () => {
    const kernel = new Kernel();
    await kernel.start(plan([approval('ask', { deadlineMs: 1000 })]), { input: { draft: 1 } });
    await kernel.settle();
    const old = kernel.task('ask');
    await kernel.advance(500);
    await tell(kernel, patch('ask', { draft: 2 }));
    expect(kernel.rows().tasks.get(old)?.status).toBe('superseded');
    const [task] = kernel.openTasks();
    expect(JSON.parse(task?.presentedJson ?? '')).toMatchObject({ input: { draft: 2 } });
    expect(
      await refusal(
        kernel.send(respondMessage({ task: old, node: 'ask', response: { approved: true } })),
      ),
    ).toBe('task-superseded');
    await kernel.advance(900);
    await kernel.respond('ask', { approved: true });
    expect(kernel.status()).toBe('completed');
    expectSoundLog(kernel.rows(), kernel.version());
  });
});

describe('rolling back', () => {
  const version = plan(
    [action('a'), action('b'), action('c'), action('d'), approval('e')],
    [...chain('a', 'b', 'c'), edge('a', 'd'), edge('c', 'e')],
  );

  it('S171 begins another generation of the node and of all that follows from it, and of nothing else', async () => {
    const kernel = new Kernel();
    await kernel.start(version);
    await kernel.settle();
    for (const node of ['a', 'b', 'd', 'c']) await kernel.finish(node, node);
    const task = kernel.task('e');
    await tell(kernel, rollback('b'));
    expect(kernel.details('operator.rolled-back')).toEqual([{ by: 'ann' }]);
    expect(kernel.details('nodes.renewed')).toEqual([{ nodes: ['b', 'c', 'e'] }]);
    expect(kernel.summary().nodes).toMatchObject({
      a: 'completed',
      b: 'running',
      c: 'pending',
      d: 'completed',
      e: 'pending',
    });
    expect(kernel.rows().tasks.get(task)?.status).toBe('superseded');
    expect(kernel.rows().pastNodeRuns).toMatchObject([
      { node: 'b', generation: 1, outputJson: '"b"', status: 'completed' },
      { node: 'c', generation: 1 },
      { node: 'e', generation: 1, status: 'cancelled' },
    ]);
    await kernel.restart();
    await kernel.finish('b', 'again');
    expect(kernel.attempt('c').input).toBe('again');
    await kernel.finish('c');
    await kernel.respond('e', { approved: true });
    expect(kernel.status()).toBe('completed');
    expect(kernel.executions).toHaveLength(7);
    expectSoundLog(kernel.rows(), version);
  });

  it('S171 goes back within the iteration that is at work, and not into those that are over', async () => {
    const kernel = new Kernel();
    await kernel.start(plan([{ kind: 'loop', id: 'l', body, maxIterations: 2 }]));
    await kernel.settle();
    await kernel.finish('l[1]/x');
    await kernel.finish('l[1]/y');
    await kernel.finish('l[2]/x', 1);
    await tell(kernel, rollback('l[2]/x'));
    expect(kernel.open().filter(({ context }) => !context.signal.aborted)).toMatchObject([
      { node: 'l[2]/x' },
    ]);
    expect(await refusal(kernel.send(rollback('l[1]/x')))).toBe('node-unknown');
    await kernel.finish('l[2]/x', 2);
    await kernel.finish('l[2]/y', 3);
    expect(kernel.summary().outputs.l).toMatchObject({ last: { y: 3 } });
    expectSoundLog(kernel.rows(), kernel.version());
  });

  it('S171 a composite begins again with paths of its own, and an item does not', async () => {
    const kernel = new Kernel();
    await kernel.start(plan([{ kind: 'map', id: 'm', handler: 'work' }]), { input: [1] });
    await kernel.settle();
    expect(await refusal(kernel.send(rollback('m[0]')))).toBe('node-not-changeable');
    await tell(kernel, rollback('m'));
    expect(kernel.attempt('m#2[0]').input).toBe(1);
    await kernel.finish('m#2[0]', 'b');
    expect(kernel.summary()).toMatchObject({ status: 'completed', outputs: { m: ['b'] } });
  });

  it('S171 does not stop a run at a target that is only called off', async () => {
    const kernel = new Kernel();
    await kernel.start(plan([action('a'), action('b')], chain('a', 'b')), {
      settings: { until: ['b'] },
    });
    await kernel.settle();
    await kernel.finish('a');
    await tell(kernel, rollback('a'));
    expect(kernel.status()).toBe('running');
  });
});
