import { Hono } from 'hono';
import { expect, it } from 'vitest';
import { McpEndpoint } from '../../src/http/mcp/endpoint.js';
import type { ToolHost } from '../../src/mcp/tool.js';

/** An endpoint by itself; whoever asks says who he is. */
function openEndpoint(options: { maxSessions?: number; idleMs?: number } = {}) {
  const closing = new AbortController();
  let now = 0;
  const waiting: (() => void)[] = [];
  const agents = new McpEndpoint({
    version: '1',
    closing: closing.signal,
    now: () => now,
    onInternalError() {},
    ...options,
  });
  const claim = () => new Promise<never[]>((resolve) => waiting.push(() => resolve([])));
  const host = { work: { offers: () => [], claim } } as unknown as ToolHost;
  const plans = { list: () => [], has: () => false, get: () => ({}) as never };
  const app = new Hono();
  app.all('/', async (context) => {
    const owner = context.req.header('owner') ?? '';
    const isPost = context.req.method === 'POST';
    const message = isPost ? await context.req.json() : undefined;
    return agents.answer(
      context,
      { owner, tenant: owner.split('~')[0] ?? '', host, plans },
      message,
    );
  });
  app.onError((error, context) => context.text((error as { code?: string }).code ?? '', 400));
  let id = 0;
  const tell = (session: string | undefined, method: string, params: object, owner = '') =>
    app.request('/', {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        owner,
        ...(session !== undefined && { 'mcp-session-id': session }),
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: ++id, method, params }),
    });
  return {
    tell,
    closing,
    waiting,
    pass(ms: number) {
      now += ms;
    },
    async begin(owner = ''): Promise<string> {
      const clientInfo = { name: 't', version: '1' };
      const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo };
      const answer = await tell(undefined, 'initialize', params, owner);
      expect(answer.status, await answer.clone().text()).toBe(200);
      return answer.headers.get('mcp-session-id') ?? '';
    },
    /** 200, or the code of the error. */
    async ping(session: string, owner = ''): Promise<number | string> {
      const answer = await tell(session, 'ping', {}, owner);
      return answer.status === 200 ? 200 : answer.text();
    },
    call: (session: string, name: string, args: object) =>
      tell(session, 'tools/call', { name, arguments: args }),
  };
}

it('S225 where there is no room, the session ends that was longest silent', async () => {
  const { begin, ping } = openEndpoint({ maxSessions: 2 });
  const [first, second] = [await begin(), await begin()];
  expect(await ping(first)).toBe(200);
  const third = await begin();
  expect(await ping(second)).toBe('session-unknown');
  expect(await ping(first)).toBe(200);
  expect(await ping(third)).toBe(200);
});

it('promise 14: where there is no room, a tenant with many sessions gives up one of its own', async () => {
  const { begin, ping } = openEndpoint({ maxSessions: 4 });
  const theirs = await begin('acme~ada');
  const [first, second] = [await begin('globex~eve'), await begin('globex~eve')];
  await begin('globex~mallory');
  const more = await begin('globex~mallory');
  expect(await ping(first, 'globex~eve')).toBe('session-unknown');
  expect(await ping(theirs, 'acme~ada')).toBe(200);
  await begin('acme~bob');
  expect(await ping(second, 'globex~eve')).toBe('session-unknown');
  expect(await ping(more, 'globex~mallory')).toBe(200);
});

it('S225 a session that is answering is not ended for another one', async () => {
  const { begin, call, tell, ping, waiting } = openEndpoint({ maxSessions: 1 });
  const busy = await begin();
  const claimed = call(busy, 'claim_work', { capabilities: ['a'], waitMs: 1 });
  while (waiting.length === 0) await new Promise(setImmediate);
  const params = {
    protocolVersion: '2025-06-18',
    capabilities: {},
    clientInfo: { name: 't', version: '1' },
  };
  expect(await (await tell(undefined, 'initialize', params)).text()).toBe('overloaded');
  waiting[0]?.();
  expect((await claimed).status).toBe(200);
  await begin();
  expect(await ping(busy)).toBe('session-unknown');
});

it('S225 a session that was silent for too long has ended', async () => {
  const { begin, ping, pass } = openEndpoint({ idleMs: 1_000 });
  const session = await begin();
  pass(1_000);
  expect(await ping(session)).toBe(200);
  pass(1_001);
  expect(await ping(session)).toBe('session-unknown');
});

it('S225 a session is its owner’s alone', async () => {
  const { begin, ping } = openEndpoint();
  const session = await begin('ada');
  expect(await ping(session, 'bob')).toBe('session-unknown');
  expect(await ping(session, 'ada')).toBe(200);
});

it('S225 closing ends all sessions, and answers what waits in them', async () => {
  const { begin, call, ping, closing, waiting } = openEndpoint();
  const session = await begin();
  const claimed = call(session, 'claim_work', { capabilities: ['a'], waitMs: 1 });
  while (waiting.length === 0) await new Promise(setImmediate);
  closing.abort();
  expect(await (await claimed).text()).toBe('session-unknown');
  expect(await ping(session)).toBe('session-unknown');
});
