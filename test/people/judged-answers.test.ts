/** Handlers and people judge what a person has answered, by the mechanism that judges work. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { executorsOf } from '../../src/plan/executors.js';
import { Kernel, respondMessage, type StartOptions } from '../support/kernel.js';
import { action, approval, type Draft, edge, plan } from '../support/plans.js';
import { answer, asked, by, change, human, presented } from './asking.js';

const handled = (more: object = {}) => ({ name: 'sound', handler: 'work', ...more });
const judged = (ask: object = {}, more: object = {}) => ({ name: 'liked', ask, ...more });
const YES = { approved: true };
const NO = { approved: false };

const input = (checks: readonly object[], more: object = {}) =>
  human('input', 'ask', { checks, ...more });

const status = (kernel: Kernel) => kernel.summary().nodes.ask;
const output = (kernel: Kernel) => kernel.summary().outputs.ask;
const kind = (kernel: Kernel) => kernel.openTasks().map((task) => task.kind);
const attempts = (kernel: Kernel) =>
  [...kernel.rows().attempts.values()].filter(({ node }) => node === 'ask');
const issuesOf = (kernel: Kernel, place = 0) =>
  JSON.parse(attempts(kernel)[place]?.issuesJson ?? '[]') as object[];

/** Answered by ann, up to whatever looks at that. */
async function answered(
  ask: Draft,
  response: unknown = { text: 'hello' },
  start: StartOptions = {},
): Promise<Kernel> {
  const kernel = await asked(ask, start);
  await answer(kernel, response as never, { responder: 'ann' });
  return kernel;
}

const judge = (kernel: Kernel, response: object, responder: string | null = 'bob') =>
  answer(kernel, response as never, { responder });

