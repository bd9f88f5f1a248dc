import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expectGiven } from '../support/given.js';
import { Kernel, type KernelOptions } from '../support/kernel.js';
import { versionsIn } from '../support/rebuilt.js';
import { expectSame, expectSameLog } from './expect-same.js';
import { expectSoundLog } from './invariants.js';
import { begin, nextStep, nothingPlayed, playAll, rehearse, take } from './play.js';
import { compiledDraft, RANDOM_PLANS, type RandomRun, randomRuns } from './random-plans.js';
import { Reference } from './reference.js';

/** Plays a script with both, and compares them after every step. */
async function playBoth(random: RandomRun, options: KernelOptions = {}): Promise<void> {
  const { script } = random;
  const version = compiledDraft(random);
  const reference = new Reference(version, script.input, script.concurrency);
  const kernel = new Kernel({ isUnchecked: true, ...options });
  const played = nothingPlayed();
  reference.start();
  await begin(kernel, random);
  for (;;) {
    expect(kernel.complaints).toEqual([]);
    expectSame(kernel, reference);
    const step = nextStep(reference, script, played);
    if (step === undefined) break;
    await take(kernel, script, step);
  }
  expectSameLog(kernel, reference);
  const isAtWork = reference.world.runs.some((run) => run.runStatus() === 'running');
  if (!isAtWork) expect(kernel.supervisor.stats().residentRuns).toBe(0);
  expectSoundLog(kernel.rows(), versionsIn(kernel.storage));
  expectGiven(kernel);
}

describe('the kernel and the reference', () => {
  it('S29 S53 S54 S55 S58 S70–S80 S82–S85 S90 S105 S160 S163 agree on random plans after every step', async () => {
    await fc.assert(
      fc.asyncProperty(randomRuns(), (random) => playBoth(random)),
      { numRuns: RANDOM_PLANS },
    );
  }, 600_000);

  it('S148 S156 agree on runs inside runs that are paused and set going at any time', async () => {
    await fc.assert(
      fc.asyncProperty(randomRuns({ isFamily: true, maxNodes: 4 }), (random) => playBoth(random)),
      { numRuns: Math.ceil(RANDOM_PLANS / 4) },
    );
  }, 600_000);

  it('S156 S228 agree so where runs are let go after every turn', async () => {
    const families = randomRuns({ isFamily: true, maxNodes: 4 });
    await fc.assert(
      fc.asyncProperty(families, (random) => playBoth(random, { maxResidentRuns: 0 })),
      { numRuns: Math.ceil(RANDOM_PLANS / 8) },
    );
  }, 600_000);

  it('agree on how a run ends where a turn changes few node runs at a time', async () => {
    const property = async (random: RandomRun, maxTurnSize: number) => {
      const { steps, reference } = rehearse(random);
      // What is called off half-way through what would be one turn may have started by then.
      const logs = reference.world.runs.flatMap(({ log }) => log);
      fc.pre(!logs.some((line) => / (stopping|cancelled)$/.test(line)));
      // A failure inside a loop calls off what is beside it, which may have come to its end in the same turn.
      fc.pre(!logs.some((line) => /\/\S* failed$/.test(line)));
      fc.pre(reference.ending === undefined);
      fc.pre(!JSON.stringify(random.draft).includes('"cancelRest":true'));
      const kernel = await playAll(random, steps, { isUnchecked: true, maxTurnSize });
      expectSame(kernel, reference);
      expectSoundLog(kernel.rows(), versionsIn(kernel.storage));
      expectGiven(kernel);
    };
    await fc.assert(
      fc.asyncProperty(
        randomRuns({ concurrency: 100, neverCancelled: true }),
        fc.integer({ min: 1, max: 4 }),
        property,
      ),
      { numRuns: Math.ceil(RANDOM_PLANS / 4) },
    );
  }, 600_000);
});
