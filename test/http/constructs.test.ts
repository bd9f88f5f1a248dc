import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { plan } from '../../src/plan/builder.js';
import { bodyOf, openSite, type Site } from './support/site.js';

const waits = plan('Waits')
  .map('each', { handler: 'double' })
  .signal('go')
  .action('last', { handler: 'picky', onFailure: 'replan' })
  .sequence('each', 'go', 'last')
  .build();

let isReady = false;
let site: Site;
beforeAll(async () => {
  site = await openSite({
    double: ((n: number) => n * 2) as never,
    picky: () => {
      if (!isReady) throw new Error('not ready');
      return 'done';
    },
  });
});
afterAll(() => site.close());

describe('what waits, over HTTP', () => {
  it('S139 S168 S218 is told a signal, says why it is blocked, and is set going again', async () => {
    await site.post('/runs', { plan: waits, id: 'w', input: [1, 2] });
    const first = await site.post('/runs/w/signals', {
      name: 'go',
      id: 's1',
      payload: { by: 'me' },
    });
    expect([first.status, await first.json()]).toEqual([
      201,
      { run: 'w', signal: 's1', isNew: true },
    ]);
    expect((await site.post('/runs/w/signals', { name: 'go', id: 's1' })).status).toBe(200);
    await site.orchestrator.settled('w');
    expect(await bodyOf(site.get('/runs/w/why?node=last'))).toMatchObject({ status: 'blocked' });
    expect(await bodyOf(site.get('/runs/w/nodes?scope=each[]'))).toMatchObject({
      nodes: [
        { node: 'each[0]', output: 2 },
        { node: 'each[1]', output: 4 },
      ],
    });
    isReady = true;
    expect((await site.post('/runs/w/retry', { node: 'last', by: 'ann' })).status).toBe(200);
    expect((await site.orchestrator.result('w')).status).toBe('completed');
  });

  it.each([
    ['/runs/none/signals', { name: 'go' }, 404, 'run-unknown'],
    ['/runs/w/signals', { name: 'go' }, 409, 'run-ended'],
    ['/runs/w/signals', { nam: 'go' }, 400, 'argument-invalid'],
    ['/runs/w/retry', { node: 'none' }, 404, 'node-unknown'],
    ['/runs/w/step', {}, 409, 'run-not-paused'],
  ])('%s with %j is refused with %d %s', async (path, body, status, code) => {
    const response = await site.post(path, body);
    expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([
      status,
      code,
    ]);
  });
});
