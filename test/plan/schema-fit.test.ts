import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Findings } from '../../src/plan/findings.js';
import type { JsonObject, JsonValue } from '../../src/plan/json.js';
import { formatPath, type PathSegment, readPath } from '../../src/plan/paths.js';
import type { ValueValidator } from '../../src/plan/plan-version.js';
import { misfit, schemaAt } from '../../src/plan/schema-fit.js';
import { ValueSchemas } from '../../src/plan/value-schemas.js';
import { costOf, growth } from '../support/cost.js';

const brief: JsonObject = {
  type: 'object',
  properties: {
    headline: { type: 'string' },
    author: { $ref: '#/$defs/person' },
    pair: { prefixItems: [{ type: 'string' }], items: { type: 'integer' } },
    closing: { allOf: [{ properties: { at: { type: 'string' } } }, { type: 'object' }] },
    reviewer: { anyOf: [{ $ref: '#/$defs/person' }, { type: 'null' }] },
  },
  additionalProperties: false,
  $defs: {
    person: {
      type: 'object',
      properties: { name: { type: 'string' }, boss: { $ref: '#/$defs/person' } },
      additionalProperties: { type: 'number' },
    },
  },
};

describe('schemaAt', () => {
  it.each<[PathSegment[], JsonValue | undefined]>([
    [['headline'], { type: 'string' }],
    [['author', 'name'], { type: 'string' }],
    [['author', 'boss', 'boss', 'name'], { type: 'string' }],
    [['author', 'age'], { type: 'number' }],
    [['pair', 0], { type: 'string' }],
    [['pair', 1], { type: 'integer' }],
    [['pair', 7], { type: 'integer' }],
    [['closing', 'at'], { type: 'string' }],
    [['reviewer', 'name'], { type: 'string' }],
    [['closing', 'other'], undefined],
    [['closing', 'other', 'deeper', 0], undefined],
    [['missing'], false],
    [['missing', 'deeper'], false],
    [['headline', 'length'], false],
    [['author', 0], false],
    [['pair', 'length'], undefined],
    [['toString'], false],
  ])('finds what %j has to satisfy', (segments, expected) => {
    const found = schemaAt(brief, segments);
    expect(found).toEqual(
      typeof expected === 'object' ? { ...(expected as JsonObject), $defs: brief.$defs } : expected,
    );
  });

  it('keeps the definitions that a part refers to', () => {
    const at = schemaAt(brief, ['author']) as JsonObject;
    expect(schemaAt(at, ['boss', 'name'])).toMatchObject({ type: 'string' });
    expect(schemaAt(brief, [])).toBe(brief);
  });

  it('joins what several schemas say', () => {
    const schema = {
      properties: { a: { type: ['string', 'null'] } },
      allOf: [{ properties: { a: { type: ['string', 'integer'] } } }],
    };
    expect(schemaAt(schema, ['a'])).toEqual({
      allOf: [{ type: ['string', 'null'] }, { type: ['string', 'integer'] }],
    });
    expect(misfit(schemaAt(schema, ['a']) as JsonValue, { type: 'null' })).toBeDefined();
    const contradiction = { ...schema, properties: { a: { type: 'boolean' } } };
    expect(schemaAt(contradiction, ['a'])).toBe(false);
  });

  it.each<[JsonValue, PathSegment[]]>([
    [true, ['a']],
    [{}, ['a']],
    [{ $ref: 'named' }, ['a']],
    [{ $ref: '#' }, ['a']],
    [{ $ref: '#/$defs/none', $defs: {} }, ['a']],
    [{ $ref: '#/$defs/a', $defs: { a: { $ref: '#/$defs/a' } } }, ['a']],
    [{ patternProperties: { '^b': {} }, additionalProperties: false }, ['a']],
    [{ anyOf: [{ properties: { a: false } }, { properties: { a: true } }] }, ['a']],
    [{ if: false, else: { properties: { a: false } } }, ['a']],
    [{ properties: { a: { $id: 'x', type: 'string' } } }, ['a']],
    [{ items: [false] }, [0]],
  ])('knows nothing of %j', (schema, segments) => {
    expect(schemaAt(schema, segments)).toBeUndefined();
  });
});

