/**
 * The server over real sockets on loopback, beside an empty route of the same framework on the same kind of
 * server in the same run. Clients and server share the process and its cores: what a client costs is in both.
 */
import { Agent, type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { Hono } from 'hono';
import { createHttpApp } from '../dist/http/app.js';
import { type HttpServer, listen } from '../dist/http/server.js';
import type { Row } from './measures.js';
import { chain } from './plans.js';
import { openRig, withDirectory } from './rig.js';

const CLIENTS = 32;
const RUNS = 1_500;
const EMPTY_REQUESTS = 6_000;
const SUBSCRIBERS = 100;
/** Nodes of the run that the subscribers follow. */
const FOLLOWED = 1_000;

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** Starts runs of three nodes and follows the events of each to its end; beside requests for nothing. */
export async function* http(): AsyncGenerator<Row> {
  const empty = await withServer(
    new Hono().get('/', (context) => context.json({})),
    (url) =>
      perSecond(EMPTY_REQUESTS, async () => {
        expectOk(await call(`${url}/`));
      }),
  );
  yield { name: 'http-empty', value: empty.rate, unit: 'requests/s' };
  const runs = await withApp({ short: chain(3) }, (url) =>
    perSecond(RUNS, async () => {
      const started = expectOk(await call(`${url}/runs`, JSON.stringify({ plan: 'short' })));
      const { id } = JSON.parse(started.text) as { id: string };
      await countEvents(`${url}/runs/${id}/events`);
    }),
  );
  const baseline = 'requests/s of an empty route';
  yield { name: 'http', value: runs.rate, unit: 'runs/s', ratio: runs.rate / empty.rate, baseline };
  const { p50, p99 } = runs;
  const slower = { ratio: p50 / empty.p50, baseline: 'an empty request' };
  yield { name: 'http-p50', value: p50, unit: 'ms', ...slower };
  yield {
    name: 'http-p99',
    value: p99,
    unit: 'ms',
    ratio: p99 / empty.p99,
    baseline: slower.baseline,
  };
}

/** Events of one run to a hundred subscribers, from its first to its last; beside one subscriber alone. */
export async function* sse(): AsyncGenerator<Row> {
  const alone = await eventsPerSecond(1);
  yield { name: 'sse-1', value: alone, unit: 'events/s' };
  const all = await eventsPerSecond(SUBSCRIBERS);
  yield {
    name: 'sse',
    value: all,
    unit: 'events/s',
    ratio: all / alone,
    baseline: 'one subscriber',
  };
}

function eventsPerSecond(subscribers: number): Promise<number> {
  return withApp({ long: chain(FOLLOWED) }, async (url) => {
    const body = JSON.stringify({ plan: 'long', id: 'r' });
    expectOk(await call(`${url}/runs`, body));
    const begun = performance.now();
    const counts = await Promise.all(
      Array.from({ length: subscribers }, () => countEvents(`${url}/runs/r/events`)),
    );
    const events = counts.reduce((sum, count) => sum + count, 0);
    return (events / (performance.now() - begun)) * 1_000;
  });
}

/** Reads a stream to its end. */
async function countEvents(url: string): Promise<number> {
  const response = await send(url, undefined, { accept: 'text/event-stream' });
  let count = 0;
  let rest = '';
  for await (const chunk of response.setEncoding('utf8')) {
    const parts = (rest + chunk).split('\n\n');
    rest = parts.pop() ?? '';
    count += parts.filter((part) => part.includes('data:')).length;
  }
  return count;
}

interface Measured {
  /** Per second. */
  readonly rate: number;
  /** In milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

/** The same `work` many times over, by a number of clients of which each does one at a time. */
async function perSecond(times: number, work: () => Promise<void>): Promise<Measured> {
  for (let warmUp = 0; warmUp < CLIENTS * 4; warmUp += 1) await work();
  const took: number[] = [];
  let left = times;
  const begun = performance.now();
  const client = async () => {
    while (left > 0) {
      left -= 1;
      const from = performance.now();
      await work();
      took.push(performance.now() - from);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  const rate = (took.length / (performance.now() - begun)) * 1_000;
  took.sort((a, b) => a - b);
  const at = (share: number) => took[Math.floor(took.length * share)] ?? 0;
  return { rate, p50: at(0.5), p99: at(0.99) };
}

function withApp<T>(
  plans: Readonly<Record<string, ReturnType<typeof chain>>>,
  work: (url: string) => Promise<T>,
): Promise<T> {
  return withDirectory(async (directory) => {
    const rig = await openRig(join(directory, 'bench.db'));
    const offered = Object.entries(plans).map(([name, plan]) => [name, { plan }] as const);
    const app = createHttpApp(rig, { plans: Object.fromEntries(offered) });
    try {
      return await withServer(app, work);
    } finally {
      await rig.close();
    }
  });
}

async function withServer<T>(app: Hono, work: (url: string) => Promise<T>): Promise<T> {
  const server: HttpServer = await listen(app, 0);
  try {
    return await work(server.url);
  } finally {
    const closed = server.stopListening();
    server.closeConnections();
    await closed;
  }
}

const agent = new Agent({ keepAlive: true, maxSockets: 256 });

async function call(url: string, body?: string): Promise<Answer> {
  const response = await send(url, body, {});
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += chunk;
  return { status: response.statusCode ?? 0, text };
}

function send(
  url: string,
  body: string | undefined,
  headers: Record<string, string>,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const method = body === undefined ? 'GET' : 'POST';
    const type = body === undefined ? {} : { 'content-type': 'application/json' };
    const sent = request(url, { agent, method, headers: { ...headers, ...type } }, resolve);
    sent.on('error', reject);
    sent.end(body);
  });
}

function expectOk(answer: Answer): Answer {
  if (answer.status >= 200 && answer.status < 300) return answer;
  throw new Error(`answered ${answer.status}: ${answer.text.slice(0, 200)}`);
}
