import { describe, expect, it, onTestFinished } from 'vitest';
import type { Handlers } from '../../src/actors/handlers.js';
import { createOrchestrator } from '../../src/create-orchestrator.js';
import type { Orchestrator } from '../../src/orchestrator.js';
import { action, approval, chain, edge, plan } from '../support/plans.js';
import { temporaryDatabase } from '../support/temporary.js';

const by = 'ann';

interface Place {
  readonly url: string;
  readonly orchestrator: Orchestrator;
  /** Ids of the nodes that were worked on, in order. */
  readonly worked: string[];
  /** A new process over the same file. */
  again(): Promise<Orchestrator>;
}

async function open(fails: ReadonlySet<string> = new Set()): Promise<Place> {
  const url = temporaryDatabase();
  const worked: string[] = [];
  const handlers: Handlers = {
    work: (_input: unknown, { node, run }: { node: string; run: string }) => {
      worked.push(`${run}/${node}`);
      if (fails.has(node)) throw new Error(`${node} fails`);
      const artifacts = [{ name: node, kind: 'text', payload: node }];
      return { ok: true, output: { v: node }, artifacts };
    },
  };
  const create = async () => {
    const created = await createOrchestrator({ url, handlers });
    onTestFinished(() => created.close());
    return created;
  };
  const orchestrator = await create();
  const again = async () => {
    await orchestrator.close();
    return create();
  };
  return { url, orchestrator, worked, again };
}

const waits = plan(
  [action('a'), action('b'), approval('ask'), action('c')],
  chain('a', 'b', 'ask', 'c'),
).plan;

