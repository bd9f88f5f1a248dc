import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compilePlanOrThrow } from '../../src/plan/compile.js';
import { parsePlanText } from '../../src/plan/parse.js';
import type { ParseResult } from '../../src/plan/parse-result.js';
import { repeatedKeys } from '../../src/plan/repeated-keys.js';
import { growth } from '../support/cost.js';
import { action, draft, edge } from './drafts.js';

function fault(result: ParseResult) {
  if (result.ok) throw new Error('parsed');
  return result.issues[0];
}

const yaml = `
title: Test
nodes:
  - { kind: action, id: a, handler: work }
  - kind: action
    id: b
    handler: work
edges:
  - { source: a, target: b, on: done }
`;

interface Text {
  readonly json: string;
  /** Keys that stand in an object already. */
  readonly repeated: number;
}

function listed(items: readonly Text[]): Text {
  const repeated = items.reduce((sum, item) => sum + item.repeated, 0);
  return { json: `[${items.map(({ json }) => json).join(' , ')}]`, repeated };
}

function objectOf(members: readonly (readonly [string, Text])[]): Text {
  const { repeated } = listed(members.map(([, value]) => value));
  const json = members.map(([key, value]) => `${JSON.stringify(key)} : ${value.json}`).join(',');
  const own = members.length - new Set(members.map(([key]) => key)).size;
  return { json: `{${json}}`, repeated: repeated + own };
}

