import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Kernel, type KernelOptions, respondMessage } from '../support/kernel.js';
import { action, edge, plan } from '../support/plans.js';
import { by, presented } from './asking.js';

const judged = (ask: object = {}, more: object = {}) => ({ name: 'liked', ask, ...more });

interface Judged {
  readonly kernel?: KernelOptions;
  readonly requestedBy?: string;
}

/** A node whose product is judged, up to the question, and one after it. */
async function judging(
  checks: readonly object[],
  settings: object = {},
  { kernel: options, requestedBy }: Judged = {},
): Promise<Kernel> {
  const kernel = new Kernel(options);
  const nodes = [action('make', { checks, ...settings }), action('after')];
  await kernel.start(plan(nodes, [edge('make', 'after')]), {
    input: { k: 'v' },
    settings: requestedBy === undefined ? {} : { requestedBy },
  });
  await kernel.settle();
  return kernel;
}

/** The same, with the product given. */
async function asked(
  checks: readonly object[],
  settings: object = {},
  more: Judged = {},
): Promise<Kernel> {
  const kernel = await judging(checks, settings, more);
  await kernel.finish('make', { ok: true, output: { text: 'a draft' }, artifacts: [DRAFT] });
  return kernel;
}

const DRAFT = { name: 'draft', kind: 'text', payload: 'a draft' };

async function say(kernel: Kernel, response: object, responder: string | null = null) {
  const reply = await kernel.respond('make', response as never, responder);
  await kernel.settle();
  return reply;
}

const statusOf = (kernel: Kernel) => kernel.summary().nodes.make;
const task = (kernel: Kernel) => kernel.openTasks().find(({ node }) => node === 'make');
const attempts = (kernel: Kernel) =>
  [...kernel.rows().attempts.values()].filter(({ node }) => node === 'make');
const issuesOf = (kernel: Kernel, place = 0) =>
  JSON.parse(attempts(kernel)[place]?.issuesJson ?? '[]') as object[];
const types = (kernel: Kernel) => kernel.rows().events.map(({ type }) => type);

