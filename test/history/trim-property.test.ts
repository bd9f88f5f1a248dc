import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HistoryService } from '../../src/history/history-service.js';
import { trim } from '../../src/history/trim.js';
import { MemoryArtifacts } from '../../src/testing/memory-artifacts.js';
import { memoryRows } from '../../src/testing/memory-rows.js';
import type { MemoryRun } from '../../src/testing/memory-storage.js';
import { SimulatedClock } from '../../src/testing/simulation.js';
import { begin, rehearse, take } from '../model/play.js';
import { RANDOM_PLANS, type RandomRun, randomRuns } from '../model/random-plans.js';
import { Kernel } from '../support/kernel.js';
import { action, chain, plan } from '../support/plans.js';

const LATER_MS = 3_600_000;

/** Removes all history that may go, as it is now. */
function trimAll({ storage, clock }: Kernel) {
  const contents = new MemoryArtifacts();
  const removing = { rows: memoryRows(storage), journal: storage.journal, contents };
  return trim(removing, clock.now() + LATER_MS, { historyOlderThanMs: 0 });
}

/** What is stored of a run but for the part of its history that was removed from `trimmed`. */
function kept(rows: MemoryRun, { record: { trimmedTo } }: MemoryRun) {
  const sorted = (list: Iterable<unknown>) => [...list].map((row) => JSON.stringify(row)).sort();
  const current = new Map<string, number>();
  for (const { actor, seq } of rows.versions) {
    if (seq <= trimmedTo) current.set(actor, Math.max(seq, current.get(actor) ?? 0));
  }
  return {
    record: { ...rows.record, trimmedTo },
    seq: rows.seq,
    nodeRuns: sorted(rows.nodeRuns.values()),
    pastNodeRuns: sorted(rows.pastNodeRuns),
    pastInputs: sorted(rows.pastInputs.values()),
    attempts: sorted(rows.attempts.values()),
    tasks: sorted(rows.tasks.values()),
    responses: sorted(rows.responses),
    artifacts: sorted(rows.artifacts),
    timers: sorted(rows.timers.values()),
    signals: sorted(rows.signals.values()),
    events: sorted(rows.events.filter(({ seq }) => seq > trimmedTo)),
    versions: sorted(
      rows.versions.filter(({ actor, seq }) => seq > trimmedTo || seq === current.get(actor)),
    ),
    turns: rows.turns.filter(({ seq }) => seq >= trimmedTo).map(({ seq, reason }) => [seq, reason]),
  };
}

describe('a run whose history is removed while it goes on', () => {
  it('S173 S208 goes on as its twin does, whenever that happens', async () => {
    let removed = 0;
    const property = async (random: RandomRun, when: readonly boolean[]) => {
      const { steps } = rehearse(random);
      // Let go after every turn, so that all of it is found again in what is kept.
      const trimmed = new Kernel({ isUnchecked: true, maxResidentRuns: 0 });
      const whole = new Kernel({ isUnchecked: true, maxResidentRuns: 0 });
      await begin(trimmed, random);
      await begin(whole, random);
      for (const [number, step] of steps.entries()) {
        if (when[number % when.length]) removed += (await trimAll(trimmed)).events;
        await take(trimmed, random.script, step);
        await take(whole, random.script, step);
      }
      expect(trimmed.complaints).toEqual([]);
      expect([...trimmed.storage.runs.keys()]).toEqual([...whole.storage.runs.keys()]);
      for (const run of trimmed.storage.runs.keys()) {
        const rows = trimmed.rows(run);
        expect(kept(rows, rows)).toEqual(kept(whole.rows(run), rows));
      }
    };
    const moments = fc.array(fc.boolean(), { minLength: 1, maxLength: 8 });
    await fc.assert(fc.asyncProperty(randomRuns(), moments, property), {
      numRuns: Math.ceil(RANDOM_PLANS / 4),
    });
    expect(removed).toBeGreaterThan(0);
  }, 600_000);
});

describe('retention', () => {
  it('S173 removes old runs by itself, again and again', async () => {
    const kernel = new Kernel({ isUnchecked: true });
    await kernel.start(plan([action('a'), action('b')], chain('a', 'b')));
    await kernel.finish('a');
    const { storage } = kernel;
    const clock = new SimulatedClock();
    clock.advance(kernel.clock.now() - clock.now());
    const service = new HistoryService({
      contents: kernel.storage.artifacts,
      clock,
      logger: { debug() {}, info() {}, warn() {}, error() {} },
      journal: storage.journal,
      store: storage.store,
      rows: memoryRows(storage),
      retention: { runsMs: 3 * LATER_MS, historyMs: LATER_MS, everyMs: LATER_MS },
      nextRun: () => 2,
      nextTurn: () => 99,
    });
    service.start();
    const pass = async () => {
      clock.advance(LATER_MS);
      // Comes after what the clock has set going.
      await service.trim({});
      await kernel.settle();
    };
    await pass();
    expect(kernel.rows().record.trimmedTo).toBeGreaterThan(0);
    await kernel.finish('b');
    expect(kernel.status()).toBe('completed');
    for (let hours = 0; hours < 3; hours++) await pass();
    expect(storage.runs.size).toBe(0);
    await service.close();
    expect(clock.next).toBeUndefined();
    await expect(service.trim({})).rejects.toMatchObject({ code: 'closing' });
  });
});
