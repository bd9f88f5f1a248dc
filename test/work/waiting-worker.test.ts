/** What a worker costs that waits for work that it may not have. */
import { setImmediate } from 'node:timers/promises';
import { expect, it, onTestFinished, vi } from 'vitest';
import { SaidOnce } from '../../src/actors/said-once.js';
import { WorkBoard } from '../../src/actors/work-board.js';
import { createOrchestrator, external } from '../../src/index.js';
import { action, plan } from '../support/plans.js';
import { temporaryDatabase } from '../support/temporary.js';

it('S178 a worker that waits without being given anything calls nobody, itself neither', async () => {
  const asks = vi.spyOn(WorkBoard.prototype, 'runsFor');
  onTestFinished(() => asks.mockRestore());
  const url = temporaryDatabase();
  const orchestrator = await createOrchestrator({ url, handlers: { far: external() } });
  const { plan: draft } = plan([action('a', { handler: 'far@2' })]);
  await orchestrator.start(draft, { id: 'r' });
  const asked = orchestrator.work.claim({
    ...{ worker: 'w', waitMs: 20_000 },
    capabilities: [{ name: 'far', version: '1' }],
  });
  // Each asking reads the run from the disk, which takes some of these.
  for (let round = 0; round < 3_000; round += 1) await setImmediate();
  expect(asks.mock.calls.length).toBeLessThan(10);
  await orchestrator.close();
  expect(await asked.catch(() => [])).toEqual([]);
});

it('S13 what is said of a run once is said once, however much it is, and all memory is bounded', () => {
  const said = new SaidOnce();
  const all = Array.from({ length: 1_000 }, (_, n) => `${n}`);
  const news = () => all.filter((what) => said.isNew('r', what)).length;
  expect([news(), news(), news()]).toEqual([1_000, 0, 0]);
  for (let run = 0; run < 100; run += 1) for (const what of all) said.isNew(`r${run}`, what);
  expect([said.has('r', '1'), said.has('r0', '1'), said.has('r99', '999')]).toEqual([
    false,
    true,
    true,
  ]);
  said.forget('r99');
  expect(said.has('r99', '999')).toBe(false);
});
