import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compilePlanOrThrow } from '../../src/plan/compile.js';
import { planToMermaid } from '../../src/plan/diagram.js';
import { planFromMermaid } from '../../src/plan/from-mermaid.js';
import { parsePlanText } from '../../src/plan/parse.js';
import type { Plan } from '../../src/plan/schema.js';
import { randomRuns } from '../model/random-plans.js';

function draftOf(text: string): Plan {
  const read = planFromMermaid(text);
  expect(read).toMatchObject({ ok: true });
  return (read.ok ? read.draft : undefined) as unknown as Plan;
}

const chart = (...lines: string[]) => ['flowchart TD', ...lines].join('\n');

describe('a drawing with its settings', () => {
  it('S227 gives the same plan again, to the hash', () => {
    fc.assert(
      fc.property(randomRuns({ maxNodes: 12 }), ({ draft }) => {
        const { plan, hash } = compilePlanOrThrow(draft);
        const text = planToMermaid(plan, { settings: true });
        expect(compilePlanOrThrow(draftOf(text)).hash).toBe(hash);
      }),
      { numRuns: 50 },
    );
  });

  it('S227 shows the drawing alone beside its comments, and is drawn again alike', () => {
    fc.assert(
      fc.property(randomRuns({ maxNodes: 12 }), ({ draft }) => {
        const { plan } = compilePlanOrThrow(draft);
        const plain = planToMermaid(plan);
        const lines = planToMermaid(plan, { settings: true }).split('\n');
        expect(lines.filter((line) => !/^\s*%%/.test(line)).join('\n')).toBe(plain);
        expect(planToMermaid(draftOf(plain))).toBe(plain);
      }),
      { numRuns: 50 },
    );
  });

  it('S227 keeps titles and labels that no line of a diagram can hold', () => {
    const title = 'Say "hi" <b>#1</b> `x`\n& then; %% end | [a] {b} '.repeat(3);
    const draft = {
      title,
      nodes: [
        { kind: 'action', id: 'end', handler: 'h', title },
        { kind: 'action', id: 'subgraph', handler: 'h' },
      ],
      edges: [
        {
          source: 'end',
          target: 'subgraph',
          when: 'input["a|b"] == "x\\"]"',
          map: { a: 'output.b' },
        },
      ],
    };
    const { plan, hash } = compilePlanOrThrow(draft);
    expect(compilePlanOrThrow(draftOf(planToMermaid(plan, { settings: true }))).hash).toBe(hash);
  });

  it('S227 takes a label that was written anew for what it says', () => {
    const { plan } = compilePlanOrThrow({
      title: 'T',
      nodes: ['a', 'b'].map((id) => ({ kind: 'action', id, handler: 'h', timeoutMs: 5_000 })),
      edges: [{ source: 'a', target: 'b', when: 'input.x > 1', map: { y: 'input.x' } }],
    });
    const text = planToMermaid(plan, { settings: true })
      .replace('n0["a"]', 'n0["Ask first"]')
      .replace('|"input.x #gt; 1"|', '|"input.x #gt; 2"|');
    expect(draftOf(text)).toMatchObject({
      nodes: [{ id: 'a', title: 'Ask first', timeoutMs: 5_000 }, { id: 'b' }],
      edges: [{ source: 'a', target: 'b', when: 'input.x > 2', map: { y: 'input.x' } }],
    });
  });
});

