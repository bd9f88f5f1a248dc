/** Pages of the log of all runs, as one tenant reads it. */
import { expect, it } from 'vitest';
import type { LogPosition } from '../../src/actors/delivery-records.js';
import { createOrchestrator } from '../../src/create-orchestrator.js';
import { openRunReader } from '../../src/open-reader.js';
import { action, plan } from '../support/plans.js';
import { temporaryDatabase } from '../support/temporary.js';
import { tamper } from './support/storage.js';

const TURNS_OF_OTHERS = 5_000;

it('S184 a page of one tenant looks through so many turns of others and no more, and the pages miss nothing', async () => {
  const database = temporaryDatabase();
  const orchestrator = await createOrchestrator({ url: database, handlers: { work: () => 1 } });
  const acme = orchestrator.forTenant('acme');
  for (const id of ['r1', 'r2']) {
    await (await acme.start(plan([action('a')]).plan, { id })).result();
  }
  await orchestrator.close();
  await tamper(database, `update checkpoints set turn = turn + ${TURNS_OF_OTHERS} where run = 2`);
  const { runs, close } = openRunReader(database);
  const { log } = runs.rows;
  const found: string[] = [];
  let pages = 0;
  for (let at: LogPosition = { turn: 0, seq: 0 }, isLast = false; !isLast; pages += 1) {
    const page = await log.logAfter(at, 100, 'acme');
    expect(page.upTo.turn).toBeLessThanOrEqual(at.turn + 2_000);
    found.push(...page.events.map(({ runId, event }) => `${runId}/${event.seq}`));
    at = page.upTo;
    isLast = page.isLast;
  }
  expect(pages).toBe(3);
  const all = (await log.logAfter({ turn: 0, seq: 0 }, 100)).events;
  expect(found).toEqual(all.map(({ runId, event }) => `${runId}/${event.seq}`));
  expect(new Set(found.map((id) => id.split('/')[0]))).toEqual(new Set(['acme~r1', 'acme~r2']));
  close();
});
