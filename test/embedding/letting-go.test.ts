/** When the run goes with its host, and when it stays. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AnyActorLogic, createActor, setup, waitFor } from 'xstate';
import type { LogicOptions } from '../../src/embedding/run-logic.js';
import type { Orchestrator } from '../../src/orchestrator.js';
import { testKit } from '../../src/testing/index.js';
import { approve, askFirst, childOf, invokingHost, openAt, runOf } from './support/hosts.js';

let orchestrator: Orchestrator;
const folder = mkdtempSync(join(tmpdir(), 'runchart-letting-go-'));
beforeAll(async () => {
  orchestrator = await openAt(join(folder, 'runs.db'));
});
afterAll(async () => {
  await orchestrator.close();
  rmSync(folder, { recursive: true });
});

const invoking = (options?: LogicOptions) => invokingHost(orchestrator.logic(askFirst, options));

/** A host whose run awaits a person. */
async function waitingHost(options?: LogicOptions) {
  const host = createActor(invoking(options), { input: { name: 'Ada' } }).start();
  await waitFor(childOf(host), ({ context }) => context.status === 'awaiting-human');
  return { host, run: runOf(host) };
}

/** A machine that has `inner` for as long as it is in its first state. */
function around(inner: AnyActorLogic) {
  return setup({
    actors: { inner },
    types: { events: {} as { type: 'leave' | 'end' } },
  }).createMachine({
    id: 'outer',
    initial: 'inside',
    states: {
      inside: {
        invoke: { id: 'inner', src: 'inner', input: { name: 'Ada' } },
        on: { leave: 'outside', end: 'over' },
      },
      outside: {},
      over: { type: 'final' },
    },
  });
}

describe('a run that is invoked', () => {
  it('S214 is cancelled when its host leaves the state, and says why', async () => {
    const { host, run } = await waitingHost();
    host.send({ type: 'leave' });
    expect(await orchestrator.result(run)).toMatchObject({
      status: 'cancelled',
      reason: { message: expect.stringContaining('host') },
    });
    expect(host.getSnapshot().value).toBe('left');
  });

  it('S214 is cancelled, and another one started, when its host enters the state again', async () => {
    const { host, run } = await waitingHost();
    host.send({ type: 'again' });
    const next = runOf(host);
    expect(next).not.toBe(run);
    expect((await orchestrator.result(run)).status).toBe('cancelled');
    await waitFor(childOf(host), ({ context }) => context.status === 'awaiting-human');
    await approve(orchestrator, next);
    expect((await waitFor(host, ({ status }) => status === 'done')).output).toBe('Hello Ada');
  });

  it('S214 goes on when the root is stopped: its process goes down, and decides nothing', async () => {
    const { host, run } = await waitingHost();
    host.stop();
    await approve(orchestrator, run);
    expect(await orchestrator.result(run)).toMatchObject({
      status: 'completed',
      output: 'Hello Ada',
    });
  });

  it.each(['leave', 'end'] as const)(
    'S214 is cancelled when the host of its host says %s, and goes on when that one is stopped',
    async (type) => {
      const runs: string[] = [];
      for (const isStopped of [false, true]) {
        const outer = createActor(around(invoking())).start();
        const inner = childOf(childOf(outer, 'inner'));
        await waitFor(inner, ({ context }) => context.status === 'awaiting-human');
        runs.push(inner.getSnapshot().context.run);
        if (isStopped) outer.stop();
        else outer.send({ type });
      }
      const [left = '', stopped = ''] = runs;
      expect((await orchestrator.result(left)).status).toBe('cancelled');
      await approve(orchestrator, stopped);
      expect((await orchestrator.result(stopped)).status).toBe('completed');
    },
  );

  it('S214 is not started, or cancelled, where its host leaves before the start is durable', async () => {
    const machine = invoking();
    const hosts = Array.from({ length: 8 }, () =>
      createActor(machine, { input: { name: 'Ada' } }).start(),
    );
    const runs = hosts.map((host) => runOf(host));
    for (const [turns, host] of hosts.entries()) {
      for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
      host.send({ type: 'leave' });
    }
    for (const run of runs) {
      const result = await untilThere(run);
      expect(result).toBe('cancelled');
    }
  });

  it('S214 stays as it ended where its host leaves too late', async () => {
    const { host, run } = await waitingHost();
    await approve(orchestrator, run);
    await orchestrator.result(run);
    host.send({ type: 'leave' });
    expect((await orchestrator.runs.summary(run)).status).toBe('completed');
  });

  it('S214 goes on where the logic says so', async () => {
    const { host, run } = await waitingHost({ whenLetGo: 'continue' });
    host.send({ type: 'leave' });
    await approve(orchestrator, run);
    expect((await orchestrator.result(run)).status).toBe('completed');
  });
});

