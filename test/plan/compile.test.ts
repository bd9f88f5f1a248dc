import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RunchartError } from '../../src/errors.js';
import { compilePlan, compilePlanOrThrow, PlanInvalidError } from '../../src/plan/compile.js';
import { formatIssues } from '../../src/plan/issue.js';
import { jsonSchema } from '../../src/plan/schema.js';
import { growth } from '../support/cost.js';
import { action, codesOf, compiled, draft, edge, issuesOf } from './drafts.js';

const approval = (id: string, more: object = {}) => ({ kind: 'human-approval', id, ...more });
const sw = (id: string, more: object = {}) => ({ kind: 'switch', id, ...more });
const join = (id: string, more: object = {}) => ({ kind: 'join', id, ...more });
const ab = [action('a'), action('b')];
const withEdge = (more: object) => draft(ab, [edge('a', 'b', more)]);
const withSchema = (outputSchema: unknown) => draft([action('a', { outputSchema })]);

/** Every way to be refused: the draft, the code, the path. */
const refused: readonly [string, unknown, string, string][] = [
  ['S1 nothing', undefined, 'wrong-type', ''],
  ['S1 a list', [], 'wrong-type', ''],
  ['S1 a value that is not JSON', { title: new Date() }, 'not-json', '/title'],
  ['S1 a missing title', { nodes: [action('a')], edges: [] }, 'missing-property', '/title'],
  ['S1 missing nodes', { title: 'x', edges: [] }, 'missing-property', '/nodes'],
  ['S1 a title that is a number', draft([action('a')], [], { title: 1 }), 'wrong-type', '/title'],
  ['S1 an empty title', draft([action('a')], [], { title: '' }), 'too-small', '/title'],
  [
    'S1 a title too long',
    draft([action('a')], [], { title: 'x'.repeat(257) }),
    'too-large',
    '/title',
  ],
  [
    'S1 an unknown top-level property',
    draft([action('a')], [], { nodez: 1 }),
    'unknown-property',
    '/nodez',
  ],
  [
    'S1 an unknown property of a retry',
    draft([action('a', { retry: { max: 1 } })]),
    'unknown-property',
    '/nodes/0/retry/max',
  ],
  ['S1 a node that is a string', draft(['a']), 'wrong-type', '/nodes/0'],
  ['S1 an unknown kind', draft([{ kind: 'acton', id: 'a' }]), 'unknown-kind', '/nodes/0/kind'],
  ['S1 a missing kind', draft([{ id: 'a' }]), 'missing-property', '/nodes/0/kind'],
  ['S1 a missing id', draft([{ kind: 'join' }]), 'missing-property', '/nodes/0/id'],
  ['S1 an id with a space', draft([action('a b')]), 'invalid-id', '/nodes/0/id'],
  ['S1 a reserved id', draft([action('constructor')]), 'invalid-id', '/nodes/0/id'],
  [
    'S1 an invalid rule of a join',
    draft([join('j', { rule: 'some' })]),
    'invalid-value',
    '/nodes/0/rule',
  ],
  [
    'S1 an endless delay',
    draft([action('a', { retry: { delayMs: 1e15 } })]),
    'too-large',
    '/nodes/0/retry/delayMs',
  ],
  [
    'S1 no attempt at all',
    draft([action('a', { retry: { maxAttempts: 0 } })]),
    'too-small',
    '/nodes/0/retry/maxAttempts',
  ],
  [
    'S1 an invalid name of a schema',
    draft([action('a')], [], { schemas: { 'a b': {} } }),
    'invalid-id',
    '/schemas/a b',
  ],
  [
    'S8 an action without a handler',
    draft([{ kind: 'action', id: 'a' }]),
    'handler-missing-key',
    '/nodes/0',
  ],
  ['S14 a repeated node id', draft([action('a'), action('a')]), 'duplicate-node-id', '/nodes/1/id'],
  [
    'S14 a repeated edge id',
    draft(ab, [edge('a', 'b', { id: 'e' }), edge('a', 'b', { id: 'e' })]),
    'duplicate-edge-id',
    '/edges/1/id',
  ],
  ['S15 an unknown source', draft(ab, [edge('x', 'b')]), 'unknown-source', '/edges/0/source'],
  ['S15 an unknown target', draft(ab, [edge('a', 'x')]), 'unknown-target', '/edges/0/target'],
  [
    'S16 a cycle',
    draft([...ab, action('c')], [edge('a', 'b'), edge('b', 'c'), edge('c', 'b')]),
    'cycle',
    '/nodes/1',
  ],
  ['S16 an edge to itself', draft(ab, [edge('a', 'b'), edge('b', 'b')]), 'self-edge', '/edges/1'],
  ['S17 an unreachable node', draft(ab, [], { entry: ['a'] }), 'unreachable-node', '/nodes/1'],
  ['S18 no entry node', draft(ab, [edge('a', 'b'), edge('b', 'a')]), 'no-entry-node', '/nodes'],
  ['S18 no nodes', draft([]), 'too-small', '/nodes'],
  ['S18 an unknown entry', draft(ab, [], { entry: ['x'] }), 'unknown-entry', '/entry/0'],
  [
    'S18 an entry with an inbound edge',
    draft(ab, [edge('a', 'b')], { entry: ['a', 'b'] }),
    'entry-has-inbound',
    '/entry/1',
  ],
  ['S19 an unknown schema', withSchema('nope'), 'unknown-schema', '/nodes/0/outputSchema'],
  [
    'S19 an unknown schema of the inputs',
    draft([action('a')], [], { inputs: 'nope' }),
    'unknown-schema',
    '/inputs',
  ],
  [
    'S19 a schema that is none',
    withSchema({ type: 'strin' }),
    'invalid-schema',
    '/nodes/0/outputSchema/type',
  ],
  [
    'S19 a named schema that is none',
    draft([action('a')], [], { schemas: { s: { minimum: 'x' } } }),
    'invalid-schema',
    '/schemas/s/minimum',
  ],
  [
    'S19 a schema with a broken reference',
    withSchema({ $ref: 'gone' }),
    'invalid-schema',
    '/nodes/0/outputSchema',
  ],
  [
    'S19 a schema of another dialect',
    withSchema({ $schema: 'http://json-schema.org/draft-04/schema#' }),
    'invalid-schema',
    '/nodes/0/outputSchema/$schema',
  ],
  [
    'S19 a pattern with look-ahead',
    withSchema({ properties: { a: { pattern: 'a(?=b)' } } }),
    'invalid-schema',
    '/nodes/0/outputSchema/properties/a/pattern',
  ],
  [
    'S19 uniqueItems without maxItems',
    withSchema({ items: { uniqueItems: true } }),
    'invalid-schema',
    '/nodes/0/outputSchema/items/uniqueItems',
  ],
  [
    'S20 a condition that does not parse',
    withEdge({ when: 'output.x = 1' }),
    'invalid-condition',
    '/edges/0/when',
  ],
  [
    'S20 a condition that is no boolean',
    withEdge({ when: '"yes"' }),
    'invalid-condition',
    '/edges/0/when',
  ],
  [
    'S20 a condition on an unknown node',
    withEdge({ when: 'nodes["x"].output == 1' }),
    'unknown-node-in-condition',
    '/edges/0/when',
  ],
  [
    'S21 a forbidden target path',
    withEdge({ map: { 'a.__proto__.b': 'output' } }),
    'forbidden-path',
    '/edges/0/map/a.__proto__.b',
  ],
  [
    'S21 a forbidden source path',
    withEdge({ map: { a: 'output.constructor' } }),
    'forbidden-path',
    '/edges/0/map/a',
  ],
  [
    'S85 a path that does not parse',
    withEdge({ map: { 'a..b': 'output' } }),
    'invalid-path',
    '/edges/0/map/a..b',
  ],
  [
    'S85 a source path without a root',
    withEdge({ map: { a: 'result.x' } }),
    'invalid-path',
    '/edges/0/map/a',
  ],
  [
    'S85 a map from an unknown node',
    withEdge({ map: { a: 'nodes["x"].output' } }),
    'unknown-node-in-map',
    '/edges/0/map/a',
  ],
  [
    'S88 a map that writes twice',
    withEdge({ map: { a: 'output', 'a.b': 'output' } }),
    'overlapping-map',
    '/edges/0/map/a.b',
  ],
  [
    'S72 two default edges',
    draft(
      [...ab, action('c')],
      [edge('a', 'b', { default: true }), edge('a', 'c', { default: true })],
    ),
    'several-defaults',
    '/edges/1/default',
  ],
  [
    'S72 a default edge with a condition',
    withEdge({ default: true, when: 'output.x' }),
    'default-with-condition',
    '/edges/0/default',
  ],
  [
    'S72 a default edge with an action',
    withEdge({ default: true, on: 'x' }),
    'default-with-condition',
    '/edges/0/default',
  ],
  [
    'S79 a join that counts too far',
    draft([...ab, join('j', { rule: { count: 3 } })], [edge('a', 'j'), edge('b', 'j')]),
    'join-count-too-large',
    '/nodes/2/rule/count',
  ],
  [
    'S175 a join that counts the edges of one node',
    draft(
      [...ab, join('j', { rule: { count: 2 } })],
      [edge('a', 'j'), edge('a', 'j', { when: 'true' })],
    ),
    'join-count-too-large',
    '/nodes/2/rule/count',
  ],
];

