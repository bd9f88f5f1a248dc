import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { action, chain, plan } from '../support/plans.js';
import { bodyOf, openSite, type Site } from './support/site.js';

let site: Site;
beforeEach(async () => {
  site = await openSite({ work: () => 1 });
  const { plan: draft } = plan([action('a'), action('b')], chain('a', 'b'));
  await (await site.orchestrator.start(draft, { id: 'r1' })).result();
});
afterEach(() => site.close());

const NDJSON = { 'content-type': 'application/x-ndjson' };

describe('the history of a run over HTTP', () => {
  it('S169 is replayed at any event, and verified', async () => {
    const newest = await bodyOf<{ hash: string }>(site.get('/runs/r1/replay'));
    expect(newest).toMatchObject({ status: 'completed', matches: true });
    const early = await bodyOf(site.get('/runs/r1/replay?at=4'));
    expect(early).toMatchObject({ seq: 4, status: 'running' });
    expect((await site.get('/runs/r1/replay?at=x')).status).toBe(400);
    expect((await site.get('/runs/r1/replay?at=999')).status).toBe(400);
    expect(await bodyOf(site.get('/runs/r1/verify'))).toMatchObject({
      ok: true,
      hash: newest.hash,
    });
    expect(await bodyOf(site.get('/examination'))).toEqual({ runs: [] });
  });

  it('S226 is exported and imported', async () => {
    const file = await (await site.get('/runs/r1/export')).text();
    const same = await site.post('/imports', file, NDJSON);
    expect([same.status, await bodyOf(same)]).toMatchObject([200, { created: false }]);
    const copy = await site.post('/imports?as=r2', file, NDJSON);
    expect([copy.status, await bodyOf(copy)]).toMatchObject([201, { run: 'r2', created: true }]);
    expect(await bodyOf(site.get('/runs/r2/verify'))).toMatchObject({ ok: true });
    expect((await site.post('/imports', file.slice(0, 900), NDJSON)).status).toBe(422);
    expect((await site.post('/imports', file)).status).toBe(415);
    expect((await site.get('/runs/r9/export')).status).toBe(404);
  });

  it('S173 is trimmed, and then gone', async () => {
    const counted = await bodyOf(site.post('/trim', { historyOlderThanMs: 0, dryRun: true }));
    const trimmed = await bodyOf(site.post('/trim', { historyOlderThanMs: 0 }));
    expect(trimmed).toMatchObject({ ...(counted as object), trimmedRuns: 1, dryRun: false });
    for (const path of ['events', 'replay', 'export']) {
      const gone = await site.get(`/runs/r1/${path}`);
      expect([path, gone.status]).toEqual([path, 410]);
    }
    expect((await site.post('/trim', { olderThanMs: -1 })).status).toBe(400);
    expect(await bodyOf(site.post('/trim', { olderThanMs: 0 }))).toMatchObject({ runs: 1 });
    expect((await site.get('/runs/r1')).status).toBe(404);
  });
});
