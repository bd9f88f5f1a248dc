import { expect, it } from 'vitest';
import { createOrchestrator } from '../../src/create-orchestrator.js';
import { readHead } from '../../src/persistence/head-file.js';
import { action, plan } from '../support/plans.js';
import { temporaryDatabase } from '../support/temporary.js';

const { plan: single } = plan([action('a')]);
const handlers = { work: () => 1 };

it('S173 a database whose newest turn was removed opens again, and still knows its newest one', async () => {
  const url = temporaryDatabase();
  const first = await createOrchestrator({ url, handlers });
  await (await first.start(single, { id: 'old' })).result();
  const head = readHead(`${url}-head`);
  await (await first.start(single, { id: 'new', startAt: Date.now() + 1e9 })).events();
  await first.cancel('new');
  expect((await first.trim({ olderThanMs: 0 })).runs).toBe(2);
  expect(readHead(`${url}-head`)).toBeUndefined();
  await first.close();

  const second = await createOrchestrator({ url, handlers });
  await (await second.start(single, { id: 'again' })).result();
  expect(readHead(`${url}-head`)).not.toEqual(head);
  await second.close();
  await (await createOrchestrator({ url, handlers })).close();
});
