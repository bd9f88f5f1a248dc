/** The client against a real server, alone and with one that fails in between. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { createContext, runInContext } from 'node:vm';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { clientApi } from '../../scripts/client-api.js';
import type * as client from '../../src/client/index.js';
import { type ClientOptions, createClient, ProblemError } from '../../src/client/index.js';
import { plan } from '../../src/plan/builder.js';
import type * as views from '../../src/views.js';
import { openSite, type Site } from './support/site.js';

const quick = plan('Quick').action('work', { handler: 'work' }).build();
const ask = plan('Ask').approval('gate').build();

let site: Site;
beforeAll(async () => {
  const work = () => ({ ok: true, artifacts: [{ name: 'page', kind: 'text', payload: 'x' }] });
  site = await openSite({ work }, { plans: { quick: { plan: quick }, ask: { plan: ask } } });
});
afterAll(() => site.close());

/** Whether each can stand for the other. */
type Same<A, B> = [A, B] extends [B, A] ? true : false;

/** Answers as the site does, unless `fault` has something to say first. */
function faulty(fault: (attempt: number, request: Request) => Response | Error | undefined) {
  const sent: Request[] = [];
  const fetch = async (url: URL | Request | string, init?: RequestInit) => {
    const request = new Request(url, init);
    sent.push(request.clone());
    const found = fault(sent.length, request);
    if (found instanceof Error) throw found;
    return found ?? globalThis.fetch(url, init);
  };
  return { sent, fetch: fetch as typeof globalThis.fetch };
}

function clientOf(options: Partial<ClientOptions> = {}) {
  return createClient({ url: site.url, ...options });
}

async function listed<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

/** Clients that follow a run side by side, and how often the stream of each is cut. */
const FOLLOWERS = 8;
const CUTS = Number(process.env.RUNCHART_STREAM_CUTS ?? 125);

const BUSY = { type: 'x', title: 'x', status: 503, code: 'overloaded', detail: 'busy' };
const busy = () => Response.json({ ...BUSY, retryable: true }, { status: 503 });

