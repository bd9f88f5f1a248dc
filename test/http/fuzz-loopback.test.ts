/** The requests of the fuzzer over real connections, while others send byte by byte. */
import { connect, type Socket } from 'node:net';
import fc from 'fast-check';
import { expect, it, onTestFinished } from 'vitest';
import { createOrchestrator } from '../../src/create-orchestrator.js';
import { createHttpApp } from '../../src/http/app.js';
import { type ListenOptions, listen } from '../../src/http/server.js';
import { plan } from '../../src/plan/builder.js';
import { temporaryDatabase } from '../support/temporary.js';
import { assertDocumented } from './support/document.js';
import { type Asked, requestsOf } from './support/requests.js';

const REQUESTS = 300;
const AT_ONCE = 20;
const TIMEOUTS = { headersTimeoutMs: 400, requestTimeoutMs: 800 };
/** What may wait for long, has no end, or is text. */
const WAITING = ['claimWork', 'heartbeatWork', 'hearMcp', 'tellMcp'];
const WITHOUT = new Set(['getApiPageFile', 'getApiPage', ...WAITING]);

const quick = plan('Quick').action('work', { handler: 'work' }).build();
const asks = plan('Asks').approval('gate').build();

async function open(options: ListenOptions = {}) {
  const orchestrator = await createOrchestrator({
    url: temporaryDatabase(),
    handlers: { work: () => 1 },
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

it(`${REQUESTS} requests of any kind over real connections are answered as documented`, async () => {
  const { orchestrator, url, faults } = await open();
  const runs = Array.from({ length: 20 }, (_, number) => `r${number}`);
  await Promise.all(
    runs.map(async (id, number) => {
      await orchestrator.start(number % 4 === 0 ? quick : asks, { id });
      await orchestrator.settled(id);
    }),
  );
  const tasks = (await orchestrator.tasks.list()).map(({ id }) => id);
  const names: Readonly<Record<string, readonly string[]>> = {
    ...{ plan: ['quick', 'asks'], 'plans.name': ['quick', 'asks'], id: runs, run: runs },
    ...{ 'runs.id': runs, 'tasks.id': tasks, node: ['gate'], by: ['ada'] },
    'idempotency-key': ['k1', 'k2'],
  };
  const statuses = new Map<number, number>();
  const ask = async (asked: Asked) => {
    const { method, path, headers, body } = asked;
    const init = { method, headers, ...(body !== undefined && { body }) };
    const response = await fetch(url + path, init);
    statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
    const isFault = response.status >= 500 && response.status !== 503;
    expect(isFault, `${JSON.stringify(asked)} ${String(faults.at(-1))}`).toBe(false);
    await assertDocumented({ method, url: url + path, body: undefined }, response);
    await response.body?.cancel();
  };
  const sample = fc.sample(
    requestsOf((name) => names[name] ?? [], WITHOUT),
    { numRuns: REQUESTS },
  );
  for (let start = 0; start < sample.length; start += AT_ONCE) {
    await Promise.all(sample.slice(start, start + AT_ONCE).map(ask));
  }
  expect(faults).toEqual([]);
  expect(statuses.get(200)).toBeGreaterThan(REQUESTS / 20);
  expect(orchestrator.health()).toMatchObject({ status: 'ok' });
}, 60_000);
