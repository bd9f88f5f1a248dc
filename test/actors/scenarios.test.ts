import { describe, expect, it } from 'vitest';
import type { JsonValue } from '../../src/plan/json.js';
import { Kernel, respondMessage } from '../support/kernel.js';
import { action, approval, edge, join, plan, switchNode } from '../support/plans.js';

const object = (required: string, properties: object) => ({
  type: 'object',
  required: [required],
  properties,
});
const string = { type: 'string' };

const marketing = plan(
  [
    action('draft-brief', {
      outputSchema: 'launchBrief',
      deliverables: [{ name: 'launch-brief', kind: 'markdown' }],
      retry: { maxAttempts: 2, retryOn: ['schema', 'deliverable'] },
    }),
    approval('brief-review', { outputSchema: 'review' }),
    switchNode('route'),
    action('revise', { outputSchema: 'launchBrief' }),
    approval('second-review', { outputSchema: 'review' }),
    join('gate', { rule: 'any' }),
    action('landing', { outputSchema: 'asset' }),
    action('emails', { outputSchema: 'asset' }),
    join('ready'),
    action('publish'),
    action('cancelled-note'),
  ],
  [
    edge('draft-brief', 'brief-review', { map: { brief: 'output' } }),
    // An approval leads on unasked only when it is approved: the switch wants every outcome.
    edge('brief-review', 'route', { when: 'outcome != "none"', map: { verdict: 'outcome' } }),
    edge('route', 'gate', { when: 'output.verdict == "approved"' }),
    edge('route', 'revise', { when: 'output.verdict == "changes-requested"' }),
    edge('route', 'cancelled-note', { default: true }),
    edge('revise', 'second-review'),
    edge('second-review', 'gate', { when: 'outcome == "approved"' }),
    edge('gate', 'landing'),
    edge('gate', 'emails'),
    edge('landing', 'ready'),
    edge('emails', 'ready'),
    edge('ready', 'publish'),
  ],
  {
    schemas: {
      launchBrief: object('headline', { headline: string, channels: { type: 'array' } }),
      review: object('approved', {
        approved: { type: 'boolean' },
        requiredEdits: { type: 'array' },
      }),
      asset: object('url', { url: string, channel: string }),
    },
  },
);

const goodBrief = {
  ok: true,
  output: { headline: 'Now' },
  artifacts: [{ name: 'launch-brief', kind: 'markdown', payload: '# Now' }],
};

async function reviewed(response: JsonValue): Promise<Kernel> {
  const kernel = new Kernel();
  await kernel.start(marketing);
  await kernel.settle();
  await kernel.finish('draft-brief', goodBrief);
  await kernel.respond('brief-review', response);
  await kernel.settle();
  return kernel;
}

async function publish(kernel: Kernel): Promise<void> {
  await kernel.finish('emails', { url: 'mail', channel: 'mail' });
  await kernel.finish('landing', { url: 'web', channel: 'web' });
  await kernel.finish('publish');
}

/** Ids of the nodes that ended with `status`, in plan order. */
function withStatus(kernel: Kernel, status: string): string[] {
  return Object.entries(kernel.summary().nodes).flatMap(([id, is]) => (is === status ? [id] : []));
}

