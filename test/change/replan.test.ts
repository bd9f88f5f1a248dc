import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ReplanMessage } from '../../src/actors/change-messages.js';
import type { Replanned } from '../../src/actors/run/replan.js';
import { isFinal } from '../../src/machines/statuses.js';
import type { PlanVersion } from '../../src/plan/plan-version.js';
import { expectSame } from '../model/expect-same.js';
import { expectSoundLog } from '../model/invariants.js';
import { begin, rehearse, take } from '../model/play.js';
import { RANDOM_PLANS, type RandomRun, randomRuns } from '../model/random-plans.js';
import { Kernel, respondMessage } from '../support/kernel.js';
import { action, approval, chain, edge, join, plan, switchNode } from '../support/plans.js';
import { versionsIn } from '../support/rebuilt.js';
import { drive, driveOnce, everything } from './support/drive.js';
import { type PlanPair, planPairs } from './support/plan-pairs.js';

function replan(version: PlanVersion, more: Partial<ReplanMessage> = {}): ReplanMessage {
  return {
    type: 'run.replan',
    version,
    isDryRun: false,
    cancelRunning: false,
    by: 'ann',
    reason: null,
    ...more,
  };
}

async function send(kernel: Kernel, message: ReplanMessage): Promise<Replanned> {
  const answer = kernel.send(message) as Promise<Replanned>;
  await kernel.settle();
  return answer;
}

async function refusal(asked: Promise<unknown>): Promise<string> {
  return asked.then(
    () => 'none',
    (error: { code: string }) => error.code,
  );
}

const ids = (entries: readonly { readonly node: string }[]) => entries.map(({ node }) => node);

async function begun(version: PlanVersion, ...finished: string[]): Promise<Kernel> {
  const kernel = new Kernel();
  await kernel.start(version);
  await kernel.settle();
  for (const node of finished) await kernel.finish(node, { v: node });
  return kernel;
}