describe('a handler that checks an answer', () => {
  it('S234 S102 gets it, and the node is complete when it is content', async () => {
    const kernel = await answered(input([handled({ threshold: 5 })]));
    expect(status(kernel)).toBe('running');
    expect(kernel.openTasks()).toEqual([]);
    const [check] = kernel.open();
    expect(check?.input).toMatchObject({ output: { text: 'hello' }, outcome: 'answered' });
    expect(check?.key).toBe('r1/ask/1/1/checks/sound/1');
    expect(output(kernel)).toBeUndefined();
    await kernel.finish('ask', { score: 5 });
    expect([status(kernel), output(kernel)]).toEqual(['completed', { text: 'hello' }]);
    expect(attempts(kernel)).toMatchObject([
      { attempt: 1, worker: 'ann', outcome: 'completed', outputJson: '{"text":"hello"}' },
    ]);
  });

  it('S138 S234 has its say after the answer is recorded and the task is closed', async () => {
    const kernel = await answered(input([handled()]));
    await kernel.finish('ask', true);
    const log = kernel.log('r1', /(^task| ask|^check)/);
    expect(log.slice(log.indexOf('task.responded ask'))).toEqual([
      'task.responded ask',
      'task.closed ask',
      'node.checking ask#1',
      'check.started ask#1',
      'check.evaluated ask#1',
      'node.completed ask#1',
    ]);
  });

  it('S234 S204 has it asked for again where it refuses, with what was said and why not', async () => {
    const kernel = await answered(input([handled({ message: 'Say please' })]));
    await kernel.finish('ask', { ok: false, issues: ['no word of thanks'] });
    expect([status(kernel), output(kernel)]).toEqual(['awaiting-human', undefined]);
    expect(presented(kernel).history).toMatchObject([
      {
        node: 'ask',
        round: 1,
        outcome: 'refused',
        responder: 'ann',
        output: { text: 'hello' },
        issues: [{ message: 'Say please' }, { message: 'no word of thanks' }],
      },
    ]);
    expect(kernel.openTasks()).toMatchObject([{ round: 2, kind: 'human-input' }]);
    await answer(kernel, { text: 'thanks' }, { responder: 'ann' });
    await kernel.finish('ask', true);
    expect([status(kernel), output(kernel)]).toEqual(['completed', { text: 'thanks' }]);
    expect(attempts(kernel)).toMatchObject([{ outcome: 'failed' }, { outcome: 'completed' }]);
    expect(issuesOf(kernel)).toHaveLength(2);
    expect(kernel.details('attempt.failed')).toMatchObject([{ class: 'check' }]);
  });

  it.each([
    ['abort', {}, 'failed', 'failed'],
    ['skip', {}, 'skipped', 'completed'],
    ['continue', {}, 'failed', 'partial'],
    ['continue', { defaultOutput: { text: '-' } }, 'partial', 'partial'],
  ])('S234 S112 asks maxRounds times; then %s with %j leaves the node %s', async (...given) => {
    const [onFailure, more, expected, run] = given;
    const kernel = await asked(input([handled()], { maxRounds: 2, onFailure, ...more }));
    for (const text of ['a', 'b']) {
      await answer(kernel, { text });
      await kernel.finish('ask', false);
    }
    expect(kernel.openTasks()).toEqual([]);
    expect(status(kernel)).toBe(expected);
    if (kernel.working().includes('after')) await kernel.finish('after');
    expect(kernel.status()).toBe(run);
    expect(attempts(kernel).map(({ outcome }) => outcome)).toEqual(['failed', 'failed']);
  });

  it('S234 asks three times unless more is said', async () => {
    const kernel = await asked(input([handled()]));
    for (const text of ['a', 'b', 'c']) {
      await answer(kernel, { text });
      await kernel.finish('ask', false);
    }
    expect(status(kernel)).toBe('failed');
  });

  it('S102 S234 makes the node partial where it is a warning, and where it remarks on something', async () => {
    const kernel = await answered(
      input([handled({ severity: 'warning' }), handled({ name: 'b' })]),
    );
    await kernel.finish('ask', false);
    await kernel.finish('ask', { ok: true, issues: ['fine, but'] });
    expect([status(kernel), output(kernel)]).toEqual(['partial', { text: 'hello' }]);
    expect(issuesOf(kernel)).toMatchObject([{ severity: 'warning' }, { message: 'fine, but' }]);
  });

  it('S131 S234 is asked only of what conditions hold of: they refuse at once, and the task stays open', async () => {
    const long = { name: 'long', when: 'size(output.text) > 3' };
    const note = { name: 'note', when: 'false', severity: 'warning' };
    const kernel = await asked(input([handled(), long, note]));
    await expect(answer(kernel, { text: 'no' })).rejects.toMatchObject({
      code: 'response-invalid',
    });
    expect(kernel.openTasks()).toHaveLength(1);
    expect(kernel.working()).toEqual([]);
    await answer(kernel, { text: 'long' });
    await kernel.finish('ask', true);
    expect(status(kernel)).toBe('partial');
    expect(issuesOf(kernel)).toMatchObject([{ detail: { check: 'note' } }]);
  });

  it('S234 that fails is tried three times, and then weighs as much as a refusal', async () => {
    const kernel = await answered(input([handled()]));
    for (let tries = 0; tries < 3; tries += 1) await kernel.fail('ask');
    expect(presented(kernel).history).toMatchObject([{ issues: [{ code: 'check-errored' }] }]);
  });

  it('S53 S234 waits for its slot like work, and work that is ready waits while it has it', async () => {
    const nodes = [input([handled()]), action('a'), action('b')];
    const kernel = new Kernel();
    await kernel.start(plan(nodes, [edge('a', 'b')]), { concurrency: 1 });
    await kernel.settle();
    await answer(kernel, 1);
    expect(kernel.working()).toEqual(['a']);
    await kernel.finish('a');
    expect(kernel.working()).toEqual(['ask']);
    await kernel.restart();
    expect(kernel.working()).toEqual(['ask']);
    await kernel.finish('ask', true);
    expect(kernel.working()).toEqual(['b']);
  });

  it('S8 S234 has to be there before the run starts', () => {
    const version = plan([input([handled({ handler: 'judge' })])], []);
    expect([...executorsOf(version.plan).asked]).toEqual(['judge']);
  });
});