describe('a person who judges what a node gives', () => {
  it('S234 is shown the product, and the node awaits him without a slot', async () => {
    const kernel = await asked(
      [judged({ instructions: 'Read it', criteria: ['short'], responders: ['ann'] })],
      { title: 'Make it' },
      { kernel: { concurrency: 1 } },
    );
    expect(kernel.summary()).toMatchObject({
      status: 'awaiting-human',
      nodes: { make: 'awaiting-human', after: 'pending' },
      outputs: {},
    });
    expect(task(kernel)).toMatchObject({ kind: 'human-check', level: 0, round: 1 });
    expect(presented(kernel, 'make')).toEqual({
      objective: 'Judge what Make it gives',
      instructions: 'Read it',
      criteria: ['short'],
      check: 'liked',
      input: { k: 'v' },
      output: { text: 'a draft' },
      artifacts: [{ ...DRAFT, pointer: null }],
      issues: [],
    });
    expect(kernel.supervisor.stats()).toMatchObject({ residentRuns: 0, admission: { used: 0 } });
  });

  it('S234 S138 approves, and the node is complete with what it gave', async () => {
    const kernel = await asked([judged()]);
    const before = types(kernel).length;
    await say(kernel, { approved: true, comments: 'well done' }, 'ann');
    expect(kernel.summary()).toMatchObject({
      nodes: { make: 'completed', after: 'running' },
      outputs: { make: { text: 'a draft' } },
    });
    expect(types(kernel).slice(before)).toEqual([
      'task.responded',
      'check.evaluated',
      'task.closed',
      'node.checking',
      'artifact.stored',
      'node.completed',
      'node.ready',
      'node.started',
      'run.status-changed',
    ]);
    expect(kernel.rows().artifacts).toMatchObject([{ standing: 'accepted' }]);
    expect(attempts(kernel)[0]).toMatchObject({ outcome: 'completed', issuesJson: null });
  });

  it('S234 S99 S104 refuses, which is a failure of class check with what has to change', async () => {
    const kernel = await asked([judged({}, { message: 'Not liked' })], { onFailure: 'continue' });
    await say(kernel, { approved: false, requiredEdits: ['shorter'], comments: 'too long' });
    expect(statusOf(kernel)).toBe('failed');
    expect(kernel.details('attempt.failed')).toMatchObject([
      { class: 'check', message: 'Not liked; shorter; too long' },
    ]);
    expect(issuesOf(kernel)).toMatchObject([
      { severity: 'blocking', code: 'check-unfulfilled', message: 'Not liked' },
      { severity: 'blocking', code: 'check-unfulfilled', message: 'shorter' },
      { severity: 'blocking', code: 'check-unfulfilled', message: 'too long' },
    ]);
    expect(kernel.rows().artifacts).toMatchObject([{ standing: 'rejected' }]);
  });

  it('S234 S101 whose refusal is a warning makes the node partial', async () => {
    const kernel = await asked([judged({}, { severity: 'warning' })]);
    await say(kernel, { approved: false });
    expect(statusOf(kernel)).toBe('partial');
    expect(issuesOf(kernel)).toMatchObject([{ severity: 'warning', code: 'check-unfulfilled' }]);
    expect(kernel.working()).toEqual(['after']);
  });

  it('S234 S204 has it tried again, and tells who does it what was said, and himself too', async () => {
    const kernel = await asked([judged()], { retry: { maxAttempts: 2, retryOn: ['check'] } });
    await say(kernel, { approved: false, requiredEdits: ['shorter'] }, 'ann');
    expect(kernel.attempt('make').context.feedback).toMatchObject([
      { node: 'make', outcome: 'changes-requested', responder: 'ann', requiredEdits: ['shorter'] },
    ]);
    await kernel.finish('make', { text: 'short' });
    expect(task(kernel)).toMatchObject({ round: 2 });
    expect(presented(kernel, 'make')).toMatchObject({
      output: { text: 'short' },
      history: [{ outcome: 'changes-requested' }],
    });
    await say(kernel, { approved: true });
    expect(kernel.summary()).toMatchObject({ outputs: { make: { text: 'short' } } });
  });

  it.each([
    ['skip', 'skipped', {}],
    ['continue', 'failed', {}],
    ['replan', 'blocked', {}],
    ['human-review', 'awaiting-human', {}],
    ['continue', 'partial', { defaultOutput: {} }],
    ['fallback', 'running', { fallback: { handler: 'work' } }],
    ['escalate', 'awaiting-human', { escalation: [{ responders: ['boss'] }] }],
  ])('S234 S112 whose refusal is met by %s leaves the node %s', async (onFailure, status, more) => {
    const kernel = await asked([judged()], { onFailure, ...more });
    await say(kernel, { approved: false });
    expect(statusOf(kernel)).toBe(status);
  });

  it('S234 S135 puts what he refused to a reviewer, who may accept it', async () => {
    const kernel = await asked([judged()], { onFailure: 'human-review' });
    await say(kernel, { approved: false, requiredEdits: ['shorter'] });
    expect(task(kernel)?.kind).toBe('human-review');
    expect(presented(kernel, 'make')).toMatchObject({
      output: { text: 'a draft' },
      artifacts: [{ name: 'draft', payload: 'a draft' }],
      issues: [{ code: 'check-unfulfilled' }, { message: 'shorter' }],
      history: [{ outcome: 'changes-requested' }],
    });
    await say(kernel, { decision: 'accept' });
    expect(kernel.summary()).toMatchObject({ outputs: { make: { text: 'a draft' } } });
  });

  it('S234 judges what a fallback gives too', async () => {
    const kernel = await asked([judged()], {
      onFailure: 'fallback',
      fallback: { handler: 'work' },
    });
    await say(kernel, { approved: false });
    await kernel.finish('make', { text: 'another' });
    expect(presented(kernel, 'make')).toMatchObject({ output: { text: 'another' } });
    await kernel.restart();
    await say(kernel, { approved: true });
    expect(kernel.summary()).toMatchObject({ outputs: { make: { text: 'another' } } });
    expect(attempts(kernel)).toMatchObject([{ outcome: 'failed' }, { outcome: 'completed' }]);
  });

  it('S234 is asked when conditions and handlers are content, and after the person before him', async () => {
    const kernel = await asked([
      judged({}, { name: 'second' }),
      { name: 'handled', handler: 'work' },
      { name: 'long', when: 'size(output.text) > 3' },
      judged({}, { name: 'third', severity: 'warning' }),
    ]);
    expect(kernel.openTasks()).toEqual([]);
    await kernel.finish('make', true);
    expect(presented(kernel, 'make').check).toBe('second');
    await say(kernel, { approved: true });
    expect(presented(kernel, 'make')).toMatchObject({ check: 'third' });
    await say(kernel, { approved: false });
    expect(statusOf(kernel)).toBe('partial');
  });
});