describe('parsePlanText', () => {
  it('S1 S10 reads the same plan from YAML and from JSON', () => {
    const value = draft([action('a'), action('b')], [edge('a', 'b', { on: 'done' })]);
    const fromYaml = parsePlanText(yaml);
    const fromJson = parsePlanText(JSON.stringify(value, null, 2));
    expect(fromYaml.ok && fromYaml.draft).toEqual(value);
    expect(fromYaml).toEqual(fromJson);
    expect(fromYaml.ok && compilePlanOrThrow(fromYaml.draft).hash).toBe(
      compilePlanOrThrow(value).hash,
    );
  });

  it.each([
    ['{"title": "x",\n  "nodes": [,]}', 2, 13],
    ['{"title": }', 1, 11],
    ['{"title": "x" "nodes": 1}', 1, 15],
    ['{"title": "x",}', 1, 15],
    ['{"a": tru}', 1, 7],
    ['{"a": "x', 1, 7],
    ['{"a": 1} 2', 1, 10],
    ['{"a": [1, 2}', 1, 12],
    ['{"a": 01}', 1, 8],
  ])('says where %j stops being JSON', (text, line, column) => {
    expect(fault(parsePlanText(text, { format: 'json' }))).toMatchObject({
      severity: 'blocking',
      code: 'invalid-json',
      detail: { line, column },
    });
  });

  it.each([
    ['title: "x', 1],
    ['a: 1\nb: [1, 2\nc: 3', 3],
    ['a: 1\n- b', 2],
    ['a: 1\nb: 2\na: 3', 3],
    ['? [a]\n: 1', 1],
  ])('says in which line %j stops being YAML', (text, line) => {
    const issue = fault(parsePlanText(text));
    expect(issue).toMatchObject({ severity: 'blocking', code: 'invalid-yaml' });
    expect(issue?.detail).toHaveProperty('line', line);
  });

  it.each([
    ['{"title": "x",\n  "title": "y"}', 'title', 2, 3],
    ['{"a": {"b": [1, {"c": 1}], "\\u0062": 2}}', 'b', 1, 28],
    ['{"a": "}", "b": ":{", "a" : 1}', 'a', 1, 23],
    ['{"a\\"": 1, "a\\\\": 2, "a\\"": 3}', 'a"', 1, 22],
    ['{"__proto__": 1, "__proto__": 2}', '__proto__', 1, 18],
  ])(
    'S1 refuses a key that stands twice in an object of JSON, as in %j',
    (text, key, line, column) => {
      expect(fault(parsePlanText(text, { format: 'json' }))).toMatchObject({
        ...{ severity: 'blocking', code: 'invalid-json', detail: { line, column } },
        message: `The key '${key}' stands twice (line ${line})`,
      });
    },
  );

  it('S1 finds just the keys that stand twice in an object, whatever else a text holds', () => {
    const names = fc.constantFrom('a', 'b', '"', '\\', ':', '{', '}', '\n');
    const value = fc.letrec<{ any: Text; object: Text }>((tie) => ({
      any: fc.oneof(
        names.map((name) => ({ json: JSON.stringify(name), repeated: 0 })),
        fc.array(tie('any'), { maxLength: 3 }).map(listed),
        tie('object'),
      ),
      object: fc.array(fc.tuple(names, tie('any')), { maxLength: 4 }).map(objectOf),
    }));
    fc.assert(
      fc.property(value.object, ({ json, repeated }) => {
        expect([...repeatedKeys(json)]).toHaveLength(repeated);
      }),
    );
  });

  it('S1 looks for keys that stand twice without quadratic cost, and names twenty', () => {
    const texts = {
      keys: (length: number) => `{${'"a":1,'.repeat(length)}"b":1}`,
      quotes: (length: number) => `{"a":"${'\\\\\\"'.repeat(length)}"}`,
    };
    for (const textOf of Object.values(texts)) {
      const read = (length: number) => void [...repeatedKeys(textOf(length))];
      expect(growth(read, 20_000, 10)).toBeLessThan(40);
    }
    const result = parsePlanText(texts.keys(100));
    expect(result.ok ? [] : result.issues).toHaveLength(20);
  }, 60_000);

  it('refuses aliases that multiply', () => {
    const levels = Array.from(
      { length: 12 },
      (_, i) => `l${i + 1}: &l${i + 1} [*l${i}, *l${i}, *l${i}]`,
    );
    expect(fault(parsePlanText(['l0: &l0 [ha]', ...levels].join('\n')))?.code).toBe(
      'too-many-aliases',
    );
  });

  it('refuses values that JSON does not have', () => {
    expect(fault(parsePlanText('title: .nan'))).toMatchObject({ code: 'not-json', path: '/title' });
    expect(fault(parsePlanText('title: !!binary aGk='))).toMatchObject({ code: 'not-json' });
    expect(fault(parsePlanText('__proto__: { a: 1 }'))).toMatchObject({ code: 'not-json' });
  });

  it.each(['[', '{"a":', '- ', '? ', '[{a: '])('refuses %j repeated beyond all depth', (piece) => {
    for (const format of ['json', 'yaml', 'detect'] as const) {
      expect(parsePlanText(piece.repeat(50_000), { format }).ok).toBe(false);
    }
    expect(fault(parsePlanText(piece.repeat(500), { format: 'yaml' }))?.code).toBe('invalid-yaml');
    const closed = `${'['.repeat(5_000)}${']'.repeat(5_000)}`;
    expect(parsePlanText(closed, { format: 'json' }).ok).toBe(false);
  });

  it('refuses a text that is too long', () => {
    expect(fault(parsePlanText('a'.repeat(1024 * 1024 + 1)))?.code).toBe('too-large');
  });

  it('reports a key that stands thousands of times without quadratic cost', () => {
    const report = (times: number) =>
      expect(parsePlanText('a: 1\n'.repeat(times))).toMatchObject({ ok: false });
    expect(growth(report, 5_000, 10)).toBeLessThan(40);
  }, 60_000);

  it('reads a long map without quadratic cost', () => {
    const read = (length: number) => {
      const text = Array.from({ length }, (_, i) => `k${i}: ${i}`).join('\n');
      expect(parsePlanText(text).ok).toBe(true);
    };
    expect(growth(read, 2_000, 10)).toBeLessThan(40);
  }, 60_000);

  it.each(['', '# nothing'])('refuses %j as a plan when compiled', (text) => {
    const result = parsePlanText(text);
    expect(result.ok ? result.draft : null).toBeNull();
  });
});
