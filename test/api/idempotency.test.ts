/** Calls that name themselves with an idempotency key, on a real file and over restarts. */
import { createClient } from '@libsql/client';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemEnvironment } from '../../src/actors/environment.js';
import { messageCall } from '../../src/actors/idempotency.js';
import type { RunMessage } from '../../src/actors/messages.js';
import { MAX_IDEMPOTENCY_KEYS } from '../../src/actors/records.js';
import { createOrchestrator } from '../../src/create-orchestrator.js';
import type { Retention } from '../../src/history/history-service.js';
import type { Orchestrator } from '../../src/orchestrator.js';
import type { Plan } from '../../src/plan/schema.js';
import { Kernel } from '../support/kernel.js';
import { action, approval, chain, plan } from '../support/plans.js';
import { temporaryDatabase } from '../support/temporary.js';

async function open(database: string): Promise<Orchestrator> {
  const orchestrator = await createOrchestrator({
    url: database,
    handlers: {
      work: () => ({ done: true }),
      fail: () => {
        throw new Error('no');
      },
    },
  });
  onTestFinished(() => orchestrator.close());
  return orchestrator;
}

const draftOf = (...parts: Parameters<typeof plan>): Plan => plan(...parts).plan;
const ASKS = draftOf([approval('ask')], []);
const BLOCKS = draftOf([action('a', { handler: 'fail', onFailure: 'replan' })], []);

/** Does a call twice, in one process and in the next one, and then another call with its key. */
async function thrice<T>(
  database: string,
  call: (orchestrator: Orchestrator) => Promise<T>,
  other: (orchestrator: Orchestrator) => Promise<unknown>,
): Promise<T> {
  const first = await open(database);
  const answer = await call(first);
  expect(await call(first)).toEqual(answer);
  await first.close();
  const second = await open(database);
  expect(await call(second)).toEqual(answer);
  await expect(other(second)).rejects.toMatchObject({ code: 'idempotency-key-reused' });
  await second.close();
  return answer;
}

async function started(database: string, draft: Plan): Promise<void> {
  const orchestrator = await open(database);
  await orchestrator.start(draft, { id: 'r1' });
  await orchestrator.settled('r1');
  await orchestrator.close();
}

const KEY = { idempotencyKey: 'k' };

