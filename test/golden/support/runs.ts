/**
 * The runs of a golden database: each is left where it is called after, and says how it goes on from
 * there. Recorded databases hold these plans: one that is changed is another one, under another id.
 */
import type { HandlerContext, Handlers } from '../../../src/actors/handlers.js';
import type { RunStatus } from '../../../src/machines/statuses.js';
import type { Orchestrator } from '../../../src/orchestrator.js';
import type { JsonValue } from '../../../src/plan/json.js';
import type { Plan } from '../../../src/plan/schema.js';
import type { StartOptions } from '../../../src/start-options.js';
import { action, approval, chain, type Draft, plan } from '../../support/plans.js';

/** Longer than a recording takes, and shorter than the time after which a test goes on. */
const WAIT_MS = 3_600_000;
export const GOES_ON_AFTER_MS = 30 * 86_400_000;

export const HANDLERS: Handlers = {
  work: (input: unknown) => ({ done: input }),
  'fails-once': (_input: unknown, { attempt }: HandlerContext) => {
    if (attempt === 1) throw new Error('the first attempt fails');
    return { attempt };
  },
  'fails-once-for-two': (item: unknown, { attempt }: HandlerContext) => {
    if (item === 2 && attempt === 1) throw new Error('the first attempt fails');
    return { item };
  },
  fails: () => {
    throw new Error('it always fails');
  },
  /** Does not come to its end in the process that records. */
  'outlives-recording': (_input: unknown, { attempt }: HandlerContext) =>
    attempt === 1 ? new Promise(() => {}) : { attempt },
  /** A judge that does not come to its end in the process that records. */
  'judge-outlives-recording': (_given: unknown, { key }: HandlerContext) =>
    key.endsWith('/1') && process.env.RUNCHART_GOLDEN === 'recording'
      ? new Promise(() => {})
      : true,
  book: () => ({
    ok: true,
    output: 'printed',
    artifacts: [{ name: 'book', kind: 'json', payload: { text: 'x'.repeat(100_000) } }],
  }),
  artifact: () => ({
    ok: true,
    output: 'Grüße',
    artifacts: [{ name: 'letter', kind: 'text', payload: 'Grüße\u2028😀' }],
  }),
};

export interface GoldenRun {
  readonly plan: Plan;
  readonly options?: StartOptions;
  /** Brings it where it is left. */
  prepare?(orchestrator: Orchestrator, id: string): Promise<void>;
  /** Status in which it is left. */
  readonly left: RunStatus;
  /** What has to be done for it to go on; time passes by itself. */
  goOn?(orchestrator: Orchestrator, id: string): Promise<void>;
  readonly ends: RunStatus;
}

const retry = { maxAttempts: 2, backoff: 'fixed', delayMs: WAIT_MS, maxDelayMs: WAIT_MS };

function draft(nodes: readonly Draft[], edges: readonly Draft[] = [], more: object = {}): Plan {
  return plan(nodes, edges, more).plan;
}

async function approve(orchestrator: Orchestrator, run: string): Promise<void> {
  const tasks = await orchestrator.runs.openTasks();
  const task = tasks.find((one) => one.run === run);
  if (task === undefined) throw new Error(`run ${run} asks nobody`);
  await orchestrator.respond(task.id, { response: { approved: true }, responder: 'golden' });
}

/** Answers the open task of a run. */
async function answer(
  orchestrator: Orchestrator,
  run: string,
  response: JsonValue,
  responder = 'golden',
): Promise<void> {
  const [task] = await orchestrator.tasks.list({ run });
  await orchestrator.respond(task?.id ?? '', { response, responder });
  await orchestrator.settled(run);
}

async function childOf({ runs }: Orchestrator, id: string): Promise<string> {
  const [child] = await runs.history.childrenOf(id, 0);
  if (child === undefined) throw new Error(`run ${id} has no run inside it`);
  return child.id;
}

