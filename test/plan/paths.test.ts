import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonValue } from '../../src/plan/json.js';
import {
  formatPath,
  type PathSegment,
  PathWriter,
  parsePath,
  readPath,
} from '../../src/plan/paths.js';

const forbidden = new Set(['__proto__', 'prototype', 'constructor']);
const key = fc.string({ minLength: 1, maxLength: 6 }).filter((text) => !forbidden.has(text));
const segment = fc.oneof(key, fc.nat(20));
const segments = fc.array(segment, { minLength: 1, maxLength: 5 });

function parsed(text: string): readonly PathSegment[] {
  const path = parsePath(text);
  if (!path.ok) throw new Error(`${text}: ${path.message}`);
  return path.segments;
}

describe('parsePath', () => {
  it.each([
    ['a', ['a']],
    ['a.b[0]["x-y"]', ['a', 'b', 0, 'x-y']],
    ["a['x y'].c-d", ['a', 'x y', 'c-d']],
    ['["quo\\"te"]', ['quo"te']],
    ['nodes["a.b"].output', ['nodes', 'a.b', 'output']],
  ])('S85 reads %s', (text, expected) => {
    expect(parsed(text)).toEqual(expected);
  });

  it.each(['', '.a', 'a.', 'a..b', 'a b', 'a[', 'a[-1]', 'a[x]', 'a["x]', '1a', 'a[10001]', 'a$'])(
    'S85 refuses %j with a place',
    (text) => {
      expect(parsePath(text)).toMatchObject({ ok: false, code: 'invalid-path' });
    },
  );

  it.each([
    '__proto__',
    'a.__proto__.b',
    'a["constructor"]',
    "a['prototype']",
    'a["\\u005f_proto__"]',
  ])('S21 refuses %s as forbidden', (text) => {
    expect(parsePath(text)).toMatchObject({ ok: false, code: 'forbidden-path' });
  });

  it('S85 reads back every path that it writes', () => {
    fc.assert(
      fc.property(segments, (path) => {
        expect(parsed(formatPath(path))).toEqual(path);
      }),
    );
  });
});

describe('readPath', () => {
  it('S87 sees own properties only', () => {
    for (const path of [['toString'], ['constructor'], ['__proto__', 'x'], ['list', 'length']]) {
      expect(readPath({ list: [1] }, path)).toBeUndefined();
    }
    expect(readPath('text', ['length'])).toBeUndefined();
  });
});

describe('PathWriter', () => {
  it('S87 reads back what it wrote, as plain JSON', () => {
    fc.assert(
      fc.property(segments, fc.jsonValue(), (path, raw) => {
        const value = JSON.parse(JSON.stringify(raw)) as JsonValue;
        const writer = new PathWriter();
        writer.write(path, value);
        expect(readPath(writer.value, path)).toEqual(value);
        expect(JSON.parse(JSON.stringify(writer.value))).toStrictEqual(writer.value);
      }),
    );
  });

  it('S87 never changes a prototype, whatever the path', () => {
    const hostile = fc.array(fc.oneof(segment, fc.constantFrom(...forbidden, 'toString')), {
      maxLength: 5,
    });
    fc.assert(
      fc.property(hostile, (path) => {
        const writer = new PathWriter();
        const isForbidden = path.some((part) => forbidden.has(String(part)));
        if (isForbidden) expect(() => writer.write(path, 'x')).toThrow(RangeError);
        else writer.write(path, 'x');
        expect(Object.getOwnPropertyNames(Object.prototype)).not.toContain('x');
        expect(({} as Record<string, unknown>).polluted).toBeUndefined();
        expect(typeof {}.toString).toBe('function');
      }),
    );
  });

  it('S87 copies a value before it writes into it', () => {
    const source: JsonValue = Object.freeze({ a: 1 }) as JsonValue;
    const writer = new PathWriter();
    writer.write(['whole'], source);
    writer.write(['whole', 'b'], 2);
    expect(writer.value).toEqual({ whole: { a: 1, b: 2 } });
    expect(source).toEqual({ a: 1 });
  });

  it('fills gaps in lists with null and bounds indexes', () => {
    const writer = new PathWriter();
    writer.write(['list', 2], 'c');
    expect(writer.value).toEqual({ list: [null, null, 'c'] });
    expect(() => writer.write(['list', 10_001], 'x')).toThrow(RangeError);
    expect(() => writer.write(['list', -1], 'x')).toThrow(RangeError);
  });
});