describe('every kind of answer that is checked', () => {
  it('S125 S234 an approval, whose outcome counts once it is content', async () => {
    const kernel = await answered(approval('ask', { checks: [handled()] }), YES);
    expect(kernel.open()[0]?.input).toMatchObject({ output: YES, outcome: 'approved' });
    await kernel.finish('ask', true);
    expect(status(kernel)).toBe('completed');
    expect(kernel.working()).toEqual(['after']);
  });

  it('S133 S234 a rejection is checked too, and goes on nowhere', async () => {
    const kernel = await answered(approval('ask', { checks: [handled()] }), NO);
    await kernel.finish('ask', true);
    expect(status(kernel)).toBe('completed');
    expect(kernel.working()).toEqual([]);
    expect(kernel.status()).toBe('completed');
  });

  it('S205 S234 the votes of several, once they have decided', async () => {
    const ask = approval('ask', { checks: [handled()], quorum: { approvals: 2 } });
    const kernel = await asked(ask);
    await answer(kernel, YES, { responder: 'ann' });
    expect(kernel.working()).toEqual([]);
    await answer(kernel, YES, { responder: 'bob' });
    expect(kernel.open()[0]?.input).toMatchObject({
      output: { approved: true, votes: [{ responder: 'ann' }, { responder: 'bob' }] },
    });
    await kernel.finish('ask', false);
    await answer(kernel, YES, { responder: 'ann' });
    expect(kernel.working()).toEqual([]);
    await answer(kernel, YES, { responder: 'bob' });
    await kernel.finish('ask', true);
    expect(status(kernel)).toBe('completed');
  });

  it('S204 S234 a draft that was accepted: refused it is the draft that is looked at again', async () => {
    const ask = human('review-edit', 'ask', { checks: [handled()] });
    const kernel = await answered(ask, { decision: 'accept', output: { v: 2 } });
    expect(kernel.open()[0]?.input).toMatchObject({ output: { v: 2 }, outcome: 'approved' });
    await kernel.finish('ask', false);
    expect(presented(kernel)).toMatchObject({ subject: { v: 2 } });
    await answer(kernel, { decision: 'edit', output: { v: 3 } });
    expect(kernel.working()).toEqual([]);
    await answer(kernel, { decision: 'accept' });
    await kernel.finish('ask', true);
    expect([status(kernel), output(kernel)]).toEqual(['completed', { v: 3 }]);
  });

  it.each(['send-back', 'reject'])(
    'S204 S234 but not what ends a review by %s',
    async (decision) => {
      const ask = human('review-edit', 'ask', { checks: [handled()] });
      const kernel = await answered(ask, { decision, requiredEdits: ['x'] });
      expect(kernel.working()).toEqual([]);
      expect(status(kernel)).toBe('completed');
    },
  );

  it('S125 S132 S234 a choice, by which the run goes on once it is content', async () => {
    const ask = human('decision', 'ask', {
      checks: [handled()],
      options: [{ id: 'a' }, { id: 'b' }],
    });
    const kernel = await answered(ask, { choice: 'b' });
    expect(kernel.open()[0]?.input).toMatchObject({ output: { choice: 'b' }, outcome: 'b' });
    await kernel.restart();
    await kernel.finish('ask', true);
    expect(kernel.rows().nodeRuns.get('ask')).toMatchObject({ outcome: 'b', action: 'b' });
  });

  it('S94 S95 S234 what is handed over with it, rejected with it or accepted', async () => {
    const deliverables = [{ name: 'scan', kind: 'pdf' }];
    const artifacts = [{ name: 'scan', kind: 'pdf', payload: 'x'.repeat(10) }];
    const kernel = await asked(input([handled()], { deliverables }));
    for (const verdict of [false, true]) {
      const product = { value: { artifacts } } as never;
      await answer(kernel, {}, { product });
      expect(kernel.open()[0]?.input).toMatchObject({ artifacts: { scan: { kind: 'pdf' } } });
      await kernel.finish('ask', verdict);
    }
    expect(kernel.rows().artifacts).toMatchObject([
      { standing: 'rejected', attempt: 1, version: 1 },
      { standing: 'accepted', attempt: 2, version: 2 },
    ]);
  });

  it('S134 S234 requested changes send the work back once they are good enough, and not before', async () => {
    const ask = approval('ask', { checks: [handled()], rework: { to: 'draft' } });
    const kernel = new Kernel();
    await kernel.start(plan([action('draft'), ask], [edge('draft', 'ask')]));
    await kernel.settle();
    await kernel.finish('draft', { v: 1 });
    await answer(kernel, { approved: true, requiredEdits: ['?'] }, { responder: 'ann' });
    await kernel.finish('ask', { ok: false, issues: ['say what'] });
    expect(kernel.details('run.reworked')).toEqual([]);
    await answer(kernel, { approved: true, requiredEdits: ['shorter'] }, { responder: 'ann' });
    await kernel.finish('ask', true);
    expect(kernel.details('run.reworked')).toMatchObject([{ to: 'draft', round: 1 }]);
    expect(kernel.attempt('draft').context.feedback).toMatchObject([
      { outcome: 'changes-requested', requiredEdits: ['shorter'] },
    ]);
    await kernel.finish('draft', { v: 2 });
    expect(presented(kernel).history).toMatchObject([
      { outcome: 'refused' },
      { outcome: 'changes-requested' },
    ]);
  });
});

