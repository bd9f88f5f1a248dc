/** The requests of the fuzzer over real connections, while others send byte by byte. */
import { connect, type Socket } from 'node:net';
import fc from 'fast-check';
import { expect, it, onTestFinished } from 'vitest';
import { external } from '../../src/actors/external-handler.js';
import { createOrchestrator } from '../../src/create-orchestrator.js';
import { createHttpApp } from '../../src/http/app.js';
import { type ListenOptions, listen } from '../../src/http/server.js';
import { plan } from '../../src/plan/builder.js';
import { temporaryDatabase } from '../support/temporary.js';
import { assertDocumented, DOCUMENT } from './support/document.js';
import { type Asked, requestsOf } from './support/requests.js';

const REQUESTS = 300;
const AT_ONCE = 20;
const TIMEOUTS = { headersTimeoutMs: 400, requestTimeoutMs: 800 };
/** What is no JSON, and what ends the session of the agent. */
const WITHOUT = new Set(['getApiPageFile', 'getApiPage', 'endMcp']);
/** What has no end where a stream is asked for, and what may wait for long. */
const STREAMS = new Set(['listEvents', 'listAllEvents', 'streamRun', 'hearMcp']);
const WAITING = new Set([...STREAMS, 'claimWork', 'heartbeatWork', 'tellMcp']);
const DOCUMENTED = Object.values(DOCUMENT.paths).flatMap((path) =>
  Object.values(path).map(({ operationId }) => operationId),
);
const PATIENT_CLAIM: Asked = {
  operationId: 'claimWork',
  method: 'POST',
  path: '/work/claim',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ worker: 'w', capabilities: ['nothing'], waitMs: 60_000 }),
};
/** After that a client goes away. */
const PATIENCE_MS = 250;

const quick = plan('Quick').action('work', { handler: 'work' }).build();
const asks = plan('Asks').approval('gate').build();
const outside = plan('Outside').action('away', { handler: 'out' }).build();

async function open(options: ListenOptions = {}) {
  const orchestrator = await createOrchestrator({
    url: temporaryDatabase(),
    handlers: { work: () => 1, out: external({ leaseMs: 60_000 }) },
  });
  const faults: unknown[] = [];
  const plans = { quick: { plan: quick }, asks: { plan: asks } };
  const onInternalError = (error: unknown) => faults.push(error);
  const server = await listen(createHttpApp(orchestrator, { plans, onInternalError }), 0, options);
  onTestFinished(async () => {
    const stopped = server.stopListening();
    server.closeConnections();
    await stopped;
    await orchestrator.close();
  });
  return { orchestrator, url: server.url, faults };
}

interface Cut {
  readonly answer: string;
  readonly afterMs: number;
  readonly sent: number;
}

/** Sends a request a byte at a time, until it is cut off; gives what came back, and when. */
function drip(url: string, head: string, tail: string): Promise<Cut> {
  const began = performance.now();
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket: Socket = connect(Number(port), hostname);
    let answer = '';
    let sent = 0;
    socket.write(head);
    const dripping = setInterval(() => {
      socket.write(tail.charAt(sent % tail.length));
      sent += 1;
    }, 10);
    socket.setEncoding('utf8').on('data', (text: string) => {
      answer += text;
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      clearInterval(dripping);
      resolve({ answer, sent, afterMs: performance.now() - began });
    });
  });
}

it('whoever sends headers or a body byte by byte is cut off by its timeout, and holds up nobody', async () => {
  const { url, faults } = await open(TIMEOUTS);
  const host = `host: ${new URL(url).host}\r\n`;
  const post = `POST /runs HTTP/1.1\r\n${host}content-type: application/json\r\n`;
  const slow = [
    ...Array.from({ length: 20 }, () => drip(url, '', `GET /runs HTTP/1.1\r\n${host}x: `)),
    ...Array.from({ length: 20 }, () => drip(url, `GET /runs HTTP/1.1\r\n${host}`, 'x-a: b\r\n')),
  ];
  const bodies = Array.from({ length: 20 }, () =>
    drip(url, `${post}content-length: 100000\r\n\r\n{"plan": "`, 'x'),
  );
  const chunked = drip(url, `${post}transfer-encoding: chunked\r\n\r\n`, '1\r\n \r\n');
  let answered = 0;
  let isOver = false;
  const cut = Promise.all([...slow, ...bodies, chunked]).finally(() => {
    isOver = true;
  });
  while (!isOver) {
    const asked = performance.now();
    expect((await fetch(`${url}/health`)).status).toBe(200);
    expect(performance.now() - asked).toBeLessThan(2_000);
    answered += 1;
  }
  expect(answered).toBeGreaterThan(3);
  for (const { answer, afterMs, sent } of await cut) {
    expect(answer).toMatch(/^(HTTP\/1\.1 408 |$)/);
    expect(sent).toBeGreaterThan(5);
    expect(afterMs).toBeGreaterThan(TIMEOUTS.headersTimeoutMs - 50);
    expect(afterMs).toBeLessThan(10_000);
  }
  expect((await cut).some(({ answer }) => answer.startsWith('HTTP/1.1 408'))).toBe(true);
  expect(faults).toEqual([]);
}, 30_000);

