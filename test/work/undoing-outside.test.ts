/** Compensations that wait to begin: a run that is called off ends all the same. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { action, chain, plan } from '../support/plans.js';
import { far, LEASE_MS, Outside } from './support/outside.js';

const HOUR_MS = 3_600_000;
/** Of what was at work when the run was cancelled. */
const GRACE_MS = 1_000;
const MINUTE_MS = 60_000;
const undone = (id: string, more: object = {}) =>
  far(id, { compensate: { handler: 'far', ...more } });
const reason = (kernel: Outside, node: string) =>
  JSON.parse(kernel.rows().nodeRuns.get(node)?.reasonJson ?? 'null') as { code: string } | null;
const status = (kernel: Outside, node: string) => kernel.rows().nodeRuns.get(node)?.status;

/** A run that has done `a` and `b` and is cancelled. */
async function cancelled(more: object = {}): Promise<Outside> {
  const kernel = new Outside();
  const nodes = [undone('a', more), undone('b', more), action('c')];
  await kernel.start(plan(nodes, chain('a', 'b', 'c')));
  await kernel.settle();
  await kernel.complete(await kernel.claimOne(), 1);
  await kernel.complete(await kernel.claimOne(), 2);
  await kernel.cancel();
  await kernel.finish('c');
  expect([kernel.status(), status(kernel, '~/b')]).toEqual(['running', 'ready']);
  return kernel;
}

describe('a compensation that no worker claims', () => {
  it('S153 S123 fails when its time is over, and the run ends when each has had its own', async () => {
    const kernel = await cancelled();
    await kernel.advance(HOUR_MS - 1);
    expect(status(kernel, '~/b')).toBe('ready');
    await kernel.advance(1);
    expect([status(kernel, '~/b'), status(kernel, '~/a')]).toEqual(['failed', 'ready']);
    expect(reason(kernel, '~/b')).toMatchObject({ code: 'not-begun', class: 'deadline' });
    await kernel.advance(HOUR_MS);
    expect(kernel.status()).toBe('cancelled');
    expect(kernel.log('r1', /^(node.failed|run.cancelled)/)).toEqual([
      'node.failed ~/b',
      'node.failed ~/a',
      'run.cancelled running→cancelled',
    ]);
    expect(kernel.rows().timers.size).toBe(0);
    expect(kernel.work.offers()).toEqual([]);
  });

  it('S153 has the time that its plan gives it', async () => {
    const kernel = await cancelled({ startWithinMs: 5_000 });
    await kernel.advance(10_000);
    expect(kernel.status()).toBe('cancelled');
  });

  it('S123 has its time again for a further try, and none while a worker has it', async () => {
    const kernel = await cancelled({ startWithinMs: 5_000, retry: { maxAttempts: 2 } });
    await kernel.advance(4_000);
    const first = await kernel.claimOne();
    expect(first.node).toBe('~/b');
    for (let beat = 0; beat < 3; beat++) {
      await kernel.advance(LEASE_MS - 1);
      await kernel.heartbeat(first);
    }
    await kernel.work.fail(first.token, { message: 'no' });
    await kernel.settle();
    await kernel.advance(4_999);
    expect(status(kernel, '~/b')).toBe('ready');
    await kernel.complete(await kernel.claimOne());
    expect(status(kernel, '~/b')).toBe('completed');
    await kernel.advance(5_000);
    expect([kernel.status(), status(kernel, '~/a')]).toEqual(['cancelled', 'failed']);
  });

  it('S153 S178 is not given back for ever', async () => {
    const kernel = await cancelled({ retry: { maxInterruptions: 2 } });
    for (let attempt = 1; attempt <= 3; attempt++) await kernel.release(await kernel.claimOne());
    expect(status(kernel, '~/b')).toBe('failed');
    expect(reason(kernel, '~/b')).toMatchObject({ code: 'released' });
    expect(kernel.details('attempt.interrupted')).toHaveLength(3);
  });

  it('S153 S167 keeps its time over restarts; workers have a moment after one', async () => {
    const kernel = await cancelled();
    await kernel.advance(HOUR_MS / 2);
    await kernel.restart();
    await kernel.advance(HOUR_MS / 2 - 1);
    expect(status(kernel, '~/b')).toBe('ready');
    await kernel.advance(1);
    expect([status(kernel, '~/b'), status(kernel, '~/a')]).toEqual(['failed', 'ready']);
    // It falls due while no process is there.
    await kernel.restart({ recover: false });
    kernel.clock.advance(HOUR_MS * 2);
    await kernel.restart();
    await kernel.advance(MINUTE_MS - 1);
    const late = await kernel.claimOne();
    await kernel.complete(late);
    expect([kernel.status(), status(kernel, '~/a')]).toEqual(['cancelled', 'completed']);
  });

  it('S153 S167 ends at its time however often the process stops on the way', async () => {
    const waits = fc.array(fc.integer({ min: 1, max: HOUR_MS / 2 }), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(waits, async (stops) => {
        const kernel = await cancelled();
        let left = HOUR_MS;
        for (const ms of stops.filter((stop, i) => sumTo(stops, i) + stop < HOUR_MS - MINUTE_MS)) {
          await kernel.advance(ms);
          await kernel.restart();
          left -= ms;
        }
        await kernel.advance(left - 1);
        expect(status(kernel, '~/b')).toBe('ready');
        await kernel.advance(1);
        expect(status(kernel, '~/b')).toBe('failed');
      }),
      { numRuns: 15 },
    );
  });
});

