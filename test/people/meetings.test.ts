/** What people do meets what others do, and what the run does meanwhile. */
import { describe, expect, it } from 'vitest';
import type { RunMessage } from '../../src/actors/messages.js';
import { compilePlan } from '../../src/plan/compile.js';
import type { JsonValue } from '../../src/plan/json.js';
import { Kernel } from '../support/kernel.js';
import { action, approval, chain, type Draft, edge, plan } from '../support/plans.js';
import { answer, asked, by, change, human, presented } from './asking.js';

const CHANGES = { approved: false, requiredEdits: ['tone'] };
const op = { by: 'op', reason: null };

/** Lets handlers finish and deadlines pass until nothing goes on; fails where there is no end. */
async function untilOver(kernel: Kernel, ms: number, steps = 20): Promise<void> {
  for (let step = 0; step < steps; step++) {
    await kernel.settle();
    for (const node of kernel.working()) await kernel.finish(node, {});
    await kernel.advance(ms);
    if (['completed', 'partial', 'failed'].includes(kernel.status())) return;
  }
  throw new Error(`no end:\n${kernel.log().join('\n')}`);
}

describe('rework comes to an end', () => {
  it('S134 where two approvals send the work back in turn', async () => {
    const kernel = new Kernel();
    const ask = (id: string, deadlineMs: number): Draft =>
      approval(id, { rework: { to: 'draft', maxRounds: 2 }, deadlineMs, defaultResponse: CHANGES });
    const edges = [edge('draft', 'a'), edge('draft', 'b')];
    await kernel.start(plan([action('draft'), ask('a', 1_000), ask('b', 1_500)], edges));
    await untilOver(kernel, 1_500);
    expect(kernel.log('r1', /^run\.reworked/)).toHaveLength(4);
    expect(kernel.complaints).toEqual([]);
  });

  it('S134 where the output of a node that failed asks for changes', async () => {
    const kernel = new Kernel();
    const ask = approval('ask', {
      rework: { to: 'draft', maxRounds: 1 },
      deadlineMs: 1_000,
      onFailure: 'continue',
      defaultOutput: CHANGES,
    });
    await kernel.start(plan([action('draft'), ask], chain('draft', 'ask')));
    await untilOver(kernel, 1_000);
    expect(kernel.log('r1', /^run\.reworked/)).toHaveLength(1);
  });

  it('S134 where an approval is asked again itself', async () => {
    const kernel = await asked(approval('ask', { rework: { to: 'ask', maxRounds: 2 } }));
    for (const round of [1, 2, 3]) {
      expect(kernel.openTasks()).toMatchObject([{ round }]);
      await answer(kernel, CHANGES);
    }
    expect(kernel.openTasks()).toEqual([]);
  });

  it('S134 S205 where the last vote of a quorum is none of those that ask for it', async () => {
    const kernel = new Kernel();
    const ask = approval('ask', {
      responders: { from: '["ann", "bob"]' },
      rework: { to: 'draft', maxRounds: 1 },
      quorum: { approvals: 2, rejections: 2 },
    });
    await kernel.start(plan([action('draft'), ask], chain('draft', 'ask')));
    for (const working of [['draft'], []]) {
      await kernel.finish('draft', {});
      await answer(kernel, CHANGES, { responder: 'ann' });
      await answer(kernel, { approved: true }, { responder: 'bob' });
      expect(kernel.working()).toEqual(working);
    }
  });
});

