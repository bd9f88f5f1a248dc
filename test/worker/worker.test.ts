import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { external, type RunEvent } from '../../src/index.js';
import type { JsonValue } from '../../src/plan/json.js';
import {
  connect,
  echo,
  type JobContext,
  type Worker,
  type WorkerFunctions,
  type WorkerOptions,
} from '../../src/worker/index.js';
import { openSite, type Site } from '../http/support/site.js';

const LEASE_MS = 600;

let site: Site;
const workers: Worker[] = [];
beforeEach(async () => {
  site = await openSite({
    work: external({ leaseMs: LEASE_MS }),
    other: external({ capability: 'elsewhere', leaseMs: LEASE_MS }),
  });
});
afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.stop()));
  await site.close();
});

function work(functions: WorkerFunctions, options: WorkerOptions = {}, url = site.url): Worker {
  const worker = connect(url).work(functions, { stopOn: [], drainMs: 1, ...options });
  workers.push(worker);
  return worker;
}

async function start(nodes: readonly object[] = [], edges: readonly object[] = []) {
  const given = nodes.length > 0 ? nodes : [{ kind: 'action', id: 'a', handler: 'work' }];
  return site.orchestrator.start({ title: 'T', nodes: given, edges } as never, {
    input: { n: 1 },
  });
}

async function eventsOf(id: string): Promise<readonly RunEvent[]> {
  return site.orchestrator.runs.events(id);
}

/** Resolves with the context of the first call. */
function calls(answer: (context: JobContext) => unknown) {
  let began: (context: JobContext) => void = () => {};
  const first = new Promise<JobContext>((resolve) => {
    began = resolve;
  });
  const handle = (_: unknown, context: JobContext) => {
    began(context);
    return answer(context);
  };
  return { first, handle };
}

function untilAborted({ signal }: JobContext): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

