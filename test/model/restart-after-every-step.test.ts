import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { snapshotDigest } from '../../src/machines/snapshot-digest.js';
import type { MemoryRun } from '../../src/testing/memory-storage.js';
import { expectGiven } from '../support/given.js';
import { Kernel } from '../support/kernel.js';
import { versionsIn } from '../support/rebuilt.js';
import { expectSame, storedRuns } from './expect-same.js';
import { expectSoundLog } from './invariants.js';
import { begin, playAll, rehearse, runAt, runsBegunAt, type Step, take } from './play.js';
import { RANDOM_PLANS, type RandomRun, randomRuns } from './random-plans.js';
import type { Reference } from './reference.js';

/** Everything that is stored of a run but the numbers of its turns, which other runs share; a line per row. */
function everything(rows: MemoryRun): Record<string, string[]> {
  const { record, nodeRuns, versions, attempts, events, tasks, responses, artifacts } = rows;
  const lines = (list: Iterable<unknown>) => [...list].map((row) => JSON.stringify(row));
  return {
    record: lines([record]),
    nodeRuns: lines(nodeRuns.values()).sort(),
    versions: lines(versions).sort(),
    pastInputs: lines(rows.pastInputs.values()).sort(),
    attempts: lines(attempts.values()).sort(),
    events: lines(events),
    tasks: lines(tasks.values()).sort(),
    responses: lines(responses),
    artifacts: lines(artifacts),
    timers: lines(rows.timers.values()).sort(),
    signals: lines(rows.signals.values()),
    turns: lines(rows.turns.map((turn) => [turn.seq, turn.reason, turn.at])),
  };
}

function expectSameRows(actual: MemoryRun, expected: MemoryRun): void {
  const found = everything(actual);
  for (const [table, lines] of Object.entries(everything(expected))) {
    const isSame = snapshotDigest(lines.join()) === snapshotDigest((found[table] ?? []).join());
    if (!isSame) expect(found[table], table).toEqual(lines);
  }
}

describe('a run that is let go after every turn', () => {
  const property = async (random: RandomRun) => {
    const { steps, reference } = rehearse(random);
    fc.pre(isOrdered(steps, reference));
    const resident = await playAll(random, steps);
    const parked = new Kernel({ isUnchecked: true, maxResidentRuns: 0 });
    await begin(parked, random);
    for (const step of steps) {
      // A run that is ending has its withdrawals to look after.
      const isEnding = [...parked.storage.runs.keys()].some(
        (run) => parked.log(run, /^node.stopping/).length > 0,
      );
      if (!isEnding) expect(parked.supervisor.stats().residentRuns).toBe(0);
      await take(parked, random.script, step);
    }
    expect(parked.complaints).toEqual([]);
    expectGiven(parked);
    expect([...parked.storage.runs.keys()]).toEqual([...resident.storage.runs.keys()]);
    for (const run of resident.storage.runs.keys()) {
      expectSameRows(parked.rows(run), resident.rows(run));
      expectSoundLog(parked.rows(run), versionsIn(parked.storage));
    }
  };

  it('S90 S163 S165 S167 S228 ends in the same rows, hash for hash, as one that stays in memory', async () => {
    await fc.assert(fc.asyncProperty(randomRuns(), property), { numRuns: RANDOM_PLANS });
  }, 600_000);
});

/** Several children that are told at a time answer in any order: those in memory are quicker. */
function isOrdered(steps: readonly Step[], { world }: Reference): boolean {
  if (!steps.some(({ type }) => type === 'pause' || type === 'resume')) return true;
  const addresses = [...new Set(world.runs.map(({ address }) => address))];
  const parents = addresses.map((address) => address.split('>').slice(0, -1).join('>'));
  // The run itself lies beside no other.
  return new Set(parents.slice(1)).size === parents.length - 1;
}

// Process stops ------------------------------------------------------------------------------

/** When each process stops: after how many turns, and whether the last answer still got out. */
const stops = fc.array(
  fc.record({ turns: fc.integer({ min: 1, max: 3 }), isAnswerLost: fc.boolean() }),
  {
    minLength: 1,
    maxLength: 40,
  },
);
type Stop = { readonly turns: number; readonly isAnswerLost: boolean };

/** Plays the steps while the process stops again and again; each step is tried until its turn is durable. */
async function playThroughStops(random: RandomRun, steps: readonly Step[], plan: readonly Stop[]) {
  const kernel = new Kernel({ isUnchecked: true });
  let crashes = 0;
  const arm = () => {
    const stop = plan[crashes];
    if (stop !== undefined) kernel.dieAfter(stop.turns, stop.isAnswerLost);
  };
  const revive = async () => {
    while (kernel.isDead) {
      crashes += 1;
      // The stop of the next process may come while it recovers.
      const recovering = kernel.restart({ beforeRecovery: arm });
      await recovering;
    }
  };
  arm();
  await begin(kernel, random);
  await revive();
  for (const step of steps) {
    for (let tries = 0; !isDone(kernel, step); tries++) {
      if (tries > 100)
        throw new Error(`no end to ${JSON.stringify(step)}\n${kernel.log().join('\n')}`);
      await takeIfOpen(kernel, random, step);
      await revive();
    }
  }
  return { kernel, crashes };
}