function sumTo(stops: readonly number[], end: number): number {
  return stops.slice(0, end).reduce((sum, ms) => sum + ms, 0);
}

describe('a compensation that is done here', () => {
  it('S153 fails when it has found no slot in time', async () => {
    const kernel = new Outside({ concurrency: 1 });
    const nodes = [
      action('a', { compensate: { handler: 'work', startWithinMs: 5_000 } }),
      action('b'),
    ];
    await kernel.start(plan(nodes, chain('a', 'b')));
    await kernel.settle();
    await kernel.finish('a', 1);
    await kernel.start(plan([action('other')]), { id: 'r2' });
    await kernel.settle();
    await kernel.cancel();
    await kernel.finish('b', 1);
    // The slot that it had went to a run that had waited for it.
    expect([kernel.working('r2'), status(kernel, '~/a')]).toEqual([['other'], 'ready']);
    await kernel.advance(5_000);
    expect([kernel.status(), status(kernel, '~/a')]).toEqual(['cancelled', 'failed']);
    await kernel.finish('other', 1, 'r2');
    expect(kernel.status('r2')).toBe('completed');
  });

  it('S153 fails when no process had its handler in time', async () => {
    const kernel = new Outside();
    const nodes = [action('a', { compensate: { handler: 'work' } }), action('b')];
    await kernel.start(plan(nodes, chain('a', 'b')));
    await kernel.settle();
    await kernel.finish('a', 1);
    await kernel.restart({ hasHandlers: false });
    await kernel.cancel();
    await kernel.settle();
    await kernel.advance(GRACE_MS);
    expect(status(kernel, '~/a')).toBe('ready');
    await kernel.advance(HOUR_MS);
    expect([kernel.status(), status(kernel, '~/a')]).toEqual(['cancelled', 'failed']);
  });

  it('S208 has no timer where it begins at once', async () => {
    const kernel = new Outside();
    const nodes = [action('a', { compensate: { handler: 'work' } }), action('b')];
    await kernel.start(plan(nodes, chain('a', 'b')));
    await kernel.settle();
    await kernel.finish('a', 1);
    await kernel.cancel();
    await kernel.finish('b', 1);
    const kinds = kernel
      .rows()
      .turns.flatMap(({ rows }) => rows.timersArmed.map(({ kind }) => kind));
    expect(kinds).not.toContain('start-deadline');
    await kernel.finish('~/a', 1);
    expect(kernel.status()).toBe('cancelled');
  });
});
