import { createClient } from '@libsql/client/sqlite3';
import { expect, it } from 'vitest';
import { createOrchestrator } from '../../src/create-orchestrator.js';
import { action, approval, edge, plan } from '../support/plans.js';
import { temporaryDatabase } from '../support/temporary.js';

it('S210 a dry run over all live runs names those that could not be taken up, and changes nothing', async () => {
  const url = temporaryDatabase();
  const { plan: draft } = plan([action('a'), approval('ask')], [edge('a', 'ask')]);
  const first = await createOrchestrator({ url, handlers: { work: () => 1 } });
  for (const id of ['good', 'older', 'ended']) await first.start(draft, { id });
  for (const id of ['good', 'older', 'ended']) await first.settled(id);
  await first.cancel('ended');
  expect(await first.examine()).toEqual([]);
  await first.close();

  const client = createClient({ url: `file:${url}`, concurrency: 1 });
  await client.execute(
    "update actor_versions set version = 99 where actor = '' and run = (select run from runs where id = 'older')",
  );
  const dump = async () => (await client.execute('select * from run_events')).rows.length;
  const before = await dump();

  const second = await createOrchestrator({ url, handlers: { work: () => 1 } });
  expect(await second.examine()).toEqual([
    { run: 'older', code: 'run-unrestorable', message: expect.stringContaining('version 99') },
  ]);
  await second.close();
  const third = await createOrchestrator({ url, handlers: {}, recover: false });
  expect((await third.examine()).map(({ run, code }) => [run, code]).sort()).toEqual([
    ['good', 'handler-missing'],
    ['older', 'run-unrestorable'],
  ]);
  await third.close();
  expect(await dump()).toBe(before);
  client.close();
});
