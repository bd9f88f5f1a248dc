/** What the libraries underneath do in their own way, and how the kernel keeps clear of it. */
import { describe, expect, it } from 'vitest';
import { type AnyStateNode, createActor, createMachine } from 'xstate';
import { durable, type Intention } from '../../src/actors/durable.js';
import { ActorTree } from '../../src/actors/run/actor-tree.js';
import { nodeRunMachine } from '../../src/machines/node-run-machine.js';
import { runMachine } from '../../src/machines/run-machine.js';
import { MemoryRun } from '../../src/testing/memory-storage.js';
import { Kernel } from '../support/kernel.js';
import { action, edge, join, plan } from '../support/plans.js';

function* statesOf(state: AnyStateNode): Generator<AnyStateNode> {
  yield state;
  for (const child of Object.values(state.states)) yield* statesOf(child);
}

const allStates = [runMachine, nodeRunMachine].flatMap((machine) => [...statesOf(machine.root)]);

describe('the statecharts', () => {
  it('wait for no timer of their own: such a timer would be lost on restore', () => {
    for (const state of allStates) expect(state.after, state.id).toEqual([]);
  });

  it('invoke nothing, so that nothing runs twice on restore', () => {
    for (const state of allStates) expect(state.invoke, state.id).toEqual([]);
  });

  it('have no eventless transitions that could go round for ever', () => {
    for (const state of allStates) expect(state.always ?? [], state.id).toEqual([]);
  });
});

describe('the actors of a run', () => {
  it('S208 keep a snapshot of the run that does not grow with its nodes', async () => {
    const kernel = new Kernel({ handlers: { work: () => 1 } });
    const ids = Array.from({ length: 2_000 }, (_, i) => `n${i}`);
    await kernel.start(plan(ids.map((id) => action(id))));
    await kernel.settle();
    expect(kernel.status()).toBe('completed');
    const own = kernel.rows().versions.filter((version) => version.actor === '');
    expect(Math.max(...own.map((version) => version.snapshotJson.length))).toBeLessThan(500);
  });

  it('S41 report an event that a statechart does not take, rather than lose it', () => {
    const tree = new ActorTree('r1');
    expect(() => tree.send('a', { type: 'slot.granted' })).toThrow(
      'node run "a" does not take slot.granted in pending',
    );
  });

  it('report a statechart that fails to whoever sent the event, and to nobody else', () => {
    const tree = new ActorTree('r1');
    tree.send('a', { type: 'inputs.resolved' });
    tree.send('a', { type: 'slot.granted' });
    expect(() => tree.send('a', { type: 'attempt.failed' } as never)).toThrow(/failed on attempt/);
    expect(tree.send('b', { type: 'inputs.resolved' }).to).toBe('ready');
  });

  it('S210 are refused where another machine, or another version of it, wrote the snapshot', () => {
    const tree = new ActorTree('r1');
    tree.send('a', { type: 'inputs.resolved' });
    const stored = tree.settleNode(1, 'a', 1);
    if (stored === undefined) throw new Error('no snapshot');
    expect(() => new ActorTree('r1').restoreNode({ ...stored, version: 99 })).toThrow(/version 99/);
    expect(() => new ActorTree('r1').restoreNode({ ...stored, machine: 'x' })).toThrow(/is of x/);
    const restored = new ActorTree('r1');
    restored.restoreNode(stored);
    expect(restored.stateOf('a')).toBe('due');
  });

  it.each(['', 'a'])(
    'S210 leave a run untouched whose snapshot of %j is in a state that is no more',
    async (actor) => {
      const kernel = new Kernel();
      await kernel.start(plan([action('a')]));
      await kernel.settle();
      const { versions } = kernel.rows();
      const astray = (snapshotJson: string) =>
        JSON.stringify({ ...JSON.parse(snapshotJson), value: { running: 'nowhere' } });
      const changed = versions.map((one) =>
        one.actor === actor ? { ...one, snapshotJson: astray(one.snapshotJson) } : one,
      );
      versions.splice(0, versions.length, ...changed);
      const before = kernel.rows().events.length;
      await kernel.restart();
      await expect(kernel.cancel()).rejects.toMatchObject({ code: 'run-unrestorable' });
      expect(kernel.rows().events.length).toBe(before);
    },
  );

  it.each(['', 'a'])(
    'S210 leave a run untouched whose snapshot of %j is of another version, and no other run',
    async (actor) => {
      const kernel = new Kernel();
      const version = plan([action('a', { retry: { maxAttempts: 2, maxInterruptions: 5 } })]);
      for (const id of ['r1', 'r2']) await kernel.start(version, { id });
      await kernel.settle();
      const { versions } = kernel.rows('r1');
      const changed = versions.map((one) => (one.actor === actor ? { ...one, version: 99 } : one));
      versions.splice(0, versions.length, ...changed);
      const before = structuredClone(kernel.rows('r1'));
      await kernel.restart();
      await expect(kernel.cancel('r1')).rejects.toMatchObject({
        code: 'run-unrestorable',
        retryable: false,
      });
      await expect(kernel.supervisor.resume('r1')).rejects.toMatchObject({
        code: 'run-unrestorable',
      });
      expect(kernel.working('r1')).toEqual([]);
      expect(kernel.rows('r1')).toEqual(Object.assign(Object.create(MemoryRun.prototype), before));
      await kernel.finish('a', 1, 'r2');
      expect(kernel.status('r2')).toBe('completed');
    },
  );

  it('of two runs with the same node ids know nothing of each other', async () => {
    const kernel = new Kernel();
    const version = plan([action('a'), action('b')], [edge('a', 'b')]);
    await kernel.start(version, { id: 'r1' });
    await kernel.start(version, { id: 'r2' });
    await kernel.settle();
    await kernel.finish('a', 1, 'r2');
    expect(kernel.working('r1')).toEqual(['a']);
    expect(kernel.working('r2')).toEqual(['b']);
  });
});