describe('rework', () => {
  it('S134 S205 is told what all have asked for whose votes came to it', async () => {
    const kernel = new Kernel();
    const quorum = { approvals: 2, rejections: 2 };
    const ask = approval('ask', { responders: ['a', 'b', 'c'], rework: { to: 'draft' }, quorum });
    await kernel.start(plan([action('draft'), ask], chain('draft', 'ask')));
    await kernel.finish('draft', {});
    await answer(kernel, { ...CHANGES, comments: 'too loud' }, { responder: 'a' });
    await answer(kernel, { approved: false, requiredEdits: ['length'] }, { responder: 'b' });
    expect(kernel.attempt('draft').context.feedback).toMatchObject([
      { outcome: 'changes-requested', requiredEdits: ['tone', 'length'], comments: ['too loud'] },
    ]);
  });

  it('S134 S204 leaves to others what they have said, and shows them the new draft', async () => {
    const kernel = new Kernel();
    const nodes = [
      action('draft'),
      approval('a', { rework: { to: 'draft' } }),
      human('review-edit', 'b'),
    ];
    await kernel.start(plan(nodes, [edge('draft', 'a'), edge('draft', 'b')]));
    await kernel.finish('draft', { v: 1 });
    await kernel.respond('b', { decision: 'edit', output: { v: 'edited' } });
    await kernel.respond('a', CHANGES);
    await kernel.settle();
    await kernel.restart();
    await kernel.finish('draft', { v: 2 });
    expect(presented(kernel, 'b')).toMatchObject({
      subject: { v: 2 },
      history: [{ node: 'b', outcome: 'edited', output: { v: 'edited' } }],
    });
  });

  it('S134 goes on in a run that is to pause when the node that asks is final', async () => {
    const kernel = new Kernel();
    const ask = approval('ask', { rework: { to: 'draft' } });
    const settings = { until: ['ask'] };
    await kernel.start(plan([action('draft'), ask], chain('draft', 'ask')), { settings });
    await kernel.finish('draft', {});
    await answer(kernel, CHANGES);
    expect(kernel.working()).toEqual(['draft']);
    await kernel.finish('draft', {});
    await answer(kernel, { approved: true });
    expect(kernel.log('r1', /^run\.target-reached/)).toHaveLength(1);
  });
});

describe('four eyes', () => {
  const settings = { requestedBy: 'ann' };
  const guarded = (more: object) => approval('ask', { fourEyes: true, ...more });

  it('S205 await no vote of who may not vote', async () => {
    const quorum = { approvals: 2, rejections: 2 };
    const kernel = await asked(guarded({ responders: ['ann', 'bob', 'cat'], quorum }), {
      settings,
    });
    await answer(kernel, { approved: true }, { responder: 'bob' });
    const last = await answer(kernel, { approved: false }, { responder: 'cat' });
    expect(last).toMatchObject({ isDecided: true });
    expect(kernel.rows().nodeRuns.get('ask')?.outcome).toBe('rejected');
  });

  it('S205 fail a node whose quorum cannot be reached without the one who asked', async () => {
    const kernel = await asked(guarded({ responders: ['ann', 'bob'], quorum: { approvals: 2 } }), {
      settings,
    });
    expect(kernel.rows().nodeRuns.get('ask')?.reasonJson).toContain('quorum-unreachable');
  });

  it('S205 S202 come with a replan only where it is known who asked', async () => {
    const kernel = await asked(approval('ask'));
    const nodes = [approval('ask'), action('after'), approval('b', { fourEyes: true })];
    const version = plan(nodes, [edge('ask', 'after')]);
    for (const isDryRun of [true, false]) {
      const replan = { type: 'run.replan', version, isDryRun, cancelRunning: false } as const;
      await expect(kernel.send({ ...replan, ...op })).rejects.toMatchObject({
        code: 'requester-missing',
      });
    }
    expect(kernel.status()).toBe('awaiting-human');
  });
});

describe('a message', () => {
  it('S129 S205 of one person is no answer of another', async () => {
    const kernel = await asked(approval('ask', { quorum: { approvals: 2 } }));
    await answer(kernel, { approved: true }, { responder: 'ann', messageId: 'm' });
    const stolen = answer(kernel, { approved: true }, { responder: 'bob', messageId: 'm' });
    await expect(stolen).rejects.toMatchObject({ code: 'message-conflict' });
    const again = answer(kernel, { approved: true }, { responder: 'ann', messageId: 'm' });
    expect(await again).toMatchObject({ isDecided: false });
  });
});

