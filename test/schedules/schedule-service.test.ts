import { describe, expect, it } from 'vitest';
import { RunchartError } from '../../src/errors.js';
import type { ScheduleDraft } from '../../src/schedules/draft.js';
import { runIdOf, type Schedule } from '../../src/schedules/schedule.js';
import { GRACE_MS, World } from './support/world.js';

const MINUTE_MS = 60_000;

async function worldWith(draft: Partial<ScheduleDraft> = {}) {
  const world = new World();
  await world.service.tick();
  // The next full minute is a minute away.
  await world.advance(MINUTE_MS - (world.now % MINUTE_MS));
  const from = world.now;
  await world.service.create({ ...DRAFT, ...draft });
  const minutes = () => world.occurrences(from).map((ms) => ms / MINUTE_MS);
  const runAt = (minute: number) => runIdOf('s', { at: from + minute * MINUTE_MS, manual: false });
  return { world, from, minutes, runAt };
}

const DRAFT: ScheduleDraft = {
  id: 's',
  plan: 'sha256:1',
  label: 'audit',
  cadence: { everyMs: MINUTE_MS },
};

const refusal = (work: () => Promise<unknown>) =>
  work().then(
    () => undefined,
    (error: unknown) => (error instanceof RunchartError ? error : undefined),
  );

describe('occurrences', () => {
  it('S222 start at their time, each once', async () => {
    const { world, minutes } = await worldWith({ overlap: 'allow' });
    await world.advance(3 * MINUTE_MS + 1);
    expect(minutes()).toEqual([1, 2, 3]);
    for (const { start, startedAt } of world.runs.values())
      expect(startedAt).toBe(start.occurrence);
    await world.service.tick();
    expect(minutes()).toEqual([1, 2, 3]);
  });

  it('S222 are skipped while a run is at work', async () => {
    const { world, minutes, runAt } = await worldWith();
    await world.advance(3 * MINUTE_MS);
    await world.end(runAt(1), 'failed');
    await world.advance(MINUTE_MS);
    expect(minutes()).toEqual([1, 4]);
    const { counters } = await world.service.get('s');
    expect(counters).toMatchObject({ started: 2, skipped: 2 });
    expect(world.events.map(({ type, count }) => `${type} ${count}`)).toEqual([
      'schedule.started 1',
      'schedule.skipped 1',
      'schedule.skipped 1',
      'schedule.started 1',
    ]);
  });

  it('S222 wait in the queue until the run has ended', async () => {
    const { world, minutes, runAt } = await worldWith({ overlap: 'queue' });
    await world.advance(3 * MINUTE_MS + 5);
    expect(minutes()).toEqual([1]);
    await world.end(runAt(1));
    expect(minutes()).toEqual([1, 2]);
    await world.end(runAt(2));
    await world.end(runAt(3));
    expect(minutes()).toEqual([1, 2, 3]);
    expect((await world.service.get('s')).queued).toEqual([]);
  });

  it('S222 replace the run: it is cancelled, and the newest starts when it has ended', async () => {
    const { world, minutes, runAt } = await worldWith({ overlap: 'replace' });
    await world.advance(2 * MINUTE_MS);
    expect(world.cancelled).toEqual([runAt(1)]);
    expect(minutes()).toEqual([1]);
    await world.advance(GRACE_MS);
    expect(minutes()).toEqual([1, 2]);
    expect(world.active()).toEqual([runAt(2)]);
  });

  it('S222 that overflow the queue are told', async () => {
    const { world } = await worldWith({ overlap: 'queue', cadence: { everyMs: 1_000 } });
    await world.advance(103_000);
    const { counters, queued } = await world.service.get('s');
    expect(queued).toHaveLength(100);
    expect(counters.overflowed).toBe(2);
    expect(world.events.filter(({ type }) => type === 'schedule.overflowed')).toHaveLength(2);
  });

  it('S222 that were missed are made up for as the policy says', async () => {
    for (const [catchUp, expected] of [
      ['none', [1]],
      ['latest', [1, 4]],
      [{ max: 2 }, [1, 3, 4]],
    ] as const) {
      const { world, minutes } = await worldWith({
        catchUp,
        overlap: 'allow',
        cadence: { everyMs: MINUTE_MS },
        endAt: null,
      });
      await world.advance(MINUTE_MS);
      await world.service.update('s', { endAt: world.now + 3 * MINUTE_MS + 1 });
      world.stop();
      await world.advance(20 * MINUTE_MS);
      await world.boot();
      expect(minutes()).toEqual(expected);
    }
  });
});