describe('the marketing launch', () => {
  it('S72 S79 S98 S105 S138 retries the brief, asks for approval and publishes, in this order', async () => {
    const kernel = new Kernel();
    await kernel.start(marketing);
    await kernel.settle();
    await kernel.finish('draft-brief', { channels: ['web'] });
    await kernel.finish('draft-brief', goodBrief);
    await kernel.respond('brief-review', { approved: true });
    await kernel.settle();
    await publish(kernel);
    expect(kernel.log()).toEqual([
      'run.created →pending',
      'run.admitted pending→ready',
      'run.started ready→running',
      'node.ready draft-brief',
      'node.started draft-brief#1',
      'validation.reported draft-brief#1',
      'attempt.failed draft-brief#1',
      'node.ready draft-brief#1',
      'node.started draft-brief#2',
      'artifact.stored draft-brief#2',
      'node.completed draft-brief#2',
      'node.ready brief-review',
      'node.awaiting-human brief-review',
      'task.opened brief-review',
      'run.status-changed running→awaiting-human',
      'task.responded brief-review',
      'task.closed brief-review',
      'node.completed brief-review',
      'edge.evaluated brief-review',
      'node.ready route',
      'node.completed route',
      'edge.evaluated route',
      'edge.evaluated route',
      'node.skipped revise',
      'node.skipped second-review',
      'node.ready gate',
      'node.completed gate',
      'node.ready landing',
      'node.ready emails',
      'node.skipped cancelled-note',
      'node.started landing#1',
      'node.started emails#1',
      'run.status-changed awaiting-human→running',
      'node.completed emails#1',
      'node.completed landing#1',
      'node.ready ready',
      'node.completed ready',
      'node.ready publish',
      'node.started publish#1',
      'node.completed publish#1',
      'run.completed running→completed',
    ]);
    expect(withStatus(kernel, 'skipped')).toEqual(['revise', 'second-review', 'cancelled-note']);
    expect(kernel.details('validation.reported')).toMatchObject([
      { issues: [{ code: 'schema-mismatch' }, { code: 'deliverable-missing' }] },
    ]);
  });

  it('S79 S134 sends the brief back where changes are requested, and the gate fires once', async () => {
    const kernel = await reviewed({ approved: true, requiredEdits: ['tone'] });
    expect(kernel.working()).toEqual(['revise']);
    await kernel.finish('revise', { headline: 'Better' });
    expect(kernel.status()).toBe('awaiting-human');
    await kernel.respond('second-review', { approved: true });
    await kernel.settle();
    await publish(kernel);
    expect(kernel.status()).toBe('completed');
    expect(kernel.log('r1', /^node.completed gate/)).toHaveLength(1);
    expect(withStatus(kernel, 'skipped')).toEqual(['cancelled-note']);
  });

  it('S76 S133 runs only the note where the brief is rejected', async () => {
    const kernel = await reviewed({ approved: false });
    expect(kernel.working()).toEqual(['cancelled-note']);
    await kernel.finish('cancelled-note');
    expect(kernel.status()).toBe('completed');
    expect(withStatus(kernel, 'skipped')).toEqual([
      'revise',
      'second-review',
      'gate',
      'landing',
      'emails',
      'ready',
      'publish',
    ]);
  });

  it('S131 refuses an invalid answer, and still waits', async () => {
    const kernel = new Kernel();
    await kernel.start(marketing);
    await kernel.settle();
    await kernel.finish('draft-brief', goodBrief);
    const answer = kernel.respond('brief-review', { approved: 'yes' });
    await expect(answer).rejects.toMatchObject({
      code: 'response-invalid',
      issues: [{ path: '/approved' }],
    });
    expect(kernel.status()).toBe('awaiting-human');
    expect(kernel.openTasks()).toHaveLength(1);
    expect(kernel.log().at(-1)).toBe('task.response-refused brief-review');
    expect(kernel.rows().responses).toEqual([]);
  });

  it('S129 refuses a foreign task and a second answer with an audit event and nothing else', async () => {
    const kernel = new Kernel();
    await kernel.start(marketing);
    await kernel.settle();
    await kernel.finish('draft-brief', goodBrief);
    const task = kernel.task('brief-review');
    const respond = (id: string) =>
      kernel.send(respondMessage({ task: id, response: { approved: true } }));
    await expect(respond('elsewhere')).rejects.toMatchObject({ code: 'task-closed' });
    await respond(task);
    await kernel.settle();
    const before = kernel.log();
    await expect(respond(task)).rejects.toMatchObject({ code: 'task-closed' });
    expect(kernel.log()).toEqual([...before, 'task.response-refused']);
  });
});

describe('a plan of one node', () => {
  const single = plan([action('echo')]);

  it('S27 S42 S43 S46 records start before work and end after it', async () => {
    const kernel = new Kernel();
    await kernel.start(single, { input: { v: 1 } });
    await kernel.settle();
    const [attempt] = kernel.rows().attempts.values();
    expect(attempt).toMatchObject({ attempt: 1, worker: 'worker', outcome: null });
    await kernel.advance(5);
    await kernel.finish('echo', kernel.attempt('echo').input);
    expect(kernel.log()).toEqual([
      'run.created →pending',
      'run.admitted pending→ready',
      'run.started ready→running',
      'node.ready echo',
      'node.started echo#1',
      'node.completed echo#1',
      'run.completed running→completed',
    ]);
    expect(kernel.summary().outputs).toEqual({ echo: { v: 1 } });
    const [ended] = kernel.rows().attempts.values();
    expect(ended).toMatchObject({ outcome: 'completed', outputJson: '{"v":1}' });
    expect((ended?.endedAt ?? 0) - (ended?.startedAt ?? 0)).toBe(5);
  });

  it('S42 S113 fails where its handler throws, and the run with it', async () => {
    const kernel = new Kernel({
      handlers: {
        work: () => {
          throw new Error('no');
        },
      },
    });
    await kernel.start(single);
    await kernel.settle();
    expect(kernel.log().slice(4)).toEqual([
      'node.started echo#1',
      'attempt.failed echo#1',
      'node.failed echo#1',
      'run.failed running→failed',
    ]);
    expect(JSON.parse(kernel.rows().record.reasonJson ?? '')).toMatchObject({
      code: 'handler-failed',
      message: 'no',
      detail: { node: 'echo' },
    });
  });
});

describe('a plan that is a list', () => {
  const store = (step: string) => () => ({
    ok: true,
    output: `${step} done`,
    artifacts: [{ name: `task:${step}`, kind: 'result', payload: { step, step_id: step } }],
  });

  it('S5 S96 does one step after the other, and keeps what each brought', async () => {
    const kernel = new Kernel({
      handlers: { process: store('process'), fetch: async () => store('fetch')() },
    });
    const list = plan(
      [action('process', { handler: 'process' }), action('fetch', { handler: 'fetch' })],
      [edge('process', 'fetch')],
    );
    await kernel.start(list);
    await kernel.settle();
    expect(kernel.log('r1', /^node.(started|completed)/)).toEqual([
      'node.started process#1',
      'node.completed process#1',
      'node.started fetch#1',
      'node.completed fetch#1',
    ]);
    expect(kernel.summary().outputs).toEqual({ process: 'process done', fetch: 'fetch done' });
    expect(kernel.rows().artifacts.map(({ name, version }) => `${name} ${version}`)).toEqual([
      'task:process 1',
      'task:fetch 1',
    ]);
  });
});