describe('misfit', () => {
  it.each<[JsonValue, JsonValue, string]>([
    [{ type: 'string' }, { type: 'integer' }, 'string is never integer'],
    [{ type: ['string', 'null'] }, { type: 'number' }, 'string or null is never number'],
    [{ enum: ['a', 'b'] }, { const: 'c' }, '"a" or "b" is never "c"'],
    [{ const: 1.5 }, { type: 'integer' }, '1.5 is never integer'],
    [{ const: { b: 1, a: 2 } }, { const: { a: 1 } }, '{"a":2,"b":1} is never {"a":1}'],
    [{ type: 'string', enum: ['a'] }, { enum: ['b', null] }, '"a" is never "b" or null'],
    [{ enum: [1, 2, 3, 4] }, { type: 'null' }, '1 or 2 or 3 or … is never null'],
    [
      { anyOf: [{ type: 'string' }, { type: 'null' }] },
      { oneOf: [{ type: 'object' }, { type: 'array' }] },
      'string or null is never object or array',
    ],
    [
      { $ref: '#/$defs/a', $defs: { a: { type: 'string' } } },
      { allOf: [{ type: ['string', 'boolean'] }, { type: 'boolean' }] },
      'string is never boolean',
    ],
    [false, {}, 'there never is a value'],
    [{}, false, 'no value is allowed'],
    [
      { type: 'object', properties: { n: { type: 'string' } }, required: ['n'] },
      { type: 'object', properties: { n: { type: 'integer' } } },
      'n: string is never integer',
    ],
    [
      { type: 'object', properties: {}, additionalProperties: false },
      { type: 'object', properties: { 'due-date': {} }, required: ['due-date'] },
      'due-date: there never is a value',
    ],
  ])('says why no value of %j fits %j', (source, target, reason) => {
    expect(misfit(source, target)).toBe(reason);
  });

  it.each<[JsonValue, JsonValue]>([
    [{ type: 'integer' }, { type: 'number' }],
    [{ type: 'number' }, { type: 'integer' }],
    [{ const: 1 }, { const: 1.0 }],
    [{ const: { a: 1, b: 2 } }, { const: { b: 2, a: 1 } }],
    [{ type: ['string', 'null'] }, { anyOf: [{ type: 'null' }, { type: 'integer' }] }],
    [{ type: 'string' }, { not: { type: 'string' } }],
    [{ type: 'string', nullable: true }, { type: 'null' }],
    [{ $ref: 'named' }, { type: 'string' }],
    [{ $ref: '#/properties/a', properties: { a: { type: 'null' } } }, { type: 'string' }],
    [{ allOf: [{ $id: 'x', type: 'string' }] }, { type: 'null' }],
    [
      { type: 'array', items: { type: 'string' } },
      { type: 'array', items: { type: 'null' } },
    ],
    [{ properties: { a: { type: 'string' } } }, { properties: { a: { type: 'null' } } }],
    [true, { type: 'string' }],
  ])('finds no reason between %j and %j', (source, target) => {
    expect(misfit(source, target)).toBeUndefined();
  });

  it('ends on schemas that run in circles', () => {
    const parts = Array.from({ length: 40 }, (_, i) => `n${i}`);
    const all = parts.map((name) => ({ $ref: `#/$defs/${name}` }));
    const node = { type: 'object', allOf: all, anyOf: all, required: parts };
    const properties = Object.fromEntries(all.map((ref, i) => [`n${i}`, ref]));
    const $defs = Object.fromEntries(parts.map((name) => [name, { ...node, properties }]));
    const schema = { ...node, $defs };
    const cost = costOf(() => {
      expect(misfit(schema, schema)).toBeUndefined();
      expect(schemaAt(schema, Array(64).fill('n1'))).toMatchObject({ allOf: expect.anything() });
    });
    expect(cost).toBeLessThan(4_000);
  });

  it('reads long enumerations in linear time', () => {
    const compare = (length: number) => {
      const texts = Array.from({ length }, (_, i) => `v${i}`);
      const others = texts.map((text) => `${text}!`);
      expect(misfit({ enum: texts }, { enum: others })).toMatch(/^"v0" or/);
    };
    expect(growth(compare, 5_000, 10)).toBeLessThan(40);
  });
});

const scalar = fc.constantFrom<JsonValue>(null, true, false, 0, 1, 2, 0.5, '', 'a', 'b');
const keys = fc.constantFrom('a', 'b', 'c');
const { value: anyValue } = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    scalar,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(keys, tie('value'), { maxKeys: 3, noNullPrototype: true }),
  ),
}));

const typeName = fc.constantFrom(
  'null',
  'boolean',
  'integer',
  'number',
  'string',
  'array',
  'object',
);

/** Schemas that have nothing to do with a value, and now and then refer in circles. */
const { schema: anySchema } = fc.letrec<{ schema: JsonValue }>((tie) => ({
  schema: fc.oneof(
    { maxDepth: 2 },
    fc.boolean(),
    typeName.map((type) => ({ type })),
    fc.record({ const: anyValue }),
    fc.record({ $ref: fc.constantFrom('#/$defs/one', '#/$defs/two') }),
    fc.record({ not: tie('schema') }),
    fc.record({ anyOf: fc.array(tie('schema'), { minLength: 1, maxLength: 2 }) }),
    fc.record({ properties: fc.dictionary(keys, tie('schema'), { noNullPrototype: true }) }),
  ) as fc.Arbitrary<JsonValue>,
}));