describe('replanning a run', () => {
  it('S168 S202 unblocks it: what is done is kept, what changed and follows runs again', async () => {
    const edges = [...chain('a', 'b', 'c'), edge('a', 'd')];
    const kernel = await begun(
      plan([action('a'), action('b', { onFailure: 'replan' }), action('c'), action('d')], edges),
      'a',
      'd',
    );
    await kernel.fail('b');
    expect(kernel.status()).toBe('blocked');
    const next = plan(
      [action('a'), action('b', { title: 'Better' }), action('c'), action('d'), action('e')],
      [...edges, edge('d', 'e')],
    );
    const answer = await send(kernel, replan(next, { reason: 'b was wrong' }));
    expect(answer).toMatchObject({
      run: 'r1',
      plan: next.hash,
      kept: [{ node: 'a', status: 'completed', code: 'unchanged' }, { node: 'd' }],
      rerun: [
        { node: 'b', status: 'blocked', code: 'definition-changed' },
        { node: 'c', status: 'pending', code: 'rests-on-change' },
      ],
      added: [{ node: 'e', code: 'added' }],
      removed: [],
    });
    expect(kernel.working().sort()).toEqual(['b', 'e']);
    expect(kernel.attempt('b').input).toEqual({ v: 'a' });
    expect(kernel.attempt('b').key).toBe('r1/b/2/1');
    expect(kernel.rows().record.planHash).toBe(next.hash);
    expect(kernel.details('run.replanned')).toMatchObject([
      {
        by: 'ann',
        reason: 'b was wrong',
        plan: next.hash,
        kept: { count: 2 },
        rerun: { count: 2, nodes: ['b', 'c'] },
        added: { nodes: ['e'] },
      },
    ]);
    await kernel.restart();
    for (const node of ['b', 'e', 'c']) await kernel.finish(node, 1);
    expect(kernel.status()).toBe('completed');
    expect(kernel.executions.filter((key) => key.startsWith('r1/a/'))).toHaveLength(1);
  });

  it('S168 S202 sets a kept blocked node going again', async () => {
    const kernel = await begun(plan([action('a', { onFailure: 'replan' })]));
    await kernel.fail('a');
    const next = plan([action('a', { onFailure: 'replan' }), action('b')]);
    expect(await send(kernel, replan(next))).toMatchObject({
      kept: [{ node: 'a', status: 'blocked' }],
      added: [{ node: 'b' }],
    });
    expect(kernel.attempt('a').key).toBe('r1/a/1/2');
    expect(kernel.attempt('b').key).toBe('r1/b/1/1');
  });

  it('S202 tells without doing on a dry run: no event, no turn', async () => {
    const kernel = await begun(plan([action('a'), action('b')], chain('a', 'b')), 'a');
    const before = everything(kernel.rows());
    const next = plan([action('a'), action('c')], chain('a', 'c'));
    const answer = await send(kernel, replan(next, { isDryRun: true }));
    expect(answer).toMatchObject({
      isDryRun: true,
      conflicts: ['b'],
      kept: [{ node: 'a' }],
      added: [{ node: 'c' }],
      removed: [{ node: 'b', status: 'running' }],
    });
    expect(everything(kernel.rows())).toEqual(before);
    expect(kernel.storage.plans.has(next.hash)).toBe(false);
  });

  it('S202 is refused while a node at work would change, unless it may be called off', async () => {
    const kernel = await begun(plan([action('a'), action('b')], chain('a', 'b')), 'a');
    const next = plan([action('a'), action('b', { title: 'Other' })], chain('a', 'b'));
    const before = everything(kernel.rows());
    expect(await refusal(kernel.send(replan(next)))).toBe('replan-conflict');
    expect(everything(kernel.rows())).toEqual(before);
    const old = kernel.attempt('b');
    await send(kernel, replan(next, { cancelRunning: true }));
    expect(old.context.signal.aborted).toBe(true);
    old.return('late');
    await kernel.settle();
    expect(kernel.attempt('b').key).toBe('r1/b/2/1');
    await kernel.finish('b', 'new');
    expect(kernel.summary()).toMatchObject({ status: 'completed', outputs: { b: 'new' } });
  });

  it('S202 leaves a kept node at work alone, wherever it stands in the new plan', async () => {
    const kernel = await begun(plan([action('a'), action('b')], chain('a', 'b')), 'a');
    const next = plan([action('z'), action('b'), action('a')], [edge('a', 'b')]);
    await send(kernel, replan(next));
    expect(kernel.attempt('b').context.signal.aborted).toBe(false);
    await kernel.finish('b', 'kept');
    await kernel.finish('z', 'new');
    expect(kernel.status()).toBe('completed');
    expect(kernel.executions).toEqual(['r1/a/1/1', 'r1/b/1/1', 'r1/z/1/1']);
  });

  it('S202 takes removed nodes out of the run, and their timers and tasks with them', async () => {
    const kernel = await begun(
      plan([
        action('a'),
        approval('b', { deadlineMs: 1000 }),
        { kind: 'sleep', id: 'c', duration: 9 },
      ]),
      'a',
    );
    await send(kernel, replan(plan([action('a')]), { cancelRunning: true }));
    expect(kernel.openTasks()).toEqual([]);
    expect(kernel.rows().timers.size).toBe(0);
    expect(kernel.status()).toBe('completed');
    const { nodeRuns } = kernel.rows();
    expect(JSON.parse(nodeRuns.get('b')?.reasonJson ?? '')).toMatchObject({ code: 'removed' });
  });

  it('S202 never uses a generation again: a node that comes back counts on, after a restart too', async () => {
    const both = plan([action('a'), action('b')]);
    const one = plan([action('a')]);
    const kernel = await begun(both, 'b');
    await send(kernel, replan(one));
    await kernel.restart();
    await send(kernel, replan(both));
    expect(kernel.open().map(({ key }) => key)).toEqual(['r1/a/1/2', 'r1/b/2/1']);
    expect(kernel.rows().pastNodeRuns).toMatchObject([{ node: 'b', generation: 1 }]);
    await kernel.restart();
    expect(kernel.open().map(({ key }) => key)).toEqual(['r1/a/1/3', 'r1/b/2/2']);
  });

  it('S202 opens a task that changed anew, and keeps one that did not', async () => {
    const kernel = await begun(plan([approval('same'), approval('other')]));
    const [same, other] = [kernel.task('same'), kernel.task('other')];
    await send(
      kernel,
      replan(plan([approval('same'), approval('other', { instructions: 'Look' })])),
    );
    expect(kernel.task('same')).toBe(same);
    expect(kernel.task('other')).not.toBe(other);
    expect(kernel.rows().tasks.get(other)?.status).toBe('superseded');
  });

  it('S202 goes on inside of a composite that is unchanged, and not into one that changed', async () => {
    const body = { nodes: [action('x'), action('y')], edges: [edge('x', 'y')] };
    const loop = { kind: 'loop', id: 'l', body, maxIterations: 2 };
    const kernel = await begun(plan([loop]), 'l[1]/x', 'l[1]/y', 'l[2]/x');
    await send(kernel, replan(plan([action('n'), loop])));
    await kernel.restart();
    await kernel.finish('l[2]/y', 'last');
    expect(kernel.summary().outputs.l).toMatchObject({ iterations: 2, last: { y: 'last' } });

    const changed = await begun(plan([loop]), 'l[1]/x');
    const next = plan([{ ...loop, maxIterations: 1 }]);
    expect(await refusal(changed.send(replan(next)))).toBe('replan-conflict');
    await send(changed, replan(next, { cancelRunning: true }));
    expect(changed.attempt('l#2[1]/x').key).toBe('r1/l#2[1]/x/1/1');
  });

  it('S202 compares with the schemas and plans that nodes name', async () => {
    const node = action('a', { outputSchema: 'out' });
    const inner = (title: string) => ({ title, nodes: [action('x')], edges: [] });
    const sub = { kind: 'subplan', id: 's', plan: 'inner' };
    const version = (type: string, title: string) =>
      plan([node, sub, action('b')], [], {
        schemas: { out: { type } },
        plans: { inner: inner(title) },
      });
    const kernel = await begun(version('object', 'Inner'));
    const again = async (next: PlanVersion) =>
      ids((await send(kernel, replan(next, { isDryRun: true }))).rerun);
    expect(await again(version('object', 'Inner'))).toEqual([]);
    expect(await again(version('string', 'Inner'))).toEqual(['a']);
    expect(await again(version('object', 'Changed'))).toEqual(['s']);
  });

  it('S202 runs again what reads a changed node by name', async () => {
    const nodes = (title: string) => [
      ...[action('a', { title }), action('b'), action('c'), action('w')],
    ];
    const edges = [edge('b', 'c', { when: 'nodes["a"].output.v == 1', onError: 'dead' })];
    const kernel = await begun(plan(nodes('One'), edges), 'a', 'b');
    const answer = await send(kernel, replan(plan(nodes('Two'), edges)));
    expect(ids(answer.kept)).toEqual(['b', 'w']);
    expect(answer.rerun).toMatchObject([{ node: 'a' }, { node: 'c', code: 'rests-on-change' }]);
  });

  it('S202 is refused for a plan that the input does not fit, and for a run that has ended', async () => {
    const kernel = await begun(plan([action('a')]));
    const picky = plan([action('a')], [], { inputs: { type: 'object', required: ['v'] } });
    expect(await refusal(kernel.send(replan(picky)))).toBe('input-invalid');
    const missing = plan([action('a'), action('b', { handler: 'none' })]);
    expect(await refusal(kernel.send(replan(missing)))).toBe('handler-missing');
    await kernel.finish('a');
    expect(await refusal(kernel.send(replan(plan([action('a')]))))).toBe('run-ended');
  });
});

