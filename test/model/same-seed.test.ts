import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Kernel } from '../support/kernel.js';
import { action, approval, chain, plan } from '../support/plans.js';
import { playAll, rehearse } from './play.js';
import { RANDOM_PLANS, type RandomRun, randomRuns } from './random-plans.js';

/** Everything that is stored of a run, as one text. */
function textOf(kernel: Kernel): string {
  const rows = Object.entries(kernel.rows());
  return JSON.stringify(
    rows.map(([name, value]) => [name, value instanceof Map ? [...value] : value]),
  );
}

async function played(random: RandomRun, seed: number): Promise<string> {
  return textOf(await playAll(random, rehearse(random).steps, { seed }));
}

/** Waits of both retries, and a task in between. */
async function waits(seed: number): Promise<{ text: string; delays: unknown[]; tasks: string[] }> {
  const kernel = new Kernel({ seed });
  const retry = { maxAttempts: 3, backoff: 'exponential', delayMs: 1_000_000 };
  await kernel.start(plan([action('a', { retry }), approval('ask')], chain('a', 'ask')));
  await kernel.settle();
  for (let tries = 0; tries < 2; tries++) {
    await kernel.fail('a');
    await kernel.advance(2_000_000);
  }
  await kernel.finish('a', 1);
  const tasks = kernel.openTasks().map(({ id }) => id);
  await kernel.respond('ask', { approved: true });
  await kernel.settle();
  expect(kernel.status()).toBe('completed');
  const delays = kernel
    .details('timer.armed')
    .map((detail) => (detail as { delayMs: number }).delayMs);
  return { text: textOf(kernel), delays, tasks };
}

describe('a seed', () => {
  it('S190 repeats a run to the row: ids, waits and times too', async () => {
    const first = await waits(7);
    expect(first.delays).toHaveLength(2);
    expect(first.tasks).toHaveLength(1);
    expect(await waits(7)).toEqual(first);
    expect((await waits(8)).delays).not.toEqual(first.delays);
  });

  it('S190 S58 repeats random runs to the row', async () => {
    const property = async (random: RandomRun, seed: number) => {
      expect(await played(random, seed)).toBe(await played(random, seed));
    };
    await fc.assert(fc.asyncProperty(randomRuns(), fc.nat(1_000), property), {
      numRuns: Math.ceil(RANDOM_PLANS / 5),
    });
  }, 600_000);
});
