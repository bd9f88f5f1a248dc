import { expect, it } from 'vitest';
import { systemEnvironment } from '../../src/actors/environment.js';
import { createOrchestrator } from '../../src/create-orchestrator.js';
import { approval, plan } from '../support/plans.js';
import { temporaryDatabase } from '../support/temporary.js';

const HOUR_MS = 3_600_000;

/** The time of the system, some hours later. */
function later(hours: number) {
  const { clock } = systemEnvironment;
  const shift = hours * HOUR_MS;
  const wakeAt = (time: number, wake: () => void) => clock.wakeAt(time - shift, wake);
  return { ...systemEnvironment, clock: { now: () => clock.now() + shift, wakeAt } };
}

it('S206 S209 the deadline of a run that only waits stands still while no process runs', async () => {
  const url = temporaryDatabase();
  const first = await createOrchestrator({ url, handlers: {} });
  const asks = (onDowntime: string) =>
    plan([approval('ask', { deadlineMs: 2 * HOUR_MS, onDowntime })]).plan;
  await first.start(asks('remaining'), { id: 'stands' });
  await first.start(asks('keep-due'), { id: 'passes' });
  await first.settled('stands');
  await first.settled('passes');
  await first.close();
  const second = await createOrchestrator({ url, handlers: {}, environment: later(5) });
  expect(await second.result('passes')).toMatchObject({ status: 'failed' });
  expect(await second.runs.details('stands')).toMatchObject({ status: 'awaiting-human' });
  const [task] = await second.tasks.list({ status: 'open' });
  const leftMs = (task?.deadlineAt ?? 0) - (systemEnvironment.clock.now() + 5 * HOUR_MS);
  expect(leftMs).toBeGreaterThan(1.9 * HOUR_MS);
  expect(leftMs).toBeLessThanOrEqual(2 * HOUR_MS);
  await second.close();
});
