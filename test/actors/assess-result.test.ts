import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HandlerReturn } from '../../src/actors/messages.js';
import { assessResult } from '../../src/actors/run/assess-result.js';
import type { CompiledNode } from '../../src/plan/plan-version.js';
import { action, plan } from '../support/plans.js';

function node(more: object = {}): CompiledNode {
  return plan([action('a', more)]).graph.nodes[0] as CompiledNode;
}

const returned = (value: unknown): HandlerReturn => ({ type: 'returned', value });
const threw = (error: unknown): HandlerReturn => ({ type: 'threw', error });

function failureOf(result: HandlerReturn, of = node()) {
  const verdict = assessResult(of, result);
  if (verdict.ok) throw new Error('it was accepted');
  return verdict.failure;
}

function productOf(value: unknown, of = node()) {
  const verdict = assessResult(of, returned(value));
  if (!verdict.ok) throw new Error(verdict.failure.message);
  return verdict.product;
}

describe('a result', () => {
  it('S45 is the output itself, unless it has a boolean ok or an error', () => {
    expect(productOf({ v: 1 }).output).toEqual({ v: 1 });
    expect(productOf({ ok: true, output: { v: 1 } }).output).toEqual({ v: 1 });
    expect(productOf({ ok: 'yes' }).output).toEqual({ ok: 'yes' });
    expect(productOf({ error: null, v: 1 }).output).toEqual({ error: null, v: 1 });
    expect(productOf([1]).output).toEqual([1]);
    expect(productOf(undefined)).toMatchObject({ output: undefined, outputJson: null });
    expect(productOf(null)).toMatchObject({ output: null, outputJson: 'null' });
  });

  it('S47 brings output, action, artifacts, notes and events', () => {
    const artifacts = [{ name: 'report', kind: 'markdown', payload: '# A' }];
    const product = productOf({
      ok: true,
      output: 1,
      action: 'go',
      artifacts,
      notes: 'fine',
      events: [{ name: 'counted', detail: 3 }],
    });
    expect(product).toMatchObject({
      output: 1,
      action: 'go',
      artifacts: [{ ...artifacts[0], pointer: null }],
      notes: 'fine',
      reports: [{ name: 'counted', detail: 3 }],
    });
  });

  it.each([
    ['ok: false', { ok: false }],
    ['ok: false with an error', { ok: false, error: 'no' }],
    ['an error alone', { error: 'no' }],
    ['an error beside ok: true', { ok: true, error: { message: 'no' }, output: 1 }],
    ['an error that is false', { error: false }],
  ])('S48 with %s counts as a failure', (_, value) => {
    expect(failureOf(returned(value))).toMatchObject({ class: 'exception', retryable: true });
  });

  it('S107 is not tried again where it says so', () => {
    expect(failureOf(returned({ ok: false, retryable: false })).retryable).toBe(false);
    expect(failureOf(threw({ message: 'no', retryable: false })).retryable).toBe(false);
  });

  it.each([
    ['an action that is no name', { ok: true, action: 7 }],
    ['artifacts without a kind', { ok: true, artifacts: [{ name: 'a' }] }],
    ['artifacts that are no list', { ok: true, artifacts: {} }],
    ['events without a name', { ok: true, events: [{}] }],
  ])('S47 with %s is refused as malformed', (_, value) => {
    expect(failureOf(returned(value))).toMatchObject({ code: 'result-malformed', class: 'schema' });
  });

  it('S98 is validated against the output schema and the deliverables', () => {
    const picky = node({
      outputSchema: { type: 'object', required: ['headline'] },
      deliverables: [{ name: 'brief', kind: 'markdown' }],
    });
    const verdict = assessResult(picky, returned({ other: 1 }));
    expect(verdict.ok).toBe(false);
    expect(verdict.issues.map((issue) => issue.code)).toEqual([
      'schema-mismatch',
      'deliverable-missing',
    ]);
    const wrongKind = assessResult(
      picky,
      returned({
        ok: true,
        output: { headline: 'x' },
        artifacts: [{ name: 'brief', kind: 'pdf', pointer: 'file:x' }],
      }),
    );
    expect(wrongKind.ok ? '' : wrongKind.failure.class).toBe('deliverable');
  });
});

const cycle: unknown[] = [];
cycle.push(cycle);
const deep = Array.from({ length: 5_000 }).reduce<unknown>((inner) => [inner], 0);

class Custom {
  readonly v = 1;
}

describe('a handler that misbehaves', () => {
  it.each<[string, unknown]>([
    ['a BigInt', 1n],
    ['a nested BigInt', { v: { w: 1n } }],
    ['a Date', { at: new Date(0) }],
    ['a Map', new Map([[1, 2]])],
    ['a function', () => 1],
    ['a symbol', Symbol('s')],
    ['NaN', Number.NaN],
    ['an undefined member', { v: undefined }],
    ['a cycle', cycle],
    ['an instance', new Custom()],
    ['too much depth', deep],
    ['a getter', Object.defineProperty({}, 'v', { enumerable: true, get: () => 1 })],
    ['a hole', Object.assign([1, 2, 3], { length: 4 })],
    ['a revoked proxy', revoked()],
    [
      'a throwing proxy',
      new Proxy(
        {},
        {
          ownKeys: () => {
            throw new Error('trap');
          },
        },
      ),
    ],
  ])('S93 that returns %s fails its attempt, loudly and for good', (_, value) => {
    const failure = failureOf(returned(value));
    expect(failure).toMatchObject({ class: 'not-json', code: 'result-not-json', retryable: false });
  });

  it.each<[string, unknown, string]>([
    ['an error', new Error('boom'), 'boom'],
    ['a string', 'boom', 'boom'],
    ['a number', 7, '7'],
    ['undefined', undefined, 'the handler failed without a message'],
    ['null', null, 'the handler failed without a message'],
    ['a symbol', Symbol('s'), 'Symbol(s)'],
    ['an object', { code: 'E1' }, 'the handler failed without a message'],
    [
      'a hostile getter',
      {
        get message(): string {
          throw new Error('trap');
        },
      },
      'the handler failed with an error that cannot be read',
    ],
    ['a revoked proxy', revoked(), 'the handler failed with an error that cannot be read'],
  ])('S45 that throws %s fails its attempt', (_, error, message) => {
    expect(failureOf(threw(error))).toMatchObject({ class: 'exception', message });
  });

  it('S45 never makes the assessment throw, and its failure is always storable', () => {
    fc.assert(
      fc.property(fc.anything({ withBigInt: true, withDate: true, withMap: true }), (value) => {
        for (const result of [returned(value), threw(value)]) {
          const verdict = assessResult(node(), result);
          const text = JSON.stringify(verdict.ok ? verdict.product : verdict.failure);
          expect(JSON.parse(text)).toBeDefined();
          expect(text.includes('\\u0000')).toBe(verdict.ok && text.includes('\\u0000'));
        }
      }),
    );
  });

  it('S93 keeps valid JSON exactly as it was', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        const text = JSON.stringify({ wrapped: value });
        if (text.includes('__proto__')) return;
        expect(productOf(JSON.parse(text)).outputJson).toBe(text);
      }),
    );
  });
});

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}
