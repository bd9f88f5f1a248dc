import { describe, expect, it } from 'vitest';
import type { Issue } from '../../src/plan/issue.js';
import type { JsonValue } from '../../src/plan/json.js';
import type { ValueValidator } from '../../src/plan/plan-version.js';
import { action, compiled } from './drafts.js';

function validator(outputSchema: unknown, schemas: object = {}): ValueValidator {
  const validate = compiled([action('a', { outputSchema })], [], { schemas }).graph.nodes[0]
    ?.validateOutput;
  if (validate === undefined) throw new Error('no validator');
  return validate;
}

function paths(issues: readonly Issue[]): string[] {
  return issues.map(({ path }) => path);
}

const launchBrief = {
  type: 'object',
  properties: {
    headline: { type: 'string' },
    channels: { type: 'array', items: { type: 'string' } },
  },
  required: ['headline'],
};

describe('value schemas', () => {
  it('S98 reports all mismatches with their places', () => {
    const validate = validator('launchBrief', { launchBrief });
    expect(validate({ headline: 'x', channels: ['mail'] })).toEqual([]);
    const issues = validate({ channels: ['mail', 1], extra: true });
    expect(paths(issues)).toEqual(['', '/channels/1']);
    expect(issues[0]).toMatchObject({ severity: 'blocking', code: 'schema-mismatch' });
    expect(issues[0]?.message).toContain("'headline'");
  });

  it('S98 refuses an absent value where one is asked for', () => {
    expect(validator({ type: 'object' })(undefined)).toHaveLength(1);
    expect(validator(true)(undefined)).toEqual([]);
    expect(validator(false)('x')).toHaveLength(1);
  });

  it('S19 lets schemas refer to named ones, also in circles', () => {
    const tree = {
      type: 'object',
      properties: { kids: { type: 'array', items: { $ref: 'tree' } } },
    };
    const validate = validator({ properties: { root: { $ref: 'tree' } } }, { tree });
    expect(validate({ root: { kids: [{ kids: [] }] } })).toEqual([]);
    expect(paths(validate({ root: { kids: [{ kids: 1 }] } }))).toEqual(['/root/kids/0/kids']);
  });

  it('S89 validates run inputs and node inputs', () => {
    const version = compiled([action('a', { inputSchema: { type: 'string' } })], [], {
      inputs: { type: 'object', required: ['id'] },
    });
    expect(version.validateInputs?.({ id: 1 })).toEqual([]);
    expect(version.validateInputs?.({})).toHaveLength(1);
    expect(version.graph.nodes[0]?.validateInput?.(1)).toHaveLength(1);
    expect(version.graph.nodes[0]?.validateOutput).toBeUndefined();
  });

  it('keeps the schema behind a name for whoever presents it', () => {
    const version = compiled([action('a', { outputSchema: 'launchBrief' })], [], {
      schemas: { launchBrief },
    });
    expect(version.graph.nodes[0]?.outputSchema).toEqual(launchBrief);
  });

  it('sees own properties only', () => {
    const validate = validator({ type: 'object', required: ['toString'] });
    expect(validate({})).toHaveLength(1);
    expect(validate(JSON.parse('{"toString": 1}') as JsonValue)).toEqual([]);
  });

  it('matches a hostile pattern in linear time', () => {
    const validate = validator({ type: 'string', pattern: '^(a+)+$' });
    const started = performance.now();
    expect(validate(`${'a'.repeat(50_000)}!`)).toHaveLength(1);
    expect(performance.now() - started).toBeLessThan(1_000);
  });

  it('compares unique items in linear time', () => {
    const validate = validator({ type: 'array', maxItems: 100_000, uniqueItems: true });
    const items = Array.from({ length: 30_000 }, (_, i) => ({ a: i, b: { c: i } }));
    const started = performance.now();
    expect(validate(items)).toEqual([]);
    expect(validate([...items, { b: { c: 7 }, a: 7 }])).toHaveLength(1);
    expect(performance.now() - started).toBeLessThan(2_000);
  });

  it('lists at most 100 mismatches', () => {
    const validate = validator({ type: 'array', items: { type: 'string' } });
    expect(validate(Array(5_000).fill(1))).toHaveLength(100);
  });

  it('answers with an issue where a schema runs in circles', () => {
    const validate = validator({
      $ref: '#/$defs/a',
      $defs: { a: { anyOf: [{ $ref: '#/$defs/a' }] } },
    });
    expect(validate(1)).toMatchObject([{ severity: 'blocking', code: 'schema-mismatch' }]);
  });

  it('takes a format for a description', () => {
    expect(validator({ type: 'string', format: 'email' })('no mail')).toEqual([]);
  });

  it('compiles the same schema once', () => {
    const { graph } = compiled([
      action('a', { outputSchema: launchBrief }),
      action('b', { outputSchema: { ...launchBrief } }),
    ]);
    expect(graph.nodes[0]?.validateOutput).toBe(graph.nodes[1]?.validateOutput);
  });
});