const handled = (handler: string, more: object = {}) => ({ handler, ...more });
const withInner = (...nodes: readonly Draft[]) => ({
  plans: { inner: { title: 'Inner', nodes, edges: [] } },
});

export const GOLDEN_RUNS: Readonly<Record<string, GoldenRun>> = {
  'awaiting-a-person': {
    plan: draft(
      [action('draft', handled('artifact')), approval('sign'), action('send')],
      chain('draft', 'sign', 'send'),
    ),
    left: 'awaiting-human',
    goOn: approve,
    ends: 'completed',
  },
  'backing-off': {
    plan: draft([action('a', handled('fails-once', { retry }))]),
    left: 'running',
    ends: 'completed',
  },
  sleeping: {
    plan: draft([{ kind: 'sleep', id: 'rest', duration: WAIT_MS }]),
    left: 'running',
    ends: 'completed',
  },
  'in-a-loop': {
    plan: draft([
      {
        kind: 'loop',
        id: 'again',
        maxIterations: 2,
        body: {
          nodes: [action('step'), { kind: 'signal', id: 'told' }],
          edges: chain('step', 'told'),
        },
      },
    ]),
    prepare: async (orchestrator, id) => {
      await orchestrator.signal(id, 'told', { payload: 1, id: 'first' });
    },
    left: 'running',
    goOn: async (orchestrator, id) => {
      await orchestrator.signal(id, 'told', { payload: 2, id: 'second' });
    },
    ends: 'completed',
  },
  'in-a-map': {
    plan: draft([
      { kind: 'map', id: 'each', handler: 'fails-once-for-two', items: 'inputs.list', retry },
    ]),
    options: { input: { list: [1, 2, 3] } },
    left: 'running',
    ends: 'completed',
  },
  'in-a-subplan': {
    plan: draft([{ kind: 'subplan', id: 'inner', plan: 'inner' }], [], withInner(approval('sign'))),
    left: 'awaiting-human',
    goOn: async (orchestrator, id) => approve(orchestrator, await childOf(orchestrator, id)),
    ends: 'completed',
  },
  'at-work': {
    plan: draft([action('a', handled('outlives-recording'))]),
    left: 'running',
    ends: 'completed',
  },
  paused: {
    plan: draft([action('a'), action('b')], chain('a', 'b')),
    options: { until: ['a'] },
    left: 'paused',
    goOn: (orchestrator, id) => orchestrator.resume(id),
    ends: 'completed',
  },
  'a-failure-is-reviewed': {
    plan: draft([action('a', handled('fails', { onFailure: 'human-review' }))]),
    left: 'awaiting-human',
    goOn: async (orchestrator, id) => {
      const [task] = (await orchestrator.runs.openTasks()).filter(({ run }) => run === id);
      const response = { decision: 'accept', output: 'by hand' };
      await orchestrator.respond(task?.id ?? '', { response, responder: 'golden' });
    },
    ends: 'completed',
  },
  'half-voted': {
    plan: draft(
      [approval('sign', { responders: ['a', 'b', 'c'], quorum: { approvals: 2 } }), action('send')],
      chain('sign', 'send'),
    ),
    prepare: async (orchestrator, id) => {
      await orchestrator.settled(id);
      await answer(orchestrator, id, { approved: true }, 'a');
    },
    left: 'awaiting-human',
    goOn: (orchestrator, id) => answer(orchestrator, id, { approved: true }, 'c'),
    ends: 'completed',
  },
  'sent-back-and-edited': {
    plan: draft(
      [
        action('draft'),
        { kind: 'human-review-edit', id: 'edit', rework: { to: 'draft' }, deadlineMs: WAIT_MS },
        action('send'),
      ],
      chain('draft', 'edit', 'send'),
    ),
    prepare: async (orchestrator, id) => {
      await orchestrator.settled(id);
      await answer(orchestrator, id, { decision: 'send-back', requiredEdits: ['tone'] });
      await answer(orchestrator, id, { decision: 'edit', output: 'edited' });
      const [task] = await orchestrator.tasks.list({ run: id });
      await orchestrator.tasks.claim(task?.id ?? '', { by: 'golden' });
      const deadlineAt = Date.now() + 10 * 365 * 86_400_000;
      await orchestrator.tasks.extend(task?.id ?? '', { deadlineAt });
    },
    left: 'awaiting-human',
    goOn: (orchestrator, id) => answer(orchestrator, id, { decision: 'accept' }),
    ends: 'completed',
  },
  'being-checked': {
    plan: draft([
      action('a', { checks: [{ name: 'judge', handler: 'judge-outlives-recording' }] }),
    ]),
    left: 'running',
    ends: 'completed',
  },
  'being-judged': {
    plan: draft([action('a', { checks: [{ name: 'liked', threshold: 5, ask: {} }] })]),
    left: 'awaiting-human',
    goOn: (orchestrator, id) => answer(orchestrator, id, { score: 7 }, 'b'),
    ends: 'completed',
  },
  'an-answer-is-judged': {
    plan: draft(
      [{ kind: 'human-input', id: 'ask', checks: [{ name: 'liked', ask: {} }] }, action('send')],
      chain('ask', 'send'),
    ),
    prepare: async (orchestrator, id) => {
      await orchestrator.settled(id);
      await answer(orchestrator, id, { text: 'short' }, 'a');
      await answer(orchestrator, id, { approved: false, requiredEdits: ['longer'] }, 'b');
      await answer(orchestrator, id, { text: 'long enough' }, 'a');
    },
    left: 'awaiting-human',
    goOn: (orchestrator, id) => answer(orchestrator, id, { approved: true }, 'b'),
    ends: 'completed',
  },
  replanned: {
    plan: draft([action('a'), approval('sign'), action('gone')], chain('a', 'sign', 'gone')),
    prepare: async (orchestrator, id) => {
      await orchestrator.settled(id);
      const nodes = [action('a'), approval('sign', { instructions: 'New' }), action('new')];
      const other = draft(nodes, chain('a', 'sign', 'new'));
      await orchestrator.change.replan(id, other, { by: 'golden' });
    },
    left: 'awaiting-human',
    goOn: approve,
    ends: 'completed',
  },
  'rolled-back': {
    plan: draft([action('a'), approval('sign')], chain('a', 'sign')),
    prepare: async (orchestrator, id) => {
      await orchestrator.settled(id);
      await orchestrator.change.rollback(id, 'a', { by: 'golden' });
    },
    left: 'awaiting-human',
    goOn: approve,
    ends: 'completed',
  },
  'with-a-large-payload': {
    plan: draft([action('a', handled('book')), action('b')], chain('a', 'b')),
    left: 'completed',
    ends: 'completed',
  },
  completed: {
    plan: draft(
      [action('a', handled('fails-once', { retry: { maxAttempts: 2 } })), approval('sign')],
      chain('a', 'sign'),
    ),
    prepare: async (orchestrator, id) => {
      await orchestrator.settled(id);
      await approve(orchestrator, id);
    },
    left: 'completed',
    ends: 'completed',
  },
  'partial-with-a-subplan': {
    plan: draft(
      [
        { kind: 'subplan', id: 'inner', plan: 'inner' },
        action('broken', handled('fails', { onFailure: 'continue' })),
      ],
      [],
      withInner(action('deep', handled('artifact'))),
    ),
    left: 'partial',
    ends: 'partial',
  },
  failed: {
    plan: draft(
      [action('book', { compensate: { handler: 'work' } }), action('pay', handled('fails'))],
      chain('book', 'pay'),
    ),
    left: 'failed',
    ends: 'failed',
  },
  cancelled: {
    plan: draft([{ kind: 'sleep', id: 'rest', duration: WAIT_MS }]),
    prepare: async (orchestrator, id) => {
      await orchestrator.cancel(id, { reason: 'enough' });
    },
    left: 'cancelled',
    ends: 'cancelled',
  },
};
