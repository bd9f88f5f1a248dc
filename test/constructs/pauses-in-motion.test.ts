/** Pauses that meet runs of subplans on their way: about to start, going on, ending, or told by somebody else. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isPausedWithParent, reportOf } from '../../src/actors/child-report.js';
import { isFinal } from '../../src/machines/statuses.js';
import { family, finishAll, PAUSE, RESUME, tell } from '../support/families.js';
import { Kernel } from '../support/kernel.js';
import { action, approval, chain, type Draft, plan } from '../support/plans.js';

const sub = (id: string, of: string, more: Draft = {}) => ({
  kind: 'subplan',
  id,
  plan: of,
  ...more,
});
const named = (nodes: readonly Draft[], edges: readonly Draft[] = []) => ({
  title: 'Inside',
  nodes,
  edges,
});
/** No number of restarts is too many for it. */
const lasting = (id: string) => action(id, { retry: { maxInterruptions: 1_000 } });
const plans = {
  outer: named([lasting('a'), sub('in', 'inner'), lasting('z')], chain('a', 'z')),
  inner: named([lasting('w'), lasting('x')], chain('w', 'x')),
};
const version = plan([sub('out', 'outer'), lasting('own')], [], { plans });

const childOf = (kernel: Kernel, node: string) =>
  family(kernel).findLast((run) => kernel.rows(run).record.parentNode === node) ?? 'none';
const statuses = (kernel: Kernel) => family(kernel).map((run) => kernel.status(run));
const all = (kernel: Kernel, status: string) => family(kernel).map(() => status);
const inside = (kernel: Kernel, node: string, run = 'r1') =>
  kernel.rows(run).nodeRuns.get(node)?.inside?.split(' ').slice(1).join(' ');

async function begun(drafted = version): Promise<Kernel> {
  const kernel = new Kernel();
  await kernel.start(drafted);
  await kernel.settle();
  return kernel;
}

/** What a parent knows of a child is what the child is, and none is paused by a parent that goes on. */
function expectInAgreement(kernel: Kernel): void {
  for (const run of family(kernel)) {
    const { record } = kernel.rows(run);
    const { parentId, parentNode, status, id } = record;
    const host = kernel.storage.runs.get(parentId ?? '')?.nodeRuns.get(parentNode ?? '');
    if (host?.status !== 'running' || !host.inside?.startsWith(`${id} `)) continue;
    const isShared = isPausedWithParent(reportOf(record));
    const isParentPaused = kernel.status(parentId ?? '') === 'paused';
    if (isShared) expect(isParentPaused, `the parent of ${id}`).toBe(true);
    const isExempt = isParentPaused && status !== 'paused';
    const pause = isShared ? ' shared' : isExempt ? ' exempt' : '';
    expect(host.inside).toBe(`${id} ${status}${pause}`);
  }
}

