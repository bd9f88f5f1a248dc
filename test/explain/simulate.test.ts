import { describe, expect, it } from 'vitest';
import { type Simulation, simulatePlan } from '../../src/explain/simulate.js';
import { compilePlanOrThrow } from '../../src/plan/compile.js';
import { action, approval, chain, edge, join, plan, switchNode } from '../support/plans.js';

/** The choices of each path, in a line each, and how it ended. */
function ways({ paths }: Simulation): string[] {
  return paths.map(({ choices, status }) => {
    const chosen = choices.map(({ node, choice }) => `${node} ${choice}`.trim());
    return `${chosen.join(', ')}: ${status}`;
  });
}

function codes({ warnings }: Simulation): string[] {
  return [...new Set(warnings.map(({ code }) => code))];
}

describe('simulatePlan', () => {
  it('S217 goes the one way of a plan without alternatives, in order, with statuses', async () => {
    const draft = plan([action('a'), action('b'), action('c')], chain('a', 'b', 'c'));
    const simulation = await simulatePlan(draft);
    expect(simulation).toMatchObject({
      plan: draft.hash,
      isComplete: true,
      neverReached: [],
      neverTaken: [],
      undetermined: [],
      warnings: [],
      paths: [{ choices: [], status: 'completed', durationMs: 0, isCut: false }],
    });
    expect(simulation.paths[0]?.nodes).toEqual([
      { node: 'a', status: 'completed' },
      { node: 'b', status: 'completed' },
      { node: 'c', status: 'completed' },
    ]);
  });

  it('S217 S234 takes checks as fulfilled, in loops and plans inside too, and brings payloads that fit', async () => {
    const checks = [
      { name: 'never', when: 'false' },
      { name: 'judged', handler: 'judge' },
    ];
    const schema = { type: 'object', required: ['title'], properties: { title: { const: 'T' } } };
    const draft = plan(
      [
        action('a', { checks, deliverables: [{ name: 'brief', kind: 'json', schema }] }),
        approval('ask', { checks: [{ name: 'never', when: 'false' }] }),
        {
          kind: 'loop',
          id: 'again',
          maxIterations: 1,
          body: { nodes: [action('inside', { checks })] },
        },
        { kind: 'subplan', id: 'sub', plan: 'other' },
        action('last'),
      ],
      [
        ...chain('a', 'ask', 'again', 'sub'),
        edge('sub', 'last', { when: 'nodes.a.artifacts.brief.payload.title == "T"' }),
      ],
      { plans: { other: { title: 'Other', nodes: [action('x', { checks })], edges: [] } } },
    );
    const simulation = await simulatePlan(draft, { answers: { ask: 'approved' } });
    expect(simulation).toMatchObject({
      plan: draft.hash,
      neverReached: [],
      paths: [{ status: 'completed' }],
    });
  });

  it('S217 S234 with failures has an answer that is judged refused for good, too', async () => {
    const checks = [
      { name: 'sound', handler: 'judge' },
      { name: 'liked', ask: { responders: ['ann'] } },
    ];
    const nodes = [approval('ask', { checks, onFailure: 'skip' }), action('after')];
    const draft = plan(nodes, chain('ask', 'after'));
    const options = { answers: { ask: 'approved' } };
    expect((await simulatePlan(draft, options)).paths).toHaveLength(1);
    const { paths } = await simulatePlan(draft, { ...options, failures: true });
    expect(paths.map(({ choices, nodes: [ask] }) => [choices[0]?.choice, ask?.status])).toEqual([
      ['checks fulfilled', 'completed'],
      ['checks fulfilled', 'completed'],
      ['checks refuse', 'skipped'],
    ]);
  });

  it('S217 takes each action that edges name, and none', async () => {
    const draft = plan(
      [action('d'), action('x'), action('y'), action('z')],
      [
        edge('d', 'x', { on: 'search' }),
        edge('d', 'y', { on: 'answer' }),
        edge('d', 'z', { default: true }),
      ],
    );
    const simulation = await simulatePlan(draft.plan);
    expect(ways(simulation).sort()).toEqual([
      'd action answer {}: completed',
      'd action search {}: completed',
      'd {}: completed',
    ]);
    expect(simulation).toMatchObject({ isComplete: true, neverReached: [] });
  });

  it('S217 lets people approve, reject, ask for changes, and miss the deadline', async () => {
    const draft = plan([approval('ask', { deadlineMs: 5_000 }), action('go')], chain('ask', 'go'));
    const simulation = await simulatePlan(draft);
    expect(ways(simulation)).toEqual([
      'ask approved: completed',
      'ask rejected: completed',
      'ask changes-requested: completed',
      'ask deadline passed: failed',
    ]);
    expect(simulation.paths.map(({ durationMs }) => durationMs)).toEqual([0, 0, 0, 5_000]);
  });

  it('S217 gives a person the time to answer though other branches sleep past the deadline', async () => {
    const nodes = [
      approval('ask', { deadlineMs: 5_000 }),
      { kind: 'sleep', id: 'nap', duration: '1d' },
    ];
    const simulation = await simulatePlan(plan(nodes));
    expect(ways(simulation)[0]).toBe('ask approved: completed');
    expect(simulation.paths.at(0)?.durationMs).toBe(86_400_000);
  });

  it('S217 finds values that turn a condition, through a switch and beside the inputs', async () => {
    const draft = plan(
      [action('load'), switchNode('size'), action('big'), action('small'), action('odd')],
      [
        edge('load', 'size'),
        edge('size', 'big', { when: 'input.n > inputs.limit' }),
        edge('size', 'small', { default: true }),
        edge('load', 'odd', { when: 'output.tag in ["odd", "strange"]' }),
      ],
    );
    const simulation = await simulatePlan(draft, { input: { limit: 7 } });
    expect(simulation.paths).toHaveLength(4);
    expect(simulation).toMatchObject({ isComplete: true, neverReached: [], neverTaken: [] });
  });

  it('S217 samples outputs that fit their schema, numbers and lists of it turned as conditions ask', async () => {
    const outputSchema = {
      type: 'object',
      required: ['items', 'kind', 'at', 'ratio'],
      additionalProperties: false,
      properties: {
        items: { type: 'array', items: { $ref: 'item' }, minItems: 1, maxItems: 4 },
        kind: { enum: ['a', 'b', 'c'] },
        at: { type: 'string', format: 'date-time', minLength: 5 },
        ratio: { type: 'number', exclusiveMinimum: 0, maximum: 1 },
      },
    };
    const item = { type: 'object', required: ['id'], properties: { id: { type: 'integer' } } };
    const draft = plan(
      [action('load', { outputSchema }), action('many'), action('c')],
      [
        edge('load', 'many', { when: 'size(output.items) > 3' }),
        edge('load', 'c', { when: 'output.kind == "c" && output.ratio <= 0.5' }),
      ],
      { schemas: { item } },
    );
    const simulation = await simulatePlan(draft);
    expect(simulation).toMatchObject({ undetermined: [], neverReached: [], warnings: [] });
    expect(simulation.paths.every(({ status }) => status === 'completed')).toBe(true);
  });

  it('S217 takes {} and says so where nothing fits the schema', async () => {
    const outputSchema = { type: 'string', pattern: '^[0-9]{4}-[a-z]+$' };
    const simulation = await simulatePlan(plan([action('code', { outputSchema })]));
    expect(codes(simulation)).toEqual(['not-sampled']);
    expect(simulation.paths[0]?.status).toBe('failed');
  });

  it('S217 reports a condition that no sample turns as undetermined', async () => {
    const draft = plan(
      [action('a'), action('b')],
      [edge('a', 'b', { when: 'output.x == 1 && output.x == 2' })],
    );
    const simulation = await simulatePlan(draft);
    expect(simulation.undetermined).toEqual([
      { edge: 'a->b', condition: 'output.x == 1 && output.x == 2', seen: ['false'] },
    ]);
    expect(simulation).toMatchObject({
      isComplete: false,
      neverReached: ['b'],
      neverTaken: ['a->b'],
    });
  });

  it('S217 takes what is given: successive outputs, actions, failures, answers', async () => {
    const draft = plan(
      [
        action('flaky', { retry: { maxAttempts: 3, backoff: 'fixed', delayMs: 60_000 } }),
        action('decide'),
        action('x'),
        action('y'),
        approval('ask'),
      ],
      [
        edge('flaky', 'decide'),
        edge('decide', 'x', { on: 'go' }),
        edge('decide', 'y', { on: 'stop' }),
        edge('x', 'ask', { when: 'output.n == 2' }),
      ],
    );
    const simulation = await simulatePlan(draft, {
      outputs: {
        flaky: [{ fails: 'network' }, { fails: 'network' }, { done: true }],
        decide: { action: 'go', output: { n: 1 } },
        x: { n: 2 },
      },
      answers: { ask: 'rejected' },
    });
    const [path] = simulation.paths;
    expect(simulation.paths).toHaveLength(1);
    expect(path).toMatchObject({ status: 'completed', choices: [] });
    expect(path?.durationMs).toBeGreaterThan(80_000);
    expect(simulation).toMatchObject({
      isComplete: true,
      undetermined: [],
      neverReached: ['y'],
      neverTaken: ['decide->y'],
    });
  });

  it('S217 refuses an answer and an input that do not fit, and names nodes that are not there', async () => {
    const inputs = { type: 'object', required: ['n'], properties: { n: { type: 'integer' } } };
    const draft = plan([approval('ask')], [], { inputs });
    await expect(simulatePlan(draft, { input: { n: 'x' } })).rejects.toMatchObject({
      code: 'input-invalid',
    });
    await expect(simulatePlan(draft, { answers: { ask: { yes: 1 } } })).rejects.toMatchObject({
      code: 'response-invalid',
    });
    const simulation = await simulatePlan(draft, { outputs: { aks: 1 } });
    expect(codes(simulation)).toEqual(['unknown-node']);
  });

  it('S217 lets each action fail where that is asked for: retries, fallbacks, compensations', async () => {
    const retry = { maxAttempts: 2, backoff: 'fixed', delayMs: 60_000 };
    const draft = plan(
      [
        action('charge', { compensate: { handler: 'refund' } }),
        action('ship', { retry, onFailure: 'fallback', fallback: { handler: 'truck' } }),
      ],
      chain('charge', 'ship'),
    );
    const simulation = await simulatePlan(draft, { failures: true });
    expect(ways(simulation).sort()).toEqual([
      'charge fails with exception: failed',
      'charge {}, ship fails with exception, ship fails with exception: failed',
      'charge {}, ship fails with exception, ship {}: completed',
      'charge {}, ship {}: completed',
    ]);
    const undone = simulation.paths.find(({ nodes }) =>
      nodes.some(({ node }) => node === '~/charge'),
    );
    expect(undone?.status).toBe('failed');
  });

  it('S217 goes into loops, maps and subplans, and names what is inside', async () => {
    const body = { nodes: [action('w'), approval('r')], edges: chain('w', 'r') };
    const child = {
      title: 'Child',
      nodes: [approval('ask'), action('go')],
      edges: chain('ask', 'go'),
    };
    const draft = plan(
      [
        {
          kind: 'loop',
          id: 'research',
          maxIterations: 2,
          until: 'nodes["r"].outcome == "approved"',
          body,
        },
        { kind: 'map', id: 'each', handler: 'work', items: 'nodes["load"].output.docs' },
        { kind: 'subplan', id: 'sub', plan: 'child' },
        action('load'),
      ],
      chain('load', 'each', 'research', 'sub'),
      { plans: { child } },
    );
    const simulation = await simulatePlan(draft);
    expect(simulation).toMatchObject({ isComplete: true, neverReached: [], neverTaken: [] });
    expect(codes(simulation)).toEqual(['loop-at-maximum']);
    const nodes = simulation.paths[0]?.nodes.map(({ node }) => node);
    expect(nodes).toEqual([
      'load',
      ...['each[0]', 'each[1]', 'each'],
      ...['research[1]/w', 'research[1]/r', 'research'],
      ...['sub > ask', 'sub > go', 'sub'],
    ]);
  });

  it('S217 does not go through all choices of a long loop, and says so', async () => {
    const body = { nodes: [approval('r')] };
    const until = 'nodes["r"].outcome == "approved"';
    const draft = plan([{ kind: 'loop', id: 'l', maxIterations: 50, until, body }]);
    const simulation = await simulatePlan(draft);
    expect(codes(simulation)).toEqual(['choices-not-branched']);
    expect(simulation).toMatchObject({ isComplete: false, neverReached: [] });
    expect(simulation.paths.length).toBeLessThan(20);
  });

  it('S217 sends signals, lets their deadline pass, and lets sleeps end', async () => {
    const draft = plan([
      { kind: 'signal', id: 'paid', deadlineMs: 60_000, onFailure: 'continue' },
      { kind: 'sleep', id: 'nap', duration: '3d' },
    ]);
    const simulation = await simulatePlan(draft);
    expect(ways(simulation)).toEqual([
      'paid signal {}: completed',
      'paid deadline passed: partial',
    ]);
    expect(simulation.paths.every(({ durationMs }) => durationMs === 3 * 86_400_000)).toBe(true);
  });

  it('S217 stops at as many paths as it may go, the alternatives that were not shown first', async () => {
    const ids = ['a', 'b', 'c', 'd', 'e'];
    const draft = plan(
      [...ids.map((id) => approval(id)), join('all'), action('end')],
      [...ids.map((id) => edge(id, 'all', { when: 'outcome == "rejected"' })), edge('all', 'end')],
    );
    const simulation = await simulatePlan(draft, { maxPaths: 12 });
    expect(simulation.paths).toHaveLength(12);
    expect(simulation).toMatchObject({ isComplete: false, neverReached: [], neverTaken: [] });
    const all = await simulatePlan(draft, { maxPaths: 1_000 });
    expect(all.paths).toHaveLength(3 ** 5);
    expect(all.isComplete).toBe(true);
    expect(new Set(ways(all)).size).toBe(3 ** 5);
  });

  it('S217 cuts a path that takes too many steps', async () => {
    const body = { nodes: [action('w')] };
    const draft = plan([{ kind: 'loop', id: 'l', maxIterations: 1_000, body }]);
    const simulation = await simulatePlan(draft, { maxSteps: 20 });
    expect(simulation.paths[0]).toMatchObject({ isCut: true, status: 'running' });
    expect(codes(simulation)).toContain('path-cut');
    expect(simulation.isComplete).toBe(false);
  });

  it('S217 ends a path where the run is blocked', async () => {
    const draft = plan([action('a', { onFailure: 'replan' })]);
    const simulation = await simulatePlan(draft, { outputs: { a: { fails: 'network' } } });
    expect(simulation.paths).toMatchObject([{ status: 'blocked' }]);
  });

  it('S217 gives the same simulation for the same seed', async () => {
    const outputSchema = {
      type: 'object',
      required: ['n', 'ok'],
      properties: {
        n: { type: 'number' },
        ok: { type: 'boolean' },
        tag: { enum: ['a', 'b', 'c', 'd'] },
      },
    };
    const draft = plan(
      [action('a', { outputSchema }), action('b'), approval('c')],
      [edge('a', 'b', { when: 'output.n > 0.5 && output.ok' }), edge('a', 'c')],
    );
    const options = { seed: 7, failures: true };
    const once = await simulatePlan(draft, options);
    expect(await simulatePlan(compilePlanOrThrow(draft.plan), options)).toEqual(once);
  });
});

