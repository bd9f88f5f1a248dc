/** Everything that can meet while an answer is judged, in every order: one outcome, and the loser is told. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Kernel } from '../support/kernel.js';
import { answer, asked, human } from './asking.js';
import { answerBy, cancel, type Fate, type Rival, race, timePasses } from './race.js';

const DEADLINE_MS = 1_000;
const deadline = timePasses(DEADLINE_MS);
const YES = { approved: true };
const NO = { approved: false };
const operator: Rival = {
  name: 'operator',
  act: (kernel) =>
    kernel.send({
      ...{ type: 'node.complete', node: 'ask', output: 'mine', outcome: null, action: null },
      ...{ by: 'op', reason: null },
    }),
};
const verdict = (value: boolean): Rival => ({
  name: `check ${value}`,
  act: async (kernel) => {
    for (const open of kernel.open()) open.return(value);
  },
});

/** An answer of ann, up to whatever judges it. */
async function judged(check: object): Promise<Kernel> {
  const checks = [{ name: 'good', ...check }];
  const kernel = await asked(human('input', 'ask', { checks, maxRounds: 1 }));
  await answer(kernel, 'hers', { responder: 'ann' });
  return kernel;
}

/** What the node came to, by what has won. */
function expectOneOutcome(kernel: Kernel, fates: ReadonlyMap<string, Fate>): void {
  expect(kernel.complaints).toEqual([]);
  expect(kernel.openTasks()).toEqual([]);
  expect(kernel.log('r1', /^node\.(completed|partial|failed|cancelled|skipped) ask/)).toHaveLength(
    1,
  );
  const attempts = [...kernel.rows().attempts.values()].filter(({ node }) => node === 'ask');
  expect(attempts).toHaveLength(1);
  const { status = '', outputJson = null } = kernel.rows().nodeRuns.get('ask') ?? {};
  const [{ outcome } = { outcome: null }] = attempts;
  expect([status, outputJson, outcome].join()).toMatch(
    /^(completed,"hers",completed|completed,"mine",cancelled|failed,,failed|cancelled,,cancelled)$/,
  );
  const evaluated = kernel.details('check.evaluated') as { result: boolean }[];
  expect(evaluated.length).toBeLessThanOrEqual(1);
  if (outputJson === '"hers"') expect(evaluated).toMatchObject([{ result: true }]);
  const done = [...fates].filter(([name, fate]) => name.startsWith('answer') && fate === 'done');
  expect(done.length).toBeLessThanOrEqual(1);
}

describe('an answer under check meets', () => {
  it.each<[string, object, readonly Rival[]]>([
    ['two judges', { ask: {} }, [answerBy('bob', YES), answerBy('eve', NO)]],
    [
      'its judge, a deadline and a cancel',
      { ask: { deadlineMs: DEADLINE_MS } },
      [answerBy('bob', YES), deadline, cancel],
    ],
    [
      'two judges and an operator',
      { ask: {} },
      [answerBy('bob', NO), answerBy('eve', YES), operator],
    ],
    ['its handler and a cancel', { handler: 'work' }, [verdict(true), cancel]],
    [
      'its handler, an operator and a cancel',
      { handler: 'work' },
      [verdict(false), operator, cancel],
    ],
    [
      'its handler, and the time that it has',
      { handler: 'work', timeoutMs: DEADLINE_MS },
      [verdict(true), deadline],
    ],
  ])('S129 S153 S234 %s, in any order, and comes to one end', async (_what, check, rivals) => {
    const ends = new Set<string>();
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), async (scheduler) => {
        const kernel = await judged(check);
        const { fates } = await race(kernel, rivals, scheduler);
        // What nobody was against, or took too long, is decided by what is said next.
        for (
          let turn = 0;
          turn < 4 && !kernel.status().match(/completed|failed|cancelled/);
          turn += 1
        ) {
          for (const open of kernel.open()) open.return(true);
          await kernel.settle();
        }
        expectOneOutcome(kernel, fates);
        const { status, outputJson } = kernel.rows().nodeRuns.get('ask') ?? {};
        ends.add(`${status} ${outputJson}`);
        const before = kernel.log();
        await kernel.restart();
        expect(kernel.log()).toEqual(before);
      }),
      { numRuns: 30 },
    );
    if (rivals.length > 1 && !rivals.includes(deadline)) expect(ends.size).toBeGreaterThan(1);
  });
});
