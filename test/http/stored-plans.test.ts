/** Plan versions that are stored without a run. */
import { expect, it, onTestFinished } from 'vitest';
import { createOrchestrator } from '../../src/create-orchestrator.js';
import { plan } from '../../src/plan/builder.js';
import type { StoredPlan } from '../../src/stored-plans.js';
import type { RunSummary } from '../../src/views.js';
import { openGuarded } from '../access/support/guarded.js';
import { temporaryDatabase } from '../support/temporary.js';
import { bodyOf, openSite } from './support/site.js';

const version = (number: number) => ({
  ...plan('Review').action('work', { handler: 'work' }).build(),
  objective: `version ${number}`,
});

it('S2 a plan is stored by its content, listed with its versions, and started by its hash', async () => {
  const site = await openSite({ work: () => 'done' });
  onTestFinished(() => site.close());
  const store = (body: object) => site.post('/plan-versions', body);
  const first = await store({ plan: version(1), by: 'ada' });
  const { hash, ...stored } = await bodyOf<StoredPlan>(first);
  expect([first.status, first.headers.get('location')]).toEqual([
    201,
    `/plan-versions/${encodeURIComponent(hash)}`,
  ]);
  expect(stored).toMatchObject({ title: 'Review', by: 'ada' });
  // The order of keys is not its content.
  const { title, ...rest } = version(1);
  const again = await store({ plan: { ...rest, title }, by: 'bob' });
  expect([again.status, await again.json()]).toEqual([200, { hash, ...stored }]);
  const second = await bodyOf<StoredPlan>(store({ plan: version(2) }));
  await store({ plan: { ...version(3), title: 'Other' } });
  const listed = async (query: string) =>
    (await bodyOf<{ versions: StoredPlan[] }>(site.get(`/plan-versions${query}`))).versions;
  expect((await listed('?title=Review')).map((one) => one.hash).sort()).toEqual(
    [hash, second.hash].sort(),
  );
  const paged: string[] = [];
  for (let before = ''; ; ) {
    const [one] = await listed(`?limit=1${before}`);
    if (one === undefined) break;
    paged.push(one.hash);
    before = `&before=${one.hash}`;
  }
  expect(paged).toEqual((await listed('')).map((one) => one.hash));
  expect(paged).toHaveLength(3);
  expect(await (await site.get(`/plan-versions/${hash}`)).json()).toEqual(version(1));
  expect((await bodyOf<{ runs: [] }>(site.get('/runs'))).runs).toEqual([]);
  const run = await bodyOf<RunSummary>(site.post('/runs', { plan: hash, id: 'r' }));
  expect(run.plan).toBe(hash);
  expect((await site.orchestrator.result('r')).outputs).toEqual({ work: 'done' });
  expect((await site.get('/plan-versions?before=none')).status).toBe(404);
  expect((await site.post('/runs', { plan: `sha256:${'f'.repeat(64)}` })).status).toBe(404);
});

it('S2 a plan that is none is not stored; one whose handlers are not there yet is', async () => {
  const site = await openSite({});
  onTestFinished(() => site.close());
  const bad = await site.post('/plan-versions', { plan: { title: 'Bad', nodes: [], edges: [] } });
  expect([bad.status, await bodyOf<{ code: string }>(bad)]).toMatchObject([
    422,
    { code: 'plan-invalid' },
  ]);
  const { hash } = await bodyOf<StoredPlan>(site.post('/plan-versions', { plan: version(1) }));
  const refused = await site.post('/runs', { plan: hash });
  expect([refused.status, await refused.json()]).toMatchObject([409, { code: 'handler-missing' }]);
  const { versions } = await bodyOf<{ versions: [] }>(site.get('/plan-versions'));
  expect(versions).toHaveLength(1);
});

it('S2 a tenant sees the versions that it has stored, under the names of its principals', async () => {
  const site = await openGuarded({ work: () => 'done' });
  onTestFinished(() => site.close());
  const ours = await site.token('acme', ['operator', 'reader'], 'ada');
  const theirs = await site.token('other', ['operator', 'reader'], 'bob');
  const stored = await site.ask('POST', '/plan-versions', {
    token: ours,
    body: { plan: version(1) },
  });
  const { hash, by } = (await stored.json()) as StoredPlan;
  expect(by).toBe('ada');
  const asked = async (token: string) => {
    const listed = await site.ask('GET', '/plan-versions', { token });
    const read = await site.ask('GET', `/plan-versions/${hash}`, { token });
    const run = await site.ask('POST', '/runs', { token, body: { plan: hash } });
    const { versions } = (await listed.json()) as { versions: [] };
    return [versions.length, read.status, run.status];
  };
  expect(await asked(theirs)).toEqual([0, 404, 404]);
  expect(await asked(ours)).toEqual([1, 200, 201]);
  const mine = await site.ask('POST', '/plan-versions', {
    token: theirs,
    body: { plan: version(1) },
  });
  expect(mine.status).toBe(201);
  expect(await asked(theirs)).toEqual([1, 200, 201]);
  const reader = await site.token('acme', ['reader']);
  const refused = await site.ask('POST', '/plan-versions', {
    token: reader,
    body: { plan: version(2) },
  });
  expect(refused.status).toBe(403);
});

it('S2 what was stored is there after a restart', async () => {
  const url = temporaryDatabase();
  const first = await createOrchestrator({ url, handlers: { work: () => 1 } });
  const { hash } = await first.plans.store(version(1) as never, { by: 'ada' });
  await first.close();
  const second = await createOrchestrator({ url, handlers: { work: () => 1 } });
  onTestFinished(() => second.close());
  expect(await second.plans.list()).toMatchObject([{ hash, by: 'ada' }]);
  expect((await second.plans.store(version(1) as never)).created).toBe(false);
});
