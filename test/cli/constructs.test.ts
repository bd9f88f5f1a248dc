import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Workplace } from './support/workplace.js';

let place: Workplace;
beforeEach(() => {
  place = new Workplace();
});
afterEach(() => place.leave());

const HANDLERS = `
import { existsSync } from 'node:fs';
export default {
  ship: (input) => ({ shipped: input }),
  picky: () => {
    if (!existsSync('ready')) throw new Error('nothing is ready');
    return 'done';
  },
};
`;

describe('commands for what waits', () => {
  it('S139 S219 signal sets a run going whose process was killed, and takes its payload as JSON', async () => {
    const plan = place.write(
      'plan.yaml',
      `title: Ship when paid
nodes:
  - { kind: signal, id: paid }
  - { kind: action, id: ship, handler: ship }
edges: [{ source: paid, target: ship }]
`,
    );
    const handlers = place.write('handlers.mjs', HANDLERS);
    const run = place.start('run', plan, '--handlers', handlers, '--id', 's');
    await run.says(/paid/);
    await run.kill('SIGKILL');
    const told = await place.cli('signal', 's', 'paid', '--payload', '{"sum": 3}', '--id', 'e1');
    expect(told).toMatchObject({ code: 0, stdout: expect.stringContaining('was told paid') });
    expect(JSON.parse((await place.cli('show', 's', '--json')).stdout)).toMatchObject({
      nodes: [{ output: { sum: 3 } }, { output: { shipped: { sum: 3 } } }],
    });
    expect(await place.cli('signal', 's', 'paid')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^run-ended/),
    });
  });

  it('S168 retry sets a blocked node going, and says what cannot be tried again', async () => {
    const plan = place.write(
      'plan.yaml',
      `title: Blocks
nodes: [{ kind: action, id: a, handler: picky, onFailure: replan }]
edges: []
`,
    );
    const handlers = place.write('handlers.mjs', HANDLERS);
    const blocked = await place.cli('run', plan, '--handlers', handlers, '--id', 'b');
    expect(blocked.stdout).toContain('"a" is blocked: nothing is ready');
    place.write('ready', '');
    expect(await place.cli('retry', 'b', 'a')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('run b is completed'),
    });
    expect(await place.cli('retry', 'b', 'a')).toMatchObject({ code: 1 });
  });

  it('S63 step takes a paused run one step on', async () => {
    const handlers = place.write('handlers.mjs', HANDLERS);
    const plan = place.write(
      'plan.yaml',
      `title: Steps
nodes:
  - { kind: human-approval, id: ask }
  - { kind: action, id: a, handler: ship }
edges: [{ source: ask, target: a, when: "true" }]
`,
    );
    await place.cli('run', plan, '--handlers', handlers, '--id', 'p');
    expect(await place.cli('step', 'p')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^run-not-paused/),
    });
    await place.cli('pause', 'p');
    await place.cli('respond', 'p', '--approve');
    expect(await place.cli('step', 'p')).toMatchObject({ code: 0 });
    const { stdout } = await place.cli('show', 'p', '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      status: 'completed',
      nodes: [{ node: 'ask' }, { node: 'a', status: 'completed' }],
    });
  });
});