describe('a worker over HTTP', () => {
  it('S198 claims by capability and answers with a structured result; an echo gives back its input', async () => {
    work({
      work: (input) => ({ ok: true, output: { got: input }, notes: 'seen', action: 'on' }),
      elsewhere: echo,
    });
    const run = await start(
      [
        { kind: 'action', id: 'a', handler: 'work' },
        { kind: 'action', id: 'b', handler: 'other' },
        { kind: 'action', id: 'c', handler: 'work' },
      ],
      [
        { source: 'a', target: 'b', on: 'on' },
        { source: 'a', target: 'c', on: 'off' },
      ],
    );
    const { status, outputs } = await run.result();
    expect(status).toBe('completed');
    expect(outputs).toMatchObject({ b: { got: { n: 1 } } });
  });

  it('S198 handlers in phases are workers too, and versions are capabilities with a version', async () => {
    class Phases {
      prep({ n }: { n: number }) {
        return n + 1;
      }
      exec(n: number) {
        return n * 10;
      }
      post(n: number) {
        return `${n}!`;
      }
    }
    work({ 'work@1': () => 'one', 'work@2': Phases });
    const run = await start([{ kind: 'action', id: 'a', handler: 'work@2' }]);
    expect((await run.result()).outputs).toEqual({ a: '20!' });
    const other = await start([{ kind: 'action', id: 'a', handler: 'work@1' }]);
    expect((await other.result()).outputs).toEqual({ a: 'one' });
  });

  it('S178 keeps its lease while it works, however long that takes', async () => {
    const { handle } = calls(
      () => new Promise((resolve) => setTimeout(resolve, LEASE_MS * 2.5, 'late')),
    );
    work({ work: handle });
    const run = await start();
    expect((await run.result()).outputs).toEqual({ a: 'late' });
    const types = (await eventsOf(run.id)).map(({ type }) => type);
    expect(types).not.toContain('attempt.interrupted');
    expect(types).toContain('attempt.heartbeat');
  });

  it('S237 S52 sends heartbeats with a payload and progress at once', async () => {
    const { handle } = calls(async ({ heartbeat, progress, lastHeartbeat, attempt }) => {
      if (attempt === 2) return lastHeartbeat;
      progress({ half: true });
      heartbeat({ page: 3 });
      await new Promise((resolve) => setTimeout(resolve, 100));
      throw new Error('the network is down');
    });
    work({ work: handle });
    const run = await start([
      { kind: 'action', id: 'a', handler: 'work', retry: { maxAttempts: 2 } },
    ]);
    expect((await run.result()).outputs).toEqual({ a: { page: 3 } });
    const progressed = (await eventsOf(run.id)).find(({ type }) => type === 'attempt.progressed');
    expect(progressed?.detail).toEqual({ progress: { half: true } });
  });

  it('S237 heartbeats that come faster than answers become one, and lose no lease', async () => {
    const { handle } = calls(async ({ heartbeat, lastHeartbeat, attempt }) => {
      if (attempt === 2) return lastHeartbeat;
      const until = Date.now() + LEASE_MS * 2;
      for (let n = 0; Date.now() < until; n++) {
        heartbeat({ n });
        await new Promise((resolve) => setImmediate(resolve));
      }
      heartbeat('last');
      await new Promise((resolve) => setTimeout(resolve, 200));
      throw new Error('again');
    });
    work({ work: handle });
    const run = await start([
      { kind: 'action', id: 'a', handler: 'work', retry: { maxAttempts: 2 } },
    ]);
    expect((await run.result()).outputs).toEqual({ a: 'last' });
    const types = (await eventsOf(run.id)).map(({ type }) => type);
    expect(types).not.toContain('attempt.interrupted');
  });

  it('S152 hears of a cancel at once, by its signal', async () => {
    const { first, handle } = calls(untilAborted);
    work({ work: handle });
    const run = await start();
    const { signal } = await first;
    const began = Date.now();
    await site.orchestrator.cancel(run.id);
    expect((await run.result()).status).toBe('cancelled');
    expect(signal.aborted).toBe(true);
    expect(Date.now() - began).toBeLessThan(5_000);
  });

  it('S110 stops what has taken too long, and sends nothing of it', async () => {
    const { first, handle } = calls(untilAborted);
    const ends: string[] = [];
    work({ work: handle }, { onEnd: (_, end) => ends.push(end) });
    const run = await start([{ kind: 'action', id: 'a', handler: 'work', timeoutMs: 150 }]);
    const { deadlineAt, signal } = await first;
    expect(deadlineAt).toBeGreaterThan(Date.now() - 1_000);
    const result = await run.result();
    expect(result.errors[0]).toMatchObject({ code: 'timeout' });
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve());
    });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(ends).toEqual(['lost']);
  });

  it('S104 reports errors with code, class and whether to try again, and what is no JSON as an error', async () => {
    const circle: { self?: unknown } = {};
    circle.self = circle;
    const results: JsonValue[] = [];
    const functions = {
      work: () => {
        throw Object.assign(new Error('no'), { code: 'E_NO', class: 'quota', retryable: false });
      },
      elsewhere: () => circle,
    };
    work(functions, { concurrency: 2 });
    for (const handler of ['work', 'other']) {
      const run = await start([{ kind: 'action', id: 'a', handler, retry: { maxAttempts: 1 } }]);
      await run.result();
      const failed = (await eventsOf(run.id)).find(({ type }) => type === 'attempt.failed');
      results.push(failed?.detail as JsonValue);
    }
    expect(results[0]).toMatchObject({ code: 'E_NO', class: 'quota', retryable: false });
    expect(results[1]).toMatchObject({ class: 'exception' });
    expect(JSON.stringify(results[1])).toContain('circular');
  });

  it('S178 fails an attempt whose result the server does not take, and goes on', async () => {
    work({ work: () => 'x'.repeat(2 * 1024 * 1024) });
    const run = await start([
      { kind: 'action', id: 'a', handler: 'work', retry: { maxAttempts: 1 } },
    ]);
    const { errors } = await run.result();
    expect(errors[0]).toMatchObject({ code: 'body-too-large' });
  });

  it('S178 gives back what it cannot end once it is told to stop', async () => {
    const { first, handle } = calls(untilAborted);
    const worker = work({ work: handle }, { drainMs: 10 });
    const run = await start();
    await first;
    await worker.stop();
    work({ work: () => 'second' });
    expect((await run.result()).outputs).toEqual({ a: 'second' });
    const [interrupted] = (await eventsOf(run.id)).filter(
      ({ type }) => type === 'attempt.interrupted',
    );
    expect(interrupted?.detail).toMatchObject({ code: 'released', class: 'lease' });
  });

  it('S53 does as much at a time as its concurrency says', async () => {
    let atWork = 0;
    let most = 0;
    const busy = async () => {
      atWork += 1;
      most = Math.max(most, atWork);
      await new Promise((resolve) => setTimeout(resolve, 30));
      atWork -= 1;
    };
    work({ work: busy }, { concurrency: 3 });
    const nodes = Array.from({ length: 9 }, (_, i) => ({
      kind: 'action',
      id: `n${i}`,
      handler: 'work',
    }));
    expect((await (await start(nodes)).result()).status).toBe('completed');
    expect(most).toBe(3);
  });

  it('S178 asks again while the server cannot be reached, and claims as soon as it can', async () => {
    // A port that nobody listens on, until a door to the real server opens there.
    const door = createServer();
    await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve));
    const { port } = door.address() as AddressInfo;
    await new Promise((resolve) => door.close(resolve));
    const warnings: string[] = [];
    const silent = () => {};
    const warn = (_: object, message: string) => warnings.push(message);
    const logger = { debug: silent, info: silent, warn, error: silent };
    const run = await start();
    work({ work: () => 'done' }, { logger }, `http://127.0.0.1:${port}`);
    while (warnings.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    const open = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', async () => {
        const headers = { 'content-type': 'application/json' };
        const body = Buffer.concat(chunks);
        const answer = await fetch(site.url + request.url, { method: 'POST', headers, body });
        response.writeHead(answer.status, headers).end(await answer.text());
      });
    });
    await new Promise<void>((resolve) => open.listen(port, '127.0.0.1', resolve));
    expect((await run.result()).outputs).toEqual({ a: 'done' });
    await Promise.all(workers.splice(0).map((worker) => worker.stop()));
    open.closeAllConnections();
    await new Promise((resolve) => open.close(resolve));
  });

  it('S15 a worker that can do nothing, too much, or at no address is an error at once', () => {
    expect(() => connect('nowhere')).toThrow(TypeError);
    expect(() => connect(site.url).work({})).toThrow(TypeError);
    expect(() => connect(site.url).work({ work: echo }, { concurrency: 0 })).toThrow(TypeError);
  });
});