function typesOf(value: JsonValue): string[] {
  if (value === null) return ['null'];
  if (Array.isArray(value)) return ['array'];
  if (typeof value !== 'number') return [typeof value];
  return Number.isInteger(value) ? ['integer', 'number'] : ['number'];
}

/** Schemas that mostly accept `value`, each in its own way. */
function schemaOf(value: JsonValue, depth = 0): fc.Arbitrary<JsonValue> {
  const type = fc.constantFrom(...typesOf(value));
  const plain: fc.Arbitrary<JsonValue>[] = [
    type.map((name) => ({ type: name })),
    fc.tuple(type, typeName).map((types) => ({ type: [...new Set(types)] })),
    fc.constant({ const: value }),
    anyValue.map((other) => ({ enum: [other, value] })),
    fc.record({ type: typeName, nullable: fc.constant(true) }),
    structureOf(value, depth),
  ];
  if (depth > 2) return fc.oneof(...plain);
  const inner = fc.memo(() => schemaOf(value, depth + 1));
  return fc.oneof(
    ...plain,
    structureOf(value, depth),
    fc.tuple(inner(), anySchema).map((anyOf) => ({ anyOf })),
    fc.tuple(anySchema, inner()).map((oneOf) => ({ oneOf })),
    fc.tuple(inner(), inner()).map((allOf) => ({ allOf })),
    fc.tuple(inner(), inner()).map(([a, b]) => (isObject(a) && isObject(b) ? { ...a, ...b } : a)),
    fc.record({ $ref: fc.constantFrom('#/$defs/one', '#/$defs/two') }),
  );
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function structureOf(value: JsonValue, depth: number): fc.Arbitrary<JsonValue> {
  if (Array.isArray(value)) {
    const items = value.map((item) => schemaOf(item, depth + 1));
    return fc
      .record({ prefixItems: fc.tuple(...items), items: anySchema })
      .map(({ prefixItems, items }) =>
        prefixItems.length === 0 ? { items } : { prefixItems, items },
      );
  }
  if (!isObject(value)) return fc.constant({ type: typesOf(value) });
  const members = Object.entries(value).map(([key, member]) => [key, schemaOf(member, depth + 1)]);
  return fc.record({
    properties: fc.record(Object.fromEntries(members) as Record<string, fc.Arbitrary<JsonValue>>, {
      noNullPrototype: true,
      requiredKeys: [],
    }),
    required: fc.subarray(Object.keys(value)),
    additionalProperties: anySchema,
  }) as fc.Arbitrary<JsonValue>;
}

function documentOf(value: JsonValue): fc.Arbitrary<JsonObject> {
  const definition = fc.oneof(schemaOf(value), anySchema);
  return fc
    .tuple(schemaOf(value), fc.record({ one: definition, two: definition }))
    .map(([schema, $defs]) => ({ ...(isObject(schema) ? schema : {}), $defs }));
}

function validatorOf(schema: JsonObject): ValueValidator | undefined {
  return new ValueSchemas(new Findings()).resolve(schema, '');
}

function accepts(schema: JsonObject, value: JsonValue): boolean {
  const issues = validatorOf(schema)?.(value);
  return issues !== undefined && issues.length === 0;
}

function pathsOf(value: JsonValue): PathSegment[][] {
  if (typeof value !== 'object' || value === null) return [[]];
  const members: [PathSegment, JsonValue][] = Array.isArray(value)
    ? [...value.entries()]
    : Object.entries(value);
  const below = members.flatMap(([key, member]) =>
    pathsOf(member).map((path) => [key, ...path] as PathSegment[]),
  );
  return [[], ...below];
}

describe('values, schemas and the validator', () => {
  it('never finds a misfit between two schemas of one value', () => {
    let compared = 0;
    const pair = anyValue.chain((value) =>
      fc.tuple(fc.constant(value), documentOf(value), documentOf(value)),
    );
    fc.assert(
      fc.property(pair, ([value, source, target]) => {
        fc.pre(accepts(source, value) && accepts(target, value));
        compared++;
        expect(misfit(source, target)).toBeUndefined();
      }),
      { numRuns: 200, maxSkipsPerRun: 1_000 },
    );
    expect(compared).toBe(200);
  });

  it('accepts the part of a value by what it says of its path', () => {
    const pair = anyValue.chain((value) => fc.tuple(fc.constant(value), documentOf(value)));
    fc.assert(
      fc.property(pair, ([value, schema]) => {
        fc.pre(accepts(schema, value));
        for (const path of pathsOf(value)) {
          const part = schemaAt(schema, path);
          if (part === undefined || part === true) continue;
          expect(part, formatPath(path)).not.toBe(false);
          expect(accepts(part as JsonObject, readPath(value, path) as JsonValue)).toBe(true);
        }
      }),
      { numRuns: 100, maxSkipsPerRun: 1_000 },
    );
  });
});