const warned: readonly [string, unknown, string, string][] = [
  [
    'a switch without a default',
    draft([sw('s'), action('b')], [edge('s', 'b', { when: 'input.x' })]),
    'switch-without-default',
    '/nodes/0',
  ],
  ['a switch without edges', draft([sw('s')]), 'switch-without-edges', '/nodes/0'],
  [
    'a shadowed edge',
    draft([sw('s'), ...ab], [edge('s', 'a'), edge('s', 'b', { when: 'input.x' })]),
    'switch-edge-shadowed',
    '/edges/1',
  ],
  [
    'a join with one input',
    draft([action('a'), join('j')], [edge('a', 'j')]),
    'join-with-one-input',
    '/nodes/1',
  ],
  [
    'an unknown property',
    draft([action('a', { onFalure: 'skip' })]),
    'unknown-property',
    '/nodes/0/onFalure',
  ],
  [
    'an action of an approval',
    draft([approval('p'), action('b')], [edge('p', 'b', { on: 'approved' })]),
    'on-never-matches',
    '/edges/0/on',
  ],
  [
    'an outcome of an action',
    withEdge({ when: 'outcome == "approved"' }),
    'outcome-never-set',
    '/edges/0/when',
  ],
  [
    'an outcome mapped from an action',
    withEdge({ map: { a: 'outcome' } }),
    'outcome-never-set',
    '/edges/0/map/a',
  ],
  [
    'an outcome that no approval has',
    draft([approval('p'), action('b')], [edge('p', 'b', { when: 'outcome == "aproved"' })]),
    'unknown-outcome',
    '/edges/0/when',
  ],
  ['a constant condition', withEdge({ when: '1 == 1' }), 'constant-condition', '/edges/0/when'],
];

