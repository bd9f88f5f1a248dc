/** A run is given another plan while what a node gave, by work or by a person, is checked or judged. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Replanned } from '../../src/actors/run/replan.js';
import { RunchartError } from '../../src/errors.js';
import type { PlanVersion } from '../../src/plan/plan-version.js';
import { Kernel, respondMessage } from '../support/kernel.js';
import { action, type Draft, edge, plan } from '../support/plans.js';

const MADE = { text: 'made' };
const ARTIFACT = { name: 'draft', kind: 'text', payload: 'made' };
const YES = { approved: true };

/** The node that is judged: `make` comes after `before`, and `after` after it. */
const KINDS: Readonly<Record<string, Draft>> = {
  work: action('make'),
  answer: { kind: 'human-input', id: 'make' },
};
const WAYS: Readonly<Record<string, object>> = {
  'a handler': { handler: 'work' },
  'a person': { ask: { responders: ['bob'] } },
  'a person between two levels': {
    ask: { deadlineMs: 1_000, escalation: [{ responders: ['bob'], delayMs: 5_000 }] },
  },
};
const EVERY = Object.keys(KINDS).flatMap((kind) =>
  Object.keys(WAYS).map((way) => [kind, way] as const),
);

interface Change {
  readonly make?: object;
  readonly before?: object;
  readonly extra?: readonly Draft[];
  readonly isReversed?: boolean;
  readonly isWithout?: boolean;
}

function planOf(kind: string, way: string, change: Change = {}): PlanVersion {
  const { make = {}, before = {}, extra = [], isReversed = false, isWithout = false } = change;
  const checks = [{ name: 'good', ...WAYS[way] }];
  const judged = { ...KINDS[kind], checks, ...make } as Draft;
  const nodes = [
    action('before', before),
    ...(isWithout ? [] : [judged]),
    action('after'),
    ...extra,
  ];
  const edges = isWithout
    ? [edge('before', 'after')]
    : [edge('before', 'make'), edge('make', 'after')];
  return plan(isReversed ? nodes.reverse() : nodes, edges);
}

/** Up to where something is judged. */
async function judging(kind: string, way: string): Promise<Kernel> {
  const kernel = new Kernel();
  await kernel.start(planOf(kind, way));
  await kernel.settle();
  await kernel.finish('before', { v: 1 });
  await give(kernel, kind);
  if (way.includes('levels')) await kernel.advance(1_000);
  return kernel;
}

/** Works, or answers. */
async function give(kernel: Kernel, kind: string): Promise<void> {
  const value = { ok: true, output: MADE, artifacts: [ARTIFACT] };
  if (kind === 'work') return kernel.finish('make', value);
  const answer = { task: kernel.task('make'), node: 'make', response: MADE, responder: 'ann' };
  const product = { value: { artifacts: [ARTIFACT] } } as never;
  await kernel.send(respondMessage({ ...answer, product }));
  await kernel.settle();
}

/** The handler or the person is content, when it is their turn. */
async function approve(kernel: Kernel, way: string): Promise<void> {
  if (way.includes('levels')) await kernel.advance(6_000);
  if (way === 'a handler') return kernel.finish('make', true);
  await kernel.respond('make', YES, 'bob');
  await kernel.settle();
}

function replan(version: PlanVersion, more: object = {}) {
  const message = { type: 'run.replan', version, by: 'op', reason: null } as const;
  return { ...message, isDryRun: false, cancelRunning: false, ...more };
}

async function change(kernel: Kernel, version: PlanVersion, more: object = {}): Promise<Replanned> {
  const answer = kernel.send(replan(version, more)) as Promise<Replanned>;
  await kernel.settle();
  return answer;
}

const ids = (entries: readonly { readonly node: string }[]) => entries.map(({ node }) => node);
const status = (kernel: Kernel) => kernel.summary().nodes.make;
const attempts = (kernel: Kernel) =>
  [...kernel.rows().attempts.values()].filter(({ node }) => node === 'make');
const keys = (kernel: Kernel) => kernel.executions.filter((key) => key.includes('/make/'));

