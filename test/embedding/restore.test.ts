/** Hosts that are restored, in the same process, in another one, and after kill -9. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { type AnyActorRef, createActor, type Snapshot, waitFor } from 'xstate';
import type { EmittedEvent } from '../../src/embedding/emitted-event.js';
import { openRunReader } from '../../src/open-reader.js';
import { temporaryDatabase, temporaryDirectory } from '../support/temporary.js';
import {
  approve,
  askFirst,
  childOf,
  greet,
  invokingHost,
  open,
  persisted,
  pointerOf,
  runOf,
} from './support/hosts.js';

const INPUT = { name: 'Ada' };

/** What a host hears of its run from now on. */
function hearing(host: AnyActorRef): EmittedEvent[] {
  const heard: EmittedEvent[] = [];
  childOf(host).on('*', (event) => heard.push(event));
  return heard;
}

describe('a host that is restored', () => {
  it('S214 hears every event after its pointer, wherever it was persisted', async () => {
    const orchestrator = await open();
    const machine = invokingHost(orchestrator.logic(askFirst));
    const host = createActor(machine, { input: INPUT }).start();
    const stored: Snapshot<unknown>[] = [persisted(host)];
    childOf(host).on('*', () => stored.push(persisted(host)));
    await waitFor(childOf(host), ({ context }) => context.status === 'awaiting-human');
    await approve(orchestrator, runOf(host));
    const run = runOf(host);
    await waitFor(host, ({ status }) => status === 'done');
    const log = await orchestrator.runs.events(run);
    expect(stored.length).toBe(log.length + 1);
    for (const snapshot of stored) {
      const restored = createActor(machine, { snapshot, input: INPUT });
      const { seq } = pointerOf(restored);
      const heard = hearing(restored);
      restored.start();
      expect((await waitFor(restored, ({ status }) => status === 'done')).output).toBe('Hello Ada');
      expect(heard).toEqual(log.slice(seq));
    }
    expect((await orchestrator.runs.list()).map(({ id }) => id)).toEqual([run]);
  });

  it('S214 is attached to the same run in another process, which was idle meanwhile', async () => {
    const url = temporaryDatabase();
    const first = await open(url);
    const host = createActor(invokingHost(first.logic(askFirst)), { input: INPUT });
    host.start();
    const before = hearing(host);
    await waitFor(childOf(host), ({ context }) => context.status === 'awaiting-human');
    const snapshot = persisted(host);
    const run = runOf(host);
    await first.close();
    const second = await open(url);
    const restored = createActor(invokingHost(second.logic(askFirst)), { snapshot, input: INPUT });
    const after = hearing(restored);
    restored.start();
    await approve(second, run);
    await waitFor(restored, ({ status }) => status === 'done');
    expect(restored.getSnapshot().output).toBe('Hello Ada');
    expect([...before, ...after]).toEqual(await second.runs.events(run));
  });

  it('S214 starts the run where it was persisted before that was durable, whatever the plan is now', async () => {
    const url = temporaryDatabase();
    const first = await open(url);
    const machine = invokingHost(first.logic(askFirst));
    const neverStarted = createActor(machine, { input: INPUT });
    const started = createActor(machine, { input: INPUT }).start();
    const snapshots = [neverStarted, started].map(persisted);
    const runs = [runOf(neverStarted), runOf(started)];
    await waitFor(childOf(started), ({ context }) => context.status === 'awaiting-human');
    await first.close();
    const second = await open(url);
    const changed = invokingHost(second.logic(greet));
    const restored = snapshots.map((snapshot) =>
      createActor(changed, { snapshot, input: INPUT }).start(),
    );
    expect(restored.map((host) => runOf(host))).toEqual(runs);
    for (const host of restored) {
      if (host === restored[1]) await approve(second, runOf(host));
      const { output } = await waitFor(host, ({ status }) => status === 'done');
      expect(output).toBe('Hello Ada');
    }
    const plans = (await second.runs.list()).map(({ plan }) => plan);
    expect(new Set(plans).size).toBe(2);
  });

  it('S214 is told which events retention had removed before it heard them', async () => {
    const orchestrator = await open();
    const machine = invokingHost(orchestrator.logic(askFirst));
    const host = createActor(machine, { input: INPUT }).start();
    const snapshot = persisted(host);
    await waitFor(childOf(host), ({ context }) => context.status === 'awaiting-human');
    const run = runOf(host);
    host.stop();
    await approve(orchestrator, run);
    await orchestrator.result(run);
    expect(await orchestrator.trim({ historyOlderThanMs: 0 })).toMatchObject({ trimmedRuns: 1 });
    const restored = createActor(machine, { snapshot, input: INPUT });
    const heard = hearing(restored);
    restored.start();
    await waitFor(restored, ({ status }) => status === 'done');
    const [notice, ...others] = heard;
    expect(notice).toMatchObject({ type: 'events.trimmed', run, after: 0 });
    const upTo = notice?.type === 'events.trimmed' ? notice.upTo : 0;
    expect(upTo).toBeGreaterThan(1);
    expect(others).toEqual(await orchestrator.runs.events(run, upTo));
  });

  it('S214 gets an error where its run is there no more', async () => {
    const first = await open();
    const host = createActor(invokingHost(first.logic(askFirst)), { input: INPUT }).start();
    await waitFor(childOf(host), ({ context }) => context.status === 'awaiting-human');
    const elsewhere = invokingHost((await open()).logic(askFirst));
    const restored = createActor(elsewhere, { snapshot: persisted(host), input: INPUT }).start();
    const { context } = await waitFor(restored, (now) => now.matches('failed'));
    expect(context.error).toMatchObject({ code: 'run-unknown' });
  });
});

