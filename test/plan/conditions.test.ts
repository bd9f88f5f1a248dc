import { describe, expect, it } from 'vitest';
import { type ParsedCondition, parseCondition } from '../../src/plan/conditions.js';
import type { EdgeScope, Evaluation } from '../../src/plan/plan-version.js';
import { scope } from './drafts.js';

function parsed(text: string): ParsedCondition {
  const result = parseCondition(text);
  if (!result.ok) throw new Error(result.fault.message);
  if (result.parsed === undefined) throw new Error('always true');
  return result.parsed;
}

function evaluate(text: string, parts: Partial<EdgeScope> = {}): Evaluation<boolean> {
  return parsed(text).condition.evaluate(scope(parts));
}

const inputs = JSON.parse(`{
  "a": 1, "half": 0.5, "big": 9007199254740991, "name": "Ada", "none": null, "yes": true,
  "tags": ["x", "y"], "numbers": [1, 2, 3], "person": {"age": 30}, "x-y": 2,
  "own": {"toString": "mine"}
}`) as EdgeScope['inputs'];

const truths = [
  'inputs.a == 1',
  '1 == inputs.a',
  'inputs.a != 2',
  'inputs.a == 1.0',
  'inputs.a + 1 == 2',
  '1 + inputs.a == 2',
  '3 - inputs.a == 2 && inputs.a - 3 == -2',
  'inputs.a * 4 == 4 && 4 * inputs.half == 2',
  'inputs.a / 2 == 0.5 && 1 / inputs.half == 2',
  'inputs.a % 2 == 1 && 5 % inputs.numbers[1] == 1 && inputs.a % inputs.half == 0',
  'size(inputs.numbers) + inputs.a == 4',
  'size(inputs.tags) == inputs.numbers[1]',
  'inputs.a < 2 && inputs.a <= 1 && 2 > inputs.a && inputs.half < inputs.a',
  'inputs.big == 9007199254740991',
  '-inputs.a == -1',
  'inputs.a in [1, 2]',
  '2 in inputs.numbers',
  '"x" in inputs.tags',
  '"age" in inputs.person',
  'inputs.numbers == [1, 2, 3]',
  '[inputs.a, 2] == [1, 2]',
  'inputs.numbers[0] == 1 && inputs.numbers[inputs.a] == 2',
  'inputs["x-y"] == 2',
  'inputs.none == null',
  'inputs.name != null',
  '!(inputs.a == 2) && (inputs.yes || false)',
  'inputs.name.startsWith("A") && inputs.name.matches("^A.a$")',
  'inputs.tags.exists(t, t.matches("y"))',
  'inputs.numbers.all(n, n + 1 > 1)',
  'inputs.numbers.filter(n, n > 1).size() == 2',
  'inputs.numbers.map(n, n * 2) == [2, 4, 6]',
  'has(inputs.person.age) && !has(inputs.person.name)',
  'has(inputs["x-y"]) && !has(inputs["no-such"])',
  'inputs.yes ? true : false',
  'inputs.yes',
  'inputs.own.toString == "mine"',
  'inputs.missing == 1 || true',
];