describe.each(EVERY)('a replan while %s is judged by %s', (kind, way) => {
  const isAtWork = way !== 'a person';

  it('S202 S234 keeps it where it is unchanged: nobody is asked again, and nothing is done again', async () => {
    const kernel = await judging(kind, way);
    const before = { tasks: kernel.openTasks(), keys: keys(kernel) };
    const next = planOf(kind, way, { extra: [action('more')], isReversed: true });
    const answer = await change(kernel, next);
    expect(ids(answer.kept)).toContain('make');
    expect({ tasks: kernel.openTasks(), keys: keys(kernel) }).toEqual(before);
    await approve(kernel, way);
    expect([status(kernel), kernel.summary().outputs.make]).toEqual(['completed', MADE]);
    expect(attempts(kernel)).toMatchObject([{ outcome: 'completed', generation: 1 }]);
    expect(kernel.working().sort()).toEqual(['after', 'more']);
    expect(kernel.complaints).toEqual([]);
  });

  it('S202 S234 S165 keeps it over a stop, too', async () => {
    const kernel = await judging(kind, way);
    await change(kernel, planOf(kind, way, { extra: [action('more')], isReversed: true }));
    await kernel.restart();
    await approve(kernel, way);
    expect([status(kernel), kernel.summary().outputs.make]).toEqual(['completed', MADE]);
    expect(attempts(kernel)).toMatchObject([{ outcome: 'completed', generation: 1 }]);
  });

  it.each<[string, Change]>([
    ['its check is another', { make: { checks: [{ name: 'good', ask: {}, message: 'New' }] } }],
    ['it has no check any more', { make: { checks: [] } }],
    ['what it rests on is another', { before: { title: 'New' } }],
  ])(
    'S202 S203 S234 has it done again where %s: what it gave is kept, and counts no more',
    async (_what, edit) => {
      const kernel = await judging(kind, way);
      const task = kernel.openTasks()[0]?.id;
      const [key] = keys(kernel).slice(-1);
      const answer = await change(kernel, planOf(kind, way, edit), { cancelRunning: true });
      expect(ids(answer.rerun)).toContain('make');
      expect(answer.conflicts.includes('make')).toBe(isAtWork);
      expect(attempts(kernel)[0]).toMatchObject({
        outcome: 'cancelled',
        outputJson: '{"text":"made"}',
      });
      expect(kernel.rows().artifacts).toMatchObject([
        { standing: 'rejected', payloadJson: '"made"' },
      ]);
      if (task !== undefined) {
        expect(kernel.rows().tasks.get(task)?.status).toBe('superseded');
        const late = kernel.send(
          respondMessage({ task, node: 'make', response: YES, responder: 'bob' }),
        );
        await expect(late).rejects.toMatchObject({ code: expect.stringMatching(/^task-/) });
      }
      if (way === 'a handler') {
        // The check that was called off may still say something.
        for (const open of kernel.open().filter((one) => one.key === key)) open.return(true);
        await kernel.settle();
      }
      expect(['pending', 'running', 'awaiting-human']).toContain(status(kernel));
      if (kernel.working().includes('before')) await kernel.finish('before', { v: 2 });
      await kernel.restart();
      await give(kernel, kind);
      if (edit.before !== undefined) await approve(kernel, way);
      else if (kernel.openTasks().length > 0) await kernel.respond('make', YES, 'eve');
      await kernel.settle();
      expect(status(kernel)).toBe('completed');
      expect(kernel.rows().nodeRuns.get('make')?.generation).toBe(2);
      expect(kernel.complaints).toEqual([]);
    },
  );

  it('S202 S234 takes it out of the run where the plan does not have it', async () => {
    const kernel = await judging(kind, way);
    const answer = await change(kernel, planOf(kind, way, { isWithout: true }), {
      cancelRunning: true,
    });
    expect(ids(answer.removed)).toEqual(['make']);
    expect(kernel.openTasks()).toEqual([]);
    expect(kernel.rows().timers.size).toBe(0);
    expect(kernel.working().filter((node) => node === 'after')).toEqual(['after']);
    await kernel.restart();
    await kernel.finish('after');
    expect(kernel.status()).toBe('completed');
  });

  it('S202 S234 is refused while that is at work, and a dry run says so and changes nothing', async () => {
    const kernel = await judging(kind, way);
    const next = planOf(kind, way, { make: { title: 'New' } });
    const before = kernel.log();
    const dry = await change(kernel, next, { isDryRun: true });
    expect(dry.conflicts).toEqual(isAtWork ? ['make'] : []);
    expect(kernel.log()).toEqual(before);
    if (!isAtWork) return;
    await expect(kernel.send(replan(next))).rejects.toMatchObject({ code: 'replan-conflict' });
    await approve(kernel, way);
    expect(status(kernel)).toBe('completed');
  });
});

