/** Handlers that check what people have answered stand in line for a slot, as any work does. */
import { describe, expect, it } from 'vitest';
import type { JsonValue } from '../../src/plan/json.js';
import { human } from '../people/asking.js';
import { Kernel, respondMessage } from '../support/kernel.js';
import { action, chain, plan } from '../support/plans.js';

const sound = (more: object = {}) => ({ name: 'sound', handler: 'work', ...more });
const asks = (id: string, checks: readonly object[] = [sound()]) => human('input', id, { checks });
const OTHER = plan([action('b')]);

/** Node runs at work in all runs, by what admission says and by what handlers there are. */
function atWork(kernel: Kernel, ...runs: string[]) {
  const { used } = kernel.supervisor.stats().admission;
  return { used, handlers: runs.flatMap((run) => kernel.open(run)).length };
}

const started = (kernel: Kernel) => kernel.log('r1', /^check\.started/);

/** Ann answers the oldest open task. */
async function answer(kernel: Kernel, response: JsonValue): Promise<void> {
  const [task] = kernel.openTasks();
  const { id = '', node = '' } = task ?? {};
  await kernel.send(respondMessage({ task: id, node, response, responder: 'ann' }));
  await kernel.settle();
}

/** Answered while another run has the only slot of the process. */
async function answeredInLine(): Promise<Kernel> {
  const kernel = new Kernel({ concurrency: 1 });
  await kernel.start(plan([asks('a')]));
  await kernel.start(OTHER, { id: 'r2' });
  await kernel.settle();
  await answer(kernel, { text: 'hello' });
  return kernel;
}

describe('the check of an answer', () => {
  it('S118 S234 waits for a slot of the process', async () => {
    const kernel = await answeredInLine();
    expect(atWork(kernel, 'r1', 'r2')).toEqual({ used: 1, handlers: 1 });
    expect(kernel.summary()).toMatchObject({ nodes: { a: 'running' }, status: 'running' });
    expect(started(kernel)).toEqual([]);
    await kernel.finish('b', 1, 'r2');
    expect(kernel.working()).toEqual(['a']);
    expect(started(kernel)).toHaveLength(1);
    expect(atWork(kernel, 'r1', 'r2')).toEqual({ used: 1, handlers: 1 });
    await kernel.finish('a', true);
    expect(kernel.summary()).toMatchObject({ nodes: { a: 'completed' }, status: 'completed' });
    expect(atWork(kernel, 'r1', 'r2')).toEqual({ used: 0, handlers: 0 });
  });

  it('S118 waits for room in its own run', async () => {
    const kernel = new Kernel();
    await kernel.start(plan([asks('a'), action('b')]), { concurrency: 1 });
    await kernel.settle();
    await answer(kernel, { text: 'hello' });
    expect(kernel.working()).toEqual(['b']);
    await kernel.finish('b', 1);
    expect(kernel.working()).toEqual(['a']);
    await kernel.finish('a', true);
    expect(kernel.status()).toBe('completed');
  });

  it('S223 S234 is within the limits of its handler', async () => {
    const policies = { slow: { concurrency: 1 } };
    const kernel = new Kernel({ policies, handlers: { slow: () => new Promise(() => {}) } });
    const checks = [sound({ handler: 'slow' })];
    await kernel.start(plan([asks('a', checks), asks('b', checks)]));
    await kernel.settle();
    for (const _ of [1, 2]) await answer(kernel, { text: 'hello' });
    expect(started(kernel)).toHaveLength(1);
    expect(kernel.supervisor.stats().admission).toMatchObject({
      handlers: [{ handler: 'slow', atWork: 1, waitingRuns: 1 }],
      used: 1,
    });
    await kernel.restart();
    expect(kernel.supervisor.stats().admission).toMatchObject({
      handlers: [{ handler: 'slow', atWork: 1, waitingRuns: 1 }],
      used: 1,
    });
  });

  it('S167 S234 finds its place in line again after a restart, and nothing was interrupted', async () => {
    const kernel = await answeredInLine();
    await kernel.start(plan([action('c')]), { id: 'r3' });
    await kernel.restart();
    expect(kernel.details('check.interrupted')).toEqual([]);
    expect(atWork(kernel, 'r1', 'r2', 'r3')).toEqual({ used: 1, handlers: 1 });
    for (const _ of [1, 2, 3]) {
      const run = ['r1', 'r2', 'r3'].find((id) => kernel.open(id).length > 0) ?? '';
      await kernel.finish(kernel.working(run)[0] ?? '', true, run);
    }
    expect(['r1', 'r2', 'r3'].map((run) => kernel.status(run))).toEqual(
      Array.from({ length: 3 }, () => 'completed'),
    );
  });

  it('S156 S234 does not begin while the run is paused, and does when it goes on', async () => {
    const kernel = new Kernel();
    await kernel.start(plan([asks('a')]));
    await kernel.settle();
    await kernel.send({ type: 'run.pause' });
    await answer(kernel, { text: 'hello' });
    expect(kernel.working()).toEqual([]);
    await kernel.restart();
    expect([kernel.working(), kernel.status()]).toEqual([[], 'paused']);
    await kernel.send({ type: 'run.resume' });
    await kernel.settle();
    expect(kernel.open()).toMatchObject([{ key: 'r1/a/1/1/checks/sound/1' }]);
    await kernel.finish('a', true);
    expect(kernel.status()).toBe('completed');
  });

  it('S152 S153 S234 that waits for its slot is called off at once', async () => {
    const kernel = await answeredInLine();
    await kernel.cancel();
    await kernel.settle();
    expect(kernel.summary()).toMatchObject({ nodes: { a: 'cancelled' }, status: 'cancelled' });
    await kernel.finish('b', 1, 'r2');
    expect(atWork(kernel, 'r1', 'r2')).toEqual({ used: 0, handlers: 0 });
    expect(started(kernel)).toEqual([]);
  });

  it('S118 S234 may be passed by an operator who completes its node', async () => {
    const kernel = await answeredInLine();
    const given = { output: { text: 'mine' }, outcome: null, action: null, reason: null };
    await kernel.send({ type: 'node.complete', node: 'a', by: 'op', ...given });
    await kernel.finish('b', 1, 'r2');
    await kernel.settle();
    expect(kernel.summary()).toMatchObject({ nodes: { a: 'completed' }, status: 'completed' });
    expect(started(kernel)).toEqual([]);
  });

  it('S118 S213 asks no budget of attempts', async () => {
    const kernel = new Kernel();
    await kernel.start(
      plan([asks('a'), action('b')], chain('b', 'a'), { budget: { maxAttempts: 1 } }),
    );
    await kernel.finish('b', 1);
    await answer(kernel, { text: 'hello' });
    await kernel.finish('a', true);
    expect(kernel.status()).toBe('completed');
  });
});
