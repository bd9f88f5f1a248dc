import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Workplace } from './support/workplace.js';

let place: Workplace;
beforeEach(() => {
  place = new Workplace();
});
afterEach(() => place.leave());

const HANDLERS = `
export default {
  ok: (input) => ({ got: input }),
  fails: () => { throw new Error('no luck'); },
};
`;
const plan = (handler: string) => `title: Changes
nodes:
  - { kind: action, id: a, handler: ok }
  - { kind: action, id: b, handler: ${handler}, onFailure: replan }
edges: [{ source: a, target: b }]
`;

async function blocked(id: string): Promise<void> {
  const file = place.write('plan.yaml', plan('fails'));
  const handlers = place.write('handlers.mjs', HANDLERS);
  const run = await place.cli(
    'run',
    file,
    '--handlers',
    handlers,
    '--id',
    id,
    '--input',
    '{"n": 1}',
  );
  expect(run.code).toBe(5);
}

describe('commands that change runs', () => {
  it('S202 S168 replan says what would become of the nodes, does it, and stays with the run', async () => {
    await blocked('r');
    const next = place.write('next.yaml', plan('ok'));
    const dry = await place.cli('replan', 'r', next, '--dry-run');
    expect(dry).toMatchObject({ code: 0 });
    expect(dry.stdout).toMatch(
      /would have another plan\nkept a \(completed\): .*\nruns again b \(blocked\)/,
    );
    expect(JSON.parse((await place.cli('show', 'r', '--json')).stdout).status).toBe('blocked');
    expect(await place.cli('replan', 'r', next)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('run r is completed'),
    });
  });

  it('S170 S216 fork makes a new run from a node, with another input', async () => {
    await blocked('r');
    const forked = await place.cli(
      ...['fork', 'r', '--from', 'a', '--input', 'a={"n": 2}', '--id', 'f'],
      ...['--plan', place.write('next.yaml', plan('ok'))],
    );
    expect(forked).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('run f is completed'),
    });
    expect(JSON.parse((await place.cli('show', 'f', '--json')).stdout)).toMatchObject({
      nodes: [{ output: { got: { n: 2 } } }, { output: { got: { got: { n: 2 } } } }],
    });
    expect(await place.cli('fork', 'r', '--input', 'nonsense')).toMatchObject({ code: 2 });
    expect(await place.cli('fork', 'r', '--at', 'nowhere')).toMatchObject({ code: 2 });
  });

  it('S12 S172 replace cancels a run for another one that goes on with another plan', async () => {
    await blocked('r');
    const next = place.write('next.yaml', plan('ok'));
    expect(await place.cli('replace', 'r', next, '--id', 'n')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(
        /^run n takes the place of run r\ncarried over a\n(.*\n)*run n is completed/,
      ),
    });
    const show = async (id: string) => JSON.parse((await place.cli('show', id, '--json')).stdout);
    expect(await show('r')).toMatchObject({ status: 'cancelled', reason: { code: 'replaced' } });
    expect(await show('n')).toMatchObject({ status: 'completed' });
    expect(await place.cli('replace', 'r', next)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^run-ended/),
    });
  });

  it('S171 S172 patch, rollback, complete and skip, with who asked in the log', async () => {
    await blocked('r');
    expect(await place.cli('patch', 'r', 'b', '--input', '{"n": 3}')).toMatchObject({ code: 5 });
    expect(await place.cli('rollback', 'r', 'a', '--reason', 'once more')).toMatchObject({
      code: 5,
      stdout: expect.stringContaining('goes back to node a'),
    });
    const completed = await place.cli('complete', 'r', 'b', '--output', '{"n": 4}');
    expect(completed).toMatchObject({ code: 0 });
    expect(completed.stdout).toContain('run r is completed');
    const { stdout } = await place.cli('events', 'r', '--json');
    const types = stdout.split('\n').filter((line) => line.includes('"operator.'));
    expect(types).toHaveLength(3);
    expect(types.every((line) => /"by":"[^"]+"/.test(line))).toBe(true);
    await blocked('s');
    expect(await place.cli('skip', 's', 'b')).toMatchObject({ code: 0 });
    expect(await place.cli('skip', 's', 'b')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^run-ended/),
    });
  });

  it('S90 show tells of each attempt of a node what it was given', async () => {
    await blocked('r');
    await place.cli('patch', 'r', 'b', '--input', '{"n": 3}');
    expect(await place.cli('retry', 'r', 'b')).toMatchObject({ code: 5 });
    const { stdout } = await place.cli('show', 'r', '--node', 'b');
    expect(stdout).toMatch(/^node b of run r is blocked\n/);
    expect(stdout).toMatch(/\n1 +1 +\S+ \S+ +failed +\{"got":\{"n":1\}\} +no luck\n/);
    expect(stdout).toMatch(/\n1 +2 +\S+ \S+ +failed +\{"n":3\} +no luck\n/);
    const all = JSON.parse((await place.cli('show', 'r', '--node', 'b', '--json')).stdout);
    expect(all).toMatchObject([{ input: { got: { n: 1 } } }, { input: { n: 3 } }]);
  });

  it('S168 S172 ask the server that owns the database', async () => {
    await blocked('r');
    const file = place.write('served.yaml', plan('ok'));
    const { server } = await place.serve(file, '--handlers', place.write('handlers.mjs', HANDLERS));
    expect(await place.cli('replan', 'r', file, '--dry-run')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('runs again b'),
    });
    expect(await place.cli('complete', 'r', 'b', '--output', '{}')).toMatchObject({
      code: 0,
      stdout: 'node b of run r is completed\n',
    });
    const forked = await place.cli('fork', 'r', '--id', 'f');
    expect(forked).toMatchObject({ code: 0, stdout: expect.stringContaining('run f begins') });
    await server.kill('SIGTERM');
  });
});