describe('compilePlan', () => {
  it.each(refused)('refuses %s', (_name, value, code, path) => {
    const result = compilePlan(value);
    expect(result.ok).toBe(false);
    const issue = issuesOf(value).find((each) => each.code === code && each.path === path);
    expect(issue, JSON.stringify(issuesOf(value))).toMatchObject({ severity: 'blocking' });
    expect(issue?.message).toBeTruthy();
  });

  it.each(warned)('S24 warns of %s and compiles', (_name, value, code, path) => {
    const result = compilePlan(value);
    expect(result.ok, JSON.stringify(issuesOf(value))).toBe(true);
    expect(issuesOf(value)).toContainEqual(
      expect.objectContaining({ severity: 'warning', code, path }),
    );
  });

  it('S24 lets an approval go on whatever its outcome without a warning', () => {
    const nodes = [approval('p'), action('b')];
    expect(issuesOf(draft(nodes, [edge('p', 'b', { when: 'true' })]))).toEqual([]);
  });

  it('S25 reports faults of shape and of the graph in one go', () => {
    const codes = codesOf({
      nodes: [action('a', { retry: { maxAttempts: 0 } }), action('a'), { kind: 'swich', id: 's' }],
      edges: [
        edge('a', 'x'),
        edge('a', 's', { when: '1 +', map: { __proto__: 'output' } }),
        edge('a', 's', { when: 'x y', map: { 'b.prototype': 'o' } }),
      ],
    });
    expect(codes).toEqual(
      expect.arrayContaining([
        'missing-property',
        'too-small',
        'duplicate-node-id',
        'unknown-kind',
        'unknown-target',
        'invalid-condition',
        'forbidden-path',
      ]),
    );
  });

  it('S25 does not take an edge to a faulty node for an unknown one', () => {
    const codes = codesOf(draft([action('a'), action('b', { title: 1 })], [edge('a', 'b')]));
    expect(codes).toEqual(['wrong-type']);
  });

  it('S20 says where in the condition the fault is', () => {
    const issue = issuesOf(withEdge({ when: 'true &&\n  output.x = 1' }))[0];
    expect(issue).toMatchObject({ code: 'invalid-condition', detail: { line: 2 } });
    expect(issue?.message).toMatch(/line 2, column \d+/);
  });

  it('S16 lists the nodes of each cycle', () => {
    const nodes = ['r', 'a', 'b', 'c', 'd'].map((id) => action(id));
    const edges = [
      edge('r', 'a'),
      edge('a', 'b'),
      edge('b', 'a'),
      edge('b', 'c'),
      edge('c', 'd'),
      edge('d', 'c'),
    ];
    const cycles = issuesOf(draft(nodes, edges)).filter(({ code }) => code === 'cycle');
    expect(cycles.map(({ detail }) => detail)).toEqual([
      { nodes: ['a', 'b'], length: 2 },
      { nodes: ['c', 'd'], length: 2 },
    ]);
  });

  it('S26 renders blocking issues as one line each', () => {
    const text = formatIssues(
      issuesOf(draft([action('a', { foo: 1 })], [edge('a', 'x'), edge('y', 'a')])),
    );
    expect(text).toBe(
      "unknown-target: The target 'x' of an edge is not a node\n" +
        "unknown-source: The source 'y' of an edge is not a node",
    );
  });

  it('suggests the id or the property that was meant', () => {
    expect(issuesOf(draft([action('review'), action('b')], [edge('reviw', 'b')]))[0]?.hint).toBe(
      "Did you mean 'review'?",
    );
    expect(issuesOf(draft([action('a', { onFalure: 'skip' })]))[0]?.hint).toBe(
      "Did you mean 'onFailure'?",
    );
  });

  it('never throws, whatever it is given', () => {
    fc.assert(
      fc.property(fc.anything({ withBigInt: true, withDate: true, withMap: true }), (value) => {
        const result = compilePlan(value);
        expect(result.ok).toBe(false);
      }),
    );
    const anyElement = fc.array(fc.oneof(fc.jsonValue(), fc.constant(action('a'))), {
      maxLength: 4,
    });
    fc.assert(
      fc.property(anyElement, anyElement, (nodes, edges) => {
        compilePlan(draft(nodes, edges));
      }),
    );
  });

  it('bounds the number of issues', () => {
    const edges = Array.from({ length: 3_000 }, () => edge('x', 'y'));
    const issues = issuesOf(draft(ab, edges));
    expect(issues).toHaveLength(1_001);
    expect(issues.at(-1)?.code).toBe('too-many-issues');
  });

  it('throws one error with all issues where asked to', () => {
    const bad = draft(ab, [edge('a', 'x'), edge('y', 'b')]);
    expect(() => compilePlanOrThrow(bad)).toThrow(PlanInvalidError);
    try {
      compilePlanOrThrow(bad);
    } catch (error) {
      expect(error).toBeInstanceOf(RunchartError);
      expect(error).toMatchObject({ code: 'plan-invalid' });
      expect((error as PlanInvalidError).issues).toHaveLength(2);
    }
  });
});