describe('a person who judges an answer', () => {
  it('S234 is shown it and its outcome, and the node is complete when he is content', async () => {
    const kernel = await answered(
      input([judged({ responders: ['ann', 'bob'] }, { threshold: 3 })]),
    );
    expect(kind(kernel)).toEqual(['human-check']);
    expect(presented(kernel)).toMatchObject({
      check: 'liked',
      output: { text: 'hello' },
      outcome: 'answered',
    });
    await judge(kernel, { score: 4 });
    expect([status(kernel), output(kernel)]).toEqual(['completed', { text: 'hello' }]);
  });

  it('S234 S204 sends it back with what he wants changed, and sees what came before', async () => {
    const kernel = await answered(input([judged()]));
    await judge(kernel, { approved: false, requiredEdits: ['longer'], comments: 'too short' });
    expect(kind(kernel)).toEqual(['human-input']);
    expect(presented(kernel).history).toMatchObject([
      { outcome: 'refused', issues: [{}, { message: 'longer' }, { message: 'too short' }] },
    ]);
    await answer(kernel, { text: 'hello there' }, { responder: 'ann' });
    expect(presented(kernel).history).toMatchObject([{ outcome: 'refused' }]);
    await judge(kernel, YES);
    expect(status(kernel)).toBe('completed');
  });

  it('S205 S234 judges nothing that he has answered himself, however the task comes to him', async () => {
    const kernel = await answered(input([judged({ delegation: 'anyone' })]));
    const own = { code: 'responder-excluded' };
    await expect(judge(kernel, YES, 'ann')).rejects.toMatchObject(own);
    await expect(judge(kernel, YES, null)).rejects.toMatchObject({ code: 'responder-refused' });
    await expect(change(kernel, { type: 'claim', by: by('ann') })).rejects.toMatchObject(own);
    const given = { type: 'assign', by: null, to: by('ann') } as const;
    await expect(change(kernel, given)).rejects.toMatchObject(own);
    const handed = { type: 'delegate', by: by('bob'), to: by('ann') } as const;
    await expect(change(kernel, handed)).rejects.toMatchObject(own);
    await judge(kernel, YES);
    expect(status(kernel)).toBe('completed');
  });

  it('S205 S234 knows that it is not his own: what he is to judge is answered under a name', async () => {
    const kernel = await asked(input([handled(), judged()]));
    await expect(answer(kernel, 1)).rejects.toMatchObject({ code: 'responder-refused' });
    expect(kernel.openTasks()).toHaveLength(1);
    await answer(kernel, 1, { responder: 'ann' });
    expect(kernel.working()).toEqual(['ask']);
  });

  it('S205 S234 has had no vote in it either', async () => {
    const ask = approval('ask', { checks: [judged()], quorum: { approvals: 2 } });
    const kernel = await asked(ask);
    for (const responder of ['ann', 'bob']) await answer(kernel, YES, { responder });
    for (const own of ['ann', 'bob']) {
      await expect(judge(kernel, YES, own)).rejects.toMatchObject({ code: 'responder-excluded' });
    }
    await judge(kernel, YES, 'eve');
    expect(status(kernel)).toBe('completed');
  });

  it('S205 S234 under four eyes has not asked for the run either', async () => {
    const ask = input([judged({ fourEyes: true })]);
    const kernel = await answered(ask, 1, { settings: { requestedBy: 'eve' } });
    for (const name of ['ann', 'eve']) {
      await expect(judge(kernel, YES, name)).rejects.toMatchObject({ code: 'responder-excluded' });
    }
    await judge(kernel, YES);
    expect(status(kernel)).toBe('completed');
  });

  it.each([
    ['responders', { responders: ['ann'] }],
    ['an assignee', { assignee: 'ann' }],
    ['a quorum', { responders: ['ann', 'bob'], quorum: { approvals: 2 } }],
  ])('S234 who is nobody else is a check that cannot be decided: %s', async (_what, ask) => {
    const kernel = await answered(input([judged(ask)], { maxRounds: 1, onFailure: 'continue' }));
    expect(status(kernel)).toBe('failed');
    expect(issuesOf(kernel)).toMatchObject([{ code: 'check-errored' }]);
  });

  it('S136 S234 is followed by others when his deadline passes, who have not answered either', async () => {
    const escalation = [{ assignee: 'ann', responders: ['eve'] }];
    const kernel = await answered(input([judged({ deadlineMs: 1_000, escalation })]));
    await kernel.advance(1_000);
    expect(kernel.openTasks()).toMatchObject([{ level: 1, assignee: null }]);
    await expect(judge(kernel, YES, 'bob')).rejects.toMatchObject({ code: 'responder-refused' });
    await judge(kernel, YES, 'eve');
    expect(status(kernel)).toBe('completed');
  });

  it('S136 S234 who says nothing in time weighs as much as a refusal', async () => {
    const kernel = await answered(input([judged({ deadlineMs: 1_000 })]));
    await kernel.advance(1_000);
    expect(presented(kernel).history).toMatchObject([{ issues: [{ code: 'check-errored' }] }]);
  });

  it('S137 S234 whose message comes twice has said it once', async () => {
    const kernel = await answered(input([judged(), judged({}, { name: 'b' })]));
    const said = { task: kernel.task('ask'), node: 'ask', response: YES, responder: 'bob' };
    await kernel.send(respondMessage({ ...said, messageId: 'm1' }));
    const again = kernel.send(respondMessage({ ...said, messageId: 'm1' }));
    await expect(again).rejects.toMatchObject({ code: 'task-superseded' });
    expect(presented(kernel)).toMatchObject({ check: 'b' });
  });
});