describe('edges across a replan', () => {
  it('S202 a join that waited decides by the edges of the new plan', async () => {
    const nodes = [action('a'), action('b'), action('c'), join('j')];
    const kernel = await begun(
      plan(nodes, [edge('a', 'j'), edge('b', 'j'), edge('c', 'j')]),
      'a',
      'b',
    );
    const next = plan([action('a'), action('b'), join('j')], [edge('a', 'j'), edge('b', 'j')]);
    const answer = await send(kernel, replan(next, { cancelRunning: true }));
    expect(answer.rerun).toMatchObject([{ node: 'j', code: 'inbound-edges-changed' }]);
    expect(kernel.summary()).toMatchObject({
      status: 'completed',
      outputs: { j: { a: { v: 'a' }, b: { v: 'b' } } },
    });
  });

  it('S202 an edge into a node that is done runs that node again', async () => {
    const kernel = await begun(plan([action('a'), action('b'), action('w')]), 'a', 'b');
    await send(kernel, replan(plan([action('a'), action('b'), action('w')], [edge('a', 'b')])));
    expect(kernel.attempt('b')).toMatchObject({ key: 'r1/b/2/1', input: { v: 'a' } });
  });

  it('S202 a node whose predecessor is removed is not kept', async () => {
    const kernel = await begun(
      plan([action('a'), action('b'), action('w')], [edge('a', 'b')]),
      'a',
      'b',
    );
    const answer = await send(kernel, replan(plan([action('b'), action('w')])));
    expect(answer.rerun).toMatchObject([{ node: 'b', code: 'inbound-edges-changed' }]);
    expect(kernel.attempt('b')).toMatchObject({ key: 'r1/b/2/1', input: {} });
  });

  it('S202 a switch that is done decides anew where its edges changed, and what it led to runs again', async () => {
    const nodes = [action('a'), switchNode('s'), action('b'), action('c')];
    const cases = (first: string, second: string) => [
      edge('a', 's'),
      edge('s', first, { when: 'has(output.v)' }),
      edge('s', second, { default: true }),
    ];
    const kernel = await begun(plan(nodes, cases('b', 'c')), 'a', 'b');
    expect(kernel.status()).toBe('completed');
    const live = await begun(plan([...nodes, action('w')], cases('b', 'c')), 'a', 'b');
    const answer = await send(live, replan(plan([...nodes, action('w')], cases('c', 'b'))));
    expect(ids(answer.kept)).toEqual(['a', 's', 'w']);
    expect(live.summary().nodes).toMatchObject({ b: 'skipped', c: 'running', s: 'completed' });
    expect(live.rows().nodeRuns.get('s')?.edges).toBe('td');
    await live.restart();
    expect(live.summary().nodes).toMatchObject({ b: 'skipped', c: 'running' });
  });

  it('S202 edges beside a new one stay as they were decided', async () => {
    const kernel = await begun(
      plan([action('a'), action('b'), action('c')], [edge('a', 'b'), edge('a', 'c', { on: 'go' })]),
      'a',
    );
    const events = kernel.rows().events.length;
    const answer = await send(
      kernel,
      replan(
        plan(
          [action('a'), action('b'), action('c'), action('d')],
          [
            edge('a', 'd', { when: 'output.v == "a"' }),
            edge('a', 'b'),
            edge('a', 'c', { on: 'go' }),
          ],
        ),
      ),
    );
    expect(ids(answer.kept)).toEqual(['a', 'b', 'c']);
    expect(kernel.rows().nodeRuns.get('a')?.edges).toBe('ttd');
    expect(kernel.log().slice(events)).toEqual([
      'run.replanned',
      'edge.evaluated a',
      'nodes.reconnected',
      'node.ready d',
      'node.started d#1',
    ]);
  });

  it('S202 a branch that a removed join had called off begins again', async () => {
    const nodes = [
      action('a'),
      action('b'),
      join('j', { rule: 'any', cancelRest: true }),
      action('w'),
    ];
    const kernel = await begun(plan(nodes, [edge('a', 'j'), edge('b', 'j')]), 'a');
    await kernel.fail('b');
    expect(kernel.summary().nodes).toMatchObject({ b: 'cancelled', j: 'completed' });
    const answer = await send(kernel, replan(plan([action('a'), action('b'), action('w')])));
    expect(answer.rerun).toMatchObject([{ node: 'b', code: 'race-reopened' }]);
    expect(kernel.attempt('b').key).toBe('r1/b/2/1');
  });
});

