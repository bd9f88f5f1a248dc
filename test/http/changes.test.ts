import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { plan } from '../../src/plan/builder.js';
import type { AttemptView } from '../../src/views.js';
import { bodyOf, openSite, type Site } from './support/site.js';

const stuck = plan('Stuck')
  .action('a', { handler: 'work' })
  .action('b', { handler: 'fails', onFailure: 'replan' })
  .sequence('a', 'b')
  .build();
const mended = plan('Mended')
  .action('a', { handler: 'work' })
  .action('b', { handler: 'work' })
  .sequence('a', 'b')
  .build();
const by = 'ann';

let site: Site;
beforeAll(async () => {
  site = await openSite(
    {
      work: () => 'done',
      fails: () => {
        throw new Error('no');
      },
    },
    { plans: { mended: { plan: mended } } },
  );
});
afterAll(() => site.close());

async function blocked(id: string): Promise<void> {
  await site.post('/runs', { plan: stuck, id });
  await site.orchestrator.settled(id);
}

describe('changes over HTTP', () => {
  it('S202 S168 replans by a name on offer, first as a dry run', async () => {
    await blocked('replan');
    const dry = await bodyOf(
      site.post('/runs/replan/replan', { plan: 'mended', dryRun: true, by }),
    );
    expect(dry).toMatchObject({ isDryRun: true, kept: [{ node: 'a' }], rerun: [{ node: 'b' }] });
    expect((await site.post('/runs/replan/replan', { plan: mended, by })).status).toBe(200);
    expect((await site.orchestrator.result('replan')).status).toBe('completed');
  });

  it('S172 S171 completes, patches, goes back and skips', async () => {
    await blocked('nodes');
    expect(
      await bodyOf(site.post('/runs/nodes/patch', { node: 'b', input: { x: 1 }, by })),
    ).toMatchObject({ node: 'b', status: 'blocked' });
    expect((await site.post('/runs/nodes/rollback', { node: 'a', by })).status).toBe(200);
    await site.orchestrator.settled('nodes');
    const body = { node: 'b', output: 'by hand', by, reason: 'done elsewhere' };
    expect(await bodyOf(site.post('/runs/nodes/complete', body))).toEqual({
      run: 'nodes',
      node: 'b',
      status: 'completed',
    });
    await blocked('skips');
    expect((await site.post('/runs/skips/skip', { node: 'b', by })).status).toBe(200);
    expect((await site.orchestrator.result('skips')).status).toBe('completed');
  });

  it('S90 S191 leaves on record what each attempt was given, in pages and in snapshots of the run', async () => {
    await blocked('given');
    for (const x of [1, 2]) {
      expect((await site.post('/runs/given/patch', { node: 'b', input: { x }, by })).status).toBe(
        200,
      );
      await site.orchestrator.retryNode('given', 'b');
      await site.orchestrator.settled('given');
    }
    const given = ['done', { x: 1 }, { x: 2 }];
    const { attempts } = await bodyOf<{ attempts: AttemptView[] }>(
      site.get('/runs/given/attempts?node=b'),
    );
    expect(attempts.map(({ input }) => input)).toEqual(given);
    const page = '/runs/given/attempts?node=b&after=b/1/1&limit=1';
    expect(await bodyOf(site.get(page))).toMatchObject({
      attempts: [{ attempt: 2, input: { x: 1 }, isSubstitute: false }],
    });
    const whole = await bodyOf(site.get('/runs/given?include=attempts'));
    expect(whole).toMatchObject({ attempts: [{}, ...given.map((input) => ({ input }))] });
  });

  it('S12 S170 S216 forks and replaces: 201 with the place of the new run, 200 again', async () => {
    await blocked('old');
    const forked = await site.post('/runs/old/fork', {
      from: 'b',
      inputs: { b: 1 },
      id: 'copy',
      by,
    });
    expect([forked.status, forked.headers.get('location')]).toEqual([201, '/runs/copy']);
    expect(await forked.json()).toMatchObject({ id: 'copy', carried: ['a'] });
    const again = { from: 'b', inputs: { b: 1 }, id: 'copy', by };
    expect((await site.post('/runs/old/fork', again)).status).toBe(200);
    const replaced = await site.post('/runs/old/replace', { plan: 'mended', id: 'new', by });
    expect(replaced.status).toBe(201);
    expect((await site.orchestrator.result('old')).status).toBe('cancelled');
    expect(await bodyOf(site.get('/runs/new'))).toMatchObject({
      origin: { type: 'replacement', run: 'old' },
    });
  });

  it.each([
    ['complete', { node: 'b', output: 1 }, 400, 'argument-invalid'],
    ['complete', { node: 'none', by }, 404, 'node-unknown'],
    ['skip', { node: 'a', by }, 409, 'node-final'],
    ['rollback', { node: 'b', by: '' }, 400, 'argument-invalid'],
    ['patch', { node: 'a', input: 1, by }, 409, 'node-final'],
    ['replan', { plan: { title: 'x', nodes: [], edges: [] }, by }, 422, 'plan-invalid'],
    ['fork', { at: 9_999, by }, 400, 'argument-invalid'],
    ['replace', { plan: 'none', by }, 404, 'plan-unknown'],
  ])('%s with %j is refused with %d %s', async (verb, body, status, code) => {
    await blocked('refuses');
    const response = await site.post(`/runs/refuses/${verb}`, body);
    expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([
      status,
      code,
    ]);
  });
});
