/** How many streams a principal may have open, and all together. */
import { once } from 'node:events';
import { connect } from 'node:net';
import fc from 'fast-check';
import { expect, it, onTestFinished, vi } from 'vitest';
import { external } from '../../src/actors/external-handler.js';
import { OpenStreams } from '../../src/http/open-streams.js';
import { plan } from '../../src/plan/builder.js';
import { openGuarded } from '../access/support/guarded.js';
import { openSite, STREAM } from './support/site.js';

it('S187 a HEAD request opens no stream', async () => {
  const site = await openGuarded({}, { maxStreams: 1 });
  onTestFinished(() => site.close());
  const token = await site.token('acme', ['reader'], 'ann');
  for (let i = 0; i < 5; i += 1) {
    const head = await site.ask('HEAD', '/events', { token, headers: STREAM });
    expect(head.status).toBe(200);
  }
  const open = await site.ask('GET', '/events', { token, headers: STREAM });
  expect(open.status).toBe(200);
  await open.body?.cancel();
});

it('S187 a principal has a limited number of streams open, of whatever kind, and others have theirs', async () => {
  const ask = plan('Ask').approval('gate').build();
  const site = await openGuarded({}, { plans: { ask: { plan: ask } }, maxStreams: 2 });
  onTestFinished(() => site.close());
  const tokens = {
    ann: await site.token('acme', ['operator', 'reader'], 'ann'),
    bob: await site.token('acme', ['reader'], 'bob'),
    other: await site.token('other', ['operator', 'reader'], 'ann'),
  };
  const open = (path: string, token: string) => site.ask('GET', path, { token, headers: STREAM });
  for (const token of [tokens.ann, tokens.other]) {
    await site.ask('POST', '/runs', { token, body: { plan: 'ask', id: 'r' } });
  }
  const first = await open('/runs/r/events', tokens.ann);
  const second = await open('/runs/r/stream', tokens.ann);
  expect([first.status, second.status]).toEqual([200, 200]);
  const refused = await open('/runs/r/events', tokens.ann);
  expect([refused.status, await refused.json()]).toMatchObject([
    429,
    { code: 'too-many-streams', hint: expect.stringContaining('/events') },
  ]);
  for (const token of [tokens.bob, tokens.other]) {
    const another = await open('/runs/r/events', token);
    expect(another.status).toBe(200);
    await another.body?.cancel();
  }
  // One that has ended counts no more; the server hears of it a moment later.
  await first.body?.cancel();
  const third = await vi.waitUntil(
    async () => {
      const answer = await open('/runs/r/stream', tokens.ann);
      if (answer.status === 200) return answer;
      await answer.body?.cancel();
      return undefined;
    },
    { timeout: 10_000, interval: 5 },
  );
  await third.body?.cancel();
  await second.body?.cancel();
});

it('S94 a payload and an export hold one of the streams of whoever does not read on', async () => {
  const make = plan('Make').action('make', { handler: 'make' }).build();
  const payload = 'x'.repeat(4_000_000);
  const site = await openGuarded(
    { make: () => ({ ok: true, artifacts: [{ name: 'large', kind: 'text', payload }] }) },
    { plans: { make: { plan: make } }, maxStreams: 1 },
  );
  onTestFinished(() => site.close());
  const token = await site.token('', ['operator', 'reader'], 'ann');
  await site.ask('POST', '/runs', { token, body: { plan: 'make', id: 'r' } });
  await site.orchestrator.result('r');
  const ask = (method: string, path: string) => site.ask(method, `/runs/r/${path}`, { token });
  for (const path of ['artifacts/large/payload', 'export']) {
    for (let i = 0; i < 3; i += 1) {
      const read = await ask('GET', path);
      expect([read.status, (await read.text()).length > 4_000_000]).toEqual([200, true]);
      expect((await ask('HEAD', path)).status).toBe(200);
    }
    const stalled = await ask('GET', path);
    const refused = await ask('GET', 'artifacts/large/payload');
    expect(await refused.json()).toMatchObject({ code: 'too-many-streams' });
    await stalled.body?.cancel();
    await vi.waitFor(async () => expect((await ask('HEAD', path)).status).toBe(200));
  }
});

it('S187 streams that wait behind another one of their connection are counted off as it ends', async () => {
  const site = await openSite({}, { maxStreams: 2 });
  onTestFinished(() => site.close());
  const { port, host } = new URL(site.url);
  const socket = connect(Number(port), '127.0.0.1');
  const ask = `GET /events HTTP/1.1\r\nhost: ${host}\r\naccept: text/event-stream\r\n\r\n`;
  socket.write(ask + ask);
  await once(socket, 'data');
  const opens = async () => (await fetch(`${site.url}/events`, { headers: STREAM })).status;
  await vi.waitFor(async () => expect(await opens()).toBe(429));
  socket.destroy();
  await vi.waitFor(async () => {
    const both = await Promise.all(
      [1, 2].map(() => fetch(`${site.url}/events`, { headers: STREAM })),
    );
    for (const { body } of both) await body?.cancel();
    expect(both.map(({ status }) => status)).toEqual([200, 200]);
  }, 10_000);
});

