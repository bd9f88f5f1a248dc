import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Workplace } from './support/workplace.js';

let place: Workplace;
beforeEach(() => {
  place = new Workplace();
});
afterEach(() => place.leave());

const PLAN = `title: Ask
nodes:
  - kind: human-decision
    id: ask
    options: [{ id: go, title: Go on }, { id: stay }]
    responders: [ann]
    groups: [leads]
    deadlineMs: 3600000
  - { kind: action, id: after, handler: after }
edges: [{ source: ask, target: after, on: go }]
`;
const HANDLERS = `
export const handlers = { after: (input) => input };
export const groups = { leads: ['bob'] };
`;

async function asked(id: string): Promise<void> {
  const plan = place.write('plan.yaml', PLAN);
  const handlers = place.write('handlers.mjs', HANDLERS);
  const run = await place.cli('run', plan, '--handlers', handlers, '--id', id);
  expect(run).toMatchObject({ code: 3, stdout: expect.stringContaining('option: go: Go on') });
}

describe('commands for people', () => {
  it('S206 say with which words a task is answered, and by whom', async () => {
    const task = (who: string) =>
      `title: Ask\nnodes: [{ kind: human-approval, id: ask, ${who} }]\nedges: []\n`;
    for (const [who, words] of [
      ['responders: [ann]', '--approve --as ann'],
      ['responders: [ann, bob]', '--approve --as NAME'],
      ['groups: [leads]', '--approve --as NAME'],
      ['title: All', '--approve'],
    ] as const) {
      const plan = place.write('who.yaml', task(who));
      const handlers = place.write('handlers.mjs', HANDLERS);
      const { stdout } = await place.cli('run', plan, '--handlers', handlers);
      const [, said] = /respond \S+ (--approve.*)$/m.exec(stdout) ?? [];
      expect(said?.replace(/ --db .*$/, '')).toBe(words);
    }
  });

  it('S206 lists what somebody may answer, by name and by group', async () => {
    await asked('r');
    const nodes = async (...words: string[]) => {
      const { stdout } = await place.cli('tasks', '--json', ...words);
      return (JSON.parse(stdout) as { tasks: { node: string }[] }).tasks.map(({ node }) => node);
    };
    expect(await nodes()).toEqual(['ask']);
    expect(await nodes('--for', 'ann')).toEqual(['ask']);
    expect(await nodes('--for', 'eve')).toEqual([]);
    expect(await nodes('--for', 'eve', '--group', 'leads')).toEqual(['ask']);
    expect(await nodes('--assignee', 'ann')).toEqual([]);
    expect(await nodes('--run', 'r', '--status', 'answered')).toEqual([]);
    expect(await place.cli('tasks', '--run', 'nothing')).toMatchObject({ code: 1 });
  });

  it('S206 S131 claims, hands on, puts off, and answers as who it belongs to', async () => {
    await asked('r');
    expect(await place.cli('task', 'claim', 'r', '--as', 'ann')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('belongs to ann'),
    });
    expect(await place.cli('task', 'delegate', 'r', 'eve', '--as', 'ann')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^responder-refused/),
    });
    expect(await place.cli('task', 'delegate', 'r', 'bob', '--as', 'ann')).toMatchObject({
      stdout: expect.stringContaining('belongs to bob'),
    });
    const later = new Date(Date.now() + 7_200_000).toISOString();
    expect(await place.cli('task', 'extend', 'r', later)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(`until ${later}`),
    });
    expect(await place.cli('task', 'extend', 'r', 'soon')).toMatchObject({ code: 2 });
    const answer = ['respond', 'r', '--response', '{"choice": "go"}'];
    expect(await place.cli(...answer, '--as', 'ann')).toMatchObject({
      stderr: expect.stringContaining('task-claimed'),
    });
    expect(await place.cli(...answer, '--as', 'bob', '--digest', 'old')).toMatchObject({
      stderr: expect.stringContaining('presentation-outdated'),
    });
    expect(await place.cli(...answer, '--as', 'bob', '--comment', 'fine')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('completed'),
    });
  });

  it('S131 wants an answer where there is no terminal to ask at', async () => {
    await asked('r');
    expect(await place.cli('respond', 'r', '--as', 'ann')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('no answer is given'),
    });
  });

  it('S206 is told the same by a server', async () => {
    const plan = place.write('plan.yaml', PLAN);
    const handlers = place.write('handlers.mjs', HANDLERS);
    const server = place.start('serve', plan, '--handlers', handlers, '--port', '0');
    await server.says(/serves/);
    await place.cli('run', plan, '--handlers', handlers, '--id', 'first');
    const tasks = await place.cli('tasks', '--json');
    const [task] = (JSON.parse(tasks.stdout) as { tasks: { id: string }[] }).tasks;
    const id = task?.id ?? '';
    expect(await place.cli('task', 'claim', id, '--as', 'bob')).toMatchObject({ code: 0 });
    expect(await place.cli('task', 'release', id, '--as', 'ann')).toMatchObject({
      stderr: expect.stringContaining('task-claimed'),
    });
    expect(await place.cli('task', 'assign', id)).toMatchObject({
      stdout: expect.stringContaining('belongs to nobody'),
    });
    await server.kill('SIGTERM');
  });

  it('S234 S131 shows a judge what he judges, and takes his score', async () => {
    const plan = place.write('plan.yaml', JUDGED);
    const handlers = place.write('handlers.mjs', JUDGED_HANDLERS);
    const run = await place.cli('run', plan, '--handlers', handlers, '--id', 'r');
    expect(run).toMatchObject({ code: 3, stdout: expect.stringContaining('good enough from: 7') });
    expect(run.stdout).toMatch(/given:\s+text: a draft/);
    expect(run.stdout).toMatch(/artifact draft \(text\):\s+the draft itself/);
    expect(run.stdout).toContain('--score NUMBER');
    expect(await place.cli('respond', 'r', '--score', 'high')).toMatchObject({ code: 2 });
    expect(await place.cli('respond', 'r', '--approve')).toMatchObject({
      stderr: expect.stringContaining('score must be a number from 0 to 10'),
    });
    expect(await place.cli('respond', 'r', '--score', '8')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('completed'),
    });
  });

  it('S135 S94 hands over artifacts with an answer', async () => {
    const deliverables = '[{ name: report, kind: text }]';
    const asks = `{ kind: human-input, id: ask, deliverables: ${deliverables} }`;
    const plan = place.write('plan.yaml', `title: Ask\nnodes:\n  - ${asks}\nedges: []\n`);
    expect(await place.cli('run', plan, '--id', 'r')).toMatchObject({ code: 3 });
    const answer = ['respond', 'r', '--response', '{}'];
    expect(await place.cli(...answer)).toMatchObject({
      stderr: expect.stringContaining('deliverable "report" (text) is missing'),
    });
    expect(await place.cli(...answer, '--artifacts', '{}')).toMatchObject({ code: 2 });
    const list = place.write('list.json', '[{"name":"report","kind":"text","payload":"all well"}]');
    expect(await place.cli(...answer, '--artifacts', list)).toMatchObject({ code: 0 });
    expect(await place.cli('artifact', 'r', 'report')).toMatchObject({
      stdout: expect.stringContaining('all well'),
    });
  });
});

const JUDGED = `title: Judge
nodes:
  - kind: action
    id: make
    handler: make
    checks: [{ name: liked, threshold: 7, ask: { score: { min: 0, max: 10 } } }]
edges: []
`;
const JUDGED_HANDLERS = `
const artifacts = [{ name: 'draft', kind: 'text', payload: 'the draft itself' }];
export const handlers = { make: () => ({ ok: true, output: { text: 'a draft' }, artifacts }) };
`;
