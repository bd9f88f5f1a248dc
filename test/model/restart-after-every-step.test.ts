import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { snapshotDigest } from '../../src/machines/snapshot-digest.js';
import type { MemoryRun } from '../../src/testing/memory-storage.js';
import { Kernel, type KernelOptions } from '../support/kernel.js';
import { expectSoundLog } from './invariants.js';
import { begin, logOfNodes, rehearse, type Step, take } from './play.js';
import { compiledDraft, RANDOM_PLANS, type RandomRun, randomRuns } from './random-plans.js';

/** Everything that is stored of a run but the numbers of its turns, which other runs share; a line per row. */
function everything(rows: MemoryRun): Record<string, string[]> {
  const { record, nodeRuns, versions, attempts, events, tasks, responses, artifacts, timers } =
    rows;
  const lines = (list: Iterable<unknown>) => [...list].map((row) => JSON.stringify(row));
  return {
    record: lines([record]),
    nodeRuns: lines(nodeRuns.values()).sort(),
    versions: lines(versions).sort(),
    attempts: lines(attempts.values()).sort(),
    events: lines(events),
    tasks: lines(tasks.values()).sort(),
    responses: lines(responses),
    artifacts: lines(artifacts),
    timers: lines(timers.values()).sort(),
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

async function playAll(random: RandomRun, steps: readonly Step[], options: KernelOptions = {}) {
  const kernel = new Kernel(options);
  await begin(kernel, random);
  for (const step of steps) await take(kernel, random.script, step);
  return kernel;
}

describe('a run that is let go after every turn', () => {
  it('S165 S167 S228 ends in the same rows, hash for hash, as one that stays in memory', async () => {
    const property = async (random: RandomRun) => {
      const { steps } = rehearse(random);
      const resident = await playAll(random, steps);
      const parked = new Kernel({ maxResidentRuns: 0 });
      await begin(parked, random);
      for (const step of steps) {
        // A run that is ending has its withdrawals to look after.
        const isEnding = parked.log('r1', /^node.stopping/).length > 0;
        if (!isEnding) expect(parked.supervisor.stats().residentRuns).toBe(0);
        await take(parked, random.script, step);
      }
      expect(parked.complaints).toEqual([]);
      expectSameRows(parked.rows(), resident.rows());
      expectSoundLog(parked.rows(), compiledDraft(random));
    };
    await fc.assert(fc.asyncProperty(randomRuns(), property), { numRuns: RANDOM_PLANS });
  }, 600_000);
});

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
  const kernel = new Kernel();
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
  const { events, attempts, record } = kernel.rows();
  if (record.endedAt !== null) return true;
  if (step.type === 'cancel') return events.some((event) => event.type === 'run.cancel-requested');
  if (step.type === 'answer') {
    return events.some((event) => event.type === 'task.responded' && event.node === step.node);
  }
  // Interruptions are no tries.
  const ended = [...attempts.values()].filter(
    ({ node, outcome }) => node === step.node && outcome !== null && outcome !== 'interrupted',
  );
  if (ended.length > step.tries) return true;
  // Work that was under way when its run was ending is closed by recovery.
  const status = kernel.summary().nodes[step.node] ?? '';
  return ['cancelled', 'completed', 'partial', 'skipped', 'failed'].includes(status);
}

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
  it('S44 S157 S164 S165 S166 S167 leaves runs that end as if it had not, and repeats nothing completed', async () => {
    const property = async (random: RandomRun, plan: readonly Stop[]) => {
      const { steps, reference } = rehearse(random);
      // What was at work when a run was ending is cancelled by a stop, whatever it would have brought.
      fc.pre(reference.ending === undefined);
      const { kernel, crashes } = await playThroughStops(random, steps, plan);
      const { status, nodes, outputs, inputs } = kernel.summary();
      expect(kernel.complaints).toEqual([]);
      expect(status).toBe(reference.runStatus());
      expect(nodes).toEqual(Object.fromEntries(reference.status));
      expect(inputs).toEqual(Object.fromEntries(reference.input));
      for (const [id, output] of reference.output) expect(outputs[id]).toEqual(output);
      expectExecutionsWithin(kernel, reference.tries, crashes);
      expectDecidedOnce(kernel);
      expectSoundLog(kernel.rows(), compiledDraft(random));
    };
    // Many interruptions, and none is one too many.
    const runs = randomRuns({ concurrency: 100, neverCancelled: true, maxInterruptions: 1_000 });
    await fc.assert(fc.asyncProperty(runs, stops, property), {
      numRuns: Math.ceil(RANDOM_PLANS / 2),
    });
  }, 600_000);
});

/** No attempt is executed twice, and a node runs once per try and once more per interruption. */
function expectExecutionsWithin(
  kernel: Kernel,
  tries: ReadonlyMap<string, number>,
  crashes: number,
): void {
  expect(new Set(kernel.executions).size).toBe(kernel.executions.length);
  const { attempts, nodeRuns } = kernel.rows();
  for (const node of nodeRuns.keys()) {
    const own = [...attempts.values()].filter((attempt) => attempt.node === node);
    if (own.length === 0) continue;
    const interrupted = own.filter((attempt) => attempt.outcome === 'interrupted').length;
    const allTries = own.length - interrupted;
    expect(interrupted).toBeLessThanOrEqual(crashes);
    expect(allTries).toBeLessThanOrEqual((tries.get(node) ?? 0) + 1);
    const executed = kernel.executions.filter((key) => key.startsWith(`r1/${node}/`)).length;
    expect(executed).toBeLessThanOrEqual(own.length);
    const last = own.reduce((a, b) => (a.attempt > b.attempt ? a : b));
    expect(last.outcome).not.toBe('interrupted');
  }
}

function expectDecidedOnce(kernel: Kernel): void {
  const decided = logOfNodes(kernel).filter((line) => !/ (ready|running|stopping)$/.test(line));
  expect(new Set(decided).size, decided.join('\n')).toBe(decided.length);
}