describe('a bounded simulation', () => {
  it('S217 follows a long chain of conditions to its end first', async () => {
    const ids = Array.from({ length: 40 }, (_, i) => `n${i}`);
    const edges = ids.slice(1).map((id, i) => edge(`n${i}`, id, { when: 'output.x > 3' }));
    const draft = plan(
      ids.map((id) => action(id)),
      edges,
    );
    const simulation = await simulatePlan(draft, { maxPaths: 3 });
    expect(simulation).toMatchObject({ neverReached: [], neverTaken: [] });
  });

  it('S217 looks at what is before a condition once, however often branches part and meet', async () => {
    const rungs = Array.from({ length: 32 }, (_, i) => [`l${i}`, `r${i}`] as const);
    const rails = rungs
      .slice(1)
      .flatMap((rung, i) =>
        (rungs[i] ?? []).flatMap((source) => rung.map((target) => edge(source, target))),
      );
    const draft = plan(
      [action('first'), ...rungs.flat().map((id) => action(id)), switchNode('s'), action('end')],
      [
        ...rails,
        ...(rungs.at(-1) ?? []).map((id) => edge(id, 's')),
        edge('first', 's'),
        edge('s', 'end', { when: 'input.first.n > 3' }),
      ],
    );
    const simulation = await simulatePlan(draft);
    expect(simulation).toMatchObject({ isComplete: true, neverReached: [], undetermined: [] });
    expect(simulation.paths).toHaveLength(2);
  });

  it('S217 counts one plan under two names once', async () => {
    const child = { title: 'Child', nodes: [action('w')], edges: [] };
    const draft = plan(
      ['one', 'two'].map((name) => ({ kind: 'subplan', id: name, plan: name })),
      [],
      { plans: { one: child, two: child } },
    );
    expect(await simulatePlan(draft)).toMatchObject({ neverReached: [], isComplete: true });
  });
});