describe('the same call with its key', () => {
  it('S36 S220 starts one run, whose id follows from the key', async () => {
    const database = temporaryDatabase();
    const start = async (orchestrator: Orchestrator, input: object) => {
      const { id, created } = await orchestrator.start(ASKS, { input, ...KEY });
      return { id, created };
    };
    const answer = await thrice(
      database,
      (orchestrator) => start(orchestrator, { n: 1 }),
      (orchestrator) => start(orchestrator, { n: 2 }),
    );
    expect(answer).toMatchObject({ created: true });
    const orchestrator = await open(database);
    expect(await orchestrator.runs.list()).toHaveLength(1);
  });

  it('S220 S232 starts one run where a run of another start holds its singleton', async () => {
    const database = temporaryDatabase();
    const singleton = { key: 's', onConflict: 'return' } as const;
    const first = await open(database);
    await first.start(ASKS, { id: 'holder', singleton });
    const call = async (orchestrator: Orchestrator) => {
      const { id, created } = await orchestrator.start(ASKS, { singleton, ...KEY });
      return { id, created };
    };
    expect(await call(first)).toEqual({ id: 'holder', created: false });
    await first.cancel('holder');
    expect(await call(first)).toEqual({ id: 'holder', created: false });
    expect(await first.runs.list()).toHaveLength(1);
  });

  it('S220 answers a task once, and is told the same after the run has ended', async () => {
    const database = temporaryDatabase();
    await started(database, ASKS);
    const probe = await open(database);
    const [task] = await probe.tasks.list();
    await probe.close();
    const id = task?.id ?? '';
    const respond = (orchestrator: Orchestrator, approved: boolean) =>
      orchestrator.tasks.respond(id, { response: { approved }, ...KEY });
    await thrice(
      database,
      (orchestrator) => respond(orchestrator, true),
      (orchestrator) => respond(orchestrator, false),
    );
    const orchestrator = await open(database);
    expect(await orchestrator.tasks.responses(id)).toHaveLength(1);
  });

  it('S168 S220 tries a blocked node again once', async () => {
    const database = temporaryDatabase();
    await started(database, BLOCKS);
    const attempts = async () => {
      const orchestrator = await open(database);
      await orchestrator.settled('r1');
      const found = await orchestrator.runs.attempts('r1', 'a');
      await orchestrator.close();
      return found.length;
    };
    expect(await attempts()).toBe(1);
    await thrice(
      database,
      (orchestrator) => orchestrator.retryNode('r1', 'a', KEY),
      (orchestrator) => orchestrator.retryNode('r1', 'a', { by: 'eve', ...KEY }),
    );
    expect(await attempts()).toBe(2);
  });

  it('S219 S220 sends one signal', async () => {
    const database = temporaryDatabase();
    await started(database, ASKS);
    await thrice(
      database,
      (orchestrator) => orchestrator.signal('r1', 'ping', { payload: 1, ...KEY }),
      (orchestrator) => orchestrator.signal('r1', 'ping', { payload: 2, ...KEY }),
    );
  });

  it('S171 S220 makes one fork, whatever became of the run meanwhile', async () => {
    const database = temporaryDatabase();
    await started(database, draftOf([action('a'), approval('ask')], chain('a', 'ask')));
    let isFirst = true;
    const fork = async (orchestrator: Orchestrator) => {
      const answer = await orchestrator.change.fork('r1', { by: 'ann', ...KEY });
      // The run goes on, so that a fork would begin elsewhere now.
      if (isFirst) await orchestrator.annotate('r1', { seen: true });
      isFirst = false;
      return answer;
    };
    const answer = await thrice(database, fork, (orchestrator) =>
      orchestrator.change.fork('r1', { by: 'eve', ...KEY }),
    );
    expect(answer).toMatchObject({ created: true, carried: ['a'] });
  });

  it('S12 S220 replaces a run once, and is told the same when that is cancelled', async () => {
    const database = temporaryDatabase();
    await started(database, ASKS);
    const other = draftOf([approval('ask'), approval('more')], []);
    const answer = await thrice(
      database,
      (orchestrator) => orchestrator.change.replace('r1', other, { by: 'ann', ...KEY }),
      (orchestrator) => orchestrator.change.replace('r1', ASKS, { by: 'ann', ...KEY }),
    );
    expect(answer.created).toBe(true);
    const orchestrator = await open(database);
    expect((await orchestrator.runs.summary('r1')).status).toBe('cancelled');
    expect(await orchestrator.runs.list()).toHaveLength(2);
  });

  it('S220 is refused as before, though it would succeed by now', async () => {
    const database = temporaryDatabase();
    await started(database, ASKS);
    const refused = { code: 'run-not-paused', hint: 'pause it first, or start it stepwise' };
    const first = await open(database);
    await expect(first.step('r1', KEY)).rejects.toMatchObject(refused);
    await first.pause('r1');
    await expect(first.step('r1', KEY)).rejects.toMatchObject(refused);
    await first.close();
    const second = await open(database);
    await expect(second.step('r1', KEY)).rejects.toMatchObject(refused);
    await second.step('r1', { idempotencyKey: 'another' });
  });

  it('S220 does work that is about no run once, also where it is asked for twice at a time', async () => {
    const database = temporaryDatabase();
    const orchestrator = await open(database);
    let done = 0;
    const work = async () => {
      done += 1;
      return { done };
    };
    const twice = [1, 2].map(() => orchestrator.once('k', { a: 1 }, work));
    expect(await Promise.all(twice)).toEqual([{ done: 1 }, { done: 1 }]);
    await expect(orchestrator.once('k', { a: 2 }, work)).rejects.toMatchObject({
      code: 'idempotency-key-reused',
    });
    await orchestrator.close();
    const next = await open(database);
    expect(await next.once('k', { a: 1 }, work)).toEqual({ done: 1 });
    await next.trim({ historyOlderThanMs: 0 });
    await expect.poll(() => next.once('k', { a: 1 }, work)).toEqual({ done: 2 });
  });

  it.each([['', 'x'.repeat(257), '\ud800', 7]].flat())(
    'S220 refuses %j, which is no key',
    async (key) => {
      const orchestrator = await open(temporaryDatabase());
      const options = { idempotencyKey: key as string };
      await expect(orchestrator.cancel('r1', options)).rejects.toMatchObject({
        code: 'argument-invalid',
      });
      await expect(orchestrator.start(ASKS, options)).rejects.toMatchObject({
        code: 'argument-invalid',
      });
    },
  );
});

