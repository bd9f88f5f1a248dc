import { describe, expect, it } from 'vitest';
import { parseCondition, parseCountCondition } from '../../src/plan/conditions.js';
import { type ParsedExpression, parseExpression } from '../../src/plan/expressions.js';
import type { JsonValue } from '../../src/plan/json.js';
import type { EdgeScope, Evaluation } from '../../src/plan/plan-version.js';
import { scope } from './drafts.js';

function parsed(text: string): ParsedExpression {
  const result = parseExpression(text);
  if (!result.ok) throw new Error(result.fault.message);
  return result;
}

function evaluate(text: string, parts: Partial<EdgeScope> = {}): Evaluation<JsonValue> {
  return parsed(text).expression.evaluate(scope(parts));
}

function holds(text: string, parts: Partial<EdgeScope> = {}): Evaluation<boolean> {
  const result = parseCondition(text);
  if (!result.ok || result.parsed === undefined) throw new Error('not a condition');
  return result.parsed.condition.evaluate(scope(parts));
}

const inputs = JSON.parse(`{
  "a": 1, "half": 0.5, "zero": 0, "huge": 1e308, "name": "Ada", "none": null, "yes": true,
  "tags": ["x", "y"], "numbers": [1, 2, 3], "person": {"age": 30}, "key": "constructor"
}`) as EdgeScope['inputs'];