describe('a score that a person gives', () => {
  const scored = (ask: object = {}) => judged(ask, { threshold: 7 });

  it.each([
    [{ score: 7 }, 'completed', 'approved'],
    [{ score: 6.9 }, 'failed', 'rejected'],
    [{ score: 9, approved: false }, 'failed', 'rejected'],
    [{ score: 9, requiredEdits: ['x'] }, 'failed', 'changes-requested'],
  ])('S234 %j against a threshold of 7 leaves the node %s', async (response, status, outcome) => {
    const kernel = await asked([scored()], { onFailure: 'continue' });
    expect(presented(kernel, 'make')).toMatchObject({ threshold: 7 });
    expect(await say(kernel, response)).toMatchObject({ outcome, isDecided: true });
    expect(statusOf(kernel)).toBe(status);
    expect(kernel.details('check.evaluated')).toMatchObject([
      { check: 'liked', result: status === 'completed', score: response.score, threshold: 7 },
    ]);
  });

  it.each([
    [{}, '/score'],
    [{ score: 'high' }, '/score'],
    [{ score: 11 }, '/score'],
    [{ score: -1 }, '/score'],
    [{ score: 5, approved: 'yes' }, '/approved'],
    [{ score: 5, requiredEdits: 'all' }, '/requiredEdits'],
  ])(
    'S234 S131 %j is no answer on a scale from 0 to 10, and the task stays open',
    async (response, path) => {
      const kernel = await asked([scored({ score: { min: 0, max: 10 } })]);
      expect(task(kernel)?.responseSchemaJson).toContain('"maximum":10');
      await expect(say(kernel, response)).rejects.toMatchObject({
        code: 'response-invalid',
        issues: [{ path }],
      });
      expect(statusOf(kernel)).toBe('awaiting-human');
    },
  );

  it('S234 S131 without a threshold he says whether it is approved', async () => {
    const kernel = await asked([judged()]);
    await expect(say(kernel, { score: 9 })).rejects.toMatchObject({
      issues: [{ path: '/approved' }],
    });
  });

  it.each([
    [{ name: 'a', ask: { score: { min: 0, max: 10 } } }, /threshold-out-of-range/],
    [{ name: 'a', ask: { score: { min: 0, max: 10 } }, threshold: 11 }, /threshold-out-of-range/],
    [{ name: 'a', ask: { defaultResponse: { score: 5 } } }, /default-response-invalid/],
    [{ name: 'a', ask: { responders: ['ann'], quorum: { approvals: 2 } } }, /quorum-unreachable/],
    [{ name: 'a', ask: { assignee: 'ann', quorum: { approvals: 2 } } }, /quorum-of-one/],
    [{ name: 'a', ask: { responders: { from: 'input.' } } }, /invalid-expression/],
    [{ name: 'a', ask: {}, handler: 'work' }, /./],
  ])('S25 S234 %j is refused with its place', (check, says) => {
    expect(() => plan([action('make', { checks: [check] })])).toThrow(says);
  });
});