describe('held actions', () => {
  it('do not run inside the machine: they are collected in the order of decision, initial ones too', () => {
    const ran: string[] = [];
    const machine = createMachine({
      initial: 'a',
      states: {
        a: { entry: ['first', 'other'], on: { go: { target: 'b', actions: 'second' } } },
        b: { entry: 'third' },
      },
    }).provide({
      actions: {
        first: () => ran.push('first'),
        second: () => ran.push('second'),
        third: () => ran.push('third'),
        other: () => ran.push('other'),
      },
    });
    const held: Intention[] = [];
    const actor = createActor(
      durable(machine, ['first', 'second', 'third'], (one) => held.push(one)),
    );
    actor.start();
    actor.send({ type: 'go' });
    expect(held.map((one) => one.type)).toEqual(['first', 'second', 'third']);
    expect(ran).toEqual(['other']);
  });
});

describe('a long chain', () => {
  const LENGTH = 100_000;

  it('S57 S60 of a hundred thousand nodes neither overflows the stack nor takes one turn', async () => {
    const kernel = new Kernel();
    const joins = Array.from({ length: LENGTH - 1 }, (_, i) => `j${i}`);
    const ids = ['a', ...joins];
    const version = plan(
      [action('a', { onFailure: 'skip' }), ...joins.map((id) => join(id))],
      ids.slice(1).map((id, i) => edge(ids[i] ?? '', id)),
    );
    await kernel.start(version);
    await kernel.settle();
    await kernel.fail('a');
    expect(kernel.status()).toBe('completed');
    expect(kernel.rows().nodeRuns.get(`j${LENGTH - 2}`)?.status).toBe('skipped');
    expect(kernel.rows().turns.length).toBeGreaterThanOrEqual(LENGTH / 1_000);
  }, 60_000);
});
