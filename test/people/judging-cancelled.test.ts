/** A run that is cancelled in parts, a few node runs a turn, while answers and work are judged. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Kernel, respondMessage } from '../support/kernel.js';
import { action, plan } from '../support/plans.js';
import { human } from './asking.js';

const CHECKS = [
  { name: 'first', handler: 'work' },
  { name: 'second', handler: 'work' },
  { name: 'liked', ask: {} },
];
const SIZE = 6;
const version = plan(
  Array.from({ length: SIZE }, (_, place) => [
    human('input', `asked${place}`, { checks: CHECKS }),
    action(`worked${place}`, { checks: CHECKS }),
  ]).flat(),
  [],
);

/** Says something about the oldest task of a kind. */
async function say(kernel: Kernel, kind: string, response: object, responder: string) {
  const task = kernel.openTasks().find((open) => open.kind === kind);
  if (task === undefined) return;
  const said = respondMessage({
    task: task.id,
    node: task.node,
    response: response as never,
    responder,
  });
  await kernel.send(said).catch(() => {});
}

const steps = fc.array(fc.constantFrom('answer', 'give', 'cancel', 'judge', 'stop'), {
  minLength: 3,
  maxLength: 16,
});

it('S152 S153 S234 starts nothing after its cancel was acknowledged, and comes to its end', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (script) => {
      const kernel = new Kernel({ maxTurnSize: 2 });
      await kernel.start(version);
      await kernel.settle();
      let started = Number.POSITIVE_INFINITY;
      let cancelled: Promise<void> | undefined;
      const cancel = () => {
        cancelled ??= kernel.cancel().then(() => {
          started = kernel.executions.length;
        });
        return cancelled;
      };
      for (const step of script) {
        // What is said before it is durable is heard while the run is still calling off its work.
        if (step === 'cancel' && cancelled === undefined) {
          kernel.storage.isHeld = true;
          void cancel();
        }
        // What is called off last speaks first.
        if (step === 'give') for (const open of kernel.open().reverse()) open.return(true);
        const said =
          step === 'answer'
            ? say(kernel, 'human-input', {}, 'ann')
            : step === 'judge' && say(kernel, 'human-check', { approved: true }, 'bob');
        if (step !== 'cancel') {
          await kernel.settle();
          kernel.storage.isHeld = false;
          kernel.storage.flush();
          await kernel.settle();
        }
        await said;
        if (step === 'stop') {
          await cancelled;
          await kernel.restart();
        }
      }
      kernel.storage.isHeld = false;
      kernel.storage.flush();
      await cancel();
      await kernel.settle();
      await kernel.advance(5_000);
      expect(kernel.status()).toBe('cancelled');
      expect(kernel.executions.slice(started)).toEqual([]);
      expect(kernel.openTasks()).toEqual([]);
      expect(kernel.complaints).toEqual([]);
    }),
    { numRuns: 40 },
  );
});
