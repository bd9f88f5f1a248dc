/** Schedules in the simulated world of the test kit, through process stops. */
import { expect, it } from 'vitest';
import { plan } from '../../src/plan/builder.js';
import { testKit } from '../../src/testing/test-kit.js';

const DAY_MS = 86_400_000;
const work = plan('Work').action('only', { handler: 'work' }).build();

it('S212 S222 a schedule occurs in simulated time, and each occurrence once over a restart', async () => {
  const kit = await testKit({ handlers: { work: () => 'done' } });
  await kit.ask((orchestrator) => orchestrator.recover());
  const draft = { id: 'daily', plan: work, cadence: { cron: '@daily' } };
  await kit.ask(({ schedules }) => schedules.create({ ...draft, catchUp: { max: 9 } }));
  await kit.advance(3 * DAY_MS);
  await kit.restart();
  await kit.advance(2 * DAY_MS);
  const runs = await kit.runs.list();
  expect(runs.map(({ status }) => status)).toEqual(Array(5).fill('completed'));
  const occurrences = runs.map(({ metadata }) => Number(metadata.occurrence)).reverse();
  expect(occurrences).toEqual(occurrences.map((_, day) => (occurrences[0] ?? 0) + day * DAY_MS));
  expect((await kit.orchestrator.schedules.get('daily')).counters.started).toBe(5);
});

it('S212 S222 a crash at any commit loses and doubles no occurrence', async () => {
  for (let commit = 1; commit <= 8; commit += 1) {
    const kit = await testKit({ handlers: { work: () => 'done' } });
    await kit.ask((orchestrator) => orchestrator.recover());
    await kit.ask(({ schedules }) =>
      schedules.create({ id: 's', plan: work, cadence: { everyMs: DAY_MS }, overlap: 'allow' }),
    );
    kit.faults.crash({ afterCommits: commit });
    await kit.advance(3 * DAY_MS);
    const runs = await kit.runs.list();
    const { counters, createdAt } = await kit.orchestrator.schedules.get('s');
    const first = Math.ceil(createdAt / DAY_MS);
    const days = runs.map(({ metadata }) => Number(metadata.occurrence) / DAY_MS).reverse();
    expect([commit, days]).toEqual([commit, [first, first + 1, first + 2]]);
    expect(counters).toMatchObject({ started: 3, missed: 0 });
  }
});