describe('value expressions', () => {
  it.each<[string, JsonValue]>([
    ['1', 1],
    ['-3', -3],
    ['7u', 7],
    ['9007199254740991', 9007199254740991],
    ['0.5', 0.5],
    ['"text"', 'text'],
    ['true', true],
    ['null', null],
    ['[]', []],
    ['{}', {}],
    ['inputs.a + 1', 2],
    ['size(inputs.tags)', 2],
    ['inputs.name + "!"', 'Ada!'],
    ['-inputs.zero', 0],
    ['inputs.tags + ["z"]', ['x', 'y', 'z']],
    ['[1, "a", null, [2.5]]', [1, 'a', null, [2.5]]],
    ['{"n": 1, "deep": {"list": [size(inputs.tags)]}}', { n: 1, deep: { list: [2] } }],
    ['{inputs.name: inputs.person}', { Ada: { age: 30 } }],
    ['{"a": 1}.a', 1],
    ['{"a": 1} == {"a": 1}', true],
    ['"a" in {"a": 1}', true],
    ['inputs.numbers.map(n, {"n": n, "k": 1})', [1, 2, 3].map((n) => ({ n, k: 1 }))],
    ['inputs.numbers.filter(n, n > 1)', [2, 3]],
    ['inputs.yes ? "x" : "y"', 'x'],
    ['inputs.yes ? dyn("x") : dyn(null)', 'x'],
  ])('gives %s as JSON', (text, value) => {
    const result = evaluate(text, { inputs });
    expect(result).toEqual({ ok: true, value });
    expect(JSON.parse(JSON.stringify(result.ok && result.value))).toEqual(value);
  });

  it('passes data through as the same object', () => {
    const person = { age: 30, list: [{ a: 1 }] };
    const result = evaluate('{"p": inputs.person, "q": [inputs.person.list]}', {
      inputs: { person },
    });
    if (!result.ok) throw new Error(result.message);
    const { p, q } = result.value as { p: unknown; q: unknown[] };
    expect(p).toBe(person);
    expect(q[0]).toBe(person.list);
    expect(evaluate('inputs', { inputs: person })).toMatchObject({ value: person });
    expect(person).toEqual({ age: 30, list: [{ a: 1 }] });
  });

  it.each([
    '9007199254740992',
    '-9007199254740993',
    'inputs.huge * 10.0',
    'inputs.a / inputs.zero',
    'timestamp("2024-01-01T00:00:00Z")',
    'duration("5s")',
    'b"abc"',
    'type(1)',
    'int',
    '[1, [timestamp("2024-01-01T00:00:00Z")]]',
    '{"a": {"b": duration("1s")}}',
    '{inputs.a: 1}',
    '{inputs.key: 1}',
    '[{("proto" + "type"): 1}]',
  ])('refuses %s as not JSON', (text) => {
    const result = evaluate(text, { inputs });
    expect(result).toMatchObject({ ok: false, code: 'not-json' });
    expect(!result.ok && result.message).toBeTruthy();
  });

  it.each([
    ['{"__proto__": 1}', 1],
    ['[{"a": {"constructor": 1}}]', 8],
    ['{"prototype": 1}', 1],
    ['{1: "a"}', 1],
    ['{true: "a"}', 1],
    ['', 0],
    ['  ', 2],
    ['always', 0],
    ['inputs.', 7],
    ['nope + 1', 0],
    ['1 + l__p', 4],
    ['nodes', 0],
    ['{"a": nodes}', 6],
    ['{nodes: 1}', 1],
    ['inputs.tags.map(loop, 1)', 16],
    ['break', 0],
    [`"${'x'.repeat(5_000)}"`, 0],
  ])('refuses %j with its place', (text, offset) => {
    const result = parseExpression(text);
    expect(result.ok).toBe(false);
    if (!result.ok) expect(result.fault.offset).toBe(offset);
  });

  it('never lets a key reach a prototype', () => {
    const result = evaluate('inputs.map(k, {k: 1})', { inputs: ['__proto__'] });
    expect(result).toMatchObject({ ok: false, code: 'not-json' });
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    const made = evaluate('{"toString": 1, "hasOwnProperty": size("ab")}');
    expect(JSON.stringify(made.ok && made.value)).toBe('{"toString":1,"hasOwnProperty":2}');
  });

  it('stops a value that grows without end', () => {
    const list = Array.from({ length: 2_000 }, () => 'x');
    const text = 'inputs.map(a, inputs)';
    expect(evaluate(text, { inputs: list })).toMatchObject({ ok: false, code: 'not-json' });
    let deep: JsonValue = [];
    for (let i = 0; i < 200; i++) deep = [deep];
    expect(evaluate('inputs', { inputs: deep })).toMatchObject({ ok: false, code: 'not-json' });
  });

  it('tells what an expression reads', () => {
    expect(parsed('1 + 1')).toMatchObject({ readsOutcome: false, readsNothing: true });
    const facts = parsed('[outcome, nodes.a.output, nodes["b-c"].status, nodes.a.input]');
    expect(facts).toMatchObject({ readsOutcome: true, readsNothing: false });
    expect([...facts.nodeOffsets]).toEqual([
      ['a', 10],
      ['b-c', 26],
    ]);
    expect(parsed('{"i": loop.index}')).toMatchObject({ readsNothing: false });
    expect(parsed('{action: 1}')).toMatchObject({ readsNothing: false });
  });

  it.each(['inputs.missing', 'inputs.tags[9]', 'inputs.name + 1', 'loop.index'])(
    'answers %s with an error and never throws',
    (text) => {
      const result = evaluate(text, { inputs });
      expect(result.ok).toBe(false);
      expect(!result.ok && result.code).not.toBe('not-json');
    },
  );

  it('gives the same value each time, also after an error', () => {
    const { expression } = parsed('{"n": [inputs.n + 1]}');
    for (let i = 0; i < 3; i++) {
      expect(expression.evaluate(scope({ inputs: { n: i } }))).toMatchObject({
        value: { n: [i + 1] },
      });
      expect(expression.evaluate(scope())).toMatchObject({ ok: false });
    }
  });
});