describe('the client', () => {
  it('is in step with the declarations of routes', () => {
    const file = new URL('../../src/client/api.ts', import.meta.url);
    expect(readFileSync(file, 'utf8')).toBe(clientApi());
  });

  it('gives what the library gives', () => {
    const same: [
      Same<client.RunSummary, views.RunSummary>,
      Same<client.RunDetails, views.RunDetails>,
      Same<client.Task, views.TaskView>,
      Same<client.RunEvent, views.RunEvent>,
      Same<client.RunResult, views.RunResult>,
      Same<client.Attempt, views.AttemptView>,
      Same<client.Artifact, views.ArtifactView>,
    ] = [true, true, true, true, true, true, true];
    expect(same.every(Boolean)).toBe(true);
  });

  it('starts, reads, answers, and reports problems with all they have', async () => {
    const runchart = clientOf();
    const { id } = await runchart.startRun({ body: { plan: 'ask' } });
    await site.orchestrator.settled(id);
    const { tasks } = await runchart.listTasks({ run: id });
    await runchart.respond({ id: tasks[0]?.id ?? '', body: { response: { approved: true } } });
    await site.orchestrator.result(id);
    expect(await runchart.getRun({ id })).toMatchObject({ status: 'completed', tasks: [] });
    expect((await runchart.snapshot(id, ['events'])).events?.at(-1)?.type).toBe('run.completed');
    expect(await runchart.getRunDiagram({ id })).toMatch(/^flowchart/);
    const refused = runchart.cancelRun({ id, body: {} });
    await expect(refused).rejects.toMatchObject({ code: 'run-ended', status: 409 });
    const unfit = runchart.startRun({ body: { plan: 'ask', priority: 99 } });
    await expect(unfit).rejects.toThrow(ProblemError);
    await expect(unfit).rejects.toMatchObject({ issues: [{ path: '/priority' }] });
  });

  it('streams exports and artifacts, and sends files', async () => {
    const runchart = clientOf();
    const { id } = await runchart.startRun({ body: { plan: 'quick' } });
    await site.orchestrator.result(id);
    const stream = await runchart.exportRun({ id });
    expect(stream).toBeInstanceOf(ReadableStream);
    const body = await new Response(stream).text();
    expect(await runchart.importRun({ as: 'copy', body })).toMatchObject({ run: 'copy' });
    const payload = await runchart.getArtifactPayload({ id, name: 'page' });
    expect(await new Response(payload).json()).toBe('x');
  });

  it('S220 repeats what may succeed later, under one key, and says so at last', async () => {
    const lost = faulty((attempt, request) => {
      if (attempt === 1) return busy();
      // The server took it, and the answer was lost.
      if (attempt === 2) void globalThis.fetch(request);
      return attempt === 2 ? new TypeError('cut') : undefined;
    });
    await clientOf({ fetch: lost.fetch }).startRun({ body: { plan: 'ask', metadata: { n: 1 } } });
    const keys = lost.sent.map(({ headers }) => headers.get('idempotency-key'));
    expect(keys).toHaveLength(3);
    expect(new Set(keys).size).toBe(1);
    const { runs } = await clientOf().listRuns();
    expect(runs.filter(({ metadata }) => metadata.n === 1)).toHaveLength(1);
    const never = faulty(busy);
    const asked = clientOf({ fetch: never.fetch, maxAttempts: 2 }).listRuns();
    await expect(asked).rejects.toMatchObject({ code: 'overloaded', retryable: true });
    expect(never.sent).toHaveLength(2);
  });

  it('repeats no refusal, and nothing after an abort', async () => {
    const refused = faulty(() => undefined);
    await expect(clientOf({ fetch: refused.fetch }).getRun({ id: 'none' })).rejects.toThrow();
    expect(refused.sent).toHaveLength(1);
    const controller = new AbortController();
    const reason = new Error('enough');
    const stopping = faulty(() => {
      controller.abort(reason);
      return busy();
    });
    const { signal } = controller;
    const asked = clientOf({ fetch: stopping.fetch }).listRuns({}, { signal });
    await expect(asked).rejects.toBe(reason);
    expect(stopping.sent).toHaveLength(1);
  });

  it('sends its token, to where it is for, and follows no redirect', async () => {
    const seen = faulty(() => undefined);
    const named = clientOf({ fetch: seen.fetch, token: async () => 'secret' });
    await expect(named.listPlans()).rejects.toMatchObject({ status: 401 });
    expect(seen.sent[0]?.headers.get('authorization')).toBe('Bearer secret');
    let reached = 0;
    const other = createServer((request, response) => {
      if (request.url === '/plans') response.writeHead(307, { location: '/elsewhere' }).end();
      else reached += 1;
    });
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void other.close());
    const { port } = other.address() as { port: number };
    const asked = createClient({ url: `http://127.0.0.1:${port}`, token: 't', maxAttempts: 1 });
    await expect(asked.listPlans()).rejects.toMatchObject({ code: 'unreachable' });
    expect(reached).toBe(0);
  });

  it.each(['', '.', '..'])('asks for nothing where "%s" is an id', async (id) => {
    const none = faulty(() => undefined);
    const asked = clientOf({ fetch: none.fetch }).getRun({ id });
    await expect(asked).rejects.toMatchObject({ code: 'argument-invalid' });
    expect(none.sent).toHaveLength(0);
  });
});

