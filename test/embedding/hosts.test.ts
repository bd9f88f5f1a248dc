/** Machines of somebody else's that invoke and spawn runs, on real files. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, expectTypeOf, it } from 'vitest';
import { createActor, type InspectionEvent, type OutputFrom, setup, waitFor } from 'xstate';
import type { EmittedEvent } from '../../src/embedding/emitted-event.js';
import type { RunLogic } from '../../src/embedding/run-logic.js';
import { RunchartError } from '../../src/errors.js';
import type { Orchestrator } from '../../src/orchestrator.js';
import type { PlanFor } from '../../src/plan/builder.js';
import {
  approve,
  askFirst,
  childOf,
  fail,
  greet,
  invokingHost,
  openAt,
  type Person,
  persisted,
  pointerOf,
  runOf,
  spawningHost,
} from './support/hosts.js';

let orchestrator: Orchestrator;
const folder = mkdtempSync(join(tmpdir(), 'runchart-hosts-'));
beforeAll(async () => {
  orchestrator = await openAt(join(folder, 'runs.db'));
});
afterAll(async () => {
  await orchestrator.close();
  rmSync(folder, { recursive: true });
});

function hostOf(orchestrator: Orchestrator, plan: PlanFor<Person, string>) {
  return createActor(invokingHost(orchestrator.logic(plan)), { input: { name: 'Ada' } });
}

describe('a machine that invokes a run', () => {
  it('S214 goes on with its output when it ends', async () => {
    const host = hostOf(orchestrator, greet).start();
    await waitFor(host, (snapshot) => snapshot.status === 'done');
    expect(host.getSnapshot().output).toBe('Hello Ada');
  });

  it('S214 knows input and output of the plan in its types', async () => {
    const logic = orchestrator.logic(greet);
    expectTypeOf(logic).toEqualTypeOf<RunLogic<Person, string>>();
    expectTypeOf<OutputFrom<typeof logic>>().toEqualTypeOf<string>();
    const misfits = () => {
      // @ts-expect-error the input of the run has a name
      createActor(logic, { input: { input: { nom: 'Ada' } } });
      // @ts-expect-error a start under a key may be another run
      createActor(logic, { input: { input: { name: 'Ada' }, singleton: { key: 'k' } } });
    };
    expect(misfits).toBeTypeOf('function');
  });

  it('S214 hears each event of the run once, in order, as the log has it', async () => {
    const host = hostOf(orchestrator, greet);
    const emitted: EmittedEvent[] = [];
    host.start();
    childOf(host).on('*', (event) => emitted.push(event));
    const run = runOf(host);
    await waitFor(host, (snapshot) => snapshot.status === 'done');
    expect(emitted).toEqual(await orchestrator.runs.events(run));
    expect(emitted.at(-1)).toMatchObject({ type: 'run.completed', run });
  });

  it('S214 sees the status of the run and its counts, as of the event that was emitted last', async () => {
    const host = hostOf(orchestrator, askFirst).start();
    expect(pointerOf(host)).toMatchObject({ seq: 0, status: null, nodes: null });
    const child = childOf(host);
    const { context } = await waitFor(child, ({ context }) => context.status === 'awaiting-human');
    const { run, seq } = context;
    expect(seq).toBe((await orchestrator.runs.details(run)).seq);
    expect(context.nodes).toMatchObject({ 'awaiting-human': 1, pending: 1, completed: 0 });
    await approve(orchestrator, run);
    await waitFor(host, (snapshot) => snapshot.status === 'done');
  });

  it('S214 shows the run as its child to an inspector, and claims no name in its system', async () => {
    const seen: InspectionEvent[] = [];
    const logic = orchestrator.logic(askFirst);
    const host = createActor(invokingHost(logic), {
      input: { name: 'Ada' },
      inspect: (event) => seen.push(event),
    }).start();
    const child = childOf(host);
    await waitFor(child, ({ context }) => context.status === 'awaiting-human');
    const born = seen.filter(({ type }) => type === '@xstate.actor');
    expect(born.map(({ actorRef }) => actorRef)).toEqual([host, child]);
    expect(child._parent).toBe(host);
    const snapshots = seen.filter(
      (event) => event.type === '@xstate.snapshot' && event.actorRef === child,
    );
    expect(snapshots.length).toBeGreaterThan(1);
    expect(host.system.getAll()).toEqual({});
    host.stop();
  });

  it('S214 gets a run that fails as an error with its reason', async () => {
    const host = hostOf(orchestrator, fail).start();
    const run = runOf(host);
    const { context } = await waitFor(host, (snapshot) => snapshot.matches('failed'));
    expect(context.error).toBeInstanceOf(RunchartError);
    expect(context.error).toMatchObject({
      code: 'run-failed',
      message: expect.stringContaining('out of words'),
      data: { run, status: 'failed', reason: { message: expect.stringContaining('out of words') } },
    });
  });

  it('S214 gets a run that somebody else cancels as an error', async () => {
    const host = hostOf(orchestrator, askFirst).start();
    const child = childOf(host);
    await waitFor(child, ({ context }) => context.status === 'awaiting-human');
    await orchestrator.cancel(runOf(host), { reason: 'not today' });
    const { context } = await waitFor(host, (snapshot) => snapshot.matches('failed'));
    expect(context.error).toMatchObject({ code: 'run-cancelled', data: { status: 'cancelled' } });
  });

  it.each([
    ['input-invalid', { inputs: { type: 'object', required: ['age'] } }],
    ['handler-missing', { nodes: [{ kind: 'action', id: 'greet', handler: 'nobody' }] }],
    ['plan-invalid', { nodes: [] }],
  ])('S214 gets a start that is refused with %s as an error', async (code, change) => {
    const plan = { ...greet, ...change } as PlanFor<Person, string>;
    const host = hostOf(orchestrator, plan).start();
    const run = runOf(host);
    const { context } = await waitFor(host, (snapshot) => snapshot.matches('failed'));
    expect(context.error).toBeInstanceOf(RunchartError);
    expect(context.error).toMatchObject({ code });
    await expect(orchestrator.runs.summary(run)).rejects.toMatchObject({ code: 'run-unknown' });
  });

  it('S214 fails itself where it has no way to deal with the error', async () => {
    const machine = setup({ actors: { run: orchestrator.logic(fail) } }).createMachine({
      invoke: { src: 'run', input: { input: { name: 'Ada' } } },
    });
    const host = createActor(machine);
    host.subscribe({ error: () => {} });
    host.start();
    await expect(waitFor(host, () => false)).rejects.toMatchObject({ code: 'run-failed' });
  });
});

describe('an actor that stands for a run', () => {
  it('S214 draws the id of its run once, or is given it: the same start is the same run', async () => {
    const machine = invokingHost(orchestrator.logic(greet));
    const hosts = [1, 2].map(() =>
      createActor(machine, { input: { name: 'Ada', id: 'greeting-of-ada' } }).start(),
    );
    for (const host of hosts) await waitFor(host, (snapshot) => snapshot.status === 'done');
    const conflicting = createActor(machine, { input: { name: 'Bob', id: 'greeting-of-ada' } });
    conflicting.start();
    const { context } = await waitFor(conflicting, (snapshot) => snapshot.matches('failed'));
    expect(context.error).toMatchObject({ code: 'run-conflict' });
    expect(
      (await orchestrator.runs.list()).filter(({ id }) => id === 'greeting-of-ada'),
    ).toHaveLength(1);
  });

  it('S214 is refused where the id is none', async () => {
    const machine = invokingHost(orchestrator.logic(greet));
    const host = createActor(machine, { input: { name: 'Ada', id: 'no id' } }).start();
    await waitFor(host, (snapshot) => snapshot.matches('failed'));
    expect(host.getSnapshot().context.error).toMatchObject({ code: 'argument-invalid' });
  });

  it('S214 may be the root of a system of its own', async () => {
    const actor = createActor(orchestrator.logic(greet), { input: { input: { name: 'Ada' } } });
    const ended = new Promise<void>((resolve) => actor.subscribe({ complete: resolve }));
    actor.start();
    await ended;
    expect(actor.getSnapshot()).toMatchObject({ status: 'done', output: 'Hello Ada' });
  });

  it('S214 takes no notice of events that others send it', async () => {
    const host = hostOf(orchestrator, askFirst).start();
    const child = childOf(host);
    await waitFor(child, ({ context }) => context.status === 'awaiting-human');
    const before = child.getSnapshot();
    child.send({ type: 'leave' } as never);
    expect(child.getSnapshot()).toEqual(before);
    await approve(orchestrator, runOf(host));
    await waitFor(host, (snapshot) => snapshot.status === 'done');
  });
});

describe('a machine that spawns runs', () => {
  it('S214 has several at once, each with an end of its own', async () => {
    const host = createActor(spawningHost(orchestrator.logic(askFirst))).start();
    const names = ['Ada', 'Bob', 'Cyd', 'Dan', 'Eve'];
    for (const name of names) host.send({ type: 'greet', name });
    const runs = names.map((name) => runOf(host, name));
    expect(new Set(runs).size).toBe(names.length);
    for (const name of [...names].reverse()) {
      await waitFor(childOf(host, name), ({ context }) => context.status === 'awaiting-human');
      await approve(orchestrator, runOf(host, name));
      await waitFor(host, ({ context }) => context.greetings.includes(`Hello ${name}`));
    }
    expect(host.getSnapshot().context.greetings).toEqual(
      [...names].reverse().map((name) => `Hello ${name}`),
    );
  });

  it('S214 cancels the one that it stops, and no other', async () => {
    const host = createActor(spawningHost(orchestrator.logic(askFirst))).start();
    for (const name of ['Ada', 'Bob']) host.send({ type: 'greet', name });
    const [ada, bob] = [runOf(host, 'Ada'), runOf(host, 'Bob')];
    for (const name of ['Ada', 'Bob'])
      await waitFor(childOf(host, name), ({ context }) => context.status === 'awaiting-human');
    host.send({ type: 'drop', name: 'Ada' });
    expect((await orchestrator.result(ada)).status).toBe('cancelled');
    expect(await orchestrator.settled(bob)).toBe('awaiting-human');
  });
});

describe('what is persisted of a run', () => {
  it('S214 is a pointer: its id and the number of the newest event, whatever it works on', async () => {
    const machine = invokingHost(orchestrator.logic(askFirst));
    const name = 'Ada '.repeat(10_000);
    const host = createActor(machine, { input: { name } }).start();
    const child = childOf(host);
    const { context } = await waitFor(child, (now) => now.context.status === 'awaiting-human');
    const { run, seq } = context;
    expect(persisted(host)).toMatchObject({ children: { run: { src: 'greeting' } } });
    expect(persisted(child)).toEqual({ status: 'active', context: { run, seq } });
    await approve(orchestrator, run);
    await waitFor(host, (snapshot) => snapshot.status === 'done');
    expect(child.getSnapshot().output).toHaveLength(name.length + 'Hello '.length);
    expect(JSON.stringify(persisted(child))).not.toContain('Hello');
  });

  it('S214 has an error as a plain record', async () => {
    const host = hostOf(orchestrator, fail).start();
    const child = childOf(host);
    await waitFor(host, (snapshot) => snapshot.matches('failed'));
    const stored = persisted(child);
    expect(stored).toMatchObject({ status: 'error', error: { code: 'run-failed' } });
    const restored = createActor(orchestrator.logic(fail), {
      snapshot: stored,
      input: { input: { name: '' } },
    });
    expect(restored.getSnapshot().error).toBeInstanceOf(RunchartError);
    expect(restored.getSnapshot().error).toMatchObject({ code: 'run-failed' });
  });

  it('S214 makes a host hear of a pointer that is damaged', async () => {
    const machine = invokingHost(orchestrator.logic(askFirst));
    const host = createActor(machine, { input: { name: 'Ada' } }).start();
    await waitFor(childOf(host), ({ context }) => context.status === 'awaiting-human');
    const stored = JSON.parse(JSON.stringify(persisted(host)));
    host.stop();
    stored.children.run.snapshot.context = { run: 7 };
    const restored = createActor(machine, { snapshot: stored, input: { name: '' } }).start();
    await waitFor(restored, (snapshot) => snapshot.matches('failed'));
    expect(restored.getSnapshot().context.error).toMatchObject({ code: 'argument-invalid' });
  });

  it('S214 of a host that has stopped is nothing: its children are gone from its snapshot', async () => {
    const host = hostOf(orchestrator, askFirst).start();
    await waitFor(childOf(host), ({ context }) => context.status === 'awaiting-human');
    host.stop();
    expect(persisted(host)).toMatchObject({ status: 'stopped', children: {} });
  });
});