describe('a plan version', () => {
  /** The same JSON with the keys of every object in another order. */
  function shuffled(value: unknown, order: (count: number) => number): unknown {
    if (Array.isArray(value)) return value.map((member) => shuffled(member, order));
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value).map(
      ([key, member]) => [key, shuffled(member, order)] as const,
    );
    const mixed: (readonly [string, unknown])[] = [];
    for (const entry of entries) mixed.splice(order(mixed.length + 1), 0, entry);
    return Object.fromEntries(mixed);
  }

  const rich = draft(
    [
      action('a', { retry: { maxAttempts: 2, backoff: 'fixed' }, outputSchema: 's', title: 'A' }),
      approval('p', { criteria: ['x', 'y'], onFailure: 'skip' }),
    ],
    [edge('a', 'p', { map: { b: 'output.b', a: 'output.a' }, when: 'output.a > 1' })],
    { schemas: { s: { type: 'object', required: ['a'] } } },
  );

  it('S2 the same draft hashes alike whatever its key order', () => {
    const { hash } = compilePlanOrThrow(rich);
    expect(hash).toMatch(/^sha256:[0-9a-f]{64}$/);
    fc.assert(
      fc.property(fc.infiniteStream(fc.nat(1_000)), (numbers) => {
        const order = (count: number) => (numbers.next().value ?? 0) % count;
        expect(compilePlanOrThrow(shuffled(rich, order)).hash).toBe(hash);
      }),
    );
  });

  it('S2 another order of nodes is another plan', () => {
    expect(compiled(ab).hash).not.toBe(compiled([...ab].reverse()).hash);
  });

  it('S2 keeps the hash that it had when this was written', () => {
    expect(compiled([action('a')]).hash).toBe(
      'sha256:d19635989a6d4f0b0968af7398bb4f0861dec27ca1ce8f8c71360c63aef28e44',
    );
  });

  it('S2 writes no default into what is hashed', () => {
    const { plan, hash } = compiled([action('a')]);
    expect(plan).toEqual(draft([action('a')]));
    expect(compiled([action('a', { onFailure: 'abort' })]).hash).not.toBe(hash);
  });

  it('S9 strips layout silently, other strangers with a warning, and keeps the hash', () => {
    const plain = compilePlanOrThrow(rich);
    const laidOut = structuredClone(rich);
    Object.assign(laidOut.nodes[0] as object, {
      ui: { x: 1 },
      position: { x: 1, y: 2 },
      'x-note': 1,
    });
    Object.assign(laidOut.edges[0] as object, { data: {}, style: {}, 'x-y': [] });
    const version = compilePlanOrThrow(laidOut);
    expect(version.hash).toBe(plain.hash);
    expect(version.plan).toEqual(plain.plan);
    expect(version.warnings).toEqual([]);
    Object.assign(laidOut.edges[0] as object, { colour: 'red' });
    expect(compilePlanOrThrow(laidOut)).toMatchObject({
      hash: plain.hash,
      warnings: [{ code: 'unknown-property', path: '/edges/0/colour' }],
    });
  });

  it('S2 cannot be changed, not even through the draft', () => {
    const source = draft([action('a', { retry: { retryOn: ['timeout'] } })]);
    const version = compilePlanOrThrow(source);
    (source.nodes[0] as { handler: string }).handler = 'other';
    expect(version.plan.nodes[0]).toMatchObject({ handler: 'work' });
    const node = version.plan.nodes[0] as { handler?: string; retry?: { retryOn?: string[] } };
    expect(() => Object.assign(node, { handler: 'x' })).toThrow(TypeError);
    expect(() => node.retry?.retryOn?.push('x')).toThrow(TypeError);
    expect(() => Object.assign(version, { hash: 'x' })).toThrow(TypeError);
    expect(() => Object.assign(version.graph.nodes[0] as object, { id: 'x' })).toThrow(TypeError);
  });

  it('S10 compiles again from its own JSON to the same hash', () => {
    const version = compilePlanOrThrow(rich);
    expect(compilePlanOrThrow(JSON.parse(JSON.stringify(version.plan))).hash).toBe(version.hash);
  });

  it('S3 S4 numbers nodes by authoring order and derives what is upstream', () => {
    const { graph } = compiled(
      [action('c'), action('a'), action('b')],
      [edge('a', 'b'), edge('c', 'b'), edge('a', 'b', { on: 'x' })],
    );
    expect(graph.nodes.map(({ id, position }) => [id, position])).toEqual([
      ['c', 0],
      ['a', 1],
      ['b', 2],
    ]);
    expect(graph.nodes[2]?.upstreamNodeIds).toEqual(['c', 'a']);
    expect(graph.edges.map(({ id }) => id)).toEqual(['c->b', 'a->b', 'a->b#2']);
    expect([...graph.entries]).toEqual([0, 1]);
  });

  it('fills in the defaults of every kind', () => {
    const { graph } = compiled([action('a'), approval('p'), sw('s'), join('j')]);
    const [a, p, s, j] = graph.nodes;
    expect(a).toMatchObject({
      handler: 'work',
      onFailure: { byClass: {}, otherwise: 'abort' },
      mergeInputs: 'error',
      retry: { maxAttempts: 1, retryOn: [], backoff: 'none', delayMs: 0, maxInterruptions: 5 },
      deliverables: [],
    });
    expect(p).toMatchObject({ handler: undefined, onFailure: { otherwise: 'abort' } });
    expect(s).toMatchObject({ switchMode: 'exclusive', join: undefined });
    expect(j).toMatchObject({ join: { rule: { type: 'all' }, onFailure: 'fail' } });
  });

  it('S11 makes the key of the handler from the owner', () => {
    const owner = { executorType: 'agent', ref: 'cmo' };
    const { graph } = compiled([{ kind: 'action', id: 'a', owner }, action('b', { owner })]);
    expect(graph.nodes.map(({ handler }) => handler)).toEqual(['agent/cmo', 'work']);
  });

  it('S98 normalises deliverables', () => {
    const { graph } = compiled([action('a', { deliverables: [{ name: 'n', kind: 'markdown' }] })]);
    expect(graph.nodes[0]?.deliverables).toEqual([{ name: 'n', kind: 'markdown', required: true }]);
  });

  it('S5 compiles a flat list of steps to a linear plan', () => {
    const steps = [
      { uses: 'prepare' },
      { id: 'mid', uses: 'work', options: { onFailure: 'skip' } },
      { uses: 'save' },
    ];
    const { plan, graph } = compilePlanOrThrow({ title: 'Steps', steps });
    expect(plan.nodes.map(({ id }) => id)).toEqual(['step_0', 'mid', 'step_2']);
    expect(graph.nodes.map(({ handler }) => handler)).toEqual(['prepare', 'work', 'save']);
    expect(graph.nodes[1]?.onFailure.otherwise).toBe('skip');
    expect(graph.edges.map(({ id }) => id)).toEqual(['step_0->mid', 'mid->step_2']);
  });

  it('S5 points issues to the step', () => {
    const steps = [{ uses: 1 }, { options: { retry: { maxAttempts: 0 } } }];
    expect(issuesOf({ title: 'Steps', steps }).map(({ code, path }) => [code, path])).toEqual([
      ['wrong-type', '/steps/0/uses'],
      ['too-small', '/steps/1/options/retry/maxAttempts'],
    ]);
    expect(codesOf({ title: 'Steps', steps: [{}] })).toEqual(['handler-missing-key']);
    expect(codesOf({ title: 'Steps', steps: 'x' })).toEqual(['wrong-type']);
  });

  it('S57 costs no more per node in a chain of 100,000 than in a short one', () => {
    const compileChain = (count: number) => {
      const nodes = Array.from({ length: count }, (_, i) => action(`n${i}`));
      const edges = nodes.slice(1).map((_, i) => edge(`n${i}`, `n${i + 1}`));
      expect(compiled(nodes, edges).graph.nodes).toHaveLength(count);
    };
    // Were it quadratic it would cost a hundred times as much.
    expect(growth(compileChain, 10_000, 10)).toBeLessThan(40);
  }, 120_000);
});

describe('jsonSchema', () => {
  it('publishes the shape of a plan as JSON Schema', () => {
    const schema = jsonSchema();
    expect(schema).toMatchObject({ $id: 'urn:runchart:plan', type: 'object' });
    expect(schema.required).toEqual(['title', 'nodes', 'edges']);
    const text = JSON.stringify(schema);
    for (const kind of ['action', 'human-approval', 'switch', 'join']) expect(text).toContain(kind);
  });
});