describe('a keyed call in the kernel', () => {
  const send = (kernel: Kernel, key: string, message: RunMessage) =>
    kernel.supervisor.send('r1', message, messageCall(key, message));
  const signal = (n: number): RunMessage => ({
    type: 'signal.send',
    id: `s${n}`,
    name: 'ping',
    payload: n,
  });

  it('S157 S220 has its answer in the turn that it caused, and none where that is void', async () => {
    const kernel = new Kernel();
    await kernel.start(plan([approval('ask')], []));
    kernel.storage.failWhen((turn) =>
      turn.rows.idempotencyKeys.length > 0 ? 'storage-unavailable' : undefined,
    );
    const lost = send(kernel, 'k', signal(1));
    await expect(lost).rejects.toMatchObject({ code: 'commit-failed' });
    kernel.storage.failWhen(undefined);
    expect(kernel.rows().idempotencyKeys.size).toBe(0);
    await kernel.advance(2_000);
    await send(kernel, 'k', signal(1));
    const turn = kernel.rows().turns.at(-1);
    expect(turn?.rows.idempotencyKeys.map(({ key }) => key)).toEqual(['k']);
    expect(turn?.rows.signals).toHaveLength(1);
  });

  it('S220 remembers the newest thousand, and the others no more', async () => {
    const kernel = new Kernel({ isUnchecked: true });
    await kernel.start(plan([approval('ask')], []));
    for (let n = 0; n <= MAX_IDEMPOTENCY_KEYS; n += 1) {
      void send(kernel, `k${n}`, { type: 'run.annotate', metadata: { n }, by: null });
      if (n % 50 === 0) await kernel.settle();
    }
    await kernel.settle();
    const seq = kernel.rows().seq;
    await send(kernel, 'k1', { type: 'run.annotate', metadata: { n: 1 }, by: null });
    expect(kernel.rows().seq).toBe(seq);
    await send(kernel, 'k0', { type: 'run.annotate', metadata: { n: 0 }, by: null });
    expect(kernel.rows().seq).toBeGreaterThan(seq);
  });

  it('S44 S164 S220 takes effect once whenever the process stops and whoever asks again', async () => {
    const property = async (stops: readonly number[], isAnswerLost: boolean) => {
      const kernel = new Kernel();
      await kernel.start(plan([approval('ask')], []));
      await kernel.settle();
      for (const turns of stops) {
        kernel.dieAfter(turns, isAnswerLost);
        const asked = [1, 2, 3].map((n) => send(kernel, `k${n}`, signal(n)));
        void Promise.allSettled(asked);
        await kernel.settle();
        if (kernel.isDead) await kernel.restart();
      }
      await Promise.all([1, 2, 3].map((n) => send(kernel, `k${n}`, signal(n))));
      const sent = kernel.rows().events.filter(({ type }) => type === 'signal.received');
      expect(sent).toHaveLength(3);
    };
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(3), { maxLength: 3 }), fc.boolean(), property),
      { numRuns: 60 },
    );
  });
});

describe('answers to calls that are about no run', () => {
  const DAY = 86_400_000;

  /** An orchestrator at a time that the test says. */
  async function openAt(options: { retention?: Retention }) {
    const database = temporaryDatabase();
    const time = { now: 1_700_000_000_000 };
    const clock = { ...systemEnvironment.clock, now: () => time.now };
    const environment = { ...systemEnvironment, clock };
    const orchestrator = await createOrchestrator({
      ...{ url: database, handlers: {}, environment },
      ...options,
    });
    onTestFinished(() => orchestrator.close());
    let done = 0;
    const call = (key: string) => orchestrator.once(key, { asked: 1 }, async () => ++done);
    return { database, time, call };
  }

  it.each([
    ['a week', {}, 7 * DAY],
    ['what retention says', { retention: { answersMs: DAY } }, DAY],
  ])('S220 are given again for %s; then the call is a new one', async (_, options, keptMs) => {
    const { time, call } = await openAt(options);
    expect(await call('first')).toBe(1);
    time.now += keptMs;
    expect(await call('first')).toBe(1);
    time.now += 1;
    expect(await call('second')).toBe(2);
    expect(await call('first')).toBe(3);
    expect(await call('first')).toBe(3);
  });

  it('S220 do not pile up in the database', async () => {
    const { database, time, call } = await openAt({});
    for (let day = 0; day < 30; day += 1) {
      for (let n = 0; n < 4; n += 1) await call(`${day} ${n}`);
      time.now += DAY;
    }
    const client = createClient({ url: `file:${database}` });
    onTestFinished(() => client.close());
    const { rows } = await client.execute('select key from idempotency_keys');
    expect(rows.length).toBe(4 * 8);
  });
});
