/** A pause goes down to the runs of subplans, and to theirs; so does its end. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isFinal } from '../../src/machines/statuses.js';
import { finishAll, PAUSE, RESUME, tell } from '../support/families.js';
import { Kernel } from '../support/kernel.js';
import { action, approval, chain, type Draft, plan } from '../support/plans.js';

const sub = (id: string, of: string) => ({ kind: 'subplan', id, plan: of });
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

async function begun(): Promise<Kernel> {
  const kernel = new Kernel();
  await kernel.start(version);
  await kernel.settle();
  return kernel;
}

/** The run whose parent is a node of another run. */
function runOf(kernel: Kernel, node: string): string {
  const found = [...kernel.storage.runs.values()].find(({ record }) => record.parentNode === node);
  if (found === undefined) throw new Error(`no run works for "${node}"`);
  return found.record.id;
}

const family = (kernel: Kernel) => ['r1', runOf(kernel, 'out'), runOf(kernel, 'in')];
const statuses = (kernel: Kernel) => family(kernel).map((run) => kernel.status(run));
const reason = (kernel: Kernel, run: string) =>
  JSON.parse(kernel.rows(run).record.reasonJson ?? 'null') as { code: string } | null;

const PAUSED = ['paused', 'paused', 'paused'];
const RUNNING = ['running', 'running', 'running'];

describe('a pause', () => {
  it('S156 goes down to the runs of subplans, and to theirs: none of them starts anything', async () => {
    const kernel = await begun();
    await tell(kernel, PAUSE);
    expect(statuses(kernel)).toEqual(PAUSED);
    const [, outer = '', inner = ''] = family(kernel);
    expect([reason(kernel, 'r1'), reason(kernel, inner)?.code]).toEqual([null, 'parent-paused']);
    await kernel.finish('w', 1, inner);
    await kernel.finish('a', 1, outer);
    expect([kernel.working(outer), kernel.working(inner)]).toEqual([[], []]);
    await tell(kernel, RESUME);
    expect(statuses(kernel)).toEqual(RUNNING);
    expect([kernel.working(outer), kernel.working(inner)]).toEqual([['z'], ['x']]);
    expect(reason(kernel, inner)).toBeNull();
    await finishAll(kernel);
    expect(statuses(kernel)).toEqual(['completed', 'completed', 'completed']);
  });

  it('S156 that ends leaves the parent at no time blocked', async () => {
    const kernel = await begun();
    await tell(kernel, PAUSE);
    await tell(kernel, RESUME);
    expect(kernel.log('r1', /^run\.status-changed/)).toEqual([
      'run.status-changed running→paused',
      'run.status-changed paused→running',
    ]);
  });

  it('S156 of a child is its own: it stays paused when its parent goes on', async () => {
    const kernel = await begun();
    const [, outer = '', inner = ''] = family(kernel);
    await tell(kernel, PAUSE, inner);
    await tell(kernel, PAUSE);
    await tell(kernel, RESUME);
    expect(statuses(kernel)).toEqual(['running', 'running', 'paused']);
    await tell(kernel, RESUME, inner);
    expect(statuses(kernel)).toEqual(RUNNING);
    expect([kernel.working(outer), kernel.working(inner)]).toEqual([['a'], ['w']]);
  });

  it('S156 of a parent ends for a child that somebody sets going, which a later pause takes along', async () => {
    const kernel = await begun();
    const [, , inner = ''] = family(kernel);
    await tell(kernel, PAUSE);
    await tell(kernel, RESUME, inner);
    expect(statuses(kernel)).toEqual(['paused', 'paused', 'running']);
    await kernel.restart();
    expect(statuses(kernel)).toEqual(['paused', 'paused', 'running']);
    await tell(kernel, RESUME);
    await tell(kernel, PAUSE);
    expect(statuses(kernel)).toEqual(PAUSED);
  });

  it('S63 S156 does not hold what a step has begun', async () => {
    const kernel = new Kernel();
    const nodes = [sub('out', 'inner')];
    const inside = { plans: { inner: plans.inner } };
    await kernel.start(plan(nodes, [], inside), { settings: { isStepwise: true } });
    await kernel.settle();
    await kernel.send({ type: 'run.step' });
    await kernel.settle();
    const child = runOf(kernel, 'out');
    expect([kernel.status(), kernel.status(child)]).toEqual(['paused', 'running']);
    await kernel.restart();
    expect([kernel.status(), kernel.status(child)]).toEqual(['paused', 'running']);
  });

  it('S152 S156 does not keep a cancel from going down', async () => {
    const kernel = await begun();
    await tell(kernel, PAUSE);
    await kernel.cancel();
    for (const run of family(kernel)) for (const attempt of kernel.open(run)) attempt.return(1);
    await kernel.advance(60_000);
    expect(statuses(kernel)).toEqual(['cancelled', 'cancelled', 'cancelled']);
  });

  it('S156 S157 reaches every run wherever the process stops, and so does its end', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(5), fc.boolean(), fc.nat(5), async (turns, isLost, later) => {
        const kernel = await begun();
        kernel.dieAfter(turns, isLost);
        void kernel.send(PAUSE).catch(() => {});
        await kernel.settle();
        await kernel.restart();
        if (kernel.status() !== 'paused') await tell(kernel, PAUSE);
        expect(statuses(kernel)).toEqual(PAUSED);
        kernel.dieAfter(later, isLost);
        void kernel.send(RESUME).catch(() => {});
        await kernel.settle();
        await kernel.restart();
        if (kernel.status() === 'paused') await tell(kernel, RESUME);
        expect(statuses(kernel)).toEqual(RUNNING);
      }),
      { numRuns: 30 },
    );
  });

  it('S156 S157 reaches runs that await a person, which no recovery takes up', async () => {
    for (const turns of [1, 2, 3, 4, 5]) {
      const kernel = new Kernel();
      const asking = { ...plans, inner: named([approval('ask')]) };
      const only = { ...asking, outer: named([sub('in', 'inner')]) };
      await kernel.start(plan([sub('out', 'outer')], [], { plans: only }));
      await kernel.settle();
      const waiting = ['awaiting-human', 'awaiting-human', 'awaiting-human'];
      expect(statuses(kernel)).toEqual(waiting);
      kernel.dieAfter(turns, false);
      void kernel.send(PAUSE).catch(() => {});
      await kernel.settle();
      await kernel.restart();
      expect(statuses(kernel)).toEqual(PAUSED);
      kernel.dieAfter(turns, false);
      void kernel.send(RESUME).catch(() => {});
      await kernel.settle();
      await kernel.restart();
      expect(statuses(kernel)).toEqual(waiting);
    }
  });

  it('S156 keeps nothing from its end, in whatever order runs are paused and go on', async () => {
    const step = fc.record({
      is: fc.constantFrom('pause', 'resume', 'finish', 'restart'),
      of: fc.nat(2),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 14 }), async (steps) => {
        const kernel = await begun();
        for (const { is, of } of steps) {
          const run = family(kernel)[of] ?? '';
          if (is === 'restart') await kernel.restart();
          else if (is === 'finish') {
            const [node] = kernel.working(run);
            if (node !== undefined) await kernel.finish(node, 1, run);
          } else {
            await kernel.send(is === 'pause' ? PAUSE : RESUME, run).catch(() => {});
          }
          await kernel.settle();
        }
        for (const run of family(kernel)) {
          if (!isFinal(kernel.status(run))) await tell(kernel, RESUME, run);
        }
        await finishAll(kernel);
        expect(statuses(kernel)).toEqual(['completed', 'completed', 'completed']);
      }),
      { numRuns: 40 },
    );
  });
});