describe('faults', () => {
  it('S222 a crash between the start of the run and the record starts nothing twice and overlaps with nothing', async () => {
    const { world, minutes, runAt } = await worldWith();
    world.faults.start = (_, when) => when === 'after' && world.stop();
    await world.advance(MINUTE_MS);
    expect((await world.stored.get('s'))?.lastOccurrence).toBeNull();
    world.faults = {};
    await world.advance(2 * MINUTE_MS);
    await world.boot();
    expect(minutes()).toEqual([1]);
    const { activeRun, counters } = await world.service.get('s');
    expect(activeRun).toBe(runAt(1));
    expect(counters).toMatchObject({ started: 1 });
    await world.end(runAt(1));
    await world.advance(MINUTE_MS);
    expect(minutes()).toEqual([1, 4]);
  });

  it('S222 a crash amid several starts loses none of them, and counts each', async () => {
    const { world, minutes, runAt } = await worldWith({ overlap: 'allow', catchUp: { max: 9 } });
    world.stop();
    await world.advance(5 * MINUTE_MS);
    world.faults.start = (run, when) => run === runAt(3) && when === 'after' && world.stop();
    await world.boot();
    expect(minutes()).toEqual([1, 2, 3]);
    world.faults = {};
    await world.boot();
    expect(minutes()).toEqual([1, 2, 3, 4, 5]);
    expect((await world.service.get('s')).counters).toMatchObject({ started: 5, missed: 0 });
  });

  it('S222 what waits in the queue starts after a restart, though the end of the run was missed', async () => {
    const { world, minutes, runAt } = await worldWith({ overlap: 'queue' });
    await world.advance(2 * MINUTE_MS);
    world.stop();
    await world.end(runAt(1));
    await world.boot();
    expect(minutes()).toEqual([1, 2]);
  });

  it('S222 a failing start is tried again, and other schedules go on', async () => {
    const { world } = await worldWith();
    await world.service.create({ ...DRAFT, id: 'other', overlap: 'allow' });
    let failures = 0;
    world.faults.start = (run, when) => {
      if (when === 'after' || !run.startsWith('s:') || failures === 3) return;
      failures += 1;
      throw new Error('no handler');
    };
    const startOf = (id: string) =>
      [...world.runs.values()].find(({ start }) => start.schedule === id);
    await world.advance(MINUTE_MS);
    expect(startOf('other')).toBeDefined();
    expect(startOf('s')).toBeUndefined();
    await world.advance(7_000);
    expect(world.complaints).toEqual(['no handler', 'no handler', 'no handler']);
    expect(startOf('s')?.startedAt).toBe((startOf('s')?.start.occurrence ?? 0) + 7_000);

    await world.end([...world.active()].find((run) => run.startsWith('s:')) ?? '');
    failures = 2;
    await world.advance(MINUTE_MS - 7_000 + 1_000);
    const [second] = [...world.runs.values()]
      .filter(({ start }) => start.schedule === 's')
      .slice(1);
    expect(second?.startedAt).toBe((second?.start.occurrence ?? 0) + 1_000);
  });

  it('S222 a start that hangs holds up no other schedule', async () => {
    const { world } = await worldWith({ id: 'hanging' });
    await world.service.create({ ...DRAFT, id: 'other', overlap: 'allow' });
    world.faults.start = (run) => (run.startsWith('hanging') ? new Promise(() => {}) : undefined);
    await world.advance(3 * MINUTE_MS);
    expect([...world.runs.keys()].filter((run) => run.startsWith('other'))).toHaveLength(3);
  });

  it('S222 a record that cannot be stored is stored later, and the run starts once', async () => {
    const { world, minutes } = await worldWith();
    let failures = 0;
    world.faults.put = ({ lastOccurrence }: Schedule) => {
      failures += 1;
      if (failures <= 2 && lastOccurrence !== null) throw new Error('disk');
    };
    await world.advance(MINUTE_MS + 10_000);
    expect(minutes()).toEqual([1]);
    const { lastOccurrence, counters } = await world.service.get('s');
    expect(lastOccurrence).not.toBeNull();
    expect(counters.started).toBe(1);
  });
});