describe('a review of work that failed', () => {
  const checks = [{ name: 'large', when: 'output.v > 5' }];
  const refused = { output: { v: 1 }, issues: [{ code: 'check-unfulfilled' }] };

  async function reviewed(more: object): Promise<Kernel> {
    const kernel = new Kernel();
    await kernel.start(plan([action('a', { checks, ...more })]));
    const artifacts = [{ name: 'r', kind: 'text', payload: 'x' }];
    await kernel.finish('a', { ok: true, output: { v: 1 }, artifacts });
    return kernel;
  }

  it('S135 S172 shows what was refused after an operator has changed the input too', async () => {
    const kernel = await reviewed({ onFailure: 'human-review' });
    await kernel.send({ type: 'node.patch', node: 'a', input: { w: 1 }, ...op });
    await kernel.settle();
    expect(presented(kernel, 'a')).toMatchObject({ input: { w: 1 }, ...refused });
    await kernel.respond('a', { decision: 'accept' });
    await kernel.settle();
    expect(kernel.summary().outputs).toEqual({ a: { v: 1 } });
  });

  it('S135 S118 shows what was refused to the next level too', async () => {
    const escalation = [{ responders: ['ann'], deadlineMs: 100 }, { responders: ['bob'] }];
    const kernel = await reviewed({ onFailure: 'escalate', escalation });
    await kernel.advance(100);
    expect(kernel.openTasks()).toMatchObject([{ level: 2 }]);
    expect(presented(kernel, 'a')).toMatchObject({ ...refused, artifacts: [{ name: 'r' }] });
  });

  it('S135 takes no artifact that says it is kept where the attempt has put nothing', async () => {
    const kernel = await reviewed({ onFailure: 'human-review' });
    for (const digest of ['a'.repeat(64), '../../secret']) {
      const artifacts = [{ name: 'r', kind: 'text', digest, bytes: 9 }];
      const response = { decision: 'accept', artifacts };
      await expect(kernel.respond('a', response)).rejects.toMatchObject({
        code: 'response-invalid',
        issues: [{ path: '/artifacts' }],
      });
    }
  });
});

