/** What a worker does about functions, callbacks and servers that do not do their part. */
import { getEventListeners } from 'node:events';
import { expect, it, onTestFinished } from 'vitest';
import { createOrchestrator } from '../../src/create-orchestrator.js';
import { createHttpApp } from '../../src/http/app.js';
import { listen } from '../../src/http/server.js';
import { external } from '../../src/index.js';
import {
  type ClaimedWork,
  connect,
  type JobContext,
  type Worker,
  type WorkerOptions,
} from '../../src/worker/index.js';
import type { WorkClient } from '../../src/worker/work-client.js';
import { Worker as BareWorker } from '../../src/worker/worker.js';
import { openSite, type Site } from '../http/support/site.js';
import { action, plan } from '../support/plans.js';
import { temporaryDatabase } from '../support/temporary.js';

const LEASE_MS = 600;
const handlers = { work: external({ leaseMs: LEASE_MS }) };
const { plan: draft } = plan([action('a')]);
const quiet = { stopOn: [], drainMs: 1 } as const;

async function open(): Promise<Site> {
  const site = await openSite(handlers);
  onTestFinished(() => site.close());
  return site;
}

function working(
  { url }: Pick<Site, 'url'>,
  work: (input: unknown, context: JobContext) => unknown,
  options: WorkerOptions = {},
): Worker {
  const worker = connect(url).work({ work }, { ...quiet, ...options });
  onTestFinished(() => worker.stop());
  return worker;
}

it('S198 S178 a worker that is stopped gives back what ignores its signal, and says nothing more of it', async () => {
  const site = await open();
  const ends: string[] = [];
  let began: (context: JobContext) => void = () => {};
  const context = new Promise<JobContext>((resolve) => {
    began = resolve;
  });
  const never = (_: unknown, given: JobContext) => {
    began(given);
    return new Promise(() => {});
  };
  const worker = working(site, never, { onEnd: (_, end) => ends.push(end) });
  await site.orchestrator.start(draft, { id: 'r' });
  const { progress, heartbeat, signal } = await context;
  await worker.stop();
  expect([ends, signal.aborted]).toEqual([['released'], true]);
  const typesOf = async () => (await site.orchestrator.runs.events('r')).map(({ type }) => type);
  const told = await typesOf();
  expect(told).toContain('attempt.interrupted');
  // The function is still there, and its worker is not.
  progress('late');
  heartbeat('late');
  working(site, () => 'second');
  expect((await site.orchestrator.result('r')).outputs).toEqual({ a: 'second' });
  const later = (await typesOf()).slice(told.length);
  expect(later.filter((type) => /refused|progress/.test(type))).toEqual([]);
});

it('S198 a worker that is stopped gives back what reports progress without end', async () => {
  const site = await open();
  const ends: string[] = [];
  let isReporting = true;
  onTestFinished(() => {
    isReporting = false;
  });
  let began = () => {};
  const begun = new Promise<void>((resolve) => {
    began = resolve;
  });
  const never = (_: unknown, { progress }: JobContext) => {
    const report = () => {
      progress('on');
      if (isReporting) setImmediate(report);
    };
    report();
    began();
    return new Promise(() => {});
  };
  const worker = working(site, never, { onEnd: (_, end) => ends.push(end) });
  await site.orchestrator.start(draft, { id: 'r' });
  await begun;
  await worker.stop();
  expect(ends).toEqual(['released']);
});

it('S198 a callback that throws ends no worker', async () => {
  const site = await open();
  const errors: unknown[] = [];
  const silent = () => {};
  const logger = {
    debug: silent,
    info: silent,
    warn: silent,
    error: (fields: object) => errors.push(fields),
  };
  const onEnd = () => {
    throw new Error('mine');
  };
  const worker = working(site, () => 1, { onEnd, logger });
  for (const id of ['a', 'b']) {
    expect((await (await site.orchestrator.start(draft, { id })).result()).status).toBe(
      'completed',
    );
  }
  await worker.stop();
  expect(errors).toMatchObject(Array(2).fill({ error: { message: 'mine' } }));
});

it('S198 S237 the payload of a heartbeat that the server does not take costs no lease', async () => {
  const site = await open();
  const warnings: object[] = [];
  const silent = () => {};
  const warn = (fields: object) => warnings.push(fields);
  const logger = { debug: silent, info: silent, warn, error: silent };
  const work = async (_: unknown, { heartbeat, signal }: JobContext) => {
    heartbeat('x'.repeat(2_000_000));
    while (warnings.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    // More than a lease: the beats go on without it.
    await new Promise((resolve) => setTimeout(resolve, 1.5 * LEASE_MS));
    return signal.aborted;
  };
  working(site, work, { logger });
  const run = await site.orchestrator.start(draft);
  expect((await run.result()).outputs).toEqual({ a: false });
  expect(warnings).toMatchObject([{ error: { code: 'body-too-large' } }]);
  const [attempt, ...more] = await site.orchestrator.runs.attempts(run.id, 'a');
  expect([attempt?.outcome, more]).toEqual(['completed', []]);
});

it('S198 S178 a worker goes on with its attempt while the server stops and starts again', async () => {
  const url = temporaryDatabase();
  const serve = async (port: number) => {
    const orchestrator = await createOrchestrator({ url, handlers });
    await orchestrator.recover();
    const server = await listen(createHttpApp(orchestrator), port);
    const close = async () => {
      const closed = server.stopListening();
      server.closeConnections();
      await closed;
      await orchestrator.close();
    };
    return { orchestrator, url: server.url, close };
  };
  const first = await serve(0);
  let began = () => {};
  const isBegun = new Promise<void>((resolve) => {
    began = resolve;
  });
  let end = () => {};
  const mayEnd = new Promise<void>((resolve) => {
    end = resolve;
  });
  const calls: boolean[] = [];
  const worker = working(first, async (_, { signal }) => {
    began();
    await mayEnd;
    calls.push(signal.aborted);
    return 'done';
  });
  await first.orchestrator.start(draft, { id: 'r' });
  await isBegun;
  await first.close();
  const second = await serve(Number(new URL(first.url).port));
  onTestFinished(() => second.close());
  end();
  expect((await second.orchestrator.result('r')).outputs).toEqual({ a: 'done' });
  expect(await second.orchestrator.runs.attempts('r', 'a')).toMatchObject([
    { attempt: 1, outcome: 'completed' },
  ]);
  expect(calls).toEqual([false]);
  await worker.stop();
});

it('S198 a worker that has done much holds no more than one that has done little', async () => {
  let claims = 0;
  const listeners: number[] = [];
  const client = {
    async claim(_: object, signal: AbortSignal): Promise<ClaimedWork[]> {
      claims += 1;
      listeners.push(getEventListeners(signal, 'abort').length);
      if (claims === 200) void worker.stop();
      const key = `r/a/1/${claims}`;
      return [{ ...claimed, key, attempt: claims }];
    },
    heartbeat: (_: string, __: object, signal: AbortSignal) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      }),
    complete: async () => {},
  } as unknown as WorkClient;
  const worker: BareWorker = new BareWorker(client, { work: () => 1 }, quiet);
  await worker.done;
  expect(claims).toBe(200);
  expect(Math.max(...listeners)).toBe(0);
});

const claimed: ClaimedWork = {
  token: 't',
  run: 'r',
  node: 'a',
  generation: 1,
  attempt: 1,
  key: 'r/a/1/1',
  idempotencyKey: 'r/a/1',
  handler: 'work',
  capability: 'work',
  isLastTry: true,
  feedback: [],
  leaseMs: 60_000,
  expiresAt: 0,
  deadlineAt: null,
};