describe('an orchestrator that closes', () => {
  it('S214 first cancels what hosts have let go', async () => {
    const url = join(folder, 'closing.db');
    const closing = await openAt(url);
    const machine = invokingHost(closing.logic(askFirst));
    const host = createActor(machine, { input: { name: 'Ada' } }).start();
    const run = runOf(host);
    host.send({ type: 'leave' });
    await closing.close();
    const next = await openAt(url);
    const left = await next.result(run).finally(() => next.close());
    expect(left.status).toBe('cancelled');
  });

  it('S214 tells hosts nothing: to them the run goes on', async () => {
    const closing = await openAt(join(folder, 'silent.db'));
    const machine = invokingHost(closing.logic(askFirst));
    const host = createActor(machine, { input: { name: 'Ada' } }).start();
    await waitFor(childOf(host), ({ context }) => context.status === 'awaiting-human');
    const late = createActor(machine, { input: { name: 'Bob' } });
    await closing.close();
    late.start();
    await new Promise((resolve) => setImmediate(resolve));
    for (const each of [host, late]) {
      expect(each.getSnapshot()).toMatchObject({ status: 'active', value: 'greeting' });
      expect(childOf(each).getSnapshot().status).toBe('active');
    }
  });
});

describe('a storage that fails for a while', () => {
  it('S214 puts off the start of a run and its cancellation, and loses neither', async () => {
    const kit = await testKit({ handlers: { greet: () => 'Hello' } });
    const host = createActor(invokingHost(kit.orchestrator.logic(askFirst)), {
      input: { name: 'Ada' },
    });
    kit.faults.failCommit({ times: 3, code: 'turn-refused' });
    host.start();
    const run = runOf(host);
    await kit.drain();
    expect(await kit.runs.list()).toEqual([]);
    await kit.advance('1m');
    expect(await kit.runs.summary(run)).toMatchObject({ status: 'awaiting-human' });
    kit.faults.failCommit({ times: 3, code: 'turn-refused' });
    host.send({ type: 'leave' });
    await kit.drain();
    expect(await kit.runs.summary(run)).toMatchObject({ status: 'awaiting-human' });
    await kit.advance('1m');
    expect(await kit.runs.summary(run)).toMatchObject({ status: 'cancelled' });
    expect(kit.complaints.filter((line) => line.includes('let go'))).toEqual([]);
  });

  it('S214 that does not recover makes the start an error, and says what was not cancelled', async () => {
    const kit = await testKit({ handlers: { greet: () => 'Hello' } });
    const machine = invokingHost(kit.orchestrator.logic(askFirst));
    const waiting = createActor(machine, { input: { name: 'Ada' } }).start();
    await kit.drain();
    kit.faults.failCommit({ times: 1_000, code: 'turn-refused' });
    const late = createActor(machine, { input: { name: 'Bob' } }).start();
    waiting.send({ type: 'leave' });
    await kit.advance('10m');
    await waitFor(late, (snapshot) => snapshot.matches('failed'));
    expect(late.getSnapshot().context.error).toMatchObject({ code: 'commit-failed' });
    await kit.drain();
    expect(kit.complaints.join()).toContain('a run that its host let go was not cancelled');
  });
});

/** The final status of a run that may still be on its way to storage. */
async function untilThere(run: string): Promise<string> {
  for (;;) {
    try {
      return (await orchestrator.result(run)).status;
    } catch (error) {
      if ((error as { code?: string }).code !== 'run-unknown') throw error;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}
