import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { external } from '../../src/index.js';
import { openSite, type Site } from '../http/support/site.js';

const page = readFileSync(new URL('../../docs/workers.md', import.meta.url), 'utf8');
const OTHERS = page.slice(page.indexOf('## Any other language'), page.indexOf('## Leases'));

/** The calls of the page, in order, with their bodies. */
const calls = [
  ...OTHERS.matchAll(
    /localhost:4747(\/work\/\w+)[^']*'content-type: application\/json'[\s\\]*-d '([^']+)'/g,
  ),
].map(([, path = '', body = '']) => ({ path, body: JSON.parse(body) as Record<string, unknown> }));
const answers = [...OTHERS.matchAll(/```json\n([^`]+)```/g)].map(
  ([, text = '']) => JSON.parse(text) as Record<string, unknown>,
);

let site: Site;
beforeAll(async () => {
  site = await openSite({ translate: external() });
});
afterAll(() => site.close());

async function claim(): Promise<Record<string, unknown>> {
  await site.orchestrator.start(
    { title: 'T', nodes: [{ kind: 'action', id: 'a', handler: 'translate' }], edges: [] },
    { input: { text: 'hello' } },
  );
  const [{ path, body } = { path: '', body: {} }] = calls;
  const answer = (await (await site.post(path, body)).json()) as { claims: object[] };
  return { ...answer.claims[0] };
}

describe('docs/workers.md', () => {
  it('shows every call as it can be made', async () => {
    const paths = calls.map(({ path }) => path);
    expect(paths).toEqual(
      ['claim', 'heartbeat', 'complete', 'fail', 'release'].map((call) => `/work/${call}`),
    );
    for (const { path, body } of calls.slice(1)) {
      const { token } = await claim();
      const waits = 'waitMs' in body ? { waitMs: 1 } : {};
      const response = await site.post(path, { ...body, ...waits, token });
      expect([path, response.status]).toEqual([path, 200]);
      // For the next claim there is nothing else to do.
      if (path === '/work/heartbeat') await site.post('/work/complete', { token });
    }
  });

  it('shows answers as they come', async () => {
    const [claims, state] = answers;
    const [shown] = (claims?.claims ?? []) as Record<string, unknown>[];
    const claimed = await claim();
    expect(Object.keys(shown ?? {}).sort()).toEqual(Object.keys(claimed).sort());
    const heard = await (await site.post('/work/heartbeat', { token: claimed.token })).json();
    expect(Object.keys(state ?? {}).sort()).toEqual(Object.keys(heard as object).sort());
  });
});
