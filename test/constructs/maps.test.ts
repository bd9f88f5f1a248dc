import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonValue } from '../../src/plan/json.js';
import { Kernel } from '../support/kernel.js';
import { action, chain, plan } from '../support/plans.js';

function map(more: object = {}) {
  return { kind: 'map', id: 'm', handler: 'work', ...more };
}

const double = (items: number[]) => items.map((item) => item * 2);

describe('a map', () => {
  it('S143 works on as many items at a time as it may, and gives their results in their order', async () => {
    const kernel = new Kernel();
    await kernel.start(plan([map({ concurrency: 2 })]), { input: ['a', 'b', 'c'] });
    expect(kernel.working()).toEqual(['m[0]', 'm[1]']);
    await kernel.finish('m[1]', 'B');
    expect(kernel.working().sort()).toEqual(['m[0]', 'm[2]']);
    await kernel.finish('m[2]', 'C');
    await kernel.finish('m[0]', 'A');
    expect(kernel.summary().outputs.m).toEqual(['A', 'B', 'C']);
    expect(kernel.log('r1', /^map\./)).toEqual(['map.started m', 'map.ended m']);
  });

  it('S144 of an empty list gives an empty list', async () => {
    const kernel = new Kernel();
    await kernel.start(plan([map(), action('z')], chain('m', 'z')), { input: [] });
    await kernel.finish('z');
    expect(kernel.summary().outputs.m).toEqual([]);
    expect(kernel.status()).toBe('completed');
  });

  it('S145 ends with the first failed item, and stops the others', async () => {
    const kernel = new Kernel();
    await kernel.start(plan([map({ concurrency: 2 })]), { input: [1, 2, 3] });
    const other = kernel.attempt('m[0]');
    await kernel.fail('m[1]');
    expect(other.context.signal.aborted).toBe(true);
    other.throw(other.context.signal.reason);
    await kernel.settle();
    expect(kernel.status()).toBe('failed');
    expect(kernel.log('r1', /started m\[2\]/)).toEqual([]);
    expect(JSON.parse(kernel.rows().nodeRuns.get('m')?.reasonJson ?? '')).toMatchObject({
      class: 'item',
      detail: { node: 'm[1]' },
    });
  });

  it('S101 S145 that collects is partial where an item failed, and what follows it runs', async () => {
    const kernel = new Kernel();
    const collecting = map({ policy: 'collect', minSuccess: 0.8 });
    await kernel.start(plan([collecting, action('save')], chain('m', 'save')), {
      input: [1, 2, 3, 4, 5],
    });
    for (const item of [0, 1, 3, 4]) await kernel.finish(`m[${item}]`, item);
    await kernel.fail('m[2]');
    expect(kernel.attempt('save').input).toEqual([0, 1, null, 3, 4]);
    await kernel.finish('save');
    expect(kernel.status()).toBe('partial');
    expect(JSON.parse(kernel.rows().nodeRuns.get('m')?.reasonJson ?? '')).toMatchObject({
      detail: { failed: 1, items: [{ item: 2, code: 'handler-failed' }] },
    });
  });

  it('S145 fails where a smaller share succeeded than it asks for', async () => {
    const kernel = new Kernel();
    await kernel.start(plan([map({ policy: 'collect', minSuccess: 1 })]), { input: [1, 2] });
    await kernel.finish('m[0]');
    await kernel.fail('m[1]');
    expect(kernel.status()).toBe('failed');
    expect(kernel.rows().record.reasonJson).toContain('too-few-items');
  });

  it('S105 S143 tries each item again by its own count', async () => {
    const kernel = new Kernel();
    const patient = map({
      concurrency: 2,
      policy: 'collect',
      retry: { maxAttempts: 3, backoff: 'exponential', delayMs: 10 },
    });
    await kernel.start(plan([patient]), { input: [0, 1, 2, 3, 4] });
    for (const item of [0, 1]) await kernel.finish(`m[${item}]`, item);
    await kernel.fail('m[2]');
    await kernel.advance(10);
    await kernel.fail('m[2]');
    for (const item of [3, 4]) await kernel.finish(`m[${item}]`, item);
    await kernel.advance(20);
    await kernel.finish('m[2]', 2);
    expect(kernel.summary().outputs.m).toEqual([0, 1, 2, 3, 4]);
    expect(kernel.executions).toHaveLength(7);
    expect(kernel.details('timer.armed')).toHaveLength(2);
    for (const [place, base] of [10, 20].entries()) {
      const { delayMs } = kernel.details('timer.armed')[place] as { delayMs: number };
      expect(delayMs).toBeGreaterThanOrEqual(base * 0.75 - 0.5);
      expect(delayMs).toBeLessThanOrEqual(base);
    }
  });

  it('S147 does not work again on items that were finished when its process stopped', async () => {
    const kernel = new Kernel();
    await kernel.start(plan([map({ concurrency: 1 })]), { input: [1, 2, 3, 4, 5] });
    for (const item of [0, 1]) await kernel.finish(`m[${item}]`, item);
    await kernel.restart();
    for (const item of [2, 3, 4]) await kernel.finish(`m[${item}]`, item);
    expect(kernel.summary().outputs.m).toEqual([0, 1, 2, 3, 4]);
    expect(kernel.executions.filter((key) => /m\[[01]\]/.test(key))).toHaveLength(2);
    expect(kernel.executions).toHaveLength(6);
  });

  it('S146 gives the same results for every size of its chunks', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(9), { maxLength: 12 }),
        fc.integer({ min: 1, max: 9 }),
        async (items, chunkSize) => {
          const kernel = new Kernel({ handlers: { double } });
          await kernel.start(plan([map({ handler: 'double', chunkSize })]), { input: items });
          await kernel.settle();
          expect(kernel.summary().outputs.m).toEqual(double(items));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('S143 S146 works through a hundred thousand items, and takes no more', async () => {
    const numbers = (length: number) => Array.from({ length }, (_, i) => i);
    const kernel = new Kernel({ handlers: { double } });
    const version = plan([map({ handler: 'double', chunkSize: 1_000 })]);
    await kernel.start(version, { input: numbers(100_000) });
    await kernel.settle();
    expect(kernel.summary().outputs.m).toEqual(double(numbers(100_000)));
    await kernel.start(version, { id: 'r2', input: numbers(100_001) });
    expect(kernel.status('r2')).toBe('failed');
    expect(kernel.rows('r2').record.reasonJson).toContain('too-many-items');
  });

  it('S146 refuses the result of a chunk that is no list as long as the chunk', async () => {
    const kernel = new Kernel();
    await kernel.start(plan([map({ chunkSize: 2 })]), { input: [1, 2, 3] });
    await kernel.finish('m[1]', [3]);
    await kernel.finish('m[0]', [1]);
    expect(kernel.status()).toBe('failed');
    expect(kernel.rows().record.reasonJson).toContain('chunk-mismatch');
  });

  it.each<[string, JsonValue, string]>([
    ['no list', { a: 1 }, 'items-not-a-list'],
    ['nothing', null, 'items-not-a-list'],
  ])('S143 fails over %s, and starts nothing', async (_, input, code) => {
    const kernel = new Kernel();
    await kernel.start(plan([map()]), { input });
    expect(kernel.status()).toBe('failed');
    expect(kernel.rows().record.reasonJson).toContain(code);
    expect(kernel.executions).toEqual([]);
  });

  it('S89 S98 checks each item and each result', async () => {
    const kernel = new Kernel();
    const checked = map({
      policy: 'collect',
      inputSchema: { type: 'number' },
      outputSchema: { type: 'string' },
    });
    await kernel.start(plan([checked]), { input: [1, 'x', 2] });
    expect(kernel.working()).toEqual(['m[0]', 'm[2]']);
    await kernel.finish('m[0]', 'one');
    await kernel.finish('m[2]', 2);
    expect(kernel.summary().outputs.m).toEqual(['one', null, null]);
    expect(kernel.status()).toBe('partial');
  });

  it('S143 S146 takes its items from an expression', async () => {
    const kernel = new Kernel();
    await kernel.start(plan([map({ items: 'input.orders.filter(o, o.open)' })]), {
      input: {
        orders: [
          { open: true, id: 1 },
          { open: false, id: 2 },
        ],
      },
    });
    expect(kernel.attempt('m[0]').input).toEqual({ open: true, id: 1 });
    await kernel.finish('m[0]', 1);
    expect(kernel.summary().outputs.m).toEqual([1]);
  });
});