describe('the scope of expressions', () => {
  const loop = { index: 2, iteration: 3, item: { id: 'x' }, input: [1], previous: null };

  it('offers what the iteration of a loop knows', () => {
    expect(evaluate('[loop.index, loop.item.id, loop["input"][0]]', { loop })).toEqual({
      ok: true,
      value: [2, 'x', 1],
    });
    expect(evaluate('loop', { loop })).toEqual({ ok: true, value: loop });
    expect(holds('loop.iteration == 3 && has(loop.item.id)', { loop })).toMatchObject({
      value: true,
    });
    expect(evaluate('loop')).toEqual({ ok: true, value: null });
    expect(holds('loop == null')).toEqual({ ok: true, value: true });
  });

  it.each<[string, JsonValue]>([
    ['output.loop', 'member'],
    ['output . loop', 'member'],
    ['output. // loop\n loop', 'member'],
    ['output["loop"]', 'member'],
    ['\'loop\' + "loop"', 'looploop'],
    ['"""a "loop" \\""""', 'a "loop" "'],
    ["'''it's loop'''", "it's loop"],
    ['r"\\loop"', '\\loop'],
    ['"\\"loop"', '"loop'],
    ['loop.loop // loop', 'inner'],
    ['{"loop": loop.loop}.loop', 'inner'],
    ['output.l__p', 'alias'],
    ['["a"].map(loopy, loopy + "loop")', ['aloop']],
  ])('reads %s and tells the variable from its name elsewhere', (text, value) => {
    const parts = { output: { loop: 'member', l__p: 'alias' }, loop: { loop: 'inner' } };
    expect(evaluate(text, parts)).toEqual({ ok: true, value });
  });

  it('speaks of loop in messages', () => {
    const result = parseExpression('1 + loop(1)');
    expect(!result.ok && result.fault.message).toContain("'loop(");
  });

  it('reads long runs of comment signs in linear time', () => {
    const started = performance.now();
    for (const text of [`a.${'/'.repeat(4_000)}`, '"""'.repeat(1_300), `a.${' '.repeat(4_000)}`]) {
      parseExpression(text);
    }
    expect(performance.now() - started).toBeLessThan(500);
  });

  it('offers the action of the source', () => {
    expect(evaluate('action', { action: 'escalate' })).toEqual({ ok: true, value: 'escalate' });
    expect(evaluate('action')).toEqual({ ok: true, value: null });
    expect(holds('action == "escalate"', { action: 'escalate' })).toMatchObject({ value: true });
  });

  it('lets a list macro bind the name action', () => {
    const text = 'inputs.exists(action, action == "go")';
    expect(holds(text, { inputs: ['go'], action: 'stop' })).toEqual({ ok: true, value: true });
    expect(parsed('["go"].map(action, action)')).toMatchObject({ readsNothing: true });
    expect(parsed('["go"].map(a, action)')).toMatchObject({ readsNothing: false });
    expect(parsed('[action].map(action, action)')).toMatchObject({ readsNothing: false });
  });

  it('offers status and action of a named node', () => {
    const node: EdgeScope['node'] = (id) =>
      id === 'a' ? { status: 'succeeded', action: 'go', output: 1 } : undefined;
    expect(evaluate('[nodes.a.status, nodes.a.action]', { node })).toEqual({
      ok: true,
      value: ['succeeded', 'go'],
    });
    expect(evaluate('nodes["a"]', { node })).toEqual({
      ok: true,
      value: { status: 'succeeded', action: 'go', output: 1 },
    });
    expect(evaluate('nodes["b"]', { node })).toEqual({ ok: true, value: {} });
    expect(holds('has(nodes.b.status)', { node })).toEqual({ ok: true, value: false });
  });

  it('leaves maps inside conditions as CEL has them', () => {
    expect(holds('{1: "a"}[1] == "a"')).toEqual({ ok: true, value: true });
  });
});

describe('conditions over counts', () => {
  const counts = { taken: 2, dead: 1, failed: 0, open: 1, total: 4 };

  it.each([
    ['taken >= 2 && failed == 0', true],
    ['taken + dead + failed + open == total', true],
    ['taken * 2 > total', false],
    ['taken / total >= 0.5', true],
    ['taken % 2 == 0', true],
    ['open == 0 || dead > 1', false],
    ['taken in [2, 3]', true],
    ['[taken, dead].exists(n, n == 1)', true],
    ['total - open > 2 ? true : false', true],
  ])('finds %s %j', (text, value) => {
    const result = parseCountCondition(text);
    if (!result.ok) throw new Error(result.fault.message);
    expect(result.condition.text).toBe(text);
    expect(result.condition.evaluate(counts)).toEqual({ ok: true, value });
  });

  it.each([
    ['taken', 0],
    ['taken + 1', 0],
    ['inputs.a == 1', 0],
    ['taken > 1 && nodes["a"].output', 13],
    ['loop == null', 0],
    ['taken + "x" == 1', 0],
    ['cancelled == 0', 0],
    ['taken >', 7],
    ['', 0],
    ['always', 0],
    ['[1].exists(taken, true)', 11],
  ])('refuses %j with its place', (text, offset) => {
    const result = parseCountCondition(text);
    expect(result.ok).toBe(false);
    if (!result.ok) expect(result.fault.offset).toBe(offset);
  });

  it('answers with an error where only some counts give one', () => {
    const result = parseCountCondition('[1, 2][taken] == 1');
    expect(result.ok && result.condition.evaluate(counts)).toEqual({
      ok: false,
      code: 'index-out-of-bounds',
      message: expect.any(String) as string,
    });
  });
});
