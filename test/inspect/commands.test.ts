import { on, once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { Workplace } from '../cli/support/workplace.js';

let place: Workplace;
beforeEach(() => {
  place = new Workplace();
});
afterEach(() => place.leave());

const PLAN = 'title: Asks\nnodes: [{ kind: human-approval, id: sign }]\nedges: []\n';

interface Told {
  readonly type: string;
  readonly sessionId: string;
  readonly event?: { readonly type: string };
}

/** What a stream tells, one after the other. */
function tellsOf(address: string): () => Promise<Told> {
  const socket = new WebSocket(address);
  const messages = on(socket, 'message');
  return async () => JSON.parse(String((await messages.next()).value[0])) as Told;
}

describe('inspecting from the command line', () => {
  it('S211 serve --inspect prints the address of the page, whose ticket is good once', async () => {
    const plan = place.write('asks.yaml', PLAN);
    const { server, url } = await place.serve(plan, '--inspect');
    const [, page = ''] = await server.says(/Inspector: (http:\S+)/);
    const shown = await fetch(page);
    expect(shown.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(await shown.text()).toContain('<title>Runchart inspector</title>');
    const open = () =>
      fetch(`${url}/inspect/api/session`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ ticket: new URL(page).hash.replace('#ticket=', '') }),
      });
    expect([(await open()).status, (await open()).status]).toEqual([200, 401]);
    expect((await fetch(`${url}/inspect?run=r1`)).url).toBe(`${url}/inspect/?run=r1`);
    expect((await fetch(`${url}/health`)).status).toBe(200);
    expect(await server.kill('SIGTERM')).toMatchObject({ code: 0 });
  });

  it('S211 inspect watches a run beside the process that owns it, until it is stopped', async () => {
    const plan = place.write('asks.yaml', PLAN);
    const { url } = await place.serve(plan);
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ plan: 'asks', id: 'r1' });
    await fetch(`${url}/runs`, { method: 'POST', headers, body });
    // The server itself has no inspector unless it is asked for one.
    expect((await fetch(`${url}/inspect/`)).status).toBe(404);
    const refused = new WebSocket(`${url.replace('http', 'ws')}/inspect/socket?run=r1`);
    expect(String(await once(refused, 'error'))).toContain('404');
    expect(await place.cli('inspect', 'nobody')).toMatchObject({ code: 1 });
    const inspecting = place.start('inspect', 'r1');
    const [, page = ''] = await inspecting.says(/^page +(http:\S+)$/m);
    const [, stately = ''] = await inspecting.says(/^stately +(http:\S+)$/m);
    const [, stream = ''] = await inspecting.says(/^stream +(ws:\S+)$/m);
    expect((await fetch(page)).status).toBe(200);
    const bridge = await fetch(stately);
    expect(bridge.headers.get('content-security-policy')).toContain('frame-src https://stately.ai');
    const next = tellsOf(stream);
    expect(await next()).toMatchObject({ type: '@xstate.actor', sessionId: 'r1' });
    expect(await next()).toMatchObject({ type: '@xstate.actor', sessionId: 'r1/sign' });
    await fetch(`${url}/runs/r1/cancel`, { method: 'POST', headers, body: '{}' });
    expect(await next()).toMatchObject({ event: { type: 'run.cancel-requested' } });
    expect(await inspecting.kill('SIGTERM')).toMatchObject({ code: 0 });
  });
});
