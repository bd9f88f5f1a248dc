import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Workplace } from './support/workplace.js';

const PLAN = `title: Two steps
nodes:
  - { kind: action, id: one, handler: work }
  - { kind: action, id: two, handler: work }
edges:
  - { source: one, target: two, when: output > 1 }
`;
const HANDLERS = 'export const handlers = { work: () => 2 };';

let place: Workplace;
beforeEach(() => {
  place = new Workplace();
  place.write('plan.yaml', PLAN);
  place.write('handlers.mjs', HANDLERS);
});
afterEach(() => place.leave());

const run = (id: string) => place.cli('run', 'plan.yaml', '--handlers', 'handlers.mjs', '--id', id);

describe('replay', () => {
  it('S169 prints how the run went, and what it was', async () => {
    await run('one');
    const { code, stdout } = await place.cli('replay', 'one');
    expect(code).toBe(0);
    expect(stdout).toContain('edge.evaluated one');
    expect(stdout).toContain('what is stored agrees');
    expect(stdout).toMatch(/\none +completed +1 +t/);
  });

  it('S169 prints the state at an event, as JSON for programs', async () => {
    await run('one');
    const { code, stdout } = await place.cli('replay', 'one', '--at', '4', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ seq: 4, status: 'running' });
    expect((await place.cli('replay', 'one', '--at', '400')).code).toBe(2);
  });
});
