/** Everything that can meet an answer, in every order: one outcome, one event, and the loser is told. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Kernel } from '../support/kernel.js';
import { action, approval, edge, plan } from '../support/plans.js';
import { asked, human } from './asking.js';
import { answerBy, cancel, claim, type Fate, type Rival, race, timePasses } from './race.js';

const DEADLINE_MS = 1_000;
const deadline = timePasses(DEADLINE_MS);

function expectOneOutcome(kernel: Kernel, task: string, fates: ReadonlyMap<string, Fate>): void {
  expect(kernel.complaints).toEqual([]);
  expect(kernel.openTasks()).toEqual([]);
  expect(kernel.log('r1', /^task\.closed/)).toHaveLength(1);
  const { responses, tasks } = kernel.rows();
  const answers = [...fates].filter(([name]) => name.startsWith('answer'));
  const won = answers.filter(([, fate]) => fate === 'done');
  expect(responses).toHaveLength(won.length);
  expect(won.length).toBeLessThanOrEqual(1);
  expect(tasks.get(task)?.status === 'answered').toBe(won.length === 1);
  const lost = answers.flatMap(([, fate]) => (fate === 'done' ? [] : [fate]));
  for (const code of lost) expect(['task-closed', 'task-expired']).toContain(code);
  const ends = kernel.log('r1', /^node\.(completed|failed|cancelled|skipped) ask/);
  expect(ends).toHaveLength(1);
}

const YES = { approved: true };
const ask = approval('ask', { deadlineMs: DEADLINE_MS });

describe('an answer that meets', () => {
  it.each<[string, readonly Rival[]]>([
    ['another answer', [answerBy('ann', YES), answerBy('bob', { approved: false })]],
    ['its deadline', [answerBy('ann', YES), deadline]],
    ['a cancel', [answerBy('ann', YES), cancel]],
    ['everything', [answerBy('ann', YES), answerBy('bob', { approved: false }), deadline, cancel]],
  ])('S129 S153 %s, in any order, is taken or refused, and nothing else', async (_what, rivals) => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), async (scheduler) => {
        const { kernel, task, fates } = await race(await asked(ask), rivals, scheduler);
        // Where nobody was against it, it is the deadline that is still to come.
        if (kernel.openTasks().length > 0) await kernel.advance(DEADLINE_MS);
        expectOneOutcome(kernel, task, fates);
        const before = kernel.log();
        await kernel.restart();
        expect(kernel.log('r1', /^task/)).toEqual(before.filter((line) => line.startsWith('task')));
      }),
      { numRuns: 60 },
    );
  });

  it('S129 S202 everything, and a replan that takes the question away, in any order, has one outcome', async () => {
    const replan: Rival = {
      name: 'replan',
      act: (kernel) =>
        kernel.send({
          ...{ type: 'run.replan', version: plan([action('after')], []), by: 'op', reason: null },
          ...{ isDryRun: false, cancelRunning: true },
        }),
    };
    const rivals = [answerBy('ann', YES), answerBy('bob', YES), deadline, cancel, replan];
    const ends = new Set<string>();
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), async (scheduler) => {
        const { kernel, task, fates } = await race(await asked(ask), rivals, scheduler);
        const { status } = kernel.rows().tasks.get(task) ?? {};
        const won = [...fates].filter(
          ([name, fate]) => name.startsWith('answer') && fate === 'done',
        );
        ends.add(String(status));
        expect(won.length).toBe(status === 'answered' ? 1 : 0);
        expect(kernel.rows().responses).toHaveLength(won.length);
        expect(kernel.log('r1', /^task\.closed/)).toHaveLength(1);
        expect(kernel.openTasks()).toEqual([]);
        expect(kernel.complaints).toEqual([]);
      }),
      { numRuns: 60 },
    );
    expect(ends.size).toBeGreaterThan(2);
  });

  it('S206 a claim, in any order, is taken before it or refused after it', async () => {
    const seen = new Set<Fate>();
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), async (scheduler) => {
        const { kernel, fates } = await race(
          await asked(ask),
          [answerBy('ann', YES), claim],
          scheduler,
        );
        const [answer = '', claimed] = [fates.get('answer of ann'), fates.get('claim')];
        seen.add(answer);
        if (answer === 'done') expect(claimed).toBe('task-closed');
        else expect([answer, claimed]).toEqual(['task-claimed', 'done']);
        expect(kernel.complaints).toEqual([]);
      }),
      { numRuns: 40 },
    );
    expect(seen.size).toBe(2);
  });

  it('S203 an edit, in any order, is taken before it or shown what has changed', async () => {
    const edit = answerBy('bob', { decision: 'edit', output: { v: 2 } });
    const accept = answerBy('ann', { decision: 'accept' });
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), async (scheduler) => {
        const { kernel, fates } = await race(
          await asked(human('review-edit', 'ask')),
          [edit, accept],
          scheduler,
        );
        const [edited, accepted] = [fates.get('answer of bob'), fates.get('answer of ann')];
        if (accepted === 'done') expect(edited).toBe('task-closed');
        else expect([edited, accepted]).toEqual(['done', 'task-superseded']);
        expect(kernel.complaints).toEqual([]);
      }),
      { numRuns: 40 },
    );
  });

  it('S172 S203 another input, in any order, is refused after it, or shown to who comes too late', async () => {
    const patch: Rival = {
      name: 'patch',
      act: (kernel) =>
        kernel.send({ type: 'node.patch', node: 'ask', input: { v: 2 }, by: 'op', reason: null }),
    };
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), async (scheduler) => {
        const { kernel, fates } = await race(
          await asked(ask),
          [answerBy('ann', YES), patch],
          scheduler,
        );
        const [answer, patched] = [fates.get('answer of ann'), fates.get('patch')];
        if (answer === 'done') expect(patched).toBe('node-final');
        else expect([answer, patched]).toEqual(['task-superseded', 'done']);
        expect(kernel.openTasks()).toHaveLength(answer === 'done' ? 0 : 1);
        expect(kernel.complaints).toEqual([]);
      }),
      { numRuns: 40 },
    );
  });

  it('S202 S203 a replan that changes the question, in any order, asks it anew', async () => {
    const other = plan([{ ...ask, instructions: 'New' }, action('after')], [edge('ask', 'after')]);
    const replan: Rival = {
      name: 'replan',
      act: (kernel) =>
        kernel.send({
          ...{ type: 'run.replan', version: other, by: 'op', reason: null },
          ...{ isDryRun: false, cancelRunning: true },
        }),
    };
    const seen = new Set<Fate>();
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), async (scheduler) => {
        const { kernel, fates, task } = await race(
          await asked(ask),
          [answerBy('ann', YES), replan],
          scheduler,
        );
        const answer = fates.get('answer of ann') ?? '';
        seen.add(answer);
        expect(fates.get('replan')).toBe('done');
        expect(['done', 'task-superseded']).toContain(answer);
        const isAnswered = answer === 'done';
        expect(kernel.rows().tasks.get(task)?.status).toBe(isAnswered ? 'answered' : 'superseded');
        expect(kernel.rows().responses).toHaveLength(isAnswered ? 1 : 0);
        expect(JSON.parse(kernel.openTasks()[0]?.presentedJson ?? '')).toMatchObject({
          instructions: 'New',
        });
        expect(kernel.openTasks()).toHaveLength(1);
        expect(kernel.complaints).toEqual([]);
      }),
      { numRuns: 40 },
    );
    expect(seen.size).toBe(2);
  });
});