describe('people who judge', () => {
  it('S129 S234 are those whom the check names, worked out from the input where it says so', async () => {
    const kernel = await asked([judged({ responders: { from: '[input.k]' }, groups: ['board'] })]);
    await expect(say(kernel, { approved: true }, 'ann')).rejects.toMatchObject({
      code: 'responder-refused',
    });
    await say(kernel, { approved: true }, 'v');
    expect(statusOf(kernel)).toBe('completed');
  });

  it('S234 vote where it takes several', async () => {
    const quorum = { approvals: 2, rejections: 2 };
    const kernel = await asked([judged({ quorum, responders: ['ann', 'bob', 'cid'] })], {
      onFailure: 'continue',
    });
    await say(kernel, { approved: false, comments: 'no' }, 'ann');
    await say(kernel, { approved: true }, 'bob');
    expect(statusOf(kernel)).toBe('awaiting-human');
    await kernel.restart();
    await say(kernel, { approved: false, requiredEdits: ['x'] }, 'cid');
    expect(statusOf(kernel)).toBe('failed');
    expect(issuesOf(kernel).map((issue) => (issue as { message: string }).message)).toEqual([
      'the check "liked" is not fulfilled',
      'x',
      'no',
    ]);
  });

  it('S234 are not the one who asked for the run under four eyes', async () => {
    const check = judged({ fourEyes: true });
    const kernel = await asked([check], {}, { requestedBy: 'ann' });
    await expect(say(kernel, { approved: true }, 'ann')).rejects.toMatchObject({
      code: 'responder-excluded',
    });
    await say(kernel, { approved: true }, 'bob');
    expect(statusOf(kernel)).toBe('completed');
    const unknown = await asked([check], { onFailure: 'continue' });
    expect(statusOf(unknown)).toBe('failed');
    expect(issuesOf(unknown)).toMatchObject([
      { code: 'check-errored', message: expect.stringContaining('requester-unknown') },
    ]);
  });

  it('S234 claim, hand on and put off as with any task', async () => {
    const kernel = await asked([judged({ responders: ['ann', 'bob'], deadlineMs: 1_000 })]);
    const id = kernel.task('make');
    const change = (what: object) =>
      kernel.send({ type: 'task.change', task: id, change: what as never });
    await change({ type: 'claim', by: by('ann') });
    await change({ type: 'delegate', by: by('ann'), to: by('bob') });
    await change({ type: 'extend', by: null, deadlineAt: kernel.clock.now() + 5_000 });
    await kernel.advance(2_000);
    await say(kernel, { approved: true }, 'bob');
    expect(statusOf(kernel)).toBe('completed');
  });

  it('S234 hand over nothing', async () => {
    const kernel = await asked([judged()]);
    const value = { ok: true, artifacts: [DRAFT] };
    const message = respondMessage({
      task: kernel.task('make'),
      node: 'make',
      response: { approved: true },
      product: { type: 'returned', value },
    });
    await expect(kernel.send(message)).rejects.toMatchObject({ issues: [{ path: '/artifacts' }] });
  });

  it('S137 S234 whose message comes twice have said it once', async () => {
    const kernel = await asked([judged({ quorum: { approvals: 2 } })]);
    const message = (approved: boolean) =>
      respondMessage({
        task: kernel.task('make'),
        node: 'make',
        response: { approved },
        responder: 'ann',
        messageId: 'm1',
      });
    const first = await kernel.send(message(true));
    expect(await kernel.send(message(true))).toEqual(first);
    await expect(kernel.send(message(false))).rejects.toMatchObject({ code: 'message-conflict' });
  });
});

