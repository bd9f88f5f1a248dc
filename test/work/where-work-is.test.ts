import '../support/seed.js';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { isFinal } from '../../src/machines/statuses.js';
import type { ClaimedWork } from '../../src/work/work.js';
import { action, plan } from '../support/plans.js';
import { far, LEASE_MS, Outside } from './support/outside.js';

/** Work here and outside, each with checks by a handler and by people, and with a fallback elsewhere. */
const checks = [
  { name: 'measured', handler: 'work' },
  { name: 'seen', ask: {} },
];
const fallsBackTo = (handler: string) => ({ onFailure: 'fallback', fallback: { handler } });
const version = plan([
  far('a', { checks, ...fallsBackTo('work') }),
  far('b', { ...fallsBackTo('far'), retry: { maxAttempts: 2, maxInterruptions: 9 } }),
  action('c', fallsBackTo('far')),
  action('d', { checks, onFailure: 'continue' }),
]);

const STEPS = [
  'claim',
  'complete',
  'fail',
  'finish',
  'break',
  'answer',
  'lapse',
  'restart',
] as const;
const steps = fc.array(
  fc.record({ is: fc.constantFrom(...STEPS), which: fc.nat(5), isGood: fc.boolean() }),
  { minLength: 1, maxLength: 25 },
);

/** Whether rows say that something of the run is worked on in this process. */
function worksHere(kernel: Outside): boolean {
  const { attempts, nodeRuns } = kernel.rows();
  return [...attempts.values()].some(({ outcome, node, leaseJson, outputJson }) => {
    const isChecked = outputJson !== null && nodeRuns.get(node)?.status === 'running';
    return outcome === null && (isChecked || (leaseJson === null && outputJson === null));
  });
}

it('S228 S178 a run is let go from memory exactly while none of its work is done here', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (list) => {
      const kernel = new Outside();
      const leases: ClaimedWork[] = [];
      await kernel.start(version);
      await kernel.settle();
      for (const { is, which, isGood } of list) {
        if (isFinal(kernel.status())) return;
        const claimed = leases[which % Math.max(1, leases.length)];
        const local = kernel.open()[which % Math.max(1, kernel.open().length)];
        const task = kernel.openTasks()[0];
        if (is === 'claim') leases.push(...(await kernel.claim()));
        else if (is === 'restart') await kernel.restart();
        else if (is === 'lapse') await kernel.advance(LEASE_MS);
        else if (is === 'complete' && claimed) await kernel.complete(claimed, 1).catch(() => {});
        else if (is === 'fail' && claimed) {
          const failed = kernel.work.fail(claimed.token, { message: 'no', retryable: isGood });
          await failed.catch(() => {});
        } else if (is === 'finish') local?.return(isGood);
        else if (is === 'break') local?.throw(new Error('no'));
        else if (is === 'answer' && task) await kernel.respond(task.node, { approved: isGood });
        await kernel.settle();
        const { residentRuns } = kernel.supervisor.stats();
        expect(residentRuns === 1, JSON.stringify(kernel.summary().nodes)).toBe(worksHere(kernel));
      }
    }),
    { numRuns: 150 },
  );
});
