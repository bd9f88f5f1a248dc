import { describe, expect, it } from 'vitest';
import { createActor } from 'xstate';
import { NODE_RUN_MACHINE, nodeRunMachine } from '../../src/machines/node-run-machine.js';
import { RUN_MACHINE, runMachine } from '../../src/machines/run-machine.js';
import { UPCASTERS, type Upcasters, upcast } from '../../src/machines/upcasters.js';

const upcasters: Upcasters = {
  'node-run': {
    1: (snapshot) => ({ ...snapshot, context: { tries: 0 } }),
    2: (snapshot) => ({ ...snapshot, value: 'ready' }),
  },
};

describe('upcasters', () => {
  it('S210 bring a snapshot up one version at a time', () => {
    const old = { value: 'due', context: {} };
    expect(upcast(upcasters, 'node-run', { from: 1, to: 3 }, old)).toEqual({
      value: 'ready',
      context: { tries: 0 },
    });
    expect(upcast(upcasters, 'node-run', { from: 3, to: 3 }, old)).toBe(old);
    expect(old).toEqual({ value: 'due', context: {} });
  });

  it('S210 have no answer for a version without a way up, or from the future', () => {
    expect(upcast(upcasters, 'node-run', { from: 0, to: 3 }, {})).toBeUndefined();
    expect(upcast(upcasters, 'node-run', { from: 4, to: 3 }, {})).toBeUndefined();
    expect(upcast(upcasters, 'run', { from: 1, to: 2 }, {})).toBeUndefined();
  });

  it('S210 of the program lead from every earlier version of its machines to the present one', () => {
    for (const { id, version } of [RUN_MACHINE, NODE_RUN_MACHINE]) {
      const steps = Object.keys(UPCASTERS[id] ?? {}).map(Number);
      expect(steps).toEqual(Array.from({ length: version - 1 }, (_, i) => i + 1));
    }
    expect(nodeRunMachine.id).toBe(NODE_RUN_MACHINE.id);
  });

  it('S210 S156 a run that was paused before a pause had a reason is paused by itself', () => {
    const persisted = createActor(runMachine).start().getPersistedSnapshot();
    const actor = createActor(runMachine, { snapshot: { ...persisted, value: 'paused' } as never });
    actor.start();
    expect(actor.getSnapshot().value).toEqual({ paused: 'byItself' });
    actor.send({ type: 'parent.resumed' });
    expect(actor.getSnapshot().value).toEqual({ paused: 'byItself' });
    actor.send({ type: 'resume.requested' });
    expect(actor.getSnapshot().value).toEqual({ running: 'working' });
  });
});