describe('a run that is paused with its parent', () => {
  it('S156 stays paused where somebody pauses it by its own id, too, whatever its parent does', async () => {
    const kernel = await begun();
    const inner = childOf(kernel, 'in');
    await tell(kernel, PAUSE);
    await tell(kernel, PAUSE, inner);
    expect(kernel.log(inner).at(-1)).toBe('run.pause-requested');
    expect(kernel.rows(inner).record.reasonJson).toBeNull();
    await kernel.restart();
    await tell(kernel, RESUME);
    expect(statuses(kernel)).toEqual(['running', 'running', 'paused']);
    await kernel.finish('own', 1);
    await kernel.finish('a', 1, childOf(kernel, 'out'));
    await kernel.finish('z', 1, childOf(kernel, 'out'));
    // Nothing else goes on in any of them.
    expect(statuses(kernel)).toEqual(['blocked', 'blocked', 'paused']);
    await tell(kernel, RESUME, inner);
    await finishAll(kernel);
    expect(statuses(kernel)).toEqual(all(kernel, 'completed'));
  });

  it('S156 goes on by itself, until its parent is paused once more', async () => {
    const kernel = await begun();
    const inner = childOf(kernel, 'in');
    await tell(kernel, PAUSE);
    await tell(kernel, RESUME, inner);
    expect(inside(kernel, 'in', childOf(kernel, 'out'))).toBe('running exempt');
    await tell(kernel, PAUSE);
    expect(statuses(kernel)).toEqual(all(kernel, 'paused'));
    await tell(kernel, RESUME);
    expect(statuses(kernel)).toEqual(all(kernel, 'running'));
  });

  it('S156 records answers and times, and starts nothing by them', async () => {
    const waits = named(
      [approval('ask', { deadlineMs: 60_000 }), action('y'), action('n')],
      [
        { source: 'ask', target: 'y' },
        { source: 'ask', target: 'n', when: 'outcome != "approved"' },
      ],
    );
    const sleeps = named(
      [{ kind: 'sleep', id: 's', duration: 60_000 }, action('after')],
      chain('s', 'after'),
    );
    const kernel = await begun(
      plan([sub('p', 'waits'), sub('q', 'sleeps'), sub('late', 'waits')], [], {
        plans: { waits, sleeps },
      }),
    );
    const [p, q, late] = ['p', 'q', 'late'].map((node) => childOf(kernel, node)) as [
      string,
      string,
      string,
    ];
    await tell(kernel, PAUSE);
    await kernel.respond('ask', { approved: true }, 'ann', p);
    await kernel.advance(120_000);
    expect(kernel.rows(p).nodeRuns.get('ask')?.status).toBe('completed');
    expect(kernel.rows(q).nodeRuns.get('s')?.status).toBe('completed');
    expect(family(kernel).flatMap((run) => kernel.working(run))).toEqual([]);
    // Nobody answered in time, and its plan wants that to be its end: that no pause keeps up.
    expect(kernel.status(late)).toBe('failed');
    expect(kernel.status()).toBe('failed');
    expect([kernel.status(p), kernel.status(q)]).toEqual(['cancelled', 'cancelled']);
  });

  it('S156 S123 ends with its parent, which undoes what it did', async () => {
    const nodes = [
      action('paid', { compensate: { handler: 'work' } }),
      sub('out', 'outer'),
      action('own'),
    ];
    const kernel = await begun(plan(nodes, [{ source: 'paid', target: 'own' }], { plans }));
    await kernel.finish('paid', 1);
    await tell(kernel, PAUSE);
    // What was at work when it was paused fails: the run ends, paused or not.
    await kernel.fail('own');
    for (const run of family(kernel)) for (const attempt of kernel.open(run)) attempt.return(1);
    await kernel.settle();
    await kernel.finish('~/paid', 1);
    expect(statuses(kernel)).toEqual(['failed', 'cancelled', 'cancelled']);
    expect(kernel.log('r1', /~/)).toEqual([
      'node.ready ~/paid',
      'node.started ~/paid#1',
      'node.completed ~/paid#1',
    ]);
  });
});

describe('the run of a subplan whose turn comes while its parent is paused', () => {
  const blocked = plan([sub('out', 'inner', { onFailure: 'replan' }), action('own')], [], {
    plans: { inner: plans.inner },
  });
  /** A paused run, in which an operator tries a subplan again. */
  async function wanted(): Promise<Kernel> {
    const kernel = await begun(blocked);
    await kernel.fail('w', new Error('no'), childOf(kernel, 'out'));
    expect(kernel.rows().nodeRuns.get('out')?.status).toBe('blocked');
    await tell(kernel, PAUSE);
    await kernel.send({ type: 'node.retry', node: 'out', by: null });
    await kernel.settle();
    expect(family(kernel)).toHaveLength(2);
    return kernel;
  }

  it('S156 S168 begins when that goes on, after a restart too', async () => {
    for (const restarts of [false, true]) {
      const kernel = await wanted();
      if (restarts) await kernel.restart();
      expect(family(kernel)).toHaveLength(2);
      await tell(kernel, RESUME);
      if (restarts) await kernel.restart();
      expect(kernel.status(childOf(kernel, 'out'))).toBe('running');
      await finishAll(kernel);
      expect(kernel.status()).toBe('completed');
    }
  });

  it('S156 S63 begins with a step, and goes on', async () => {
    const kernel = await wanted();
    await kernel.send({ type: 'run.step' });
    await kernel.settle();
    const child = childOf(kernel, 'out');
    expect([kernel.status(), kernel.working(child)]).toEqual(['paused', ['w']]);
    expectInAgreement(kernel);
  });

  it('S153 S156 never begins where the run is cancelled, and holds nothing up', async () => {
    const kernel = await wanted();
    kernel.attempt('own').return(1);
    await kernel.settle();
    await kernel.cancel();
    await kernel.settle();
    expect([kernel.status(), family(kernel).length]).toEqual(['cancelled', 2]);
  });

  it('S156 S157 begins once, wherever the process stops', async () => {
    for (const turns of [1, 2, 3, 4, 5]) {
      const kernel = await wanted();
      kernel.dieAfter(turns, false);
      void kernel.send(RESUME).catch(() => {});
      await kernel.settle();
      await kernel.restart();
      if (kernel.status() === 'paused') await tell(kernel, RESUME);
      expect(family(kernel)).toHaveLength(3);
      await finishAll(kernel);
      expect(kernel.status()).toBe('completed');
    }
  });
});

