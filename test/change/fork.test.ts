import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ForkOptions } from '../../src/change/change-options.js';
import type { PlanVersion } from '../../src/plan/plan-version.js';
import { RANDOM_PLANS } from '../model/random-plans.js';
import { Kernel } from '../support/kernel.js';
import { action, approval, chain, edge, join, plan } from '../support/plans.js';
import { changesOf } from './support/changes.js';
import { drive, driveOnce, everything } from './support/drive.js';
import { type PlanPair, planPairs } from './support/plan-pairs.js';

async function begun(version: PlanVersion, ...finished: string[]): Promise<Kernel> {
  const kernel = new Kernel();
  await kernel.start(version, { input: { start: true } });
  await kernel.settle();
  for (const node of finished) await kernel.finish(node, { v: node });
  return kernel;
}

async function fork(kernel: Kernel, options: Partial<ForkOptions> = {}) {
  const forked = await changesOf(kernel).fork('r1', { by: 'ann', id: 'f', ...options });
  await kernel.settle();
  return forked;
}

async function refusal(asked: Promise<unknown>): Promise<string> {
  return asked.then(
    () => 'none',
    (error: { code: string }) => error.code,
  );
}

/** Number of the newest event of a type. */
function seqOf(kernel: Kernel, type: string, node?: string): number {
  const found = kernel.rows().events.findLast((e) => e.type === type && (!node || e.node === node));
  return found?.seq ?? 0;
}

const line = plan([action('a'), action('b'), action('c'), action('d')], chain('a', 'b', 'c', 'd'));

