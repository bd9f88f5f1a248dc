/** The machines as the package offers them: without storage, in systems of somebody else's. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, expectTypeOf, it } from 'vitest';
import {
  createActor,
  type EventFromLogic,
  fromPromise,
  type OutputFrom,
  SimulatedClock,
  setup,
} from 'xstate';
import * as machines from '../../src/machines/index.js';
import { temporaryDirectory } from '../support/temporary.js';

const { nodeRunMachine, retryMachine, runMachine, taskMachine } = machines;
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const page = readFileSync(join(ROOT, 'docs/machines.md'), 'utf8');
const policy = { maxAttempts: 3, backoff: 'fixed', delayMs: 1_000 } as const;

/** Lets promises of actors be heard. */
const heard = () => new Promise((resolve) => setImmediate(resolve));

/** Work that fails so many times, and remembers its attempts. */
function flaky(failures: number, error: unknown = new Error('no')) {
  const attempts: machines.AttemptInput[] = [];
  const attempt = fromPromise<unknown, machines.AttemptInput>(async ({ input }) => {
    attempts.push(input);
    if (attempts.length <= failures) throw error;
    return 'done';
  });
  return { attempts, machine: retryMachine.provide({ actors: { attempt } }) };
}

describe('the retry machine', () => {
  it('S215 tries as often as its policy allows, and waits in between', async () => {
    const { attempts, machine } = flaky(2);
    const clock = new SimulatedClock();
    const actor = createActor(machine, { clock, input: { policy, input: 7 } }).start();
    for (const attempt of [1, 2]) {
      await heard();
      expect(actor.getSnapshot()).toMatchObject({ value: 'backingOff', context: { attempt } });
      clock.increment(749);
      expect(attempts).toHaveLength(attempt);
      clock.increment(251);
    }
    await heard();
    expect(attempts).toEqual([1, 2, 3].map((attempt) => ({ input: 7, attempt })));
    expect(actor.getSnapshot().output).toEqual({ status: 'completed', value: 'done', attempts: 3 });
  });

  it.each([
    ['its tries are used up', policy, new Error('no'), 3],
    ['the class is not to be retried', { ...policy, retryOn: ['busy'] }, new Error('no'), 1],
    ['the error is for good', policy, { message: 'gone', retryable: false }, 1],
    ['there is no policy', {}, 'a text', 1],
  ])('S215 gives the failure as a record where %s', async (_, given, error, attempts) => {
    const { machine } = flaky(9, error);
    const clock = new SimulatedClock();
    const actor = createActor(machine, { clock, input: { policy: given } }).start();
    for (let i = 0; i < 5; i += 1) {
      await heard();
      clock.increment(1_000);
    }
    const output = actor.getSnapshot().output as OutputFrom<typeof retryMachine>;
    expect(output).toMatchObject({ status: 'failed', attempts, failure: { class: 'exception' } });
    expect(JSON.parse(JSON.stringify(output))).toEqual(output);
  });

  it('S215 goes on at once where no delay is set, and after no value at all', async () => {
    const attempt = fromPromise<unknown, machines.AttemptInput>(async ({ input }) => {
      if (input.attempt === 1) throw new Error('no');
    });
    const machine = retryMachine.provide({ actors: { attempt } });
    const actor = createActor(machine, { input: { policy: { maxAttempts: 2 } } }).start();
    await heard();
    expect(actor.getSnapshot().output).toEqual({ status: 'completed', attempts: 2 });
  });

  it('S215 waits for the rest where it is restored in a wait, and tries again in an attempt', async () => {
    const { attempts, machine } = flaky(1);
    const before = new SimulatedClock();
    const first = createActor(machine, { clock: before, input: { policy } }).start();
    const attempting = JSON.parse(JSON.stringify(first.getPersistedSnapshot()));
    await heard();
    before.increment(600);
    const waiting = JSON.parse(JSON.stringify(first.getPersistedSnapshot()));
    first.stop();

    const after = new SimulatedClock();
    after.increment(before.now());
    const restored = createActor(machine, { clock: after, snapshot: waiting, input: { policy } });
    restored.start();
    after.increment(100);
    expect(attempts).toHaveLength(1);
    after.increment(300);
    await heard();
    expect(restored.getSnapshot().output).toMatchObject({ value: 'done', attempts: 2 });

    const again = createActor(machine, { snapshot: attempting, input: { policy } }).start();
    await heard();
    expect(again.getSnapshot().output).toMatchObject({ value: 'done', attempts: 1 });
  });

  it('S215 lets its wait be replaced', async () => {
    const waits: machines.BackoffInput[] = [];
    const backoff = fromPromise<undefined, machines.BackoffInput>(async ({ input }) => {
      waits.push(input);
      return undefined;
    });
    const machine = flaky(2).machine.provide({ actors: { backoff: backoff as never } });
    const actor = createActor(machine, { input: { policy } }).start();
    for (let i = 0; i < 8; i += 1) await heard();
    expect(actor.getSnapshot().status).toBe('done');
    expect(waits.map(({ retry }) => retry)).toEqual([1, 2]);
  });

  it('S215 is invoked by a machine of somebody else', async () => {
    const { machine } = flaky(0);
    const host = setup({ actors: { work: machine } }).createMachine({
      initial: 'working',
      states: {
        working: { invoke: { src: 'work', input: { policy: {} }, onDone: 'over' } },
        over: {},
      },
    });
    const actor = createActor(host).start();
    await heard();
    expect(actor.getSnapshot().value).toBe('over');
  });
});