describe('a process that stops around a replan', () => {
  it.each([
    ['before its turn is durable', 0, false],
    ['after it, with the answer lost', 1, true],
    ['after it', 1, false],
  ])(
    'S202 S164 S158 %s: the run has one plan or the other, and asking again is harmless',
    async (_when, turns, isAnswerLost) => {
      const before = plan([action('a'), action('b'), action('c')], chain('a', 'b', 'c'));
      const after = plan(
        [action('a'), action('b', { title: 'New' }), action('d')],
        chain('a', 'b', 'd'),
      );
      const kernel = await begun(before, 'a');
      kernel.dieAfter(turns, isAnswerLost);
      void kernel.send(replan(after, { cancelRunning: true })).catch(() => {});
      await kernel.settle();
      await kernel.restart();
      expect(kernel.rows().record.planHash).toBe(turns === 0 ? before.hash : after.hash);
      const again = await send(kernel, replan(after, { cancelRunning: true }));
      expect(ids(again.rerun)).toEqual(turns === 0 ? ['b'] : []);
      for (const node of ['b', 'd']) await kernel.finish(node, node);
      expect(kernel.status()).toBe('completed');
      expect(kernel.executions.filter((key) => key.startsWith('r1/a/'))).toHaveLength(1);
      expect(new Set(kernel.executions).size).toBe(kernel.executions.length);
      expect(kernel.complaints).toEqual([]);
    },
  );
});