describe('a fork', () => {
  it('S216 carries over what is done, and begins again what was in flight', async () => {
    const kernel = await begun(line, 'a', 'b');
    const before = everything(kernel.rows());
    const forked = await fork(kernel);
    expect(forked).toEqual({
      id: 'f',
      created: true,
      seq: kernel.rows().seq,
      carried: ['a', 'b'],
    });
    expect(kernel.working('f')).toEqual(['c']);
    expect(kernel.attempt('c', 'f')).toMatchObject({ key: 'f/c/1/1', input: { v: 'b' } });
    for (const node of ['c', 'd']) await kernel.finish(node, node, 'f');
    expect(kernel.summary('f')).toMatchObject({
      status: 'completed',
      outputs: { a: { v: 'a' }, b: { v: 'b' }, c: 'c', d: 'd' },
    });
    expect(everything(kernel.rows())).toEqual(before);
    expect(kernel.executions.filter((key) => /^f\/[ab]\//.test(key))).toEqual([]);
    expect(JSON.parse(kernel.rows('f').record.originJson ?? '')).toEqual({
      type: 'fork',
      run: 'r1',
      seq: forked.seq,
    });
    expect(kernel.log('f').slice(0, 5)).toEqual([
      'run.created →pending',
      'run.forked',
      'nodes.carried-over',
      'run.admitted pending→ready',
      'run.started ready→running',
    ]);
  });

  it('S216 at an earlier event knows nothing of what came after', async () => {
    const kernel = await begun(line, 'a', 'b', 'c', 'd');
    expect(kernel.status()).toBe('completed');
    const at = seqOf(kernel, 'node.completed', 'b');
    expect((await fork(kernel, { at })).carried).toEqual(['a', 'b']);
    expect(kernel.working('f')).toEqual(['c']);
    expect(await refusal(fork(kernel, { at: 0, id: 'g' }))).toBe('argument-invalid');
    expect(await refusal(fork(kernel, { at: 999, id: 'g' }))).toBe('argument-invalid');
  });

  it('S170 a replay from a node executes it and what rests on it, and no ancestor', async () => {
    const version = plan(
      [action('a'), action('b'), action('c'), action('side')],
      [...chain('a', 'b', 'c'), edge('a', 'side')],
    );
    const kernel = await begun(version, 'a', 'b', 'side', 'c');
    const forked = await fork(kernel, { from: 'b' });
    expect(forked.carried).toEqual(['a', 'side']);
    await kernel.finish('b', 'new', 'f');
    expect(kernel.attempt('c', 'f').input).toBe('new');
    await kernel.finish('c', 'end', 'f');
    expect(kernel.executions.filter((key) => key.startsWith('f/'))).toEqual(['f/b/1/1', 'f/c/1/1']);
  });

  it('S170 S216 takes inputs in place of those that would be resolved, after a restart too', async () => {
    const inputSchema = { type: 'object' };
    const version = plan(
      [action('a'), action('b'), action('c', { inputSchema }), action('d')],
      chain('a', 'b', 'c', 'd'),
    );
    const kernel = await begun(version, 'a', 'b', 'c', 'd');
    expect(await refusal(fork(kernel, { inputs: { c: 1 } }))).toBe('input-invalid');
    expect(await refusal(fork(kernel, { inputs: { none: 1 } }))).toBe('node-unknown');
    await fork(kernel, { from: 'b', inputs: { c: { given: 1 } } });
    await kernel.restart();
    await kernel.finish('b', {}, 'f');
    expect(kernel.attempt('c', 'f').input).toEqual({ given: 1 });
    await kernel.finish('c', 'out', 'f');
    expect(kernel.attempt('d', 'f').input).toBe('out');
    await kernel.cancel('f');
    await kernel.fail('d', new Error('aborted'), 'f');
    expect(kernel.status('f')).toBe('cancelled');
  });

  it('S216 an input that was given ends with its run', async () => {
    const kernel = await begun(line, 'a');
    await fork(kernel, { inputs: { d: 'given' } });
    await kernel.cancel('f');
    await kernel.fail('b', new Error('aborted'), 'f');
    expect(kernel.rows('f').nodeRuns.get('d')).toMatchObject({ status: 'cancelled' });
  });

  it('S216 goes back before a generation that began later', async () => {
    const kernel = await begun(line, 'a', 'b');
    const at = kernel.rows().seq;
    await kernel.send({ type: 'run.rollback', node: 'a', by: 'ann', reason: null });
    await kernel.settle();
    await kernel.finish('a', 'second');
    expect((await fork(kernel, { at })).carried).toEqual(['a', 'b']);
    expect(kernel.summary('f').outputs).toMatchObject({ a: { v: 'a' }, b: { v: 'b' } });
    await fork(kernel, { id: 'g' });
    expect(kernel.rows('g').nodeRuns.get('a')).toMatchObject({
      generation: 2,
      outputJson: '"second"',
    });
    expect(kernel.attempt('b', 'g').key).toBe('g/b/1/1');
  });

  it('S216 begins a composite again that was at work, and carries over one that is done', async () => {
    const body = { nodes: [action('x')], edges: [] };
    const loop = (id: string) => ({ kind: 'loop', id, body, maxIterations: 2 });
    const kernel = await begun(
      plan([loop('p'), loop('q')], chain('p', 'q')),
      'p[1]/x',
      'p[2]/x',
      'q[1]/x',
    );
    const forked = await fork(kernel);
    expect(forked.carried).toEqual(['p']);
    expect(kernel.attempt('q[1]/x', 'f').key).toBe('f/q[1]/x/1/1');
    expect(kernel.summary('f').outputs.p).toMatchObject({ iterations: 2 });
  });

  it('S216 carries over answers and artifacts that stood by then, and no later ones', async () => {
    const kernel = await begun(
      plan([approval('ask'), action('a'), action('b')], chain('ask', 'a', 'b')),
    );
    await kernel.respond('ask', { approved: true, note: 'go' });
    await kernel.settle();
    const artifact = (payload: number) => ({
      ok: true,
      output: payload,
      artifacts: [{ name: 'report', kind: 'json', payload }],
    });
    await kernel.finish('a', artifact(1));
    const at = kernel.rows().seq;
    await kernel.finish('b', artifact(2));
    await fork(kernel, { at });
    const rows = kernel.rows('f');
    expect(rows.artifacts).toMatchObject([
      { name: 'report', version: 1, payloadJson: '1', run: rows.record.run },
    ]);
    expect([...rows.tasks.values()]).toMatchObject([{ node: 'ask', status: 'answered' }]);
    const [task] = rows.tasks.keys();
    expect(rows.responses).toMatchObject([{ task, responseJson: '{"approved":true,"note":"go"}' }]);
    await kernel.finish('b', artifact(3), 'f');
    expect(kernel.rows('f').artifacts.at(-1)).toMatchObject({ version: 2, payloadJson: '3' });
  });

  it('S216 gives a signal again that was delivered to what begins again', async () => {
    const kernel = await begun(
      plan([action('a'), { kind: 'signal', id: 's' }, action('b')], chain('a', 's', 'b')),
    );
    for (const id of ['one', 'two']) {
      await kernel.send({
        type: 'signal.send',
        id,
        name: id === 'one' ? 's' : 'other',
        payload: { id },
      });
    }
    await kernel.finish('a');
    await kernel.finish('b');
    await fork(kernel, { from: 's' });
    expect(kernel.attempt('b', 'f').input).toEqual({ id: 'one' });
    expect([...kernel.rows('f').signals.values()]).toMatchObject([
      { id: 'one', deliveredTo: 's' },
      { id: 'two', deliveredTo: null, payloadJson: '{"id":"two"}' },
    ]);
    await fork(kernel, { id: 'g', from: 'b' });
    expect(kernel.attempt('b', 'g').input).toEqual({ id: 'one' });
  });

  it('S216 withdraws what a join that is done makes pointless', async () => {
    const version = plan(
      [action('a'), action('b'), join('j', { rule: 'any', cancelRest: true }), action('c')],
      [edge('a', 'j'), edge('b', 'j'), edge('j', 'c')],
    );
    const kernel = await begun(version, 'a');
    await fork(kernel);
    expect(kernel.working('f')).toEqual(['c']);
    await kernel.finish('c', 1, 'f');
    expect(kernel.summary('f')).toMatchObject({ status: 'completed', nodes: { b: 'cancelled' } });
  });

  it('S216 takes another plan, with what that keeps', async () => {
    const kernel = await begun(line, 'a', 'b', 'c');
    const next = plan(
      [action('a'), action('b', { title: 'New' }), action('c')],
      chain('a', 'b', 'c'),
    ).plan;
    expect((await fork(kernel, { plan: next })).carried).toEqual(['a']);
    expect(kernel.working('f')).toEqual(['b']);
    expect(kernel.attempt('b', 'f').input).toEqual({ v: 'a' });
  });

  it('S216 at an event before a replan has the plan of then', async () => {
    const kernel = await begun(line, 'a');
    const at = kernel.rows().seq;
    const version = plan([action('a'), action('z')], chain('a', 'z'));
    await kernel.send({
      type: 'run.replan',
      version,
      isDryRun: false,
      cancelRunning: true,
      by: 'ann',
      reason: null,
    });
    await kernel.settle();
    await fork(kernel, { at });
    expect(kernel.rows('f').record.planHash).toBe(line.hash);
    expect(kernel.working('f')).toEqual(['b']);
    await fork(kernel, { id: 'g' });
    expect(kernel.working('g')).toEqual(['z']);
  });

  it('S216 S36 the same fork under one id is one run, and another one under it a conflict', async () => {
    const kernel = await begun(line, 'a');
    expect((await fork(kernel)).created).toBe(true);
    expect((await fork(kernel)).created).toBe(false);
    expect(await refusal(fork(kernel, { from: 'a' }))).toBe('run-conflict');
    expect(await refusal(changesOf(kernel).fork('none', { by: 'ann' }))).toBe('run-unknown');
    expect(await refusal(changesOf(kernel).fork('r1', { by: '' }))).toBe('argument-invalid');
  });
});

describe('trying a run again', () => {
  it('S170 S216 begins before the failure: what succeeded is carried over, what failed runs again', async () => {
    const kernel = await begun(line, 'a', 'b');
    await kernel.fail('c');
    expect(kernel.status()).toBe('failed');
    const retried = await changesOf(kernel).retry('r1', { by: 'ann', id: 'f' });
    await kernel.settle();
    expect(retried.carried).toEqual(['a', 'b']);
    for (const node of ['c', 'd']) await kernel.finish(node, node, 'f');
    expect(kernel.status('f')).toBe('completed');
    expect(await refusal(changesOf(kernel).retry('f', { by: 'ann' }))).toBe('run-not-failed');
  });

  it('S216 does not carry over what was undone', async () => {
    const undone = { compensate: { handler: 'work' } };
    const kernel = await begun(
      plan([action('a'), action('b', undone), action('c')], chain('a', 'b', 'c')),
      'a',
      'b',
    );
    await kernel.fail('c');
    await kernel.finish('~/b');
    expect(kernel.status()).toBe('failed');
    const retried = await changesOf(kernel).retry('r1', { by: 'ann', id: 'f' });
    await kernel.settle();
    expect(retried.carried).toEqual(['a']);
    expect(kernel.working('f')).toEqual(['b']);
  });

  it('S216 of a cancelled run goes on from where it was, before its handlers were told to stop', async () => {
    const kernel = await begun(
      plan([action('a'), action('b'), approval('c')], chain('a', 'c')),
      'a',
    );
    await kernel.cancel();
    await kernel.finish('b', 'in spite of it');
    expect(kernel.status()).toBe('cancelled');
    const retried = await changesOf(kernel).retry('r1', { by: 'ann', id: 'f' });
    await kernel.settle();
    expect(retried.carried).toEqual(['a']);
    expect(kernel.summary('f').nodes).toMatchObject({ b: 'running', c: 'awaiting-human' });
  });

  it('S216 of a run that failed in its first turn begins anew', async () => {
    const kernel = new Kernel();
    await kernel.start(plan([action('a', { inputSchema: { type: 'string' } })]));
    await kernel.settle();
    expect(kernel.status()).toBe('failed');
    const retried = await changesOf(kernel).retry('r1', { by: 'ann', id: 'f' });
    await kernel.settle();
    expect(retried).toMatchObject({ seq: 0, carried: [] });
    expect(kernel.status('f')).toBe('failed');
  });
});

describe('replacing a run', () => {
  const next = plan([action('a'), action('z')], chain('a', 'z')).plan;

  it('S12 carries over what the other plan keeps, and cancels the old run with the link', async () => {
    const kernel = await begun(line, 'a');
    const old = kernel.attempt('b');
    const replaced = changesOf(kernel).replace('r1', next, { by: 'ann', id: 'f' });
    await kernel.settle();
    expect(await replaced).toMatchObject({ id: 'f', carried: ['a'] });
    old.throw(new Error('aborted'));
    await kernel.settle();
    expect(kernel.status()).toBe('cancelled');
    expect(kernel.details('run.cancel-requested')).toMatchObject([{ by: 'ann', replacedBy: 'f' }]);
    expect(JSON.parse(kernel.rows().record.reasonJson ?? '')).toMatchObject({
      code: 'replaced',
      detail: { replacedBy: 'f' },
    });
    expect(JSON.parse(kernel.rows('f').record.originJson ?? '')).toMatchObject({
      type: 'replacement',
      run: 'r1',
    });
    expect(kernel.working('f')).toEqual(['z']);
    expect(await refusal(changesOf(kernel).replace('r1', next, { by: 'ann' }))).toBe('run-ended');
  });

  it.each([0, 1])(
    'S12 S164 a process that stops after %d turns of it leaves no half of it',
    async (turns) => {
      const kernel = await begun(line, 'a');
      kernel.dieAfter(turns, false);
      void changesOf(kernel)
        .replace('r1', next, { by: 'ann', id: 'f' })
        .catch(() => {});
      if (turns === 0) kernel.dieAfter(0, false);
      await kernel.settle();
      await kernel.restart();
      await changesOf(kernel).recover();
      await kernel.settle();
      const isThere = kernel.storage.runs.has('f');
      expect(isThere).toBe(turns === 1);
      if (isThere) {
        for (const attempt of kernel.open()) attempt.throw(new Error('aborted'));
        await kernel.settle();
      }
      expect(kernel.status()).toBe(isThere ? 'cancelled' : 'running');
    },
  );

  it('S12 an id that another run has takes nobody’s place', async () => {
    const kernel = await begun(line, 'a');
    await kernel.start(line, { id: 'other' });
    await kernel.settle();
    expect(await refusal(changesOf(kernel).replace('r1', next, { by: 'ann', id: 'other' }))).toBe(
      'run-conflict',
    );
    await changesOf(kernel).recover();
    await kernel.settle();
    expect([kernel.status(), kernel.status('other')]).toEqual(['running', 'running']);
  });
});

describe('forks of random runs', () => {
  const choices = fc.array(fc.nat(20), { maxLength: 20 });

  it('S216 at every event end as the run did, and execute nothing that was carried over', async () => {
    const property = async ({ before }: PlanPair, order: number[]) => {
      const kernel = new Kernel();
      await kernel.start(before, { input: { flag: true } });
      await kernel.settle();
      for (let i = 0; await driveOnce(kernel, 'r1', order[i] ?? 0); i++);
      const original = kernel.summary();
      for (let at = 1; at <= kernel.rows().seq; at++) {
        const id = `f${at}`;
        const { carried } = await fork(kernel, { at, id });
        await drive(kernel, id);
        expect([at, kernel.status(id), kernel.summary(id).outputs]).toEqual([
          at,
          original.status,
          original.outputs,
        ]);
        expect(kernel.summary(id).nodes).toEqual(original.nodes);
        const executed = kernel.executions.filter((key) => key.startsWith(`${id}/`));
        expect(
          carried.filter((node) => executed.some((key) => key.split('/')[1] === node)),
        ).toEqual([]);
      }
      expect(kernel.complaints).toEqual([]);
    };
    await fc.assert(fc.asyncProperty(planPairs, choices, property), {
      numRuns: Math.ceil(RANDOM_PLANS / 40),
    });
  }, 600_000);

  it('S216 S171 S202 at every event of a run that went back and was replanned end as runs of the plan of then', async () => {
    const fresh = async (version: PlanVersion) => {
      const kernel = new Kernel();
      await kernel.start(version, { input: { flag: true } });
      await kernel.settle();
      await drive(kernel);
      const { inputs: _, ...summary } = kernel.summary();
      return summary;
    };
    const property = async ({ before, after }: PlanPair, order: number[], times: number[]) => {
      const [backAt = 0, planAt = 0, which = 0] = times;
      const kernel = new Kernel();
      await kernel.start(before, { input: { flag: true } });
      await kernel.settle();
      const change = changesOf(kernel);
      const ids = before.graph.nodes.map(({ id }) => id);
      const goBack = () => change.rollback('r1', ids[which % ids.length] ?? '', { by: 'ann' });
      const replan = () => change.replan('r1', after.plan, { by: 'ann', cancelRunning: true });
      for (let step = 0; step <= 8; step++) {
        if (step === backAt) await refusal(goBack());
        if (step === planAt) await refusal(replan());
        await kernel.settle();
        await driveOnce(kernel, 'r1', order[step] ?? 0);
      }
      await drive(kernel);
      const expected = { old: await fresh(before), new: await fresh(after) };
      const replanned = seqOf(kernel, 'run.replanned');
      for (let at = 1; at <= kernel.rows().seq; at++) {
        const id = `f${at}`;
        await fork(kernel, { at, id });
        await drive(kernel, id);
        const { inputs: _, ...found } = kernel.summary(id);
        const isNew = replanned > 0 && at >= replanned;
        expect([at, found]).toEqual([at, isNew ? expected.new : expected.old]);
      }
      expect(kernel.complaints).toEqual([]);
    };
    const times = fc.array(fc.nat(8), { minLength: 3, maxLength: 3 });
    await fc.assert(fc.asyncProperty(planPairs, choices, times, property), {
      numRuns: Math.ceil(RANDOM_PLANS / 40),
    });
  }, 600_000);

  it('S12 S216 with another plan end as runs of that plan', async () => {
    const property = async ({ before, after }: PlanPair, order: number[], when: number) => {
      const kernel = new Kernel({ maxResidentRuns: 0 });
      await kernel.start(before, { input: { flag: true } });
      await kernel.start(after, { id: 'fresh', input: { flag: true } });
      await kernel.settle();
      await drive(kernel, 'fresh');
      for (let i = 0; i < when; i++) await driveOnce(kernel, 'r1', order[i] ?? 0);
      await fork(kernel, { plan: after.plan });
      await drive(kernel, 'f', order);
      const { inputs: _, ...expected } = kernel.summary('fresh');
      expect(kernel.summary('f')).toMatchObject(expected);
      expect(kernel.complaints).toEqual([]);
    };
    await fc.assert(fc.asyncProperty(planPairs, choices, fc.nat(8), property), {
      numRuns: Math.ceil(RANDOM_PLANS / 5),
    });
  }, 600_000);
});