it('S202 S234 a judgement inside of a loop goes on with the loop, over a stop too', async () => {
  const body = { nodes: [action('make', { checks: [{ name: 'good', ask: {} }] })] };
  const loop = { kind: 'loop', id: 'again', maxIterations: 2, body } as Draft;
  const kernel = new Kernel();
  await kernel.start(plan([loop, action('after')], [edge('again', 'after')]));
  await kernel.settle();
  for (const iteration of [1, 2]) {
    const path = `again[${iteration}]/make`;
    await kernel.finish(path, MADE);
    const more = [
      loop,
      action('after'),
      ...Array.from({ length: iteration }, (_, n) => action(`x${n}`)),
    ];
    const answer = await change(kernel, plan(more.reverse(), [edge('again', 'after')]));
    expect(ids(answer.kept)).toContain('again');
    if (iteration === 2) await kernel.restart();
    await kernel.respond(path, YES, 'bob');
    await kernel.settle();
  }
  expect(kernel.summary().nodes.again).toBe('completed');
});

describe('a judgement that meets a replan', () => {
  it.each(['work', 'answer'])(
    'S202 S203 S234 in any order, of %s: it counts, or is told what came before',
    async (kind) => {
      const seen = new Set<string>();
      for (const isKept of [true, false]) {
        const next = planOf(
          kind,
          'a person',
          isKept ? { extra: [action('x')] } : { make: { title: 'New' } },
        );
        await fc.assert(
          fc.asyncProperty(fc.scheduler(), async (scheduler) => {
            const kernel = await judging(kind, 'a person');
            const task = kernel.task('make');
            kernel.storage.isHeld = true;
            const said = { task, node: 'make', response: YES, responder: 'bob' };
            const fates = new Map<string, string>();
            const rivals = [
              ['judge', () => kernel.send(respondMessage(said))],
              ['replan', () => kernel.send(replan(next, { cancelRunning: true }))],
            ] as const;
            const acted = rivals.map(([name, act]) =>
              scheduler.schedule(Promise.resolve(), name).then(() => {
                const fate = act().then(
                  () => 'done',
                  (error: unknown) => {
                    if (error instanceof RunchartError) return error.code;
                    throw error;
                  },
                );
                return fate.then((what) => void fates.set(name, what));
              }),
            );
            for (const name of ['flush', 'flush again']) {
              scheduler.schedule(Promise.resolve(), name).then(() => kernel.storage.flush());
            }
            await scheduler.waitAll();
            kernel.storage.isHeld = false;
            kernel.storage.flush();
            await kernel.settle();
            await Promise.all(acted);
            const judged = fates.get('judge') ?? '';
            seen.add(`${isKept} ${judged}`);
            expect(fates.get('replan')).toBe('done');
            expect(kernel.complaints).toEqual([]);
            expect(kernel.log('r1', /^task\.closed make/)).toHaveLength(kind === 'work' ? 1 : 2);
            const outcomes = attempts(kernel).map(({ outcome }) => outcome);
            expect(outcomes[0]).toBe(judged === 'done' ? 'completed' : 'cancelled');
            if (isKept) expect([judged, status(kernel)]).toEqual(['done', 'completed']);
            else expect(status(kernel)).toBe(kind === 'work' ? 'running' : 'awaiting-human');
          }),
          { numRuns: 30 },
        );
      }
      expect(seen.has('true done')).toBe(true);
      expect(seen.has('false done')).toBe(true);
      expect(seen.size).toBe(3);
    },
  );
});
