import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CommitErrorCode } from '../../src/actors/ports.js';
import { Kernel } from '../support/kernel.js';
import { action, approval, edge, plan } from '../support/plans.js';

/** Makes the next `times` turns fail that were caused by a message of type `reason`. */
function failNext(
  kernel: Kernel,
  reason: string,
  times = 1,
  code: CommitErrorCode = 'turn-refused',
) {
  let left = times;
  kernel.storage.failWhen((turn) => {
    if (turn.reason !== reason || left === 0) return undefined;
    left -= 1;
    return code;
  });
}

const two = plan([action('a'), action('b')], [edge('a', 'b')]);

describe('a turn that does not become durable', () => {
  it('S157 leaves nothing behind, and its caller gets a retryable error', async () => {
    const kernel = new Kernel();
    failNext(kernel, 'run.start');
    const start = kernel.start(two);
    await expect(start).rejects.toMatchObject({ code: 'commit-failed', retryable: true });
    await kernel.settle();
    expect(kernel.storage.runs.size).toBe(0);
    expect(kernel.executions).toEqual([]);
    expect(kernel.supervisor.stats().residentRuns).toBe(0);
    await kernel.start(two);
    await kernel.settle();
    expect(kernel.working()).toEqual(['a']);
  });

  it('S157 brings its result back, and the work is not repeated', async () => {
    const kernel = new Kernel();
    await kernel.start(two);
    await kernel.settle();
    failNext(kernel, 'attempt.result', 3);
    await kernel.finish('a', 1);
    await kernel.finish('b', 2);
    expect(kernel.summary()).toMatchObject({ status: 'completed', outputs: { a: 1, b: 2 } });
    expect(kernel.executions).toEqual(['r1/a/1/1', 'r1/b/1/1']);
  });

  it('voids the later turns of its run too, and no turn of another', async () => {
    const kernel = new Kernel();
    const three = plan([action('a'), action('b'), action('c')]);
    await kernel.start(three);
    await kernel.start(three, { id: 'r2' });
    await kernel.settle();
    kernel.storage.isHeld = true;
    for (const run of ['r1', 'r2'])
      for (const node of ['a', 'b']) await kernel.finish(node, 1, run);
    const cancel = kernel.cancel();
    await kernel.settle();
    failNext(kernel, 'attempt.result');
    const refused = expect(cancel).rejects.toMatchObject({ code: 'commit-failed' });
    kernel.storage.isHeld = false;
    kernel.storage.flush();
    await refused;
    await kernel.settle();
    expect(kernel.summary().nodes).toEqual({ a: 'completed', b: 'completed', c: 'running' });
    expect(kernel.log('r1', /^node.completed/)).toEqual([
      'node.completed a#1',
      'node.completed b#1',
    ]);
    expect(kernel.rows('r1').turns.map((turn) => turn.reason)).toEqual([
      'run.start',
      'attempt.result',
      'attempt.result',
    ]);
    expect(kernel.summary('r2').nodes).toEqual(kernel.summary('r1').nodes);
  });

  it('does not fire a timer for nothing: a retry that could not be stored comes back', async () => {
    const kernel = new Kernel();
    const retry = { maxAttempts: 2, backoff: 'fixed', delayMs: 100 };
    await kernel.start(plan([action('a', { retry })]));
    await kernel.settle();
    await kernel.fail('a');
    failNext(kernel, 'timer.fire', 2);
    await kernel.advance(100);
    expect(kernel.attempt('a').attempt).toBe(2);
  });

  it('waits before it reads again where storage is unavailable', async () => {
    const kernel = new Kernel();
    await kernel.start(two);
    await kernel.settle();
    failNext(kernel, 'attempt.result', 1, 'storage-unavailable');
    await kernel.finish('a', 1);
    expect(kernel.working()).toEqual([]);
    await kernel.advance(1_000);
    expect(kernel.working()).toEqual(['b']);
  });

  it('fails its attempt where its result can never be stored', async () => {
    const kernel = new Kernel();
    await kernel.start(two);
    await kernel.settle();
    kernel.storage.failWhen((turn) =>
      turn.rows.nodeRuns.some((row) => row.outputJson !== null) ? 'turn-refused' : undefined,
    );
    await kernel.finish('a', 'poison');
    expect(kernel.summary()).toMatchObject({ status: 'failed', nodes: { a: 'failed' } });
    expect(JSON.parse(kernel.rows().record.reasonJson ?? '')).toMatchObject({
      code: 'result-not-stored',
    });
  });

  it('S174 random failures change nothing about how a run ends', async () => {
    const version = plan(
      [action('a'), action('b'), approval('ask'), action('c', { retry: { maxAttempts: 2 } })],
      [edge('a', 'ask'), edge('b', 'c'), edge('ask', 'c')],
    );
    const again = async (call: () => Promise<unknown>, kernel: Kernel) => {
      for (let tries = 0; tries < 50; tries++) {
        const outcome = await call().then(
          () => 'done',
          (error: { retryable: boolean }) => (error.retryable ? 'again' : Promise.reject(error)),
        );
        await kernel.settle();
        if (outcome === 'done') return;
      }
    };
    const play = async (failures: readonly boolean[]) => {
      const kernel = new Kernel();
      let turn = 0;
      kernel.storage.failWhen(() => (failures[turn++] === true ? 'turn-refused' : undefined));
      await again(() => kernel.start(version), kernel);
      await kernel.finish('b', 2);
      await kernel.finish('a', 1);
      await again(() => kernel.respond('ask', { approved: true }), kernel);
      await kernel.fail('c');
      await kernel.finish('c', 3);
      return kernel;
    };
    const calm = await play([]);
    // No more than five in a row: a message is given up after six.
    const failures = fc
      .array(fc.boolean(), { maxLength: 40 })
      .filter((list) => !/1{5}/.test(list.map(Number).join('')));
    await fc.assert(
      fc.asyncProperty(failures, async (list) => {
        const kernel = await play(list);
        expect(kernel.summary()).toEqual(calm.summary());
        expect(kernel.log()).toEqual(calm.log());
        expect(kernel.executions).toEqual(calm.executions);
      }),
    );
  });

  it('S36 answers a repeated start only when the first one is durable', async () => {
    const kernel = new Kernel();
    kernel.storage.isHeld = true;
    const first = kernel.start(two);
    let isAnswered = false;
    const second = kernel.start(two).finally(() => {
      isAnswered = true;
    });
    const both = Promise.allSettled([first, second]);
    await kernel.settle();
    const wasAnsweredEarly = isAnswered;
    kernel.storage.isHeld = false;
    kernel.storage.flush();
    await both;
    expect(wasAnsweredEarly).toBe(false);
  });

  it('gives back the process slots of a run that never came to be', async () => {
    const kernel = new Kernel({ concurrency: 1 });
    failNext(kernel, 'run.start');
    await expect(kernel.start(two)).rejects.toMatchObject({ code: 'commit-failed' });
    await kernel.settle();
    await kernel.start(two, { id: 'r2' });
    await kernel.settle();
    expect(kernel.working('r2')).toEqual(['a']);
  });

  it('keeps no process slot for a run that waited for one and never came to be', async () => {
    const kernel = new Kernel({ concurrency: 1 });
    const one = plan([action('a')]);
    await kernel.start(one, { id: 'r1' });
    await kernel.settle();
    failNext(kernel, 'run.start');
    const start = kernel.start(one, { id: 'r2' });
    await expect(start).rejects.toMatchObject({ code: 'commit-failed' });
    await kernel.settle();
    await kernel.finish('a', 1, 'r1');
    await kernel.start(one, { id: 'r3' });
    await kernel.settle();
    expect(kernel.working('r3')).toEqual(['a']);
  });

  it('offers the process slots of a void turn to the runs that wait for them', async () => {
    const kernel = new Kernel({ concurrency: 1 });
    const one = plan([action('a')]);
    await kernel.start(one, { id: 'r1' });
    await kernel.settle();
    await kernel.start(one, { id: 'r2' });
    await kernel.settle();
    await kernel.send({ type: 'run.pause' }, 'r2');
    await kernel.finish('a', 1, 'r1');
    kernel.storage.isHeld = true;
    const resumed = kernel.send({ type: 'run.resume' }, 'r2');
    const started = kernel.start(one, { id: 'r3' });
    const both = Promise.allSettled([resumed, started]);
    await kernel.settle();
    failNext(kernel, 'run.resume');
    kernel.storage.isHeld = false;
    kernel.storage.flush();
    await both;
    await kernel.settle();
    expect(kernel.status('r2')).toBe('paused');
    expect(kernel.working('r3')).toEqual(['a']);
  });

  it('S157 keeps a result through an outage of storage, however long', async () => {
    const kernel = new Kernel();
    await kernel.start(two);
    await kernel.settle();
    failNext(kernel, 'attempt.result', 20, 'storage-unavailable');
    await kernel.finish('a', 1);
    for (let i = 0; i < 30; i++) await kernel.advance(1_000);
    expect(kernel.working()).toEqual(['b']);
  });

  it('S157 keeps a result where the run cannot be read for a moment', async () => {
    let failures = 0;
    const kernel = new Kernel({
      maxResidentRuns: 0,
      store: (store) => ({
        ...store,
        loadRun: async (id) => {
          if (failures-- > 0) throw new Error('disk busy');
          return store.loadRun(id);
        },
      }),
    });
    await kernel.start(two);
    await kernel.settle();
    failures = 1;
    await kernel.finish('a', 1);
    await kernel.advance(10_000);
    expect(kernel.working()).toEqual(['b']);
  });
});
