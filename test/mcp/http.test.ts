import { afterEach, describe, expect, it } from 'vitest';
import { external } from '../../src/actors/external-handler.js';
import { bodyOf, openSite, type Site } from '../http/support/site.js';
import { Agent, REVIEW, workThrough } from './support/agent.js';

let site: Site;
const agents: Agent[] = [];
afterEach(async () => {
  await Promise.all(agents.splice(0).map((agent) => agent.leave()));
  await site.close();
});

async function connect(): Promise<Agent> {
  const agent = await Agent.overHttp(site.url);
  agents.push(agent);
  return agent;
}

const JSON_TYPE = { 'content-type': 'application/json' };
const PING = { jsonrpc: '2.0', id: 1, method: 'ping' };

describe('an agent over HTTP', () => {
  it('S225 submits a plan, claims and submits its work, asks people, replans and reads why', async () => {
    site = await openSite({ write: external() });
    const { orchestrator } = site;
    await workThrough(await connect(), (task, response) =>
      orchestrator.respond(task, { response: response as string, responder: 'ada' }),
    );
  });

  it('S225 reads on in what was cut, until it has all of it', async () => {
    const text = 'äö😀'.repeat(10_000);
    site = await openSite({
      write: () => ({ text, list: Array.from({ length: 5_000 }, (_, i) => i) }),
    });
    const agent = await connect();
    const plan = { title: 'T', nodes: [{ id: 'a', kind: 'action', handler: 'write' }], edges: [] };
    const { run } = await agent.call('submit_plan', { plan });
    await agent.call('wait_for_run', { run, waitMs: 10_000 });
    const overview = await agent.call('read_run', { run });
    expect(JSON.stringify(overview).length).toBeLessThan(5_000);
    let read = '';
    for (let offset: number | null = 0; offset !== null; ) {
      const answer = await agent.call('read_node', { run, node: 'a', part: 'output', offset });
      expect(JSON.stringify(answer).length).toBeLessThan(20_000);
      read += answer.output.text;
      offset = answer.output.nextOffset as number | null;
      expect(offset).toBeDefined();
    }
    expect(JSON.parse(read)).toMatchObject({ text });
  });

  it('S90 S225 tells of an attempt what it was given, where that is not the input of its node', async () => {
    const work = () => {
      throw new Error('no');
    };
    site = await openSite({ work });
    const { orchestrator } = site;
    const node = { id: 'a', kind: 'action', handler: 'work', onFailure: 'replan' } as const;
    const plan = { title: 'T', nodes: [node], edges: [] };
    await orchestrator.start(plan, { id: 'r', input: { text: 'x'.repeat(5_000) } });
    await orchestrator.settled('r');
    await orchestrator.change.patchInput('r', 'a', { input: 'short', by: 'op' });
    await orchestrator.retryNode('r', 'a');
    await orchestrator.settled('r');
    const { input, attempts } = await (await connect()).call('read_node', { run: 'r', node: 'a' });
    expect(input).toEqual({ value: 'short' });
    expect(attempts[0].input).toMatchObject({ totalChars: 5_011, offset: 0 });
    expect(attempts[0].input.text.length).toBeLessThan(1_000);
    expect(attempts[1].input).toBeUndefined();
  });

  it('S225 reads lists page by page, and misses nothing', async () => {
    site = await openSite({});
    const agent = await connect();
    const ids = Array.from({ length: 30 }, (_, i) => `run-${i}`);
    const plan = { title: 'T', nodes: [{ id: 's', kind: 'signal', signal: 'go' }], edges: [] };
    const metadata = { note: 'x'.repeat(5_000) };
    for (const id of ids) await agent.call('submit_plan', { plan, id, metadata });
    const seen: string[] = [];
    for (let before: string | null = null; before !== null || seen.length === 0; ) {
      const page = await agent.call('list_runs', { limit: 100, ...(before && { before }) });
      expect(JSON.stringify(page).length).toBeLessThan(27_000);
      seen.push(...page.runs.map(({ run }: { run: string }) => run));
      before = page.next;
    }
    expect(seen).toEqual(ids.reverse());
  });

  it('S225 S220 does nothing more when it calls again with the same key', async () => {
    site = await openSite({ write: external() });
    const agent = await connect();
    const first = await agent.call('submit_plan', { plan: REVIEW, idempotencyKey: 'k' });
    const again = await agent.call('submit_plan', { plan: REVIEW, idempotencyKey: 'k' });
    expect(again).toMatchObject({ run: first.run });
    expect(
      await agent.refused('submit_plan', { plan: REVIEW, input: { a: 1 }, idempotencyKey: 'k' }),
    ).toMatchObject({ code: 'idempotency-key-reused' });
    const asks = { question: 'Well?', idempotencyKey: 'q' };
    const asked = await agent.call('ask_person', asks);
    expect(await agent.call('ask_person', asks)).toMatchObject({ run: asked.run });
    expect((await agent.call('list_runs')).runs).toHaveLength(2);
  });

  it('S225 gives work back whose claim it called off', async () => {
    site = await openSite({ write: external() });
    const agent = await connect();
    const controller = new AbortController();
    const waiting = agent.client.callTool(
      { name: 'claim_work', arguments: { capabilities: ['write'], waitMs: 30_000 } },
      undefined,
      { signal: controller.signal },
    );
    await agent.call('list_work');
    controller.abort();
    await expect(waiting).rejects.toThrow();
    await agent.call('submit_plan', { plan: REVIEW, id: 'r1' });
    const other = await connect();
    const claimed = await other.call('claim_work', { capabilities: ['write'], waitMs: 5_000 });
    expect(claimed).toMatchObject({ run: 'r1' });
  });
});