describe('changes of runs on disk', () => {
  it('S202 S168 S158 a replanned run comes back with its new plan, and nothing is done twice', async () => {
    const { orchestrator, worked, again } = await open();
    await orchestrator.start(waits, { id: 'r' });
    await orchestrator.settled('r');
    const next = plan(
      [action('a'), action('b'), approval('ask', { instructions: 'Look' }), action('d')],
      chain('a', 'b', 'ask', 'd'),
    ).plan;
    const dry = await orchestrator.change.replan('r', next, { by, dryRun: true });
    expect(dry).toMatchObject({ kept: [{ node: 'a' }, { node: 'b' }], rerun: [{ node: 'ask' }] });
    const { isDryRun: _, ...same } = await orchestrator.change.replan('r', next, { by });
    expect(same).toEqual({ ...dry, isDryRun: undefined });
    const second = await again();
    const { plan: hash, tasks, nodes } = await second.runs.details('r');
    expect(hash).toBe(same.plan);
    expect(nodes.map(({ node }) => node)).toEqual(['a', 'b', 'ask', 'd']);
    await second.respond(tasks[0]?.id ?? '', { response: { approved: true } });
    const result = await second.result('r');
    expect(result).toMatchObject({ status: 'completed', outputs: { d: { v: 'd' } } });
    expect(Object.keys(result.outputs).sort()).toEqual(['a', 'ask', 'b', 'd']);
    expect(worked).toEqual(['r/a', 'r/b', 'r/d']);
    // What it was before is seen with the plan of then.
    const replanned = (await second.runs.events('r')).find(({ type }) => type === 'run.replanned');
    const before = await second.runs.stateAt('r', (replanned?.seq ?? 0) - 1);
    expect(before.nodes.map(({ node }) => node)).toEqual(['a', 'b', 'ask', 'c']);
  });

  it('S216 S170 S160 a fork at an event has the rows of then, of generations that are over too', async () => {
    const { orchestrator, worked, again } = await open();
    await orchestrator.start(waits, { id: 'r', metadata: { team: 'x' } });
    await orchestrator.settled('r');
    const { seq } = await orchestrator.runs.details('r');
    await orchestrator.change.rollback('r', 'a', { by });
    await orchestrator.settled('r');
    await orchestrator.change.fork('r', { by, at: seq, id: 'f' });
    await orchestrator.settled('f');
    expect(worked.filter((one) => one.startsWith('f/'))).toEqual([]);
    const second = await again();
    const fork = await second.runs.details('f');
    expect(fork).toMatchObject({
      status: 'awaiting-human',
      metadata: { team: 'x' },
      origin: { type: 'fork', run: 'r', seq },
      nodes: [{ output: { v: 'a' } }, { output: { v: 'b' } }, { status: 'awaiting-human' }, {}],
      artifacts: [
        { name: 'a', version: 1 },
        { name: 'b', version: 1 },
      ],
    });
    expect((await second.runs.stateAt('f', fork.seq)).nodes).toMatchObject([
      { node: 'a', status: 'completed' },
      { node: 'b', status: 'completed' },
      { node: 'ask', status: 'awaiting-human' },
      { node: 'c', status: 'pending' },
    ]);
    await second.respond(fork.tasks[0]?.id ?? '', { response: { approved: true } });
    expect(await second.result('f')).toMatchObject({ status: 'completed' });
    expect((await second.runs.summary('r')).status).toBe('awaiting-human');
  });

  it('S170 a failed run is tried again from before it failed', async () => {
    const fails = new Set(['b']);
    const { orchestrator, worked } = await open(fails);
    await orchestrator.start(plan([action('a'), action('b')], chain('a', 'b')).plan, { id: 'r' });
    expect((await orchestrator.result('r')).status).toBe('failed');
    fails.clear();
    const { id, carried } = await orchestrator.change.retry('r', { by });
    expect(carried).toEqual(['a']);
    expect((await orchestrator.result(id)).status).toBe('completed');
    expect(worked).toEqual(['r/a', 'r/b', `${id}/b`]);
  });

  it('S172 S171 nodes are completed, skipped, patched and gone back to by hand', async () => {
    const { orchestrator } = await open(new Set(['b']));
    const { change } = orchestrator;
    const stuck = plan(
      [action('a'), action('b', { onFailure: 'replan' }), approval('ask')],
      [edge('a', 'b'), edge('b', 'ask', { map: { answer: 'output.v' } })],
    ).plan;
    await orchestrator.start(stuck, { id: 'r' });
    expect(await orchestrator.settled('r')).toBe('blocked');
    expect(await change.completeNode('r', 'b', { by, output: { v: 42 } })).toEqual({
      run: 'r',
      node: 'b',
      status: 'completed',
    });
    await change.patchInput('r', 'ask', { by, input: { answer: 43 } });
    expect((await orchestrator.runs.details('r')).tasks).toMatchObject([
      { presented: { input: { answer: 43 } } },
    ]);
    await change.rollback('r', 'b', { by, reason: 'it was wrong' });
    expect(await orchestrator.settled('r')).toBe('blocked');
    await change.skipNode('r', 'b', { by });
    expect((await orchestrator.result('r')).status).toBe('completed');
    const events = await orchestrator.runs.events('r');
    expect(events.filter(({ type }) => type.startsWith('operator.'))).toMatchObject([
      { type: 'operator.completed', node: 'b', detail: { by } },
      { type: 'operator.input-patched', node: 'ask' },
      { type: 'operator.rolled-back', node: 'b', detail: { by, reason: 'it was wrong' } },
      { type: 'operator.skipped', node: 'b' },
    ]);
    await expect(change.skipNode('r', 'b', { by: '' })).rejects.toMatchObject({
      code: 'argument-invalid',
    });
  });

  it('S90 what attempts were given is read by a new process, and a fork has its own', async () => {
    const { orchestrator, again } = await open(new Set(['b']));
    const stuck = plan([action('a'), action('b', { onFailure: 'replan' })], chain('a', 'b')).plan;
    await orchestrator.start(stuck, { id: 'r' });
    await orchestrator.settled('r');
    await orchestrator.change.fork('r', { by, id: 'f', inputs: { b: 'forked' } });
    await orchestrator.settled('f');
    for (const run of ['r', 'f']) {
      await orchestrator.change.patchInput(run, 'b', { by, input: `patched in ${run}` });
      await orchestrator.retryNode(run, 'b');
      await orchestrator.settled(run);
    }
    const second = await again();
    const given = async (run: string) =>
      (await second.runs.attempts(run)).map(({ node, attempt, input }) => [node, attempt, input]);
    expect(await given('r')).toEqual([
      ['a', 1, {}],
      ['b', 1, { v: 'a' }],
      ['b', 2, 'patched in r'],
    ]);
    expect(await given('f')).toEqual([
      ['b', 1, 'forked'],
      ['b', 2, 'patched in f'],
    ]);
    expect(await second.runs.replay('r')).toMatchObject({ matches: true });
  });

  it('S12 a replacement carries over, and the old run is cancelled with the link', async () => {
    const { orchestrator, worked } = await open();
    await orchestrator.start(waits, { id: 'r' });
    await orchestrator.settled('r');
    const next = plan([action('a'), action('z')], chain('a', 'z')).plan;
    const { id, carried } = await orchestrator.change.replace('r', next, { by, id: 'new' });
    expect(carried).toEqual(['a']);
    expect((await orchestrator.result(id)).status).toBe('completed');
    expect(await orchestrator.result('r')).toMatchObject({
      status: 'cancelled',
      reason: { code: 'replaced', detail: { replacedBy: 'new' } },
    });
    expect((await orchestrator.runs.summary('new')).origin).toMatchObject({
      type: 'replacement',
      run: 'r',
    });
    expect(worked).toEqual(['r/a', 'r/b', 'new/z']);
  });

  it('S216 many rows are carried over: more than one page of each kind', async () => {
    const { orchestrator, worked } = await open();
    const ids = Array.from({ length: 1_100 }, (_, i) => `n${i}`);
    const many = plan([...ids.map((id) => action(id)), approval('ask')]).plan;
    await orchestrator.start(many, { id: 'r' });
    await orchestrator.settled('r');
    expect(worked).toHaveLength(1_100);
    const { carried } = await orchestrator.change.fork('r', { by, id: 'f' });
    expect(carried).toHaveLength(1_100);
    await orchestrator.settled('f');
    expect(worked).toHaveLength(1_100);
    const events = await orchestrator.runs.events('f');
    expect(events.filter(({ type }) => type === 'nodes.carried-over')).toHaveLength(11);
    const outputs = Object.keys((await orchestrator.runs.result('f')).outputs);
    expect(outputs).toHaveLength(1_100);
  });
});
