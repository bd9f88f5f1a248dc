import '../support/seed.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isFinal } from '../../src/machines/statuses.js';
import type { ClaimedWork } from '../../src/work/work.js';
import { chain, plan } from '../support/plans.js';
import { far, LEASE_MS, Outside } from './support/outside.js';

type Step =
  | { readonly is: 'claim'; readonly worker: number }
  | { readonly is: 'heartbeat' | 'complete' | 'fail' | 'release'; readonly lease: number }
  | { readonly is: 'pass'; readonly ms: number }
  | { readonly is: 'restart' | 'cancel' };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ is: fc.constant('claim' as const), worker: fc.nat(2) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      is: fc.constantFrom('heartbeat', 'complete', 'complete', 'fail', 'release'),
      lease: fc.nat(7),
    }) as fc.Arbitrary<Step>,
  },
  {
    weight: 3,
    arbitrary: fc.record({
      is: fc.constant('pass' as const),
      ms: fc.constantFrom(1, LEASE_MS / 2, LEASE_MS - 1, LEASE_MS),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ is: 'restart' } as const) },
  { weight: 1, arbitrary: fc.constant({ is: 'cancel' } as const) },
);

const version = plan(
  [far('a', { retry: { maxAttempts: 3, maxInterruptions: 50 } }), far('b')],
  chain('a', 'b'),
);

/** What workers did, and how they were answered. */
class Story {
  readonly kernel = new Outside();
  readonly leases: ClaimedWork[] = [];
  /** Keys of attempts whose result was accepted, with the answer. */
  readonly accepted = new Map<string, unknown>();

  async play(steps: readonly Step[], isTogether: boolean): Promise<void> {
    await this.kernel.start(version);
    await this.kernel.settle();
    for (const one of steps) {
      const done = this.#take(one);
      // What comes together meets in any order; time and stops wait for what is under way.
      if (!isTogether || 'ms' in one || one.is === 'restart') await this.kernel.settle();
      if (one.is === 'restart' || 'ms' in one) await done;
    }
    await this.kernel.settle();
  }

  /** Goes on as good workers would, until the run has ended. */
  async conclude(): Promise<void> {
    for (let round = 0; round < 20 && !isFinal(this.kernel.status()); round++) {
      await this.kernel.advance(LEASE_MS);
      for (const claimed of await this.kernel.claim('last', 5)) await this.#complete(claimed);
    }
  }

  async #take(one: Step): Promise<void> {
    const { kernel, leases } = this;
    switch (one.is) {
      case 'pass':
        return kernel.advance(one.ms);
      case 'restart':
        return kernel.restart();
      case 'cancel':
        await kernel.cancel().catch(() => {});
        return;
      case 'claim': {
        const worker = `w${one.worker}`;
        const claimed = await kernel.work.claim({ worker, capabilities: ['far'] }).catch(() => []);
        leases.push(...claimed);
        return;
      }
      default: {
        const claimed = leases[one.lease % Math.max(1, leases.length)];
        if (claimed === undefined) return;
        const { token } = claimed;
        if (one.is === 'complete') return this.#complete(claimed);
        if (one.is === 'fail') await kernel.work.fail(token, { message: 'no' }).catch(() => {});
        else if (one.is === 'release') await kernel.work.release(token).catch(() => {});
        else await kernel.work.heartbeat(token).catch(() => {});
      }
    }
  }

  async #complete(claimed: ClaimedWork): Promise<void> {
    const { kernel, accepted } = this;
    const { key, token } = claimed;
    const answer = await kernel.work.complete(token, key).catch(() => undefined);
    if (answer === undefined) return;
    // The same result gets the same answer.
    if (accepted.has(key)) expect(answer).toEqual(accepted.get(key));
    accepted.set(key, answer);
  }
}

describe('any order of claims, results, expiries, stops and cancels', () => {
  it('S174 S178 S51 comes to one outcome, made by one accepted result for each node', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), fc.boolean(), async (steps, together) => {
        const story = new Story();
        await story.play(steps, together);
        await story.conclude();
        const { kernel, accepted } = story;
        expect(isFinal(kernel.status())).toBe(true);
        expect(kernel.log('r1', /^run\.(completed|failed|cancelled)/)).toHaveLength(1);
        const { attempts, nodeRuns } = kernel.rows();
        const won = [...attempts.values()].filter(({ outcome }) => outcome === 'completed');
        expect(new Set(won.map(({ node }) => node)).size).toBe(won.length);
        for (const { node, attempt } of won) {
          const key = `r1/${node}/1/${attempt}`;
          expect(accepted.has(key)).toBe(true);
          // Nobody else's result is the node's.
          expect(JSON.parse(nodeRuns.get(node)?.outputJson ?? 'null')).toBe(key);
        }
        // Whoever was told that his result counts made it count.
        for (const key of accepted.keys()) {
          const [, node = '', , attempt] = key.split('/');
          expect(attempts.get(`${node}/1/${attempt}`)?.outcome).toBe('completed');
        }
        expect([...attempts.values()].every(({ outcome }) => outcome !== null)).toBe(true);
        expect(kernel.supervisor.stats().admission.used).toBe(0);
      }),
      { numRuns: 150 },
    );
  });
});