interface Line {
  readonly pointer?: { readonly run: string; readonly seq: number } | null;
  readonly seq?: number;
  readonly worked?: string;
  readonly output?: string;
}

describe('a host whose process is killed', () => {
  it('S214 is restored from its file and finishes, with one run and no event lost', async () => {
    const folder = temporaryDirectory();
    const kills = ['begun', 'heard 4', 'saved 8', 'heard 15'];
    const lives = [...kills, ''].map((killAt) => live(folder, killAt));
    expect(lives.map(({ signal }) => signal)).toEqual([...kills.map(() => 'SIGKILL'), null]);
    expect(lives.at(-1)?.lines.at(-1)).toEqual({ output: 'four' });

    const { runs, close } = await openRunReader(`${folder}/runs.db`);
    const [run, ...others] = await runs.list();
    expect(others).toEqual([]);
    const log = await runs.events(run?.id ?? '');
    close();
    expect(log.at(-1)?.type).toBe('run.completed');
    for (const { lines } of lives.slice(1)) {
      const { pointer } = lines.find((line) => 'pointer' in line) ?? {};
      expect(pointer?.run).toBe(run?.id);
      const heard = lines.flatMap(({ seq }) => seq ?? []);
      // From the one after the pointer on, without a gap.
      expect(heard).toEqual(heard.map((_, index) => (pointer?.seq ?? 0) + 1 + index));
    }
    const all = new Set(lives.flatMap(({ lines }) => lines.flatMap(({ seq }) => seq ?? [])));
    expect([...all].sort((a, b) => a - b)).toEqual(log.map(({ seq }) => seq));
  });
});

/** One life of the host: what it said, and how it ended. */
function live(folder: string, killAt: string) {
  const script = fileURLToPath(new URL('support/host-process.mjs', import.meta.url));
  const { stdout, stderr, signal } = spawnSync(process.execPath, [script, folder, killAt], {
    encoding: 'utf8',
    timeout: 30_000,
    env: { ...process.env, NODE_OPTIONS: '', NODE_ENV: 'production' },
  });
  expect(stderr).toBe('');
  const lines = stdout.split('\n').filter((line) => line !== '');
  return { signal, lines: lines.map((line) => JSON.parse(line) as Line) };
}
