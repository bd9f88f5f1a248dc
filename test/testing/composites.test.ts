import { describe, expect, it } from 'vitest';
import { testKit } from '../../src/testing/index.js';
import { action, chain, plan } from '../support/plans.js';

const DAY_MS = 86_400_000;
const handlers = { work: (input: unknown) => input };

describe('the test kit', () => {
  it('S212 skips the time of a sleep', async () => {
    const kit = await testKit({ handlers });
    const started = kit.clock.now();
    const draft = plan(
      [{ kind: 'sleep', id: 'wait', duration: '3d' }, action('a')],
      chain('wait', 'a'),
    );
    const run = await kit.run(draft.plan);
    expect(run.status).toBe('completed');
    expect(kit.clock.now() - started).toBe(3 * DAY_MS);
  });

  it('S212 rests where a signal is awaited, and does not skip to the deadline of it', async () => {
    const kit = await testKit({ handlers });
    const draft = plan(
      [{ kind: 'signal', id: 'paid', deadlineMs: DAY_MS }, action('a')],
      chain('paid', 'a'),
    );
    const run = await kit.run(draft.plan);
    expect(run.nodes).toEqual({ paid: 'running', a: 'pending' });
    await kit.ask((orchestrator) =>
      orchestrator.signal(run.id, 'paid', { payload: { by: 'ada' } }),
    );
    await kit.settle(run);
    expect(run).toMatchObject({ status: 'completed', outputs: { a: { by: 'ada' } } });
  });

  it('S212 rests where a person is asked in a subplan, and goes on from there', async () => {
    const kit = await testKit({ handlers });
    const child = { title: 'Child', nodes: [{ kind: 'human-approval', id: 'ask' }], edges: [] };
    const draft = plan(
      [{ kind: 'subplan', id: 'sub', plan: 'child' }, action('a')],
      chain('sub', 'a'),
      {
        plans: { child },
      },
    );
    const run = await kit.run(draft.plan);
    expect(run.status).toBe('awaiting-human');
    const asked = (await kit.runs.openTasks())[0]?.run ?? '';
    await kit.respond(await kit.get(asked), 'ask', { approved: true });
    await kit.settle(run);
    expect(run.status).toBe('completed');
  });

  it('S193 traces the edges inside of a loop', async () => {
    const kit = await testKit({ handlers });
    const body = { nodes: [action('x'), action('y')], edges: chain('x', 'y') };
    const draft = plan([{ kind: 'loop', id: 'l', forEach: 'input.items', body }]);
    const run = await kit.run(draft.plan, { input: { items: [1, 2] } });
    expect(run.status).toBe('completed');
    expect(run.trace.map(({ node, edges }) => [node, edges.map(({ outcome }) => outcome)])).toEqual(
      [
        ['l', []],
        ['l[1]/x', ['taken']],
        ['l[1]/y', []],
        ['l[2]/x', ['taken']],
        ['l[2]/y', []],
      ],
    );
  });

  it('S193 traces the edges inside of a loop that was begun anew', async () => {
    let tries = 0;
    const check = () => {
      tries += 1;
      if (tries === 1) throw new Error('not yet');
    };
    const kit = await testKit({ handlers: { ...handlers, check } });
    const body = { nodes: [action('x'), action('y')], edges: chain('x', 'y') };
    const backtrack = { onFailure: 'backtrack', backtrack: { to: 'l' } };
    const draft = plan(
      [
        { kind: 'loop', id: 'l', maxIterations: 1, body },
        action('c', { handler: 'check', ...backtrack }),
      ],
      chain('l', 'c'),
    );
    const run = await kit.run(draft.plan);
    expect(run.status).toBe('completed');
    expect(run.trace.find(({ node }) => node === 'l#2[1]/x')?.edges).toEqual([
      { edge: 'x->y', target: 'y', outcome: 'taken' },
    ]);
  });
});
