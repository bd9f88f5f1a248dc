import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RunFold } from '../../src/history/run-fold.js';
import { differencesOf, stateHash } from '../../src/history/state-hash.js';
import { differencesFromVersions } from '../../src/history/stored-snapshot.js';
import { MemoryRun } from '../../src/testing/memory-storage.js';
import { begin, rehearse, take } from '../model/play.js';
import { RANDOM_PLANS, type RandomRun, randomRuns } from '../model/random-plans.js';
import { Kernel } from '../support/kernel.js';
import { action, chain, edge, plan } from '../support/plans.js';
import { foldedFrom, storedIn, versionsIn } from '../support/rebuilt.js';

/** Compares what the events say with what the rows said, after each turn of a run. */
function expectRebuiltAfterEachTurn(kernel: Kernel, run: string): void {
  const { turns } = kernel.rows(run);
  const [first] = turns;
  if (first?.rows.runCreated === undefined) throw new Error(`${run} has no first turn`);
  const rows = new MemoryRun(first.rows.runCreated);
  const fold = new RunFold(versionsIn(kernel.storage));
  for (const turn of turns) {
    rows.apply(turn);
    for (const event of turn.rows.events) fold.take(event);
    const folded = fold.snapshot();
    expect(differencesOf(folded, storedIn(rows)), `after turn ${turn.turn}`).toEqual([]);
    const newest = new Map(rows.versions.map((version) => [version.actor, version]));
    expect(differencesFromVersions(folded, [...newest.values()])).toEqual([]);
  }
}

async function played(random: RandomRun, kernel: Kernel): Promise<Kernel> {
  await begin(kernel, random);
  for (const step of rehearse(random).steps) await take(kernel, random.script, step);
  return kernel;
}

describe('a run that is made again from its events', () => {
  it('S163 is what was stored after each of its turns, whatever its plan', async () => {
    const property = async (random: RandomRun) => {
      const kernel = await played(random, new Kernel({ isUnchecked: true }));
      for (const run of kernel.storage.runs.keys()) expectRebuiltAfterEachTurn(kernel, run);
    };
    await fc.assert(fc.asyncProperty(randomRuns(), property), {
      numRuns: Math.ceil(RANDOM_PLANS / 2),
    });
  }, 600_000);

  it('S163 has the same hash for the same events, and another for any others', async () => {
    const property = async (random: RandomRun, lost: number) => {
      const kernel = await played(random, new Kernel({ isUnchecked: true }));
      const { events } = kernel.rows();
      const planOf = versionsIn(kernel.storage);
      const whole = stateHash(foldedFrom({ events }, planOf));
      expect(stateHash(foldedFrom({ events: structuredClone(events) }, planOf))).toBe(whole);
      const fewer = events.slice(0, lost % events.length);
      expect(stateHash(foldedFrom({ events: fewer }, planOf))).not.toBe(whole);
    };
    await fc.assert(fc.asyncProperty(randomRuns(), fc.nat(), property), { numRuns: 50 });
  }, 600_000);

  it('S163 follows its plan where nodes were added to it', async () => {
    const kernel = new Kernel();
    await kernel.start(plan([action('a'), action('z')], chain('a', 'z')));
    const nodes = [action('n')];
    const edges = [edge('a', 'n', { when: 'output == 7' })];
    await kernel.finish('a', { ok: true, output: 7, add: { nodes, edges } });
    await kernel.finish('n');
    await kernel.finish('z');
    const folded = foldedFrom(kernel.rows(), versionsIn(kernel.storage));
    expect(folded.plan).toBe(kernel.rows().record.planHash);
    expect(folded.nodes.get('a')?.edges).toBe('tt');
    expect(folded).toMatchObject({ status: 'completed' });
  });

  it('S163 leaves open what a turn had not decided at an event inside of it', async () => {
    const kernel = new Kernel();
    const edges = [edge('a', 'b', { when: 'output > 1' }), edge('a', 'c', { default: true })];
    await kernel.start(plan([action('a'), action('b'), action('c')], edges));
    await kernel.finish('a', 2);
    const { events } = kernel.rows();
    const end = events.findIndex(({ type }) => type === 'node.completed');
    const planOf = versionsIn(kernel.storage);
    const edgesAt = (count: number) =>
      foldedFrom({ events: events.slice(0, count) }, planOf).nodes.get('a')?.edges;
    expect(edgesAt(end + 1)).toBe('');
    expect(edgesAt(end + 3)).toBe('td');
  });

  it('S163 refuses a log that lacks an event, or a plan version', async () => {
    const kernel = new Kernel();
    await kernel.start(plan([action('a')], []));
    await kernel.finish('a');
    const { events } = kernel.rows();
    const planOf = versionsIn(kernel.storage);
    const gap = events.filter(({ seq }) => seq !== 3);
    expect(() => foldedFrom({ events: gap }, planOf)).toThrow('event 4 stands where 3 belongs');
    expect(() => foldedFrom({ events }, () => undefined)).toThrow(
      /plan version sha256:\w+ is missing/,
    );
  });
});
