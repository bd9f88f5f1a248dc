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

describe('the check of an answer that stands in line', () => {
  const replan = (nodes: readonly object[], cancelRunning = true) =>
    ({
      type: 'run.replan',
      version: plan(nodes as never),
      by: 'op',
      reason: null,
      isDryRun: false,
      cancelRunning,
    }) as const;

  it('S202 S234 keeps its place where a replan keeps its node', async () => {
    for (const restarts of [false, true]) {
      const kernel = await answeredInLine();
      await kernel.send(replan([action('first'), asks('a')], false));
      await kernel.settle();
      if (restarts) await kernel.restart();
      expect([kernel.openTasks(), atWork(kernel, 'r1', 'r2').used]).toEqual([[], 1]);
      // After a restart any of them may be first; one has the slot at a time.
      if (!restarts) expect(started(kernel)).toEqual([]);
      for (let one = 0; one < 3; one++) {
        const run = ['r1', 'r2'].find((id) => kernel.open(id).length > 0) ?? '';
        await kernel.finish(kernel.working(run)[0] ?? '', true, run);
      }
      expect(started(kernel)).toEqual(['check.started a#1']);
      expect([kernel.status(), kernel.status('r2')]).toEqual(['completed', 'completed']);
      expect(atWork(kernel, 'r1', 'r2')).toEqual({ used: 0, handlers: 0 });
    }
  });

  it('S202 S234 holds a replan up that would change its node, unless it may be called off: then it never begins', async () => {
    const changed = [asks('a', [sound({ severity: 'warning' })])];
    for (const restarts of [false, true]) {
      const kernel = await answeredInLine();
      await expect(kernel.send(replan(changed, false))).rejects.toMatchObject({
        code: 'replan-conflict',
      });
      await kernel.send(replan(changed));
      await kernel.settle();
      if (restarts) await kernel.restart();
      // Another generation asks anew; nobody is asked to check what was answered before.
      expect(kernel.openTasks()).toMatchObject([{ node: 'a' }]);
      await kernel.finish('b', 1, 'r2');
      expect([started(kernel), kernel.working()]).toEqual([[], []]);
      expect(atWork(kernel, 'r1', 'r2')).toEqual({ used: 0, handlers: 0 });
      await answer(kernel, { text: 'again' });
      expect(kernel.open()).toMatchObject([{ key: 'r1/a/2/1/checks/sound/1' }]);
      await kernel.finish('a', true);
      expect(kernel.status()).toBe('completed');
    }
  });

  it('S202 S234 goes with its node where a replan removes that', async () => {
    const kernel = await answeredInLine();
    await kernel.send(replan([action('c')]));
    await kernel.finish('b', 1, 'r2');
    expect([started(kernel), kernel.working()]).toEqual([[], ['c']]);
    await kernel.finish('c', 1);
    expect(kernel.status()).toBe('completed');
    expect(atWork(kernel, 'r1', 'r2')).toEqual({ used: 0, handlers: 0 });
  });

  it('S171 S234 is forgotten where its node is rolled back', async () => {
    const kernel = await answeredInLine();
    await kernel.send({ type: 'run.rollback', node: 'a', by: 'op', reason: null });
    await kernel.finish('b', 1, 'r2');
    expect([started(kernel), kernel.openTasks().length]).toEqual([[], 1]);
    expect(atWork(kernel, 'r1', 'r2')).toEqual({ used: 0, handlers: 0 });
  });

  it('S136 S234 may be that of the default answer, and no deadline passes for it twice', async () => {
    const kernel = new Kernel({ concurrency: 1 });
    const late = { deadlineMs: 1_000, defaultResponse: { text: 'none' }, checks: [sound()] };
    await kernel.start(plan([human('input', 'a', late)]));
    await kernel.start(OTHER, { id: 'r2' });
    await kernel.advance(1_000);
    expect([kernel.summary().nodes, started(kernel)]).toEqual([{ a: 'running' }, []]);
    await kernel.advance(10_000);
    expect(kernel.rows().timers.size).toBe(0);
    await kernel.finish('b', 1, 'r2');
    expect(kernel.working()).toEqual(['a']);
    await kernel.finish('a', true);
    expect(kernel.log('r1', /defaulted|completed/)).toEqual([
      'task.defaulted a',
      'node.completed a#1',
      'run.completed running→completed',
    ]);
    expect(kernel.summary().outputs).toEqual({ a: { text: 'none' } });
  });

  it('S111 S234 is called off by the deadline of its run', async () => {
    const kernel = new Kernel({ concurrency: 1 });
    await kernel.start(plan([asks('a')], [], { deadlineMs: 5_000 }));
    await kernel.start(OTHER, { id: 'r2' });
    await kernel.settle();
    await answer(kernel, { text: 'hello' });
    await kernel.advance(5_000);
    expect(kernel.summary()).toMatchObject({ status: 'failed', nodes: { a: 'cancelled' } });
    await kernel.finish('b', 1, 'r2');
    expect(started(kernel)).toEqual([]);
    expect(atWork(kernel, 'r1', 'r2')).toEqual({ used: 0, handlers: 0 });
  });

  it('S110 S234 has its own time from when it begins, not from when it stands in line', async () => {
    const kernel = new Kernel({ concurrency: 1 });
    await kernel.start(plan([asks('a', [sound({ timeoutMs: 1_000 })])]));
    await kernel.start(OTHER, { id: 'r2' });
    await kernel.settle();
    await answer(kernel, { text: 'hello' });
    await kernel.advance(60_000);
    expect(kernel.details('check.failed')).toEqual([]);
    await kernel.finish('b', 1, 'r2');
    await kernel.advance(999);
    expect(kernel.details('check.failed')).toEqual([]);
    await kernel.advance(1);
    expect(kernel.details('check.failed')).toMatchObject([{ check: 'sound', number: 1 }]);
  });
});
