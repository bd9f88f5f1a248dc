/** An orchestrator on storage that it was given. */
import { readFileSync } from 'node:fs';
import { expect, it, vi } from 'vitest';
import type { Journal } from '../../src/actors/ports.js';
import { createOrchestrator } from '../../src/create-orchestrator.js';
import { openDatabase } from '../../src/open-database.js';
import type { Storage } from '../../src/storage/storage.js';
import { memoryStorage } from '../../src/testing/memory-rows.js';
import { simulatedEnvironment } from '../../src/testing/simulation.js';
import { action, chain, plan } from '../support/plans.js';
import { temporaryDatabase } from '../support/temporary.js';

const { plan: PLAN } = plan([action('a'), action('b')], chain('a', 'b'));
const PLACES: readonly (readonly [string, () => Promise<Storage>])[] = [
  ['in memory', async () => memoryStorage()],
  ['in a database', () => openDatabase(temporaryDatabase())],
];

it.each(PLACES)('S190 a run goes on in another orchestrator on storage %s', async (_, open) => {
  const storage = await open();
  // Outlives the process that is thought away.
  const shared = { ...storage, close: async () => {} };
  const never = new Promise<never>(() => {});
  const first = await createOrchestrator({
    storage: shared,
    handlers: { work: (_, { node }) => (node === 'b' ? never : `${node} done`) },
    limits: { drainMs: 0, graceMs: 0 },
  });
  await first.start(PLAN, { id: 'r1' });
  for await (const { type, node } of first.events('r1')) {
    if (type === 'node.started' && node === 'b') break;
  }
  await first.close();
  const second = await createOrchestrator({
    storage,
    handlers: { work: (_, { node, attempt }) => `${node} done in try ${attempt}` },
  });
  const result = await second.result('r1');
  expect(result).toMatchObject({ status: 'completed', outputs: { b: 'b done in try 2' } });
  expect(await second.runs.verify('r1')).toMatchObject({ ok: true, findings: [] });
  await second.close();
});

it('S190 storage may be the database with something in front of it', async () => {
  const database = await openDatabase(temporaryDatabase());
  const told: string[] = [];
  const journal: Journal = {
    ...database.journal,
    async commit(turn) {
      await database.journal.commit(turn);
      told.push(...turn.rows.events.map(({ type }) => type));
    },
  };
  const orchestrator = await createOrchestrator({
    storage: { ...database, journal },
    handlers: { work: () => 1 },
  });
  const run = await orchestrator.start(PLAN);
  await run.result();
  const events = await orchestrator.runs.events(run.id, 0);
  expect(told).toEqual(events.map(({ type }) => type));
  await orchestrator.close();
});

it('S190 storage is closed once, also where it cannot be used', async () => {
  const storage = memoryStorage();
  const close = vi.fn(() => storage.close());
  const orchestrator = await createOrchestrator({ storage: { ...storage, close }, handlers: {} });
  await Promise.all([orchestrator.close(), orchestrator.close()]);
  expect(close).toHaveBeenCalledOnce();
  const highWater = () => Promise.reject(new Error('unreadable'));
  const broken = { ...storage, close, store: { ...storage.store, highWater } };
  await expect(createOrchestrator({ storage: broken, handlers: {} })).rejects.toThrow('unreadable');
  expect(close).toHaveBeenCalledTimes(2);
});

it('S190 a place that is named twice or not at all is refused, and nothing is opened', async () => {
  const close = vi.fn();
  const storage = { ...memoryStorage(), close };
  const url = temporaryDatabase();
  const handlers = {};
  for (const place of [{ url, storage }, { payloads: {}, storage }, {}]) {
    await expect(createOrchestrator({ ...place, handlers } as never)).rejects.toMatchObject({
      code: 'argument-invalid',
    });
  }
  expect(close).not.toHaveBeenCalled();
});