describe('events of the client', () => {
  /** Cuts each answer after some bytes, the last one but for the first that is let through. */
  function cutting(cuts: number) {
    const places = fc.sample(fc.integer({ min: 1, max: 900 }), cuts);
    let left = cuts;
    const fetch = async (url: URL | Request | string, init?: RequestInit) => {
      const response = await globalThis.fetch(url, init);
      if (left === 0 || response.body === null) return response;
      left -= 1;
      return new Response(cut(response.body, places[left] ?? 1), response);
    };
    return { fetch: fetch as typeof globalThis.fetch, left: () => left };
  }

  function cut(body: ReadableStream<Uint8Array>, bytes: number): ReadableStream<Uint8Array> {
    let left = bytes;
    const isError = bytes % 2 === 0;
    const limit = new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        const quick = impatient(chunk);
        controller.enqueue(quick.slice(0, left));
        left -= quick.byteLength;
        if (left > 0) return;
        if (isError) controller.error(new TypeError('cut'));
        else controller.terminate();
      },
    });
    return body.pipeThrough(limit);
  }

  /** As of a server that wants its clients back at once: nobody waits for a thousand seconds here. */
  function impatient(chunk: Uint8Array): Uint8Array {
    const text = new TextDecoder('latin1').decode(chunk);
    return Buffer.from(text.replace(/^retry: \d+/, 'retry: 1'), 'latin1');
  }

  it(
    'S187 come each once, in order, over connections that are cut anywhere, a thousand times',
    async () => {
      const cuts = CUTS;
      const nodes = Math.ceil(cuts / 2);
      const ids = Array.from({ length: nodes }, (_, number) => `n${number}`);
      const draft = {
        title: 'Long',
        nodes: ids.map((id) => ({ kind: 'action' as const, id, handler: 'work' })),
        edges: ids.slice(1).map((target, index) => ({ source: ids[index] ?? '', target })),
      };
      const run = await site.orchestrator.start(draft, { id: `long-${cuts}` });
      const follow = async () => {
        const faults = cutting(cuts);
        const seen: number[] = [];
        for await (const { seq } of clientOf({ fetch: faults.fetch }).events(run.id))
          seen.push(seq);
        expect(faults.left()).toBe(0);
        return seen;
      };
      const followed = await Promise.all(Array.from({ length: FOLLOWERS }, follow));
      const { seq } = await site.orchestrator.runs.head(run.id);
      const all = Array.from({ length: seq }, (_, index) => index + 1);
      for (const seen of followed) expect(seen).toEqual(all);
    },
    30_000 + CUTS * 100,
  );

  it('S187 are none where the run has ended, an error where it never was, and stop when told', async () => {
    const runchart = clientOf();
    const { id } = await runchart.startRun({ body: { plan: 'ask' } });
    const controller = new AbortController();
    const seen: string[] = [];
    const following = (async () => {
      for await (const { type } of runchart.events(id, { signal: controller.signal })) {
        seen.push(type);
        if (type === 'task.opened') controller.abort(new Error('enough'));
      }
    })();
    await expect(following).rejects.toThrow('enough');
    expect(seen.at(-1)).toBe('task.opened');
    await runchart.cancelRun({ id, body: {} });
    await site.orchestrator.result(id);
    const { seq } = await site.orchestrator.runs.head(id);
    expect(await listed(runchart.events(id, { after: seq }))).toEqual([]);
    const unknown = runchart.events('none').next();
    await expect(unknown).rejects.toMatchObject({ code: 'run-unknown' });
  });

  it('S187 go on elsewhere where a connection says nothing for too long', async () => {
    let connections = 0;
    const silent = faulty(() => {
      connections += 1;
      const body = new ReadableStream({
        start: (controller) => controller.enqueue(new TextEncoder().encode('retry: 1\n\n')),
      });
      return connections < 3 ? new Response(body) : undefined;
    });
    await site.orchestrator.start(quick, { id: 'silence' });
    const events = clientOf({ fetch: silent.fetch }).events('silence', { silenceMs: 20 });
    expect((await listed(events)).at(-1)?.type).toBe('run.completed');
    expect(connections).toBeGreaterThanOrEqual(3);
  });
});

describe('the client in a browser', () => {
  it('needs nothing of Node, and does its work with what pages have', async () => {
    const root = fileURLToPath(new URL('../../', import.meta.url));
    const words = ['src/client/index.ts', '--bundle', '--platform=browser', '--format=iife'];
    const bundle = execFileSync(
      `${root}node_modules/.bin/esbuild`,
      [...words, '--global-name=rc'],
      {
        cwd: root,
        encoding: 'utf8',
      },
    );
    const page = createContext({
      ...{ fetch, URL, URLSearchParams, AbortController, AbortSignal, ReadableStream },
      ...{ TextDecoder, crypto, setTimeout, clearTimeout, site: site.url },
    });
    const use = `(async () => {
      const client = rc.createClient({ url: site });
      const { id } = await client.startRun({ body: { plan: 'quick' } });
      let last;
      for await (const event of client.events(id)) last = event.type;
      return last;
    })()`;
    expect(await runInContext(`${bundle}\n${use}`, page)).toBe('run.completed');
    expect(bundle).not.toMatch(/\brequire\(|\bprocess\.|\bBuffer\b|node:/);
  });
});