describe('conditions', () => {
  it.each(truths)('S65 finds %s true', (text) => {
    expect(evaluate(text, { inputs })).toEqual({ ok: true, value: true });
  });

  it.each(['', '  ', 'always', ' always '])('S69 takes %j for always true', (text) => {
    expect(parseCondition(text)).toEqual({ ok: true, parsed: undefined });
  });

  it('S68 offers inputs, input, output, outcome and nodes, and nothing else', () => {
    const parts: Partial<EdgeScope> = {
      inputs,
      input: { from: 'source' },
      output: { score: 7 },
      outcome: 'approved',
      node: (id) =>
        id === 'draft-brief' ? { output: { ok: true }, artifacts: { a: 1 } } : undefined,
    };
    const text =
      'input.from == "source" && output.score > 5 && outcome == "approved" && ' +
      'nodes["draft-brief"].output.ok && nodes["draft-brief"].artifacts.a == 1';
    expect(evaluate(text, parts)).toEqual({ ok: true, value: true });
    for (const name of ['process', 'globalThis', 'artifacts', 'cel', 'google', 'this', 'context']) {
      expect(parseCondition(`${name} == 1`)).toMatchObject({ ok: false });
    }
  });

  it('S68 looks up only the nodes that the expression names', () => {
    const asked: string[] = [];
    const node: EdgeScope['node'] = (id) => {
      asked.push(id);
      return { output: 1 };
    };
    const condition = parsed('nodes.a.output == 1 && nodes["b"].output == 1 && nodes.a.output > 0');
    expect([...condition.nodeOffsets.keys()]).toEqual(['a', 'b']);
    condition.condition.evaluate(scope({ node }));
    expect(asked).toEqual(['a', 'b']);
  });

  it('S68 shows a node that has not finished as empty', () => {
    expect(evaluate('has(nodes["not-yet"].output)')).toEqual({ ok: true, value: false });
    expect(evaluate('nodes["not-yet"].output == 1')).toMatchObject({
      ok: false,
      code: 'no-such-key',
    });
  });

  it('reads an absent outcome, input and output as null', () => {
    expect(evaluate('outcome == null && input == null && output == null')).toEqual({
      ok: true,
      value: true,
    });
    expect(evaluate('outcome == "approved"')).toEqual({ ok: true, value: false });
    expect(evaluate('has(output.x)')).toEqual({ ok: true, value: false });
  });

  it.each([
    ['inputs.missing == 1', 'no-such-key'],
    ['inputs.person.name == "x"', 'no-such-key'],
    ['inputs.none.x == 1', 'no-such-key'],
    ['inputs.numbers[9] == 1', 'index-out-of-bounds'],
    ['inputs.name + 1 == 2', 'no-such-overload'],
    ['inputs.name > 1', 'no-such-overload'],
    ['inputs.a', 'not-boolean'],
    ['inputs.name', 'not-boolean'],
    ['!inputs.missing', 'no-such-key'],
    ['inputs.name.matches(inputs.tags)', 'no-matching-overload'],
    ['inputs.name.matches(inputs.name + "(?=x)")', 'evaluation-error'],
  ])('S67 answers %s with the error %s and never throws', (text, code) => {
    const result = evaluate(text, { inputs });
    expect(result).toMatchObject({ ok: false, code });
    expect(!result.ok && result.message).toBeTruthy();
  });

  it.each([
    ['inputs.a = 1', 9],
    ['inputs.a ==', 11],
    ['foo == 1', 0],
    ['true && bar', 8],
    ['inputs.a == 1 &&\n baz == 2', 18],
    ['"text"', 0],
    ['1 + 1', 0],
    ['1 + "a" == 2', 0],
    ['nodes[inputs.name].output', 0],
    ['nodes == null', 0],
    ['size(nodes) == 1', 5],
    ['inputs.numbers.exists(nodes, true)', 22],
    ['inputs.name.matches("(a")', 20],
    ['inputs.name.matches("a(?=b)")', 20],
    ['eval("1")', 0],
    ['inputs.tags.push("x")', 0],
    [`${'('.repeat(100)}true${')'.repeat(100)}`, undefined],
    [`${'inputs.a == 1 || '.repeat(300)}true`, undefined],
    ['inputs.l.all(a, a.all(b, b.all(c, c == 1)))', undefined],
  ])('S20 refuses %j with its place', (text, offset) => {
    const result = parseCondition(text);
    expect(result.ok).toBe(false);
    if (!result.ok && offset !== undefined) expect(result.fault.offset).toBe(offset);
  });

  it.each([
    'constructor',
    '__proto__',
    'toString',
    'hasOwnProperty',
    'valueOf',
    'length',
    'prototype',
  ])('S66 reaches no inherited property such as %s', (name) => {
    for (const base of [
      'inputs',
      'inputs.person',
      'inputs.tags',
      'inputs.name',
      'inputs.a',
      'output',
    ]) {
      for (const text of [`${base}.${name} != null`, `${base}["${name}"] != null`]) {
        expect(evaluate(text, { inputs, output: {} }), text).toMatchObject({ ok: false });
      }
      expect(evaluate(`has(${base}.${name})`, { inputs, output: {} })).toMatchObject({
        value: false,
      });
    }
    expect(evaluate(`nodes.a.${name} != null`)).toMatchObject({ ok: false });
    expect(evaluate(`nodes.${name}.output != null`)).toMatchObject({ ok: false });
  });

  it('S66 treats data with hostile keys as data or as an error, never as code', () => {
    const hostile = JSON.parse('{"constructor":{"name":"x"},"o":{"toString":1,"valueOf":2}}');
    expect(() => evaluate('inputs.constructor.name == "x"', { inputs: hostile })).not.toThrow();
    expect(() => evaluate('inputs.o == inputs.o', { inputs: hostile })).not.toThrow();
  });

  it('answers with an error where the scope itself throws', () => {
    const node = (): never => {
      throw new Error('store is gone');
    };
    expect(evaluate('nodes.a.output == 1', { node })).toMatchObject({
      ok: false,
      message: expect.stringContaining('store is gone') as string,
    });
  });

  it('matches a hostile pattern in linear time', () => {
    const started = performance.now();
    const text = 'inputs.name.matches("^(a+)+$")';
    evaluate(text, { inputs: { name: `${'a'.repeat(5_000)}!` } });
    expect(performance.now() - started).toBeLessThan(500);
  });

  it('gives the same answer each time, also after an error', () => {
    const condition = parsed('inputs.list.exists(x, x.ok)').condition;
    const good = scope({ inputs: { list: [{ ok: false }, { ok: true }] } });
    const bad = scope({ inputs: { list: [{}] } });
    for (let i = 0; i < 3; i++) {
      expect(condition.evaluate(good)).toEqual({ ok: true, value: true });
      expect(condition.evaluate(bad)).toMatchObject({ ok: false });
    }
  });
});