describe('time in which nobody judges', () => {
  it('S136 S234 reminds', async () => {
    const kernel = await asked([judged({ reminders: { afterMs: 1_000, everyMs: 1_000, max: 2 } })]);
    await kernel.restart();
    await kernel.advance(5_000);
    expect(kernel.details('task.reminded')).toHaveLength(2);
  });

  it('S136 S234 weighs as much as a refusal once the deadline has passed', async () => {
    const kernel = await asked([judged({ deadlineMs: 1_000 })], { onFailure: 'continue' });
    await kernel.advance(1_001);
    expect(statusOf(kernel)).toBe('failed');
    expect(issuesOf(kernel)).toMatchObject([{ severity: 'blocking', code: 'check-errored' }]);
    expect(kernel.details('task.closed')).toMatchObject([{ status: 'expired' }]);
  });

  it('S136 S234 takes the default answer, whichever that is', async () => {
    for (const approved of [true, false]) {
      const ask = { deadlineMs: 1_000, defaultResponse: { approved } };
      const kernel = await asked([judged(ask)], { onFailure: 'continue' });
      await kernel.advance(1_001);
      expect(statusOf(kernel)).toBe(approved ? 'completed' : 'failed');
      expect(kernel.details('task.defaulted')).toMatchObject([
        { outcome: approved ? 'approved' : 'rejected' },
      ]);
    }
  });

  it.each([false, true])(
    'S118 S136 S234 turns to others level by level, over restarts: %s',
    async (stops) => {
      const escalation = [
        { responders: ['bob'], deadlineMs: 1_000, instructions: 'Now you' },
        { responders: ['boss'], delayMs: 1_000 },
      ];
      const kernel = await asked([judged({ responders: ['ann'], deadlineMs: 1_000, escalation })]);
      const next = async () => {
        if (stops) await kernel.restart();
        await kernel.advance(1_001);
      };
      await next();
      expect(task(kernel)).toMatchObject({ level: 1, peopleJson: '{"responders":["bob"]}' });
      expect(presented(kernel, 'make')).toMatchObject({
        instructions: 'Now you',
        output: { text: 'a draft' },
      });
      await next();
      expect(statusOf(kernel)).toBe('running');
      expect(kernel.openTasks()).toEqual([]);
      await next();
      expect(task(kernel)).toMatchObject({ level: 2 });
      await next();
      await say(kernel, { approved: true }, 'boss');
      expect(kernel.summary()).toMatchObject({ outputs: { make: { text: 'a draft' } } });
      expect(kernel.details('escalation.raised')).toMatchObject([
        { level: 1, check: 'liked' },
        { level: 2, check: 'liked' },
      ]);
      expect(kernel.executions).toHaveLength(2);
    },
  );

  it('S136 S234 stands still while no process runs where the check says so', async () => {
    const kernel = await asked([judged({ deadlineMs: 10_000, onDowntime: 'restart' })]);
    await kernel.advance(9_000);
    await kernel.restart({ beforeRecovery: () => kernel.clock.advance(60_000) });
    await kernel.send({ type: 'run.recover', downSince: kernel.clock.now() - 60_000 });
    await kernel.settle();
    expect(statusOf(kernel)).toBe('awaiting-human');
    await kernel.advance(9_999);
    await say(kernel, { approved: true });
    expect(statusOf(kernel)).toBe('completed');
  });
});

