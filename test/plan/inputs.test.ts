import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ResolvedInput, resolveInput, type TakenEdge } from '../../src/plan/inputs.js';
import type { JsonValue } from '../../src/plan/json.js';
import type { EdgeScope, PlanVersion } from '../../src/plan/plan-version.js';
import { costOf } from '../support/cost.js';
import { action, compiled, edge, scope } from './drafts.js';

/** Resolves the input of `target`; `outputs` has an entry for each source whose edges are taken. */
function resolve(
  { graph }: PlanVersion,
  target: string,
  outputs: Readonly<Record<string, JsonValue | undefined>>,
  more: Partial<EdgeScope> = {},
): ResolvedInput {
  const node = graph.nodes[graph.positionOf.get(target) ?? -1];
  if (node === undefined) throw new Error(`no node ${target}`);
  const inbound = graph.edges.filter((each) => each.targetId === target);
  const taken: TakenEdge[] = inbound
    .filter((each) => Object.hasOwn(outputs, each.sourceId))
    .map((each) => ({ edge: each, scope: scope({ output: outputs[each.sourceId], ...more }) }));
  return resolveInput(node, taken, { run: 'inputs' }, inbound.length);
}

const two = (map: object | undefined, other: object | undefined, more: object = {}) =>
  compiled(
    [action('a'), action('b'), action('c', more)],
    [edge('a', 'c', map && { map }), edge('b', 'c', other && { map: other })],
  );

describe('resolveInput', () => {
  it('hands the inputs of the run to an entry node', () => {
    expect(resolve(compiled([action('a')]), 'a', {})).toEqual({
      ok: true,
      value: { run: 'inputs' },
    });
  });

  it('hands on the output over a single edge as it is', () => {
    const plan = compiled([action('a'), action('b')], [edge('a', 'b')]);
    expect(resolve(plan, 'b', { a: [1, 2] })).toEqual({ ok: true, value: [1, 2] });
    expect(resolve(plan, 'b', { a: undefined })).toEqual({ ok: true, value: undefined });
  });

  it('S82 gathers several outputs by source id, of the taken edges only', () => {
    const plan = two(undefined, undefined);
    expect(resolve(plan, 'c', { a: 1, b: { x: 2 } })).toEqual({
      ok: true,
      value: { a: 1, b: { x: 2 } },
    });
    expect(resolve(plan, 'c', { b: 2 })).toEqual({ ok: true, value: { b: 2 } });
    expect(resolve(plan, 'c', { a: undefined, b: undefined })).toEqual({ ok: true, value: {} });
  });

  it('S82 gathers by source id at a join, even over one edge', () => {
    const plan = compiled([action('a'), { kind: 'join', id: 'j' }], [edge('a', 'j')]);
    expect(resolve(plan, 'j', { a: 1 })).toEqual({ ok: true, value: { a: 1 } });
  });

  it('S85 writes what a map says and leaves out what does not exist', () => {
    const map = {
      'brief.headline': 'output.title',
      'brief.tags[0]': 'output.tags[1]',
      'run-id': 'inputs.id',
      gone: 'output.missing.deep',
      'by["x.y"]': 'nodes["b"].output.n',
      said: 'outcome',
    };
    const plan = compiled(
      [{ kind: 'human-approval', id: 'a' }, action('b')],
      [edge('a', 'b', { map })],
    );
    const result = resolve(
      plan,
      'b',
      { a: { title: 'T', tags: ['p', 'q'] } },
      {
        inputs: { id: 7 },
        outcome: 'approved',
        node: () => ({ output: { n: 1 } }),
      },
    );
    expect(result).toEqual({
      ok: true,
      value: {
        brief: { headline: 'T', tags: ['q'] },
        'run-id': 7,
        by: { 'x.y': 1 },
        said: 'approved',
      },
    });
  });

  it('S85 replaces the whole input at $', () => {
    const plan = compiled(
      [action('a'), action('b')],
      [edge('a', 'b', { map: { $: 'output.list' } })],
    );
    expect(resolve(plan, 'b', { a: { list: [1] } })).toEqual({ ok: true, value: [1] });
  });

  it.each([
    [{ x: 'output' }, { x: 'output' }, 'x'],
    [{ x: 'output' }, { 'x.y': 'output' }, 'x.y'],
    [{ 'x.y': 'output' }, { x: 'output' }, 'x'],
    [{ x: 'output' }, { $: 'output' }, '$'],
    [{ 'x[0]': 'output' }, { 'x.y': 'output' }, 'x.y'],
    [{ b: 'output' }, undefined, 'b'],
  ])('S88 reports a conflict between %j and %j', (map, other, path) => {
    expect(resolve(two(map, other), 'c', { a: 1, b: 2 })).toMatchObject({
      ok: false,
      code: 'input-conflict',
      path,
    });
  });

  it('S88 sees no conflict in values that do not exist or edges that are not taken', () => {
    const plan = two({ x: 'output.n' }, { x: 'output.n' });
    expect(resolve(plan, 'c', { a: { n: 1 }, b: {} })).toEqual({ ok: true, value: { x: 1 } });
    expect(resolve(plan, 'c', { b: { n: 2 } })).toEqual({ ok: true, value: { x: 2 } });
  });

  it('S88 lets the declared edge win', () => {
    const first = two({ x: 'output' }, { x: 'output' }, { mergeInputs: 'first' });
    expect(resolve(first, 'c', { a: 1, b: 2 })).toEqual({ ok: true, value: { x: 1 } });
    const last = two({ x: 'output' }, { x: 'output' }, { mergeInputs: 'last' });
    expect(resolve(last, 'c', { a: 1, b: 2 })).toEqual({ ok: true, value: { x: 2 } });
    const inside = two({ x: 'output' }, { 'x.y': 'output' }, { mergeInputs: 'last' });
    expect(resolve(inside, 'c', { a: { z: 1 }, b: 2 })).toEqual({
      ok: true,
      value: { x: { z: 1, y: 2 } },
    });
  });

  it('S88 takes parallel edges of one source for one', () => {
    const plan = compiled(
      [action('a'), action('b')],
      [edge('a', 'b', { on: 'x' }), edge('a', 'b', { on: 'y' })],
    );
    expect(resolve(plan, 'b', { a: 1 })).toEqual({ ok: true, value: { a: 1 } });
  });

  it('S87 S93 makes plain JSON, whatever the sources hold', () => {
    const plan = two({ 'p.q': 'output', 'r[1]': 'output' }, undefined);
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (left, right) => {
        const a = JSON.parse(JSON.stringify(left)) as JsonValue;
        const b = JSON.parse(JSON.stringify(right)) as JsonValue;
        const result = resolve(plan, 'c', { a, b });
        expect(result.ok).toBe(true);
        if (!result.ok) return;
        expect(JSON.parse(JSON.stringify(result.value))).toStrictEqual(result.value);
        expect(({} as Record<string, unknown>).polluted).toBeUndefined();
      }),
    );
  });

  it('gathers 10,000 branches at a join quickly', () => {
    const ids = Array.from({ length: 10_000 }, (_, i) => `n${i}`);
    const plan = compiled(
      [...ids.map((id) => action(id)), { kind: 'join', id: 'j' }],
      ids.map((id) => edge(id, 'j')),
    );
    const outputs = Object.fromEntries(ids.map((id) => [id, id]));
    let result = resolve(plan, 'j', {});
    const cost = costOf(() => {
      result = resolve(plan, 'j', outputs);
    });
    expect(cost).toBeLessThan(2_000);
    expect(result.ok && Object.keys(result.value as object)).toHaveLength(10_000);
  });
});