describe('a default answer that is checked', () => {
  const ask = (more: object = {}) =>
    input([handled()], { deadlineMs: 1_000, defaultResponse: { text: 'none' }, ...more });

  it('S102 S136 S234 counts once every check is content', async () => {
    const kernel = await asked(ask());
    await kernel.advance(1_000);
    expect(kernel.details('task.closed')).toMatchObject([{ status: 'expired' }]);
    await kernel.finish('ask', true);
    expect([status(kernel), output(kernel)]).toEqual(['completed', { text: 'none' }]);
  });

  it.each([
    [{}, 'failed'],
    [{ onFailure: 'skip' }, 'skipped'],
    [{ onFailure: 'continue', defaultOutput: {} }, 'partial'],
  ])(
    'S102 S136 S234 is none where one refuses it: nobody is asked again, and %j leaves the node %s',
    async (more, expected) => {
      const kernel = await asked(ask(more));
      await kernel.advance(1_000);
      await kernel.finish('ask', false);
      expect(kernel.openTasks()).toEqual([]);
      expect(status(kernel)).toBe(expected);
      expect(kernel.rows().nodeRuns.get('ask')?.reasonJson).toMatch('deadline-passed');
    },
  );

  it('S136 S234 is judged by anybody, since nobody has given it', async () => {
    const kernel = await asked(ask({ checks: [judged({ responders: ['ann'] })] }));
    await kernel.advance(1_000);
    await judge(kernel, YES, 'ann');
    expect(status(kernel)).toBe('completed');
  });
});