describe('a judgement that is awaited', () => {
  it('S234 S165 survives stops without the work being done again', async () => {
    const kernel = await asked([judged()]);
    await kernel.restart();
    await kernel.restart();
    expect(kernel.details('check.interrupted')).toEqual([]);
    await say(kernel, { approved: true });
    expect(kernel.summary()).toMatchObject({ outputs: { make: { text: 'a draft' } } });
    expect(kernel.rows().artifacts).toMatchObject([{ payloadJson: '"a draft"' }]);
    expect(kernel.executions).toHaveLength(2);
  });

  it('S234 of a run that is cancelled counts what was given, with a warning, so that it can be undone', async () => {
    const kernel = await asked([judged()], { compensate: { handler: 'work' } });
    await kernel.cancel();
    await kernel.settle();
    expect(statusOf(kernel)).toBe('partial');
    expect(kernel.details('task.closed')).toMatchObject([{ status: 'cancelled' }]);
    expect(issuesOf(kernel)).toMatchObject([{ code: 'check-skipped' }]);
    expect(kernel.open().map(({ input }) => input)).toMatchObject([
      { output: { text: 'a draft' } },
    ]);
  });

  it('S234 between two levels ends with its run in the same way', async () => {
    const escalation = [{ responders: ['boss'], delayMs: 60_000 }];
    const kernel = await asked([judged({ deadlineMs: 1_000, escalation })]);
    await kernel.advance(1_001);
    expect(statusOf(kernel)).toBe('running');
    await kernel.cancel();
    await kernel.settle();
    expect(kernel.status()).toBe('cancelled');
    expect(statusOf(kernel)).toBe('partial');
  });

  it.each(['node.complete', 'node.skip'] as const)(
    'S234 S172 is passed over by an operator: %s',
    async (type) => {
      const kernel = await asked([judged()]);
      const message = { type, node: 'make', by: 'op', reason: null } as const;
      const completes = { output: { text: 'mine' }, outcome: null, action: null };
      await kernel.send(
        type === 'node.complete'
          ? { ...message, type, ...completes }
          : { ...message, type: 'node.skip' },
      );
      await kernel.settle();
      expect(statusOf(kernel)).toBe(type === 'node.complete' ? 'completed' : 'skipped');
      expect(attempts(kernel)[0]).toMatchObject({ outcome: 'cancelled' });
      expect(kernel.rows().artifacts).toMatchObject([{ standing: 'rejected' }]);
      expect(kernel.openTasks()).toEqual([]);
    },
  );

  it('S234 is called off where the run goes back to before it, and asked for anew', async () => {
    const kernel = await asked([judged()]);
    await kernel.send({ type: 'run.rollback', node: 'make', by: 'op', reason: null });
    await kernel.settle();
    expect(kernel.openTasks()).toEqual([]);
    await kernel.finish('make', { text: 'anew' });
    expect(task(kernel)).toMatchObject({ generation: 2 });
    await say(kernel, { approved: true });
    expect(kernel.summary()).toMatchObject({ outputs: { make: { text: 'anew' } } });
  });

  it('S234 of work with one input takes no other', async () => {
    const kernel = await asked([judged()]);
    const message = {
      type: 'node.patch',
      node: 'make',
      input: {},
      by: 'op',
      reason: null,
    } as const;
    await expect(kernel.send(message)).rejects.toMatchObject({ code: 'node-not-changeable' });
  });

  it('S234 S156 counts in a run that is paused', async () => {
    const kernel = await asked([judged()]);
    await kernel.send({ type: 'run.pause' });
    await say(kernel, { approved: true });
    expect(kernel.summary()).toMatchObject({ status: 'paused', nodes: { make: 'completed' } });
    expect(kernel.working()).toEqual([]);
  });

  it('S234 takes the result of the attempt once', async () => {
    const kernel = await asked([judged()]);
    const late = { type: 'attempt.result', node: 'make', generation: 1, attempt: 1 } as const;
    const result = { type: 'returned', value: { text: 'late' } } as const;
    await expect(kernel.send({ ...late, result })).rejects.toMatchObject({ code: 'attempt-stale' });
  });

  const steps = fc.array(
    fc.oneof(
      fc.constant({ does: 'stop' } as const),
      fc.record({ does: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 3_000 }) }),
      fc.record({
        does: fc.constant('say' as const),
        approved: fc.boolean(),
        who: fc.constantFrom('ann', 'bob', 'boss'),
      }),
      fc.constant({ does: 'work' } as const),
    ),
    { maxLength: 14 },
  );

  it('S234 S165 comes to the same whatever process it is that goes on', async () => {
    const run = async (script: readonly { does: string }[], stops: boolean) => {
      const escalation = [
        { responders: ['bob'], deadlineMs: 900 },
        { responders: ['boss'], delayMs: 700, deadlineMs: 1_100 },
      ];
      const checks = [
        judged({ responders: ['ann'], deadlineMs: 1_300, escalation, quorum: { approvals: 1 } }),
        judged(
          { deadlineMs: 2_000, defaultResponse: { approved: true } },
          { name: 'b', severity: 'warning' },
        ),
      ];
      const kernel = await judging(checks, {
        retry: { maxAttempts: 2, retryOn: ['check'] },
        onFailure: 'human-review',
      });
      for (const step of script as readonly {
        does: string;
        ms: number;
        approved: boolean;
        who: string;
      }[]) {
        const isIdle = !kernel.working().includes('make');
        if (step.does === 'stop' && stops && isIdle) await kernel.restart();
        if (step.does === 'wait') await kernel.advance(step.ms);
        if (step.does === 'work' && kernel.working().includes('make')) {
          await kernel.finish('make', { text: 'x' });
        }
        if (step.does === 'say' && task(kernel) !== undefined) {
          await say(kernel, { approved: step.approved, decision: 'accept' }, step.who).catch(
            () => {},
          );
        }
      }
      return {
        summary: kernel.summary(),
        attempts: attempts(kernel).map(({ outcome, issuesJson }) => ({ outcome, issuesJson })),
        tasks: [...kernel.rows().tasks.values()].map(
          ({ kind, status, level, presentedDigest }) => ({
            ...{ kind, status, level, presentedDigest },
          }),
        ),
      };
    };
    await fc.assert(
      fc.asyncProperty(steps, async (script) => {
        // Work that is stopped is begun anew, as another attempt: only what comes after it is compared.
        const calm = [{ does: 'work' }, ...script.filter(({ does }) => does !== 'work')];
        expect(await run(calm, true)).toEqual(await run(calm, false));
        await run(script, true);
      }),
      { numRuns: 40 },
    );
  });
});
