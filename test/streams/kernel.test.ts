/** Markers of streams under faults, time-outs and operators: one for each attempt that streamed, and nothing left behind. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Kernel } from '../support/kernel.js';
import { action, edge, plan } from '../support/plans.js';

const markers = (kernel: Kernel) =>
  kernel
    .rows()
    .events.filter(({ type }) => type === 'attempt.streamed')
    .map(({ node, attempt, detailJson }) => {
      const { chunks } = JSON.parse(detailJson) as { chunks: number };
      return [node, attempt, chunks];
    });

/** No window is kept of attempts that are over. */
const isClean = (kernel: Kernel) => kernel.supervisor.streams.isEmpty;

it('S236 a turn that is void, and is decided again, has one marker', async () => {
  const kernel = new Kernel();
  await kernel.start(plan([action('a')]));
  await kernel.settle();
  kernel.attempt('a').context.stream('x');
  let left = 2;
  kernel.storage.failWhen((turn) => {
    left -= turn.reason === 'attempt.result' ? 1 : 0;
    return turn.reason === 'attempt.result' && left >= 0 ? 'turn-refused' : undefined;
  });
  await kernel.finish('a', 1);
  expect(kernel.status()).toBe('completed');
  expect(markers(kernel)).toEqual([['a', 1, 1]]);
  expect(isClean(kernel)).toBe(true);
});

it('S236 an attempt that takes too long has its marker when it is given up, and is heard no more', async () => {
  const kernel = new Kernel();
  await kernel.start(plan([action('a', { timeoutMs: 3_600_000, retry: { maxAttempts: 2 } })]));
  await kernel.settle();
  const late = kernel.attempt('a');
  late.context.stream('x');
  await kernel.advance(3_600_000);
  late.context.stream('late');
  expect(markers(kernel)).toEqual([['a', 1, 1]]);
  late.return('late');
  await kernel.advance(600_000);
  kernel.attempt('a').context.stream('again');
  await kernel.finish('a', 1);
  expect(markers(kernel)).toEqual([
    ['a', 1, 1],
    ['a', 2, 1],
  ]);
  expect(isClean(kernel)).toBe(true);
});

it('S236 what the handler of a check streams after its attempt was ended is let go with its result', async () => {
  const kernel = new Kernel();
  await kernel.start(plan([action('a', { checks: [{ name: 'c', handler: 'work' }] })]));
  await kernel.settle();
  await kernel.finish('a', 'draft');
  const check = kernel.attempt('a');
  kernel.storage.isHeld = true;
  const skipped = kernel.send({ type: 'node.skip', node: 'a', by: 'ada', reason: null });
  await kernel.settle();
  // Decided and not durable yet: nobody has told the handler to stop.
  check.context.stream('late');
  kernel.storage.isHeld = false;
  kernel.storage.flush();
  await skipped;
  await kernel.settle();
  check.return(true);
  await kernel.settle();
  expect(kernel.status()).toBe('completed');
  expect(markers(kernel)).toEqual([]);
  expect(isClean(kernel)).toBe(true);
});

it('S236 an attempt that an operator or a cancel ends has its marker, and one that a stop ends has none', async () => {
  const kernel = new Kernel();
  await kernel.start(plan([action('a'), action('b')], [edge('a', 'b')]));
  await kernel.settle();
  const called = kernel.attempt('a');
  called.context.stream('x');
  const skipped = { type: 'node.skip', node: 'a', by: 'ada', reason: null } as const;
  await kernel.send(skipped);
  await kernel.settle();
  called.context.stream('late');
  called.return(1);
  await kernel.settle();
  expect(markers(kernel)).toEqual([['a', 1, 1]]);
  expect(isClean(kernel)).toBe(true);

  const other = new Kernel();
  await other.start(plan([action('a')]));
  await other.settle();
  other.attempt('a').context.stream('lost');
  await other.restart();
  other.attempt('a').context.stream('new');
  void other.cancel();
  await other.settle();
  await other.fail('a');
  expect(other.status()).toBe('cancelled');
  expect(markers(other)).toEqual([['a', 2, 1]]);
  expect(isClean(other)).toBe(true);
});

it('S236 whatever becomes of attempts, each that streamed has one marker with all of it, before its run ends', async () => {
  const ends = fc.constantFrom('return', 'throw', 'void');
  const attempts = fc.array(fc.record({ chunks: fc.nat(3), ends }), { minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(attempts, async (all) => {
      const kernel = new Kernel();
      await kernel.start(plan([action('a', { retry: { maxAttempts: all.length } })]));
      await kernel.settle();
      const expected: unknown[] = [];
      for (const [place, { chunks, ends: how }] of all.entries()) {
        const open = kernel.attempt('a');
        for (let number = 0; number < chunks; number += 1) open.context.stream(`${number}`);
        if (chunks > 0) expected.push(['a', place + 1, chunks]);
        let refusals = how === 'void' ? 1 : 0;
        kernel.storage.failWhen((turn) => {
          if (turn.reason !== 'attempt.result' || refusals === 0) return undefined;
          refusals -= 1;
          return 'turn-refused';
        });
        if (how === 'return') {
          await kernel.finish('a', 1);
          break;
        }
        await kernel.fail('a');
        await kernel.advance(600_000);
      }
      expect(markers(kernel)).toEqual(expected);
      expect(isClean(kernel)).toBe(true);
      expect(kernel.rows().events.at(-1)?.type).toMatch(/^run\./);
    }),
    { numRuns: 40 },
  );
});