function isDone(kernel: Kernel, step: Step): boolean {
  if (kernel.rows().record.endedAt !== null) return true;
  if (step.type === 'time') return kernel.clock.now() >= START + step.now;
  // The try after it has begun.
  if ('runsBefore' in step && runsBegunAt(kernel, step.run) > step.runsBefore + 1) return true;
  const run = runAt(kernel, 'run' in step ? step.run : '');
  if (run === undefined || !kernel.storage.runs.has(run)) return false;
  const { events, attempts, responses, tasks, signals, record } = kernel.rows(run);
  if (record.endedAt !== null) return true;
  const count = (type: string) => events.filter((event) => event.type === type).length;
  switch (step.type) {
    case 'cancel':
      return count('run.cancel-requested') > 0;
    case 'pause':
    case 'resume':
    case 'grant':
      throw new Error('nothing is held');
    case 'signal':
      return signals.has(step.signal.id);
    case 'retry':
      return count('operator.retried') >= step.retries;
    case 'answer':
      return (
        responses.filter(({ task }) => tasks.get(task)?.node === step.node).length > step.number
      );
    case 'end': {
      // Interruptions are no tries. What a person judges has been given.
      const ended = [...attempts.values()].filter(({ node, outcome, outputJson }) => {
        const isGiven = outcome !== null || outputJson !== null;
        return node === step.node && isGiven && outcome !== 'interrupted';
      });
      return ended.length > step.number;
    }
  }
}

/** When the simulated clock of a kernel begins. */
const START = new Kernel({ isUnchecked: true }).clock.now();

async function takeIfOpen(kernel: Kernel, random: RandomRun, step: Step): Promise<void> {
  try {
    await take(kernel, random.script, step);
  } catch (error) {
    throw new Error(`${JSON.stringify(step)} cannot be taken:\n${kernel.log().join('\n')}`, {
      cause: error,
    });
  }
}

describe('a process that stops after random turns', () => {
  it('S44 S90 S157 S163 S164 S165 S166 S167 leaves runs that end as if it had not, and repeats nothing completed', async () => {
    const property = async (random: RandomRun, plan: readonly Stop[]) => {
      const { steps, reference } = rehearse(random);
      // What was at work when it was called off is cancelled by a stop, whatever it would have brought.
      fc.pre(reference.world.runs.every(({ log }) => !log.some((line) => / stopping$/.test(line))));
      const { kernel, crashes } = await playThroughStops(random, steps, plan);
      expect(kernel.complaints).toEqual([]);
      expectGiven(kernel);
      expectSame(kernel, reference, { hasInterruptions: true });
      for (const [run, one] of storedRuns(kernel, reference)) {
        expectExecutionsWithin(kernel, run, one, crashes);
        expectSoundLog(kernel.rows(run), versionsIn(kernel.storage));
      }
    };
    // Many interruptions, and none is one too many; nothing is due while no process runs.
    const runs = randomRuns({
      concurrency: 100,
      neverCancelled: true,
      neverHeld: true,
      maxInterruptions: 1_000,
      isTimeless: true,
    });
    await fc.assert(fc.asyncProperty(runs, stops, property), {
      numRuns: Math.ceil(RANDOM_PLANS / 2),
    });
  }, 600_000);
});

/** No attempt is executed twice, and a node runs once per try and once more per interruption. */
function expectExecutionsWithin(
  kernel: Kernel,
  run: string,
  { ends }: Reference,
  crashes: number,
): void {
  expect(new Set(kernel.executions).size).toBe(kernel.executions.length);
  const { attempts, nodeRuns } = kernel.rows(run);
  for (const node of nodeRuns.keys()) {
    const own = [...attempts.values()].filter((attempt) => attempt.node === node);
    if (own.length === 0) continue;
    const interrupted = own.filter((attempt) => attempt.outcome === 'interrupted').length;
    expect(interrupted).toBeLessThanOrEqual(crashes);
    expect(own.length - interrupted).toBeLessThanOrEqual((ends.get(node) ?? 0) + 1);
    const executed = kernel.executions.filter((key) => key.startsWith(`${run}/${node}/`)).length;
    expect(executed).toBeLessThanOrEqual(own.length);
    const last = own.at(-1);
    expect(last?.outcome).not.toBe('interrupted');
  }
}
