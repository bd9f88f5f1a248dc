import { describe, expect, it } from 'vitest';
import type { JsonValue } from '../../src/plan/json.js';
import { approvalOutcome } from '../../src/plan/responses.js';
import { Kernel, type KernelOptions, respondMessage } from '../support/kernel.js';
import { action, approval, edge, plan } from '../support/plans.js';

async function asked(more: object = {}, options: KernelOptions = {}): Promise<Kernel> {
  const kernel = new Kernel(options);
  await kernel.start(plan([approval('ask', more), action('after')], [edge('ask', 'after')]));
  await kernel.settle();
  return kernel;
}

describe('an approval', () => {
  it('S126 opens a task with what the person is shown', async () => {
    const kernel = new Kernel();
    const deliverables = [{ name: 'brief', kind: 'markdown' }];
    const version = plan(
      [
        action('a'),
        approval('ask', {
          objective: 'Decide',
          instructions: 'Read',
          criteria: ['Clear'],
          deliverables,
        }),
      ],
      [edge('a', 'ask')],
    );
    await kernel.start(version);
    await kernel.settle();
    await kernel.finish('a', { v: 1 });
    const [task] = kernel.openTasks();
    expect(task).toMatchObject({ status: 'open', kind: 'human-approval', deadlineAt: null });
    expect(JSON.parse(task?.presentedJson ?? '')).toEqual({
      objective: 'Decide',
      instructions: 'Read',
      criteria: ['Clear'],
      deliverables,
      input: { v: 1 },
    });
  });

  it.each<[JsonValue, string]>([
    [{ approved: true }, 'approved'],
    [{ approved: true, requiredEdits: [] }, 'approved'],
    [{ approved: true, requiredEdits: ['', '  \n'] }, 'approved'],
    [{ approved: true, requiredEdits: ['tone'] }, 'changes-requested'],
    [{ approved: false, requiredEdits: ['tone'] }, 'changes-requested'],
    [{ requiredEdits: [' ', 'tone'] }, 'changes-requested'],
    [{ approved: true, requiredEdits: 'tone' }, 'changes-requested'],
    [{ approved: true, requiredEdits: 7 }, 'changes-requested'],
    [{ approved: true, requiredEdits: [0] }, 'changes-requested'],
    [{ approved: true, requiredEdits: { text: 'tone' } }, 'changes-requested'],
    [{ approved: true, requiredEdits: ['', { text: 'tone' }] }, 'changes-requested'],
    [{ approved: true, requiredEdits: null }, 'approved'],
    [{ approved: true, requiredEdits: '' }, 'approved'],
    [{ approved: true, requiredEdits: ' \t' }, 'approved'],
    [{ approved: true, requiredEdits: [' '] }, 'approved'],
    [{ approved: true, requiredEdits: [null] }, 'approved'],
    [{ approved: false, requiredEdits: [' '] }, 'rejected'],
    [{ approved: false }, 'rejected'],
    [{ approved: 'true' }, 'rejected'],
    [{ approved: 1 }, 'rejected'],
    [{}, 'rejected'],
    [null, 'rejected'],
    [true, 'rejected'],
    [['approved'], 'rejected'],
    ['approved', 'rejected'],
  ])('S130 answered with %j is %s', (response, outcome) => {
    expect(approvalOutcome(response)).toBe(outcome);
  });

  it('S127 S128 stops its own branch only, and several wait for their own answers', async () => {
    const kernel = new Kernel();
    const version = plan(
      [approval('p'), approval('q'), action('a'), action('b'), action('c')],
      [edge('a', 'b'), edge('q', 'c')],
    );
    await kernel.start(version);
    await kernel.settle();
    expect(kernel.openTasks()).toHaveLength(2);
    expect(kernel.status()).toBe('running');
    await kernel.respond('q', { approved: true });
    await kernel.settle();
    expect(kernel.working()).toEqual(['a', 'c']);
    await kernel.finish('a');
    await kernel.finish('b');
    await kernel.finish('c');
    expect(kernel.status()).toBe('awaiting-human');
    expect(kernel.openTasks().map((task) => task.node)).toEqual(['p']);
  });

  it('S129 is not answered by whoever is not asked', async () => {
    const kernel = await asked({ responders: ['alice'] });
    for (const responder of ['bob', null]) {
      const answer = kernel.respond('ask', { approved: true }, responder);
      await expect(answer).rejects.toMatchObject({ code: 'responder-refused' });
    }
    expect(kernel.status()).toBe('awaiting-human');
    await kernel.respond('ask', { approved: true }, 'alice');
    expect(kernel.rows().responses).toMatchObject([{ responder: 'alice', outcome: 'approved' }]);
  });

  it('S129 is not answered after its deadline, which fails it', async () => {
    const kernel = await asked({ deadlineMs: 1_000 });
    const task = kernel.task('ask');
    await kernel.advance(999);
    expect(kernel.status()).toBe('awaiting-human');
    await kernel.advance(1);
    expect(kernel.status()).toBe('failed');
    expect(kernel.rows().tasks.get(task)?.status).toBe('expired');
    expect(kernel.rows().timers.size).toBe(0);
    const late = kernel.send(respondMessage({ task, response: { approved: true } }));
    await expect(late).rejects.toMatchObject({ code: 'task-closed' });
  });

  it('S129 is expired at the deadline itself, even before its timer is heard', async () => {
    const kernel = await asked({ deadlineMs: 1_000 });
    const task = kernel.task('ask');
    kernel.clock.advance(1_000);
    const late = kernel.send(respondMessage({ task, response: { approved: true } }));
    await expect(late).rejects.toMatchObject({ code: 'task-expired' });
    await kernel.settle();
    expect(kernel.status()).toBe('failed');
  });

  it('is skipped at its deadline where its policy says so', async () => {
    const kernel = await asked({ deadlineMs: 1_000, onFailure: 'skip' });
    await kernel.advance(1_000);
    expect(kernel.summary()).toMatchObject({
      status: 'completed',
      nodes: { ask: 'skipped', after: 'skipped' },
    });
  });

  it('S49 takes no result of a handler', async () => {
    const kernel = await asked();
    const result = kernel.send({
      type: 'attempt.result',
      node: 'ask',
      generation: 1,
      attempt: 1,
      result: { type: 'returned', value: 1 },
    });
    await expect(result).rejects.toMatchObject({ code: 'node-not-work' });
    expect(kernel.log().at(-1)).toBe('attempt.result-refused ask#1');
  });

  it('S138 S137 is answered, closed, final, and then followed, in this order', async () => {
    const kernel = await asked();
    const before = kernel.log().length;
    await kernel.respond('ask', { approved: true, comments: 'Fine' }, 'alice');
    await kernel.settle();
    expect(kernel.log().slice(before)).toEqual([
      'task.responded ask',
      'task.closed ask',
      'node.completed ask',
      'edge.evaluated ask',
      'node.ready after',
      'node.started after#1',
      'run.status-changed awaiting-human→running',
    ]);
    expect(kernel.summary().outputs.ask).toEqual({ approved: true, comments: 'Fine' });
  });

  it('S228 takes no memory while it waits, and wakes on its answer, also in another process', async () => {
    const kernel = await asked({ deadlineMs: 1_000 });
    expect(kernel.supervisor.stats().residentRuns).toBe(0);
    const task = kernel.task('ask');
    await kernel.restart();
    expect(kernel.supervisor.stats().residentRuns).toBe(0);
    expect(kernel.task('ask')).toBe(task);
    await kernel.respond('ask', { approved: true });
    await kernel.settle();
    expect(kernel.working()).toEqual(['after']);
  });

  it('S206 keeps its deadline over a restart', async () => {
    const kernel = await asked({ deadlineMs: 1_000 });
    await kernel.restart();
    await kernel.advance(1_000);
    expect(kernel.status()).toBe('failed');
  });
});
