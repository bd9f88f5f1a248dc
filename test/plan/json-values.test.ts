import vm from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toJsonValue } from '../../src/plan/json-values.js';

describe('toJsonValue', () => {
  it('S93 carries every JSON value back unchanged', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 8 }), (value) => {
        const plain = JSON.parse(JSON.stringify(value)) as unknown;
        const result = toJsonValue(plain);
        if (JSON.stringify(plain).includes('"__proto__"')) return;
        expect(result).toMatchObject({ ok: true });
        expect(result.ok && result.value).toStrictEqual(plain);
        expect(result.ok && result.json && JSON.parse(result.json)).toStrictEqual(plain);
      }),
    );
  });

  it('S93 accepts no value that JSON would change', () => {
    fc.assert(
      fc.property(
        fc.anything({
          withBigInt: true,
          withDate: true,
          withMap: true,
          withSet: true,
          withSparseArray: true,
          withTypedArray: true,
          withNullPrototype: true,
        }),
        (value) => {
          const result = toJsonValue(value);
          if (!result.ok || result.json === undefined) return;
          expect(JSON.parse(result.json)).toStrictEqual(result.value);
          expect(JSON.stringify(value)).toBe(result.json);
        },
      ),
      { numRuns: 500 },
    );
  });

  const cyclic: Record<string, unknown> = { a: {} };
  cyclic.a = { back: cyclic };
  const sparse = [1, 2, 3];
  delete sparse[1];
  const refused: readonly [string, unknown, string][] = [
    ['a date', { at: new Date(0) }, '/at'],
    ['a map', { m: new Map() }, '/m'],
    ['a set', [new Set()], '/0'],
    ['a bigint', { n: 1n }, '/n'],
    ['an undefined property', { a: { b: undefined } }, '/a/b'],
    ['an undefined element', [undefined], '/0'],
    ['a function', () => 1, ''],
    ['a symbol', { s: Symbol('s') }, '/s'],
    ['a symbol key', { deep: { [Symbol('s')]: 1 } }, '/deep'],
    ['a cycle', cyclic, '/a/back'],
    ['NaN', { n: [Number.NaN] }, '/n/0'],
    ['infinity', Number.POSITIVE_INFINITY, ''],
    ['a hole', sparse, '/1'],
    ['an array with properties', { list: Object.assign([1], { extra: 1 }) }, '/list'],
    ['a class instance', { e: new Error('x') }, '/e'],
    ['a boxed string', { s: new String('x') }, '/s'],
    ['a hidden property', Object.defineProperty({}, 'h', { value: 1 }), '/h'],
    ['a toJSON function', { toJSON: () => 1 }, '/toJSON'],
    ['a property named __proto__', JSON.parse('{"a/b":{"__proto__":1}}'), '/a~1b/__proto__'],
  ];
  it.each(refused)('S93 refuses %s and says where', (_name, value, path) => {
    expect(toJsonValue(value)).toMatchObject({ ok: false, code: 'not-json', path });
  });

  it('S93 refuses an accessor without running it', () => {
    let runs = 0;
    const value = {
      get now() {
        runs++;
        return 1;
      },
    };
    expect(toJsonValue(value)).toMatchObject({ ok: false, path: '/now' });
    expect(runs).toBe(0);
  });

  it('S93 survives a proxy whose traps throw', () => {
    const hostile = new Proxy(
      {},
      {
        ownKeys() {
          throw new Error('no');
        },
      },
    );
    expect(toJsonValue({ a: hostile })).toMatchObject({ ok: false, path: '/a' });
  });

  it('takes nothing at all for absent', () => {
    expect(toJsonValue(undefined)).toEqual({ ok: true, value: undefined, json: undefined });
  });

  it('returns a copy that later changes do not reach', () => {
    const original = { list: [{ n: 1 }] };
    const result = toJsonValue(original);
    (original.list[0] as { n: number }).n = 2;
    expect(result.ok && result.value).toEqual({ list: [{ n: 1 }] });
  });

  it('accepts null prototypes and objects of another realm', () => {
    const foreign = vm.runInNewContext('({a: [1]})') as unknown;
    expect(toJsonValue(foreign)).toMatchObject({ ok: true, json: '{"a":[1]}' });
    const bare = Object.assign(Object.create(null), { a: 1 }) as unknown;
    expect(toJsonValue(bare)).toMatchObject({ ok: true, json: '{"a":1}' });
  });

  it('writes negative zero as zero', () => {
    const result = toJsonValue({ z: -0 });
    expect(result.ok && result.value).toStrictEqual({ z: 0 });
  });

  it('stops at its limits of depth and size', () => {
    let deep: unknown = 1;
    for (let i = 0; i < 65; i++) deep = [deep];
    expect(toJsonValue(deep)).toMatchObject({ ok: false, message: 'Deeper than 64 levels' });
    expect(toJsonValue('x'.repeat(100), { maxBytes: 50 })).toMatchObject({ ok: false });
    expect(toJsonValue('é'.repeat(30), { maxBytes: 50 })).toMatchObject({ ok: false });
  });

  it('stops early where shared references multiply', () => {
    let laughs: unknown = 'ha';
    for (let i = 0; i < 60; i++) laughs = [laughs, laughs];
    expect(toJsonValue(laughs)).toMatchObject({ ok: false, code: 'not-json', isTooLarge: true });
  });

  it('drops undefined properties where told to', () => {
    const result = toJsonValue({ a: undefined, b: 1 }, { omitUndefined: true });
    expect(result).toMatchObject({ ok: true, json: '{"b":1}' });
  });
});