describe('a replan and an answer', () => {
  const before = plan([approval('ask'), action('a')], chain('ask', 'a'));
  const after = plan([approval('ask', { instructions: 'New' }), action('a')], chain('ask', 'a'));

  it('S202 S131 the answer that comes after it is told which task is open now', async () => {
    const kernel = await begun(before);
    const task = kernel.task('ask');
    const replanned = refusal(kernel.send(replan(after)));
    const response = { approved: true };
    const answer = respondMessage({ task, node: 'ask', response });
    const answered = refusal(kernel.send(answer));
    await kernel.settle();
    expect(await answered).toBe('task-superseded');
    expect(await replanned).toBe('none');
    expect(kernel.summary().nodes).toMatchObject({ ask: 'awaiting-human', a: 'pending' });
  });

  it('S202 S131 the answer that comes before it counts, and the replan meets what follows from it', async () => {
    const kernel = await begun(before);
    const answered = refusal(kernel.respond('ask', { approved: true }));
    const replanned = refusal(kernel.send(replan(after)));
    await kernel.settle();
    expect(await answered).toBe('none');
    expect(await replanned).toBe('replan-conflict');
    expect(kernel.summary().nodes).toMatchObject({ ask: 'completed', a: 'running' });
  });
});

// Properties ---------------------------------------------------------------------------------