describe('a flowchart that somebody wrote', () => {
  it('S227 S10 is a plan: shapes are kinds, and labels say which way', () => {
    const text = `---
title: Publish a page
---
%% drawn by hand
flowchart LR
  fetch[Fetch the page] --> review(["Is it good?"])
  review --> size{Long?}
  size -->|size\\(input.text\\) > 100| shorten
  size -.->|default| gate{{Both}}
  shorten -- done --> gate & log; gate ==> publish
  subgraph last [At the end]
    direction TB
    publish("Publish &amp; tell"):::big --> pause((Wait))
  end
  classDef big fill:#f00
  style fetch fill:#fff
`.replaceAll('\\', '');
    expect(parsePlanText(text)).toEqual({
      ok: true,
      draft: {
        title: 'Publish a page',
        nodes: [
          { id: 'fetch', kind: 'action', handler: 'fetch', title: 'Fetch the page' },
          { id: 'review', kind: 'human-approval', title: 'Is it good?' },
          { id: 'size', kind: 'switch', title: 'Long?' },
          { id: 'shorten', kind: 'action', handler: 'shorten' },
          { id: 'gate', kind: 'join', title: 'Both' },
          { id: 'log', kind: 'action', handler: 'log' },
          {
            id: 'publish',
            kind: 'action',
            handler: 'publish',
            title: 'Publish & tell',
            ui: { groups: ['At the end'] },
          },
          { id: 'pause', kind: 'sleep', title: 'Wait', ui: { groups: ['At the end'] } },
        ],
        edges: [
          { source: 'fetch', target: 'review' },
          { source: 'review', target: 'size' },
          { source: 'size', target: 'shorten', when: 'size(input.text) > 100' },
          { source: 'size', target: 'gate', default: true },
          { source: 'shorten', target: 'gate', on: 'done' },
          { source: 'shorten', target: 'log', on: 'done' },
          { source: 'gate', target: 'publish' },
          { source: 'publish', target: 'pause' },
        ],
      },
    });
  });

  it('S227 asks a person where the answers to a question are words', () => {
    const { nodes, edges } = draftOf(
      chart('q{Ship it?} -->|yes| a', 'q -->|not yet| b', 'q -.-> c'),
    );
    expect(nodes[0]).toEqual({
      id: 'q',
      kind: 'human-decision',
      title: 'Ship it?',
      options: [{ id: 'yes' }, { id: 'not yet' }],
    });
    expect(edges.map(({ on }) => on)).toEqual(['yes', 'not yet', undefined]);
  });

  it('S227 is told what a drawing cannot say, in comments', () => {
    const text = chart(
      '%% runchart plan {"title":"Call","inputs":{"type":"object"}}',
      '%% runchart node call {"retry":{"maxAttempts":3},"handler":"phone"}',
      'call --> wait((a while))',
      '%% runchart node wait {"duration":"5s"}',
      '%% runchart edge {"map":{"number":"inputs.number"}}',
      'wait --> call2[Call again]',
      '%% runchart node call2 {"handler":"phone"}',
    );
    const version = compilePlanOrThrow(draftOf(text));
    expect(version.warnings).toEqual([]);
    expect(version.plan).toMatchObject({
      title: 'Call',
      nodes: [
        { kind: 'action', handler: 'phone', retry: { maxAttempts: 3 } },
        { kind: 'sleep', duration: '5s' },
        { kind: 'action', title: 'Call again', handler: 'phone' },
      ],
      edges: [{}, { map: { number: 'inputs.number' } }],
    });
  });

  it.each([
    ['an arrow to nothing', ['a --> '], 2, 7, 'a node'],
    ['a shape that does not end', ['a --> b[open'], 2, 9, '] is missing'],
    ['words', ['a b'], 2, 3, 'a link'],
    ['both ways', ['  a <--> b'], 2, 5, 'one way'],
    ['an edge to a subgraph', ['subgraph s', 'a', 'end', 'b --> s'], 5, 3, 'subgraph "s"'],
    ['a subgraph that does not end', ['subgraph s', 'a'], 3, 1, 'end'],
    ['an end of nothing', ['a', 'end'], 3, 1, 'subgraph'],
    ['settings that are no object', ['%% runchart node a [1]'], 2, 1, 'JSON object'],
    ['shapes in braces', ['a@{ shape: rect }'], 2, 2, 'braces'],
  ])('S227 is refused with line and column where it has %s', (_, lines, line, column, message) => {
    const read = planFromMermaid(chart(...lines));
    expect(read.ok ? [] : read.issues).toMatchObject([
      {
        severity: 'blocking',
        code: 'invalid-mermaid',
        message: expect.stringContaining(message),
        detail: { line, column },
      },
    ]);
  });

  it('S227 is refused where it is another diagram', () => {
    for (const text of ['', 'sequenceDiagram\nA->>B: hi', 'a --> b', '---\ntitle: x']) {
      expect(planFromMermaid(text)).toMatchObject({
        ok: false,
        issues: [{ code: 'invalid-mermaid' }],
      });
    }
  });

  it('S227 is told from JSON and YAML by how it begins', () => {
    expect(parsePlanText('graph LR\n a --> b')).toMatchObject({
      ok: true,
      draft: { nodes: [{}, {}] },
    });
    expect(parsePlanText('---\ntitle: T\nnodes: []\n')).toMatchObject({ draft: { title: 'T' } });
    expect(parsePlanText('graph: 1')).toMatchObject({ draft: { graph: 1 } });
    expect(parsePlanText('graph TD', { format: 'yaml' })).toMatchObject({ draft: 'graph TD' });
  });

  it('S227 gives issues and never throws, whatever it is', () => {
    const piece = fc.constantFrom(
      ...['a', 'b', ' --> ', '---', '-.->', '==>', '~~~', '|x|', '[', ']', '{', '}', '(', ')', '"'],
      ...[
        '&',
        ';',
        '\n',
        'end',
        'subgraph x',
        '%% runchart node a {}',
        '-- t -->',
        ':::c',
        '>',
        '#quot;',
      ],
    );
    const text = fc.array(fc.oneof(piece, fc.string({ maxLength: 4 })), { maxLength: 30 });
    fc.assert(
      fc.property(text, (pieces) => {
        const read = planFromMermaid(`flowchart TD\n${pieces.join('')}`);
        expect(read.ok || read.issues.length > 0).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  it('S227 takes time in proportion to its length', () => {
    const hostile = ['a --', 'a -- x ', 'a["', 'a -. ', '([', 'a & '].map((piece) =>
      chart(piece.repeat(10_000)),
    );
    const long = chart(...Array.from({ length: 20_000 }, (_, i) => `n${i}[N ${i}] --> n${i + 1}`));
    const start = performance.now();
    for (const text of hostile) planFromMermaid(text);
    expect(draftOf(long).nodes).toHaveLength(20_001);
    expect(performance.now() - start).toBeLessThan(8_000);
  });
});
