/** Random schedules, process stops and run lengths on simulated time. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Cadence } from '../../src/schedules/cadence.js';
import { shortestGapMs } from '../../src/schedules/cadence.js';
import type { ScheduleDraft } from '../../src/schedules/draft.js';
import { type CatchUpPolicy, jitterOf, type OverlapPolicy } from '../../src/schedules/schedule.js';
import { naiveStarts, type Started, type Story } from './support/reference.js';
import { World } from './support/world.js';

const RUNS = 150;
/** Occurrences in a story, about. */
const LENGTH = 40;

const cron = (text: string) => ({ cron: text, timeZone: 'Europe/Berlin' });
const cadences: fc.Arbitrary<Cadence> = fc.oneof(
  fc.record({ everyMs: fc.integer({ min: 10, max: 90_000 }), offsetMs: fc.nat(9) }),
  fc.constantFrom(
    cron('*/7 * * * * *'),
    cron('* * * * *'),
    cron('*/5 8-10 * * *'),
    cron('0 6,18 * * *'),
    cron('15 3 * * MON-FRI'),
  ),
);

const settings = fc.record({
  cadence: cadences,
  overlap: fc.constantFrom<OverlapPolicy>('skip', 'queue', 'replace', 'allow'),
  catchUp: fc.oneof(
    fc.constantFrom<CatchUpPolicy>('none', 'latest'),
    fc.record({ max: fc.integer({ min: 1, max: 5 }) }),
  ),
  /** Shares of the shortest gap, and lengths in gaps. */
  jitter: fc.constantFrom(0, 0, 0.3, 1),
  work: fc.constantFrom(0.2, 0.9, 3, 12),
  phases: fc.array(fc.double({ min: 0.1, max: 8, noNaN: true }), { maxLength: 8 }),
  seed: fc.nat(),
});
type Settings = typeof settings extends fc.Arbitrary<infer T> ? T : never;

/** Ends lie at half milliseconds and process stops at three quarters: nothing happens at the same time. */
function storyOf(from: number, { jitter, work, phases, seed, ...rest }: Settings): Story {
  const gapMs = shortestGapMs(rest.cadence, from, LENGTH);
  const lengthOf = (occurrence: number) =>
    jitterOf({ id: `work ${seed}`, jitterMs: Math.ceil(2 * work * gapMs) }, occurrence);
  const switches: number[] = [];
  for (const phase of phases) {
    const last = switches.at(-1) ?? from;
    switches.push(Math.floor(last) + Math.ceil(phase * gapMs) + 0.75);
  }
  return {
    ...rest,
    from,
    to: Math.max(from + LENGTH * gapMs, (switches.at(-1) ?? 0) + 5 * gapMs),
    jitterMs: Math.floor(jitter * gapMs),
    switches,
    // The shortest takes a millisecond: what starts at three quarters does not end before.
    endOf: (occurrence, now) => Math.floor(now) + 1 + lengthOf(occurrence) + 0.5,
  };
}

const draftOf = ({ cadence, overlap, catchUp, jitterMs }: Story): ScheduleDraft => ({
  id: 's',
  plan: 'sha256:1',
  label: 'audit',
  cadence,
  overlap,
  catchUp,
  jitterMs,
});

async function begin(chosen: Settings): Promise<{ world: World; story: Story }> {
  const world = new World();
  const story = storyOf(world.now, chosen);
  world.durationMs = (run) => {
    const { start } = world.runs.get(run) ?? {};
    return story.endOf(start?.occurrence ?? 0, world.now) - world.now;
  };
  await world.service.tick();
  await world.service.create(draftOf(story));
  return { world, story };
}

async function play(world: World, story: Story): Promise<void> {
  let isUp = true;
  for (const moment of story.switches) {
    await world.advance(moment - world.now);
    isUp = !isUp;
    if (isUp) await world.boot();
    else world.stop();
  }
  await world.advance(story.to - world.now);
}

const startsOf = (world: World): Started[] =>
  [...world.runs.values()].map(({ start, startedAt }) => ({
    occurrence: start.occurrence,
    at: startedAt,
  }));

function assertSafe(world: World, story: Story): void {
  const runs = [...world.runs.values()];
  for (const { start, startedAt } of runs) {
    const { jitterMs } = story;
    const dueAt = start.occurrence + jitterOf({ id: 's', jitterMs }, start.occurrence);
    expect(startedAt).toBeGreaterThanOrEqual(dueAt);
  }
  if (story.overlap === 'allow') return;
  for (const [index, { startedAt }] of runs.entries()) {
    const before = runs[index - 1];
    if (before !== undefined) expect(before.endedAt).toBeLessThanOrEqual(startedAt);
  }
}

describe('random schedules', () => {
  it('S222 start what a scheduler starts that walks every occurrence', async () => {
    await fc.assert(
      fc.asyncProperty(settings, async (chosen) => {
        const { world, story } = await begin(chosen);
        await play(world, story);
        expect(startsOf(world)).toEqual(naiveStarts(story));
        expect(world.complaints).toEqual([]);
        assertSafe(world, story);
      }),
      { numRuns: RUNS },
    );
  });

  it('S222 start nothing early, nothing twice and nothing beside another, whatever fails and crashes', async () => {
    await fc.assert(
      fc.asyncProperty(settings, fc.infiniteStream(fc.nat(11)), async (chosen, chances) => {
        const { world, story } = await begin(chosen);
        let isCalm = false;
        const misfortune = () => {
          const chance = isCalm ? 11 : chances.next().value;
          if (chance < 2) throw new Error('it failed');
          if (chance === 2) world.stop();
        };
        world.faults = { start: misfortune, put: misfortune };
        await play(world, story);
        isCalm = true;
        await world.boot();
        const gapMs = shortestGapMs(story.cadence, world.now, LENGTH);
        await world.advance(10 * gapMs);
        assertSafe(world, story);
        const { counters, lastOccurrence } = await world.service.get('s');
        if (story.overlap !== 'allow') expect(counters.started).toBe(world.runs.size);
        const newest = Math.max(0, ...world.occurrences(0));
        expect(lastOccurrence ?? 0).toBe(newest);
      }),
      { numRuns: RUNS },
    );
  });
});