it('S190 storage may be an object of a class, whose methods need it', async () => {
  class Kept implements Storage {
    readonly #inner = memoryStorage();
    readonly #made: string[] = [];
    get journal() {
      return this.#inner.journal;
    }
    get store() {
      return this.#inner.store;
    }
    get rows() {
      return this.#inner.rows;
    }
    get artifacts() {
      return this.#inner.artifacts;
    }
    async backup(path: string) {
      this.#made.push(path);
      return { path, createdAt: 0, runs: 0, turn: 0, bytes: 0, payloads: 0, findings: this.#made };
    }
    close() {
      return this.#inner.close();
    }
  }
  const orchestrator = await createOrchestrator({
    storage: new Kept(),
    handlers: { work: () => 1 },
  });
  expect((await (await orchestrator.start(PLAN)).result()).status).toBe('completed');
  expect(await orchestrator.backup('there')).toMatchObject({ findings: ['there'] });
  await orchestrator.close();
});

it('S235 storage that makes no backups says so', async () => {
  const orchestrator = await createOrchestrator({ storage: memoryStorage(), handlers: {} });
  await expect(orchestrator.backup('/nowhere')).rejects.toMatchObject({ code: 'argument-invalid' });
  await orchestrator.close();
});

it('S190 docs/storage.md shows a program that has every event once it is durable', async () => {
  const page = readFileSync(new URL('../../docs/storage.md', import.meta.url), 'utf8');
  const section = page.slice(page.indexOf('## Storage of your own'));
  const program = /```js\n([\s\S]*?)```/.exec(section)?.[1] ?? '';
  const said: unknown[][] = [];
  const names = {
    createOrchestrator,
    openDatabase: () => openDatabase(temporaryDatabase()),
    console: { log: (...values: unknown[]) => said.push(values) },
  };
  const AsyncFunction = Object.getPrototypeOf(async () => {}).constructor;
  const body = `${program.replace(/^import .*\n/gm, '')}\nreturn orchestrator;`;
  const orchestrator = await new AsyncFunction(...Object.keys(names), body)(
    ...Object.values(names),
  );
  const greeting = {
    title: 'Greeting',
    nodes: [{ kind: 'action', id: 'greet', handler: 'greet' }],
    edges: [],
  };
  const run = await orchestrator.start(greeting, { id: 'r1', input: { name: 'Ann' } });
  expect((await run.result()).outputs).toEqual({ greet: 'Hello Ann' });
  await orchestrator.close();
  expect(said[0]).toEqual(['r1', 1, 'run.created']);
  expect(said.at(-1)?.[2]).toBe('run.completed');
});

const FAILURES: readonly (readonly [string, () => Promise<void>])[] = [
  ['rejects with an error of its own', () => Promise.reject(new Error('the network is down'))],
  [
    'throws at once',
    () => {
      throw new Error('the network is down');
    },
  ],
];

it.each(FAILURES)(
  'S190 S157 work that is done outlasts storage that %s, however long',
  async (_, fail) => {
    const storage = memoryStorage();
    const environment = simulatedEnvironment(1);
    let failures = 0;
    const journal: Journal = {
      ...storage.journal,
      // From the first result on.
      commit: (turn) => {
        const isOut =
          turn.rows.events.some(({ type }) => type === 'node.completed') && failures < 20;
        failures += isOut ? 1 : 0;
        return isOut ? fail() : storage.journal.commit(turn);
      },
    };
    let calls = 0;
    const orchestrator = await createOrchestrator({
      storage: { ...storage, journal },
      environment,
      handlers: {
        work: () => {
          calls += 1;
          return calls;
        },
      },
    });
    const run = await orchestrator.start(PLAN);
    const status = async () => (await orchestrator.runs.summary(run.id)).status;
    for (let second = 0; second < 200 && (await status()) === 'running'; second += 1) {
      await new Promise(setImmediate);
      environment.clock.advance(1_000);
    }
    expect(failures).toBe(20);
    expect(await run.result()).toMatchObject({ status: 'completed', outputs: { a: 1, b: 2 } });
    expect(calls).toBe(2);
    await orchestrator.close();
  },
);