describe('runchart/machines', () => {
  it('S215 has the charts of a run, a node run and a task, with their events typed', () => {
    expectTypeOf<EventFromLogic<typeof runMachine>>().toEqualTypeOf<machines.RunMachineEvent>();
    expectTypeOf<EventFromLogic<typeof nodeRunMachine>>().toEqualTypeOf<machines.NodeRunEvent>();
    expectTypeOf<EventFromLogic<typeof taskMachine>>().toEqualTypeOf<machines.TaskEvent>();
    for (const machine of [runMachine, nodeRunMachine, taskMachine]) {
      expect(
        createActor(machine as typeof runMachine)
          .start()
          .getSnapshot().status,
      ).toBe('active');
    }
  });

  it.each([
    ['node run', nodeRunMachine, machines.NODE_RUN_INTENTIONS],
    ['run', runMachine, machines.RUN_INTENTIONS],
  ])('S215 lets each intention of the %s be replaced', (_, machine, intentions) => {
    expect(Object.keys(machine.implementations.actions)).toEqual(
      expect.arrayContaining([...intentions]),
    );
  });

  it('S215 is documented by a program that runs', () => {
    const program = /```js\n([\s\S]*?)```/.exec(page)?.[1] ?? '';
    const folder = temporaryDirectory();
    mkdirSync(join(folder, 'node_modules'));
    symlinkSync(ROOT, join(folder, 'node_modules/runchart'), 'dir');
    symlinkSync(join(ROOT, 'node_modules/xstate'), join(folder, 'node_modules/xstate'), 'dir');
    writeFileSync(join(folder, 'program.mjs'), program);
    const { status, stdout, stderr } = spawnSync(process.execPath, ['program.mjs'], {
      cwd: folder,
      encoding: 'utf8',
      timeout: 30_000,
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    const said = [...program.matchAll(/console\.log.*\/\/ (.*)$/gm)].map(([, text]) => text);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout.trim().split('\n')).toEqual(said);
  });

  it('S215 has nothing that its page does not name', () => {
    const values = Object.keys(machines).filter((name) => !page.includes(`\`${name}\``));
    expect(values.filter((name) => !/^[A-Z_]+$|^isFinal$/.test(name))).toEqual([]);
  });
});