it('promise 14: where streams are as many as there may be, the tenant that has most makes room', async () => {
  const limits = { maxStreams: 3, maxAllStreams: 4 };
  const site = await openGuarded({}, { plans: {}, ...limits });
  onTestFinished(() => site.close());
  const open = (token: string) => site.ask('GET', '/events', { token, headers: STREAM });
  const readers = new Map<string, Response[]>();
  for (const [tenant, names] of [
    ['greedy', ['a', 'b']],
    ['modest', ['a']],
    ['late', ['a']],
  ] as const) {
    for (const name of names) {
      const token = await site.token(tenant, ['reader'], name);
      for (let i = 0; i < 2; i += 1) {
        const answer = await open(token);
        readers.set(tenant, [...(readers.get(tenant) ?? []), answer]);
      }
    }
  }
  const statusOf = (tenant: string) => readers.get(tenant)?.map(({ status }) => status);
  expect(statusOf('greedy')).toEqual([200, 200, 200, 200]);
  expect(statusOf('modest')).toEqual([200, 200]);
  // One more would be as many as another tenant has.
  expect(statusOf('late')).toEqual([200, 429]);
  const [first, ...newest] = readers.get('greedy') ?? [];
  for (const one of newest) await drained(one);
  const [late, refused] = readers.get('late') ?? [];
  expect(await refused?.json()).toMatchObject({ code: 'too-many-streams' });
  for (const one of [first, late, ...(readers.get('modest') ?? [])]) {
    const reader = one?.body?.getReader();
    expect((await reader?.read())?.done).toBe(false);
    await reader?.cancel();
  }
});

/** Reads until the stream ends or is cut off. */
async function drained(response: Response): Promise<string> {
  try {
    return await response.text();
  } catch {
    return 'cut off';
  }
}

it('promise 14: whatever is opened and ended, in whatever order, none is counted twice and each tenant has its share', () => {
  const steps = fc.array(
    fc.oneof(
      fc.record({ opens: fc.constantFrom('a', 'b', 'c'), by: fc.constantFrom('x', 'y') }),
      fc.record({ ends: fc.nat(20) }),
    ),
    { maxLength: 60 },
  );
  const MAX = { principal: 4, all: 6 };
  fc.assert(
    fc.property(steps, (all) => {
      const streams = new OpenStreams(MAX.principal, MAX.all);
      const open: { readonly tenant: string; readonly name: string; leave(): void }[] = [];
      const countOf = (tenant: string) => open.filter((one) => one.tenant === tenant).length;
      for (const step of all) {
        if ('ends' in step) {
          const [ended] = open.splice(step.ends, 1);
          ended?.leave();
          ended?.leave();
          continue;
        }
        const { opens: tenant, by: name } = step;
        const own = countOf(tenant);
        const ofPrincipal = open.filter((one) => one.tenant === tenant && one.name === name);
        const most = Math.max(0, ...['a', 'b', 'c'].map(countOf));
        const stream = { tenant, name, leave: () => {} };
        const enter = () => streams.enter(stream, () => void open.splice(open.indexOf(stream), 1));
        const mayEnter =
          ofPrincipal.length < MAX.principal && (open.length < MAX.all || own + 1 < most);
        if (!mayEnter) expect(enter).toThrow('open already');
        else {
          stream.leave = enter();
          open.push(stream);
        }
        expect(open.length).toBeLessThanOrEqual(MAX.all);
      }
    }),
  );
});

it('S225 S187 the stream of an agent is one of its principal’s', async () => {
  const site = await openGuarded({}, { plans: {}, maxStreams: 1 });
  onTestFinished(() => site.close());
  const token = await site.token('acme', ['reader'], 'ann');
  const params = {
    protocolVersion: '2025-06-18',
    capabilities: {},
    clientInfo: { name: 't', version: '1' },
  };
  const headers = { accept: 'application/json, text/event-stream' };
  const begun = await site.ask('POST', '/mcp', {
    ...{ token, headers },
    body: { jsonrpc: '2.0', id: 1, method: 'initialize', params },
  });
  const session = begun.headers.get('mcp-session-id') ?? '';
  const hear = () =>
    site.ask('GET', '/mcp', { token, headers: { ...STREAM, 'mcp-session-id': session } });
  const heard = await hear();
  expect(heard.status).toBe(200);
  const refused = await site.ask('GET', '/events', { token, headers: STREAM });
  expect([refused.status, await refused.json()]).toMatchObject([429, { code: 'too-many-streams' }]);
  await heard.body?.cancel();
  const next = await vi.waitUntil(
    async () => {
      const answer = await site.ask('GET', '/events', { token, headers: STREAM });
      if (answer.status === 200) return answer;
      await answer.body?.cancel();
      return undefined;
    },
    { timeout: 10_000, interval: 5 },
  );
  // And the other way round.
  const other = await hear();
  expect([other.status, await other.json()]).toMatchObject([429, { code: 'too-many-streams' }]);
  await next.body?.cancel();
});

it('promise 14: work that is waited for holds no connection that another tenant needs', async () => {
  const site = await openGuarded({ out: external() }, { plans: {}, maxAllStreams: 2 });
  onTestFinished(() => site.close());
  const greedy = await site.token('greedy', ['worker', 'reader'], 'w');
  const claim = async () => {
    const body = { worker: 'w', capabilities: ['out'], waitMs: 60_000 };
    const answer = await site.ask('POST', '/work/claim', { token: greedy, body });
    return [answer.status, await answer.json()];
  };
  const ended: number[] = [];
  const claims = [0, 1].map((n) => claim().finally(() => ended.push(n)));
  const { work } = site.orchestrator;
  const isFull = () => claim().then(([, body]) => expect(body).toEqual({ claims: [] }));
  await vi.waitFor(isFull, { timeout: 10_000 });
  expect(ended).toEqual([]);
  const modest = await site.token('modest', ['reader'], 'r');
  const stream = await site.ask('GET', '/events', { token: modest, headers: STREAM });
  expect(stream.status).toBe(200);
  // The newest of them was answered, with nothing; the other one waits.
  expect(await claims[1]).toEqual([200, { claims: [] }]);
  expect(ended).toEqual([1]);
  await stream.body?.cancel();
  expect(work.offers()).toEqual([]);
  // It ends with the server.
  claims[0]?.catch(() => {});
});