describe('a user', () => {
  it('S222 pauses and resumes; what occurs in between is not made up for', async () => {
    const { world, minutes } = await worldWith({ overlap: 'allow' });
    await world.service.pause('s');
    await world.advance(2 * MINUTE_MS + 1);
    expect(minutes()).toEqual([]);
    await world.service.resume('s');
    await world.advance(MINUTE_MS);
    expect(minutes()).toEqual([3]);
  });

  it('S222 triggers a run now, as the overlap policy allows', async () => {
    const { world, runAt } = await worldWith();
    const first = await world.service.trigger('s');
    expect(first.outcome).toBe('started');
    expect(world.runs.get(first.run)?.start.options.metadata).toMatchObject({
      schedule: 's',
      manual: true,
    });
    await world.advance(MINUTE_MS);
    expect(world.runs.has(runAt(1))).toBe(false);
    expect((await world.service.trigger('s')).outcome).toBe('skipped');

    await world.service.update('s', { overlap: 'queue' });
    const queued = await world.service.trigger('s');
    expect(queued.outcome).toBe('queued');
    await world.end(first.run);
    expect(world.active()).toEqual([queued.run]);
  });

  it('S222 triggers a paused schedule, whose queue stands still', async () => {
    const { world, runAt } = await worldWith({ overlap: 'queue' });
    await world.advance(2 * MINUTE_MS);
    await world.service.pause('s');
    await world.end(runAt(1));
    expect(world.active()).toEqual([]);
    expect((await world.service.trigger('s')).outcome).toBe('started');
    await world.end(world.active()[0] ?? '');
    await world.service.resume('s');
    expect(world.active()).toEqual([runAt(2)]);
  });

  it('S222 changes the cadence, which counts from now on', async () => {
    const { world, from } = await worldWith({ overlap: 'allow' });
    await world.advance(MINUTE_MS + 1);
    await world.service.update('s', { cadence: { everyMs: 7_000 } });
    await world.advance(14_000);
    expect(
      world
        .occurrences(from)
        .slice(1)
        .every((ms) => (ms + from) % 7_000 === 0),
    ).toBe(true);
    expect(world.occurrences(from)).toHaveLength(3);
  });

  it('S222 changes the policy, which starts what need not wait any more', async () => {
    const { world, runAt } = await worldWith({ overlap: 'queue' });
    await world.advance(3 * MINUTE_MS);
    expect(world.active()).toEqual([runAt(1)]);
    const { queued } = await world.service.update('s', { overlap: 'allow' });
    expect(queued).toEqual([]);
    expect(world.active()).toEqual([runAt(1), runAt(2), runAt(3)]);
  });

  it('S222 previews, lists and removes', async () => {
    const { world, from } = await worldWith();
    expect(
      (await world.service.preview('s', 2)).map(({ occurrence }) => occurrence - from),
    ).toEqual([MINUTE_MS, 2 * MINUTE_MS]);
    expect((await world.service.list()).map(({ id }) => id)).toEqual(['s']);
    expect(await world.service.remove('s')).toBe(true);
    expect(await world.service.remove('s')).toBe(false);
    await world.advance(5 * MINUTE_MS);
    expect(world.runs.size).toBe(0);
  });

  it('S222 creates the same schedule twice as one, and another one under its id not at all', async () => {
    const { world } = await worldWith();
    expect((await world.service.create(DRAFT)).createdAt).toBeLessThanOrEqual(world.now);
    const error = await refusal(() => world.service.create({ ...DRAFT, label: 'another' }));
    expect(error?.code).toBe('schedule-conflict');
    const unknown = await refusal(() => world.service.get('none'));
    expect([unknown?.code, unknown?.hint]).toEqual([
      'schedule-unknown',
      expect.stringContaining('list'),
    ]);
  });

  it('S222 gets nothing started but what is asked for in a process that runs no schedules', async () => {
    const world = new World();
    await world.service.create({ ...DRAFT, overlap: 'allow' });
    await world.advance(2 * MINUTE_MS);
    expect(world.runs.size).toBe(0);
    const { run, outcome } = await world.service.trigger('s');
    expect([outcome, [...world.runs.keys()]]).toEqual(['started', [run]]);
    await world.end(run);
    expect(world.runs.size).toBe(1);
    await world.boot();
    expect((await world.service.get('s')).counters).toMatchObject({ started: 2, missed: 1 });
  });

  it('S222 gets nothing started after close', async () => {
    const { world } = await worldWith();
    await world.service.close();
    await world.advance(5 * MINUTE_MS);
    expect(world.runs.size).toBe(0);
    expect(world.complaints).toEqual([]);
  });
});

describe('what is refused', () => {
  const cases: [string, Partial<ScheduleDraft>, RegExp][] = [
    ['a field of a cron expression', { cadence: { cron: '0 25 * * *' } }, /hour "25" at column 3/],
    ['a cron expression', { cadence: { cron: '0 6 * *' } }, /has 4 fields.*minute hour day/],
    ['a word', { cadence: { cron: '@reboot' } }, /@daily/],
    [
      'a time zone',
      { cadence: { cron: '0 6 * * *', timeZone: 'Mars/X' } },
      /Mars\/X.*Europe\/Berlin/,
    ],
    ['a day that never comes', { cadence: { cron: '0 0 30 2 *' } }, /never occurs/],
    ['an interval of nothing', { cadence: { everyMs: 0 } }, /\/cadence\/everyMs/],
    ['an offset outside', { cadence: { everyMs: 5, offsetMs: 5 } }, /offsetMs/],
    ['an end in the past', { endAt: 5 }, /never occurs/],
    ['an id', { id: 'a:b' }, /\/id/],
    ['a policy', { overlap: 'sometimes' as 'skip' }, /\/overlap/],
    ['too much catch-up', { catchUp: { max: 1_001 } }, /\/catchUp/],
    ['jitter longer than the gaps', { jitterMs: MINUTE_MS + 1 }, /jitterMs/],
    ['input that is not JSON', { input: { a: 1n } }, /not JSON at \/a/],
  ];

  it.each(cases)('S222 %s is named with what to do', async (_, draft, message) => {
    const { service } = new World();
    const error = await refusal(() => service.create({ ...DRAFT, ...draft }));
    expect(error?.code).toBe('schedule-invalid');
    expect(error?.message).toMatch(message);
    expect(error?.hint).toBeTruthy();
  });
});
