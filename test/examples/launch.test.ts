import { describe, expect, it } from 'vitest';
import type { Handlers, JsonValue } from '../../src/index.js';
import { type TestKit, type TestRun, testKit } from '../../src/testing/index.js';
import { BEGINNING, linesOf, openExample } from './support/example.js';

const { plan, handlers } = await openExample('launch');
const ASSETS = ['landing', 'emails'];

/** The agent forgets the headline the first time, and the artifact with it. */
function forgetful(): Handlers {
  let calls = 0;
  const draft = handlers['agent/cmo'] as (input: object) => unknown;
  return {
    ...handlers,
    'agent/cmo': () => {
      calls += 1;
      return calls === 1 ? { ok: true, output: { channels: [] } } : draft({});
    },
  };
}

async function reviewed(kit: TestKit, response: JsonValue): Promise<TestRun> {
  const run = await kit.run(plan);
  expect(run.status).toBe('awaiting-human');
  await kit.respond(run, 'brief-review', response);
  return run;
}

function startsOf({ log }: TestRun, node: string): number {
  return log.filter('node.started', { node }).length;
}

describe('examples/launch', () => {
  it('S72 S79 S98 S105 S109 S138 1a: a bad draft is tried again, approved, and published once', async () => {
    const kit = await testKit({ handlers: forgetful() });
    const run = await reviewed(kit, { approved: true });
    expect(run.status).toBe('completed');
    const lines = linesOf(run.log);
    const order = [
      ...BEGINNING,
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
    ];
    expect(lines.slice(0, order.length)).toEqual(order);
    const issues = run.log.find('validation.reported')?.detail.issues;
    expect(issues).toMatchObject([{ code: 'schema-mismatch' }, { code: 'deliverable-missing' }]);
    for (const node of ['revise', 'second-review', 'cancelled-note']) {
      expect(run.nodes[node]).toBe('skipped');
    }
    expect(run.log.filter('node.completed', { node: 'gate' })).toHaveLength(1);
    expect(startsOf(run, 'draft-brief')).toBe(2);
    const place = (line: string) => lines.indexOf(line);
    const [gate, ready] = [place('node.completed gate'), place('node.completed ready')];
    for (const asset of ASSETS) {
      expect(place(`node.started ${asset}#1`)).toBeGreaterThan(gate);
      expect(place(`node.completed ${asset}#1`)).toBeLessThan(ready);
    }
    expect(place('node.started publish#1')).toBeGreaterThan(ready);
    expect(lines.at(-1)).toBe('run.completed running→completed');
  });

  it('S79 S130 S134 1b: requested changes revise the brief, and the gate fires once', async () => {
    const kit = await testKit({ handlers });
    const run = await reviewed(kit, { approved: true, requiredEdits: ['tone'] });
    expect(run.log.find('task.responded')?.detail.outcome).toBe('changes-requested');
    expect(run.tasks.map(({ node }) => node)).toEqual(['second-review']);
    await kit.respond(run, 'second-review', { approved: true });
    expect(run.status).toBe('completed');
    expect(run.log.filter('node.completed', { node: 'gate' })).toHaveLength(1);
  });

  it('S76 S133 1c: a rejection runs the note alone', async () => {
    const kit = await testKit({ handlers });
    const run = await reviewed(kit, { approved: false });
    expect(run.status).toBe('completed');
    const skipped = [...ASSETS, 'ready', 'publish', 'gate', 'revise', 'second-review'];
    expect(skipped.map((node) => run.nodes[node])).toEqual(skipped.map(() => 'skipped'));
    expect(run.nodes['cancelled-note']).toBe('completed');
  });

  it('S135 S165 S166 1d: a failure to publish is reviewed, over a restart, and tried again', async () => {
    const kit = await testKit({ handlers });
    kit.faults.handler('launch/publish', { throws: new Error('no network') });
    const run = await reviewed(kit, { approved: true });
    expect(run.status).toBe('awaiting-human');
    const [task] = run.tasks;
    expect(task).toMatchObject({
      kind: 'human-review',
      presented: { failure: { class: 'exception', message: 'no network' } },
    });
    await kit.restart();
    expect(run.tasks.map(({ id }) => id)).toEqual([task?.id]);
    await kit.respond(run, 'publish', { decision: 'retry' });
    expect(run.status).toBe('completed');
    expect(startsOf(run, 'publish')).toBe(2);
    for (const asset of ASSETS) expect(startsOf(run, asset)).toBe(1);
  });

  it('S131 1e: an answer that does not fit is refused with its issues, and the task stays open', async () => {
    const kit = await testKit({ handlers });
    const run = await kit.run(plan);
    await expect(kit.respond(run, 'brief-review', { approved: 'yes' })).rejects.toMatchObject({
      code: 'response-invalid',
      issues: [{ path: '/approved' }],
    });
    expect(run.status).toBe('awaiting-human');
    expect(run.tasks).toHaveLength(1);
  });

  it('S129 1f: a foreign task and a second answer are refused, with an audit event at most', async () => {
    const kit = await testKit({ handlers });
    const other = await kit.run(plan, { id: 'other' });
    const run = await kit.run(plan, { id: 'mine' });
    const [foreign] = other.tasks;
    const respond = (task = '', id = 'mine') =>
      kit.ask(({ tasks }) => tasks.respond(task, { response: { approved: true }, run: id }));
    await expect(respond(foreign?.id)).rejects.toMatchObject({ code: 'task-foreign' });
    const [task] = run.tasks;
    await kit.respond(run, 'brief-review', { approved: false });
    const before = linesOf(run.log);
    await expect(respond(task?.id)).rejects.toMatchObject({ code: 'task-closed' });
    expect(linesOf(run.log)).toEqual(before);
    expect(linesOf(other.log).at(-1)).toBe('run.status-changed running→awaiting-human');
  });

  it('S110 S120 e-mails that take too long are left out, and the launch is partial', async () => {
    const kit = await testKit({ handlers });
    kit.faults.handler('launch/emails', { hangs: true });
    const run = await reviewed(kit, { approved: true });
    expect(run.status).toBe('partial');
    expect(run.nodes).toMatchObject({ emails: 'partial', publish: 'completed' });
  });
});