describe('an answer under check', () => {
  it('S165 S234 survives stops: the check is asked again under its key, and the person is not', async () => {
    const kernel = await answered(input([handled(), judged()]));
    await kernel.restart();
    expect(kernel.details('check.interrupted')).toHaveLength(1);
    expect(kernel.executions).toEqual(Array(2).fill('r1/ask/1/1/checks/sound/1'));
    await kernel.finish('ask', true);
    await kernel.restart();
    expect(kernel.details('check.interrupted')).toHaveLength(1);
    await expect(judge(kernel, YES, 'ann')).rejects.toMatchObject({ code: 'responder-excluded' });
    await judge(kernel, NO);
    await kernel.restart();
    expect(presented(kernel).history).toMatchObject([{ outcome: 'refused', responder: 'ann' }]);
    expect(kernel.openTasks()).toMatchObject([{ round: 2 }]);
  });

  it('S164 S234 whose check stops its process again and again is given up', async () => {
    const kernel = await answered(input([handled()]));
    for (let stops = 0; stops < 6; stops += 1) await kernel.restart();
    expect(status(kernel)).toBe('failed');
    expect(attempts(kernel)).toMatchObject([{ outcome: 'interrupted' }]);
  });

  it.each([handled(), judged()])(
    'S153 S234 does not count where its run is cancelled: %j',
    async (check) => {
      const kernel = await answered(approval('ask', { checks: [check] }), YES);
      await kernel.cancel();
      for (const open of kernel.open()) open.return(true);
      await kernel.settle();
      expect([kernel.status(), status(kernel)]).toEqual(['cancelled', 'cancelled']);
      expect(kernel.rows().nodeRuns.get('ask')?.outcome).toBeNull();
      expect(attempts(kernel)).toMatchObject([{ outcome: 'cancelled' }]);
      expect(kernel.openTasks()).toEqual([]);
      expect(kernel.complaints).toEqual([]);
    },
  );

  it.each([handled(), judged()])(
    'S172 S234 is passed over by an operator, and takes no other input: %j',
    async (check) => {
      const kernel = await answered(input([check]));
      const message = { node: 'ask', by: 'op', reason: null };
      const patch = { ...message, type: 'node.patch', input: {} } as const;
      await expect(kernel.send(patch)).rejects.toMatchObject({ code: 'node-not-changeable' });
      const completes = { output: { text: 'mine' }, outcome: null, action: null };
      await kernel.send({ ...message, type: 'node.complete', ...completes });
      await kernel.settle();
      expect([status(kernel), output(kernel)]).toEqual(['completed', { text: 'mine' }]);
      expect(attempts(kernel)).toMatchObject([{ outcome: 'cancelled' }]);
      expect(kernel.openTasks()).toEqual([]);
    },
  );

  it.each([handled(), judged()])(
    'S171 S234 is asked for anew where the run goes back: %j',
    async (check) => {
      const kernel = await answered(input([check]));
      await kernel.send({ type: 'run.rollback', node: 'ask', by: 'op', reason: null });
      await kernel.settle();
      expect(kernel.openTasks()).toMatchObject([{ kind: 'human-input', generation: 2, round: 1 }]);
      await answer(kernel, 2, { responder: 'ann' });
      for (const open of kernel.open()) open.return(true);
      await kernel.settle();
      if (check.name === 'liked') await judge(kernel, YES);
      expect([status(kernel), output(kernel)]).toEqual(['completed', 2]);
    },
  );

  it('S156 S234 is judged in a run that is paused, after which nothing starts', async () => {
    const kernel = await answered(input([judged()]));
    await kernel.send({ type: 'run.pause' });
    await judge(kernel, YES);
    expect([kernel.status(), status(kernel)]).toEqual(['paused', 'completed']);
    expect(kernel.working()).toEqual([]);
  });

  it('S49 S234 takes no result of work', async () => {
    const kernel = await answered(input([handled()]));
    const late = { type: 'attempt.result', node: 'ask', generation: 1, attempt: 1 } as const;
    const result = { type: 'returned', value: 1 } as const;
    await expect(kernel.send({ ...late, result })).rejects.toMatchObject({ code: 'node-not-work' });
  });

  it('S124 S234 that is refused counts as a failed attempt, and the run goes on', async () => {
    const kernel = await answered(input([handled()]));
    await kernel.finish('ask', false);
    expect(kernel.log('r1', /^attempt\.failed/)).toEqual(['attempt.failed ask#1']);
    expect(kernel.status()).toBe('awaiting-human');
  });

  const steps = fc.array(
    fc.oneof(
      fc.constant({ does: 'stop' as const }),
      fc.record({ does: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 3_000 }) }),
      fc.record({
        does: fc.constant('say' as const),
        approved: fc.boolean(),
        who: fc.constantFrom('ann', 'bob', 'eve'),
      }),
      fc.record({ does: fc.constant('check' as const), ok: fc.boolean() }),
    ),
    { maxLength: 16 },
  );

  it('S234 S165 comes to the same whatever process it is that goes on', async () => {
    const run = async (
      script: typeof steps extends fc.Arbitrary<infer T> ? T : never,
      stops: boolean,
    ) => {
      const escalation = [{ responders: ['eve', 'ann'], deadlineMs: 900 }];
      const kernel = await asked(
        approval('ask', {
          checks: [
            handled(),
            judged({ responders: ['ann', 'bob'], deadlineMs: 1_300, escalation }),
            judged({ deadlineMs: 700, defaultResponse: YES }, { name: 'b', severity: 'warning' }),
          ],
          deadlineMs: 2_500,
          defaultResponse: YES,
          onFailure: 'continue',
          maxRounds: 2,
        }),
      );
      for (const step of script) {
        const isChecked = kernel.working().includes('ask');
        if (step.does === 'stop' && stops && !isChecked) await kernel.restart();
        if (step.does === 'wait') await kernel.advance(step.ms);
        if (step.does === 'check' && isChecked) await kernel.finish('ask', step.ok);
        if (step.does === 'say' && kernel.openTasks().length > 0) {
          await judge(kernel, { approved: step.approved }, step.who).catch(() => {});
        }
      }
      expect(kernel.complaints).toEqual([]);
      const tasks = [...kernel.rows().tasks.values()];
      return {
        summary: kernel.summary(),
        tasks: tasks.map((task) => [task.kind, task.status, task.level, task.round]),
        attempts: attempts(kernel).map(({ outcome, issuesJson }) => [outcome, issuesJson]),
        presented: kernel.openTasks().map(({ presentedJson }) => JSON.parse(presentedJson)),
      };
    };
    await fc.assert(
      fc.asyncProperty(steps, async (script) => {
        expect(await run(script, true)).toEqual(await run(script, false));
      }),
      { numRuns: 60 },
    );
  });
});