describe('a replan with the plan that a run has', () => {
  it('S202 keeps everything and changes nothing, at any time of any run', async () => {
    const property = async (random: RandomRun, when: number) => {
      const { steps, reference } = rehearse(random);
      const at = when % (steps.length + 1);
      const kernel = new Kernel();
      await begin(kernel, random);
      for (const step of steps.slice(0, at)) await take(kernel, random.script, step);
      // Nodes may have been added to it.
      const planOf = versionsIn(kernel.storage);
      const version = planOf(kernel.rows().record.planHash) as PlanVersion;
      const isBlocked = [...kernel.rows().nodeRuns.values()].some(
        ({ scope, status }) => scope === '' && status === 'blocked',
      );
      const isLive = kernel.rows().record.endedAt === null;
      const isEnding = kernel.log('r1', /^(run.cancel-req|node.stopping)/).length > 0;
      fc.pre(isLive && !isBlocked && !isEnding);
      const rows = everything(kernel.rows());
      const answered = kernel.send(replan(version)).catch((error: { code: string }) => error.code);
      await kernel.settle();
      const answer = await answered;
      fc.pre(answer !== 'run-ended' && answer !== 'overloaded');
      expect(answer).toMatchObject({ rerun: [], added: [], removed: [], conflicts: [] });
      expect(ids((answer as Replanned).kept)).toEqual(version.graph.nodes.map(({ id }) => id));
      const { events, record: _, ...others } = everything(kernel.rows());
      const { events: old = [], record: __, ...unchanged } = rows;
      expect(others).toEqual(unchanged);
      expect(events).toHaveLength(old.length + 1);
      for (const step of steps.slice(at)) await take(kernel, random.script, step);
      expect(kernel.complaints).toEqual([]);
      expectSame(kernel, reference);
      expectSoundLog(kernel.rows(), versionsIn(kernel.storage));
    };
    await fc.assert(fc.asyncProperty(randomRuns(), fc.nat(), property), {
      numRuns: Math.ceil(RANDOM_PLANS / 4),
    });
  }, 600_000);
});

describe('a replan with any other plan', () => {
  const choices = fc.array(fc.nat(20), { maxLength: 20 });

  it('S202 ends as a run of the new plan from its start, keeps what it says, and repeats no attempt', async () => {
    const property = async ({ before, after }: PlanPair, when: number, order: number[]) => {
      const fresh = new Kernel();
      await fresh.start(after, { input: { flag: true } });
      await fresh.settle();
      await drive(fresh);
      const kernel = new Kernel();
      await kernel.start(before, { input: { flag: true } });
      await kernel.settle();
      for (let i = 0; i < when; i++) await driveOnce(kernel, 'r1', order[i] ?? 0);
      fc.pre(kernel.rows().record.endedAt === null);
      const rows = new Map(kernel.rows().nodeRuns);
      const answer = await send(kernel, replan(after, { cancelRunning: true }));
      for (const { node } of answer.kept) {
        const row = rows.get(node);
        if (row === undefined || !isFinal(row.status)) continue;
        const { edges: _, seq: __, ...old } = row;
        expect(kernel.rows().nodeRuns.get(node)).toMatchObject(old);
      }
      await drive(kernel);
      const expected = fresh.summary();
      expect(kernel.status()).toBe(expected.status);
      for (const { id } of after.graph.nodes) {
        const row = kernel.rows().nodeRuns.get(id);
        expect([id, row?.status ?? 'cancelled']).toEqual([id, expected.nodes[id]]);
        expect([id, JSON.parse(row?.outputJson ?? 'null')]).toEqual([
          id,
          expected.outputs[id] ?? null,
        ]);
      }
      expect(new Set(kernel.executions).size).toBe(kernel.executions.length);
      expect(kernel.complaints).toEqual([]);
    };
    await fc.assert(fc.asyncProperty(planPairs, fc.nat(8), choices, property), {
      numRuns: Math.ceil(RANDOM_PLANS / 4),
    });
  }, 600_000);

  it('S202 S165 leaves the same rows where the run is loaded anew after every turn', async () => {
    const property = async ({ before, after }: PlanPair, when: number, order: number[]) => {
      const kernels = [new Kernel(), new Kernel({ maxResidentRuns: 0 })];
      for (const kernel of kernels) {
        await kernel.start(before, { input: { flag: true } });
        await kernel.settle();
        for (let i = 0; i < when; i++) await driveOnce(kernel, 'r1', order[i] ?? 0);
        const live = kernel.rows().record.endedAt === null;
        if (live) await send(kernel, replan(after, { cancelRunning: true }));
        await drive(kernel, 'r1', order);
        expect(kernel.complaints).toEqual([]);
      }
      const [resident, parked] = kernels.map((kernel) => everything(kernel.rows()));
      expect(parked).toEqual(resident);
    };
    await fc.assert(fc.asyncProperty(planPairs, fc.nat(8), choices, property), {
      numRuns: Math.ceil(RANDOM_PLANS / 4),
    });
  }, 600_000);
});