describe('the routes of work', () => {
  const bodies: readonly (readonly [string, object])[] = [
    ['claim', {}],
    ['claim', { worker: 'w', capabilities: [] }],
    ['claim', { worker: 'w', capabilities: ['x'], limit: 101 }],
    ['claim', { worker: 'w', capabilities: ['x'], waitMs: 60_001 }],
    ['heartbeat', { token: 'nonsense' }],
    ['complete', { token: '' }],
    ['fail', { token: 'x', error: 'text' }],
    ['release', { token: 'x', more: 1 }],
  ];

  it('S178 refuse what is no claim, no token and no error, with the place', async () => {
    for (const [call, body] of bodies) {
      const response = await site.post(`/work/${call}`, body);
      expect([call, response.status]).toEqual([call, 400]);
      expect(await response.json()).toMatchObject({ code: 'argument-invalid' });
    }
  });

  it('S178 a claim waits as long as it says, and is answered at once when there is work', async () => {
    const claim = { worker: 'w', capabilities: ['work'] };
    const none = await (await site.post('/work/claim', { ...claim, waitMs: 20 })).json();
    expect(none).toEqual({ claims: [] });
    const waiting = site.post('/work/claim', { ...claim, waitMs: 60_000 });
    await start();
    const { claims } = (await (await waiting).json()) as { claims: { token: string }[] };
    expect(claims).toMatchObject([{ node: 'a', input: { n: 1 }, leaseMs: LEASE_MS }]);
    const done = await site.post('/work/complete', { token: claims[0]?.token, result: 1 });
    expect(await done.json()).toMatchObject({ node: 'a', attempt: 1, accepted: true });
    const late = await site.post('/work/heartbeat', { token: claims[0]?.token });
    expect([late.status, ((await late.json()) as { code: string }).code]).toEqual([
      409,
      'run-ended',
    ]);
  });

  it('S178 a claim whose client has gone takes nothing', async () => {
    const gone = new AbortController();
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ worker: 'w', capabilities: ['work'], waitMs: 60_000 });
    const { signal } = gone;
    const waiting = fetch(`${site.url}/work/claim`, { method: 'POST', headers, body, signal });
    waiting.catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 100));
    gone.abort();
    await new Promise((resolve) => setTimeout(resolve, 100));
    await start();
    const claim = { worker: 'w2', capabilities: ['work'], waitMs: 5_000 };
    const { claims } = (await (await site.post('/work/claim', claim)).json()) as {
      claims: object[];
    };
    expect(claims).toMatchObject([{ attempt: 1 }]);
  });
});
