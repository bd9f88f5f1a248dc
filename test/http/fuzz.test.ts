/** Requests drawn from the OpenAPI document, in thousands: what a stranger may send to a server. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createOrchestrator } from '../../src/create-orchestrator.js';
import { createHttpApp } from '../../src/http/app.js';
import { isFinal } from '../../src/machines/statuses.js';
import { plan } from '../../src/plan/builder.js';
import { temporaryDatabase } from '../support/temporary.js';
import { assertDocumented } from './support/document.js';
import { type Asked, requestsOf } from './support/requests.js';

const REQUESTS = Number(process.env.RUNCHART_FUZZ_REQUESTS ?? 10_000);
const AT_ONCE = 100;
const MB = 1024 * 1024;
/** Runs that go on only by somebody's doing, or at a time of their own. */
const RESTING = new Set(['awaiting-human', 'blocked', 'paused', 'pending']);

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;

const quick = plan('Quick').action('work', { handler: 'work' }).build();
const asks = plan('Asks')
  .action('work', { handler: 'work' })
  .approval('gate')
  .sequence('work', 'gate')
  .build();
const PLANS = { quick: { plan: quick }, asks: { plan: asks } };
/** A stream has no end, and what a trim removes nothing else can be asked about. */
const WITHOUT = new Set(['getApiPageFile', 'getApiPage']);

it(
  `${REQUESTS} requests of any kind are answered as documented, and leave the server as it was`,
  async () => {
    const orchestrator = await createOrchestrator({
      url: temporaryDatabase(),
      handlers: {
        work: () => ({ ok: true, output: 1, artifacts: [{ name: 'a', kind: 'k', payload: 1 }] }),
      },
    });
    const faults: unknown[] = [];
    const app = createHttpApp(orchestrator, {
      plans: PLANS,
      onInternalError: (error) => faults.push(error),
    });
    const tasks: string[] = [];
    const runs: string[] = [];
    const names: Readonly<Record<string, readonly string[]>> = {
      plan: ['quick', 'asks'],
      'plans.name': ['quick', 'asks'],
      id: runs,
      run: runs,
      before: runs,
      'runs.id': runs,
      'runs.name': ['a'],
      'tasks.id': tasks,
      'schedules.id': ['s1', 's2', 's3'],
      node: ['work', 'gate'],
      from: ['work', 'gate'],
      include: ['nodes,events', 'plan', 'attempts,signals'],
      by: ['ada', 'bob'],
      'idempotency-key': ['k1', 'k2', 'k3', 'k4'],
      cron: ['0 6 * * *'],
    };
    const statuses = new Map<number, number>();

    const ask = async ({ method, path, headers, body }: Asked) => {
      const init = { method, headers, ...(body !== undefined && { body }) };
      const response = await app.request(`http://localhost${path}`, init);
      statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
      const isOut = response.status >= 500 && response.status !== 503;
      if (isOut) throw new Error(`${response.status}: ${String(faults.at(-1))}`);
      await assertDocumented(
        { method, url: `http://localhost${path}`, body: parsed(body) },
        response,
      );
      await response.body?.cancel();
    };
    const askAll = async (count: number) => {
      const requests = requestsOf((name) => names[name] ?? [], WITHOUT);
      for (const batch of inBatches(fc.sample(requests, { numRuns: count }))) {
        await Promise.all(batch.map((asked) => ask(asked).catch((error) => fail(asked, error))));
      }
    };

    /** Runs and tasks to ask about, new ones in each round. */
    const settle = async (round: number) => {
      const started = Array.from({ length: 20 }, (_, number) => `r${round}-${number}`);
      runs.splice(0, runs.length, ...started);
      await Promise.all(
        started.map(async (id, number) => {
          await orchestrator.start(number % 4 === 0 ? quick : asks, { id });
          await orchestrator.settled(id);
        }),
      );
      const open = await orchestrator.tasks.list({ limit: 1_000 });
      const ours = open.filter(({ run }) => runs.includes(run));
      tasks.splice(0, tasks.length, ...ours.map(({ id }) => id));
    };

    const rounds = 10;
    const heaps: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      await settle(round);
      await askAll(Math.ceil(REQUESTS / rounds));
      gc();
      heaps.push(process.memoryUsage().heapUsed);
    }
    expect(faults).toEqual([]);
    expect(statuses.get(200)).toBeGreaterThan(REQUESTS / 10);
    expect(statuses.get(201)).toBeGreaterThan(0);
    // The first half fills caches; what comes after it leaves little.
    expect((heaps.at(-1) ?? 0) - (heaps[rounds / 2] ?? 0)).toBeLessThan(40 * MB);
    expect(orchestrator.health()).toMatchObject({ status: 'ok' });
    for await (const { id } of orchestrator.runs.live()) {
      const status = await orchestrator.settled(id);
      expect(isFinal(status) || RESTING.has(status), `${id} is ${status}`).toBe(true);
    }
    expect(await orchestrator.examine()).toEqual([]);
    await orchestrator.close();
  },
  60_000 + REQUESTS * 20,
);

function fail(asked: Asked, error: unknown): never {
  throw new Error(`${JSON.stringify(asked)}\n${String(error)}`, { cause: error });
}

function parsed(body: string | undefined): unknown {
  try {
    return JSON.parse(body ?? '');
  } catch {
    return undefined;
  }
}

function* inBatches<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let start = 0; start < items.length; start += AT_ONCE)
    yield items.slice(start, start + AT_ONCE);
}