describe('a deadline', () => {
  it('S136 S209 that a downtime has put off takes answers until then', async () => {
    const kernel = new Kernel();
    const ask = approval('ask', { deadlineMs: 1_000, onDowntime: 'remaining' });
    await kernel.start(plan([action('at-work'), ask]));
    await kernel.advance(400);
    await change(kernel, { type: 'claim', by: by('ann') });
    await kernel.restart({ beforeRecovery: () => kernel.clock.advance(5_000) });
    expect(kernel.openTasks()).toMatchObject([{ deadlineAt: kernel.clock.now() + 600 }]);
    await answer(kernel, { approved: true }, { responder: 'ann' });
    expect(kernel.rows().nodeRuns.get('ask')?.status).toBe('completed');
  });

  it.each([
    ['remaining', 600],
    ['restart', 1_000],
  ])(
    'S136 S209 is put off under %s where the run does nothing but wait',
    async (onDowntime, left) => {
      const kernel = new Kernel();
      await kernel.start(plan([approval('ask', { deadlineMs: 1_000, onDowntime })]));
      await kernel.advance(400);
      await change(kernel, { type: 'claim', by: by('ann') });
      await kernel.restart({ beforeRecovery: () => kernel.clock.advance(5_000) });
      await kernel.settle();
      expect(kernel.openTasks()).toMatchObject([{ deadlineAt: kernel.clock.now() + left }]);
      await kernel.advance(left - 1);
      expect(kernel.status()).toBe('awaiting-human');
      await kernel.advance(1);
      expect(kernel.status()).toBe('failed');
    },
  );

  it('S209 of a run that a process has in hand stays, however long nothing happens', async () => {
    const kernel = new Kernel();
    const ask = approval('ask', { deadlineMs: 9_000, onDowntime: 'remaining' });
    await kernel.start(plan([ask]));
    const [task] = kernel.openTasks();
    await kernel.advance(5_000);
    await kernel.supervisor.resume('r1');
    await kernel.settle();
    expect(kernel.openTasks()).toMatchObject([{ deadlineAt: task?.deadlineAt }]);
  });

  it('S206 S172 that was put off is not brought forward by another input', async () => {
    const kernel = await asked(approval('ask', { deadlineMs: 1_000 }));
    const deadlineAt = kernel.clock.now() + 5_000;
    await change(kernel, { type: 'extend', by: null, deadlineAt });
    await kernel.send({ type: 'node.patch', node: 'ask', input: { v: 1 }, ...op });
    await kernel.settle();
    expect(kernel.openTasks()).toMatchObject([{ deadlineAt }]);
    await kernel.restart();
    await kernel.advance(4_999);
    expect(kernel.status()).toBe('awaiting-human');
    await kernel.advance(1);
    expect(kernel.status()).toBe('failed');
  });

  it('S136 S206 fails a node that has nothing to ask the next level any more', async () => {
    const ask = human('decision', 'ask', {
      options: { from: 'nodes.x.output' },
      deadlineMs: 1_000,
      escalation: [{ responders: ['boss'] }],
      onFailure: 'skip',
    });
    const kernel = new Kernel();
    await kernel.start(plan([action('x'), action('y'), ask], [edge('y', 'ask')]));
    await kernel.finish('x', ['a', 'b']);
    await kernel.finish('y', {});
    await kernel.send({ type: 'run.rollback', node: 'x', ...op });
    await kernel.settle();
    await kernel.advance(1_000);
    expect(kernel.complaints).toEqual([]);
    expect(kernel.summary().nodes.ask).toBe('skipped');
  });

  it('S136 that makes a default answer accepts the draft of a review as a person does', async () => {
    const more = { deadlineMs: 9, defaultResponse: { decision: 'accept' } };
    const kernel = await asked(human('review-edit', 'ask', more), { input: { v: 1 } });
    await answer(kernel, { decision: 'edit', output: { v: 2 } });
    await kernel.advance(9);
    expect(kernel.summary()).toMatchObject({ outputs: { ask: { v: 2 } } });
    expect(kernel.attempt('after').input).toEqual({ v: 2 });
  });

  it('S136 makes no choice that was not to be had', async () => {
    const choosing = (defaultResponse: JsonValue) =>
      human('decision', 'ask', {
        options: { from: 'input.options' },
        deadlineMs: 9,
        defaultResponse,
      });
    for (const [choice, status] of [
      ['a', 'completed'],
      ['c', 'failed'],
      [undefined, 'failed'],
    ] as const) {
      const defaultResponse = choice === undefined ? {} : { choice };
      const input = { options: ['a', 'b'] };
      const kernel = await asked(choosing(defaultResponse), { input });
      await kernel.advance(9);
      expect(kernel.summary().nodes.ask).toBe(status);
    }
  });

  it('S136 is no occasion for an edit, which would have to be looked at again', () => {
    const defaultResponse = { decision: 'edit', output: {} };
    const ask = human('review-edit', 'ask', { deadlineMs: 9, defaultResponse });
    const compiled = compilePlan({ title: 'Test', nodes: [ask], edges: [] });
    expect(compiled).toMatchObject({
      ok: false,
      issues: [{ code: 'default-response-invalid', path: '/nodes/0/defaultResponse/decision' }],
    });
  });
});

describe('an edit', () => {
  it('S204 is refused where nobody can be asked about it any more', async () => {
    const ask = human('review-edit', 'ask', { responders: { from: 'nodes.x.output' } });
    const kernel = new Kernel();
    await kernel.start(plan([action('x'), action('y'), ask], [edge('y', 'ask')]));
    await kernel.finish('x', ['ann']);
    await kernel.finish('y', {});
    await kernel.send({ type: 'run.rollback', node: 'x', ...op });
    await kernel.settle();
    const edited = answer(kernel, { decision: 'edit', output: {} }, { responder: 'ann' });
    await expect(edited).rejects.toMatchObject({ code: 'response-invalid' });
    await answer(kernel, { decision: 'accept' }, { responder: 'ann' });
    expect(kernel.summary().nodes.ask).toBe('completed');
  });
});

describe('an operator', () => {
  it('S172 makes no choice that was not to be had', async () => {
    const kernel = await asked(human('decision', 'ask', { options: { from: '["a", "b"]' } }));
    const complete = (choice: string): RunMessage => ({
      ...{ type: 'node.complete', node: 'ask', output: { choice }, outcome: null, action: null },
      ...op,
    });
    await expect(kernel.send(complete('c'))).rejects.toMatchObject({ code: 'output-invalid' });
    await kernel.send(complete('b'));
    await kernel.settle();
    expect(kernel.rows().nodeRuns.get('ask')).toMatchObject({ outcome: 'b', action: 'b' });
  });
});