it(`${REQUESTS} requests of any kind over real connections are answered as documented, or left waiting`, async () => {
  const { orchestrator, url, faults } = await open();
  const runs = Array.from({ length: 20 }, (_, number) => `r${number}`);
  const byTurns = [quick, asks, outside, asks];
  await Promise.all(
    runs.map((id, number) => orchestrator.start(byTurns[number % 4] ?? quick, { id })),
  );
  await expect.poll(() => orchestrator.work.offers()).toMatchObject([{ waiting: 5 }]);
  await expect.poll(() => orchestrator.tasks.list()).toHaveLength(10);
  const tasks = (await orchestrator.tasks.list()).map(({ id }) => id);
  const claims = await orchestrator.work.claim({ worker: 'w', capabilities: ['out'], limit: 5 });
  const names: Readonly<Record<string, readonly string[]>> = {
    ...{ plan: ['quick', 'asks'], 'plans.name': ['quick', 'asks'], id: runs, run: runs },
    ...{ 'runs.id': runs, 'tasks.id': tasks, node: ['gate'], by: ['ada'] },
    ...{ token: claims.map(({ token }) => token), capabilities: ['out', 'in'], worker: ['w'] },
    'idempotency-key': ['k1', 'k2'],
  };
  const agent = await agentOf(url);
  const statuses = new Map<number, number>();
  const left = new Set<string>();
  const streamed = new Set<string>();
  const ask = async (asked: Asked, number: number) => {
    const { operationId, method, path, body } = asked;
    const isStream = STREAMS.has(operationId) && number % 4 > 0;
    const isAgent = operationId === 'tellMcp';
    const accept = isAgent ? 'application/json, text/event-stream' : 'text/event-stream';
    const headers = {
      ...asked.headers,
      ...((isStream || isAgent) && { accept }),
      ...(operationId.endsWith('Mcp') && number % 5 > 0 && { 'mcp-session-id': agent }),
    };
    const init = { method, headers, ...(body !== undefined && { body }) };
    const response = await within(PATIENCE_MS, url + path, init);
    if (response === undefined) {
      left.add(operationId);
      return;
    }
    statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
    const isFault = response.status >= 500 && response.status !== 503;
    expect(isFault, `${JSON.stringify(asked)} ${String(faults.at(-1))}`).toBe(false);
    if (isStream && response.status === 200) streamed.add(operationId);
    else await assertDocumented({ method, url: url + path, body: undefined }, response);
    await response.body?.cancel();
  };
  const ofAll = fc.sample(
    requestsOf((name) => names[name] ?? [], WITHOUT),
    { numRuns: REQUESTS },
  );
  const others = DOCUMENTED.filter((name) => !WAITING.has(name));
  const ofWaiting = fc.sample(
    requestsOf((name) => names[name] ?? [], new Set(others)),
    { numRuns: REQUESTS / 2 },
  );
  // What a claim waits for is rarely hit upon.
  const sample = [...ofAll, PATIENT_CLAIM, ...ofWaiting, PATIENT_CLAIM];
  for (let start = 0; start < sample.length; start += AT_ONCE) {
    await Promise.all(sample.slice(start, start + AT_ONCE).map(ask));
  }
  expect(faults).toEqual([]);
  expect(statuses.get(200)).toBeGreaterThan(REQUESTS / 20);
  expect([...left]).toContain('claimWork');
  // Which of them is a matter of chance.
  expect(streamed.size).toBeGreaterThan(1);
  expect(orchestrator.health()).toMatchObject({ status: 'ok' });
}, 60_000);

/** The answer, or nothing where it took longer: then the client has gone. */
async function within(ms: number, url: string, init: RequestInit): Promise<Response | undefined> {
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), ms);
  try {
    return await fetch(url, { ...init, signal: patience.signal });
  } catch (error) {
    if (patience.signal.aborted) return undefined;
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** The session of an agent. */
async function agentOf(url: string): Promise<string> {
  const clientInfo = { name: 't', version: '1' };
  const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo };
  const begun = await fetch(`${url}/mcp`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'initialize', params }),
  });
  await begun.body?.cancel();
  return begun.headers.get('mcp-session-id') ?? '';
}