/** How far a start is when something else is said. */
const TICKS = [0, 1, 2, 3, 5, 8, 13, 20, 30];

describe('what is said while runs are being told', () => {
  it('S156 a pause finds the runs of subplans wherever their start is', async () => {
    for (const ticks of TICKS) {
      const kernel = new Kernel();
      await kernel.start(version);
      for (let tick = 0; tick < ticks; tick++) await Promise.resolve();
      await tell(kernel, PAUSE);
      expect(statuses(kernel)).toEqual(all(kernel, 'paused'));
      expectInAgreement(kernel);
      await tell(kernel, RESUME);
      expect(statuses(kernel)).toEqual(['running', 'running', 'running']);
      await finishAll(kernel);
      expect(statuses(kernel)).toEqual(all(kernel, 'completed'));
      expect(kernel.complaints).toEqual([]);
    }
  });

  it('S152 S153 a cancel finds the runs of subplans wherever their start is', async () => {
    for (const ticks of TICKS) {
      const kernel = new Kernel();
      await kernel.start(version);
      for (let tick = 0; tick < ticks; tick++) await Promise.resolve();
      await kernel.cancel();
      await kernel.settle();
      for (const run of family(kernel)) for (const attempt of kernel.open(run)) attempt.return(1);
      await kernel.settle();
      expect(statuses(kernel)).toEqual(all(kernel, 'cancelled'));
    }
  });

  it('S27 a start is not refused because somebody asked for the run a moment before', async () => {
    const kernel = new Kernel();
    const early = kernel.send(PAUSE).catch(({ code }: { code: string }) => code);
    await kernel.start(version);
    expect(await early).toBe('run-unknown');
    await kernel.settle();
    expect(kernel.status()).toBe('running');
  });

  it('S156 S157 parents and children agree, whatever is said to whom, at once or over stops of the process', async () => {
    const step = fc.record({
      is: fc.constantFrom('pause', 'pause', 'resume', 'resume', 'finish', 'restart', 'die'),
      of: fc.nat(2),
      settles: fc.boolean(),
      turns: fc.integer({ min: 1, max: 4 }),
    });
    const property = async (steps: readonly Said[]) => {
      const kernel = await begun();
      const runs = family(kernel);
      for (const { is, of, settles, turns } of steps) {
        const run = runs[of] ?? '';
        if (is === 'restart' || kernel.isDead) await kernel.restart();
        else if (is === 'die') kernel.dieAfter(turns, false);
        else if (is === 'finish') kernel.open(run)[0]?.return(1);
        else void kernel.send(is === 'pause' ? PAUSE : RESUME, run).catch(() => {});
        if (settles) await kernel.settle();
        if (settles && !kernel.isDead) expectInAgreement(kernel);
      }
      await kernel.restart();
      expectInAgreement(kernel);
      for (const run of runs) if (!isFinal(kernel.status(run))) await tell(kernel, RESUME, run);
      await finishAll(kernel);
      expect(statuses(kernel)).toEqual(all(kernel, 'completed'));
    };
    await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 12 }), property), {
      numRuns: Number(process.env.RUNCHART_MODEL_PLANS ?? 40),
    });
  }, 600_000);
});

interface Said {
  readonly is: string;
  readonly of: number;
  readonly settles: boolean;
  readonly turns: number;
}