describe('the endpoint', () => {
  it('lets nobody in from elsewhere', async () => {
    site = await openSite({});
    const foreign = await site.post('/mcp', PING, { ...JSON_TYPE, origin: 'https://evil.test' });
    expect([foreign.status, await bodyOf(foreign)]).toMatchObject([
      403,
      { code: 'origin-refused' },
    ]);
  });

  it('S225 refuses what is no message of a session', async () => {
    site = await openSite({});
    const agent = await connect();
    const { sessionId = '' } = agent.transport as { sessionId?: string };
    const inside = { ...JSON_TYPE, 'mcp-session-id': sessionId };
    const cases: readonly [unknown, Record<string, string>, number, string][] = [
      [PING, JSON_TYPE, 400, 'argument-invalid'],
      [PING, { ...JSON_TYPE, 'mcp-session-id': 'none' }, 404, 'session-unknown'],
      [{ id: 1, method: 'ping' }, inside, 400, 'argument-invalid'],
      [[PING, PING], inside, 400, 'argument-invalid'],
      ['{"jsonrpc"', inside, 400, 'body-malformed'],
      [{ ...PING, params: { a: 'x'.repeat(1_100_000) } }, inside, 413, 'body-too-large'],
      [`{"a":${'['.repeat(200)}${']'.repeat(200)}}`, inside, 400, 'body-too-deep'],
      [PING, { ...inside, 'content-type': 'text/plain' }, 415, 'content-type-refused'],
      [PING, { ...inside, 'mcp-protocol-version': '1999-01-01' }, 404, 'session-unknown'],
    ];
    for (const [body, headers, status, code] of cases) {
      const response = await site.post('/mcp', body, headers);
      expect([response.status, (await bodyOf<{ code: string }>(response)).code]).toEqual([
        status,
        code,
      ]);
    }
    expect((await site.get('/mcp')).status).toBe(400);
    // None of that has ended the session.
    await agent.call('list_plans');
  });

  it('S225 ends a session when it is told to', async () => {
    site = await openSite({});
    const agent = await connect();
    const { sessionId = '' } = agent.transport as { sessionId?: string };
    const headers = { 'mcp-session-id': sessionId };
    const ended = await fetch(`${site.url}/mcp`, { method: 'DELETE', headers });
    expect(ended.status).toBe(204);
    await expect(agent.call('list_plans')).rejects.toThrow('session-unknown');
  });
});
