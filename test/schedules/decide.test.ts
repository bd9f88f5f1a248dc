import { describe, expect, it } from 'vitest';
import type { RunStatus } from '../../src/machines/statuses.js';
import {
  type Decision,
  decide,
  dueOccurrences,
  upcomingOccurrences,
  withDueAt,
} from '../../src/schedules/decide.js';
import {
  type CatchUpPolicy,
  MAX_QUEUED,
  type Occurrence,
  type OverlapPolicy,
  parseRunId,
  runIdOf,
  type Schedule,
} from '../../src/schedules/schedule.js';

const MINUTE_MS = 60_000;
const START = 1_700_000_040_000;
const minutes = (count: number) => START + count * MINUTE_MS;
const scheduled = (at: number): Occurrence => ({ at, manual: false });

/** A schedule for every minute, all of whose occurrences up to START are decided. */
function every(overrides: Partial<Schedule> = {}): Schedule {
  return withDueAt({
    id: 's',
    plan: 'sha256:1',
    label: 'audit',
    cadence: { everyMs: MINUTE_MS },
    input: {},
    runOptions: {},
    overlap: 'skip',
    catchUp: 'latest',
    startAt: null,
    endAt: null,
    jitterMs: 0,
    paused: false,
    decidedUntil: START,
    lastOccurrence: null,
    activeRun: null,
    queued: [],
    dueAt: null,
    counters: { started: 0, skipped: 0, missed: 0, replaced: 0, overflowed: 0 },
    createdAt: START,
    updatedAt: START,
    ...overrides,
  });
}

const minutesOf = (times: readonly number[]) => times.map((at) => (at - START) / MINUTE_MS);
const started = ({ starts }: Decision) => minutesOf(starts.map(({ occurrence }) => occurrence));
const waiting = ({ schedule }: Decision) => minutesOf(schedule.queued.map(({ at }) => at));

function at(now: number, schedule: Schedule, status?: RunStatus): Decision {
  return decide(schedule, {
    now,
    activeRun: status === undefined ? undefined : { id: 'x', status },
  });
}

describe('overlap and catch-up', () => {
  const MAX: CatchUpPolicy = { max: 3 };
  /** Five minutes after the last look; the newest occurrence is `lateMs` late. */
  const rows: [
    OverlapPolicy,
    CatchUpPolicy,
    'busy' | 'free',
    {
      starts: number[];
      queued?: number[];
      cancel?: boolean;
      skipped?: number;
      missed: number;
      replaced?: number;
    },
  ][] = [
    ['skip', 'none', 'free', { starts: [5], missed: 4 }],
    ['skip', 'none', 'busy', { starts: [], missed: 4, skipped: 1 }],
    ['skip', 'latest', 'free', { starts: [5], missed: 4 }],
    ['skip', 'latest', 'busy', { starts: [], missed: 4, skipped: 1 }],
    ['skip', MAX, 'free', { starts: [3], missed: 2, skipped: 2 }],
    ['skip', MAX, 'busy', { starts: [], missed: 2, skipped: 3 }],
    ['queue', 'none', 'free', { starts: [5], missed: 4 }],
    ['queue', 'none', 'busy', { starts: [], queued: [5], missed: 4 }],
    ['queue', 'latest', 'free', { starts: [5], missed: 4 }],
    ['queue', 'latest', 'busy', { starts: [], queued: [5], missed: 4 }],
    ['queue', MAX, 'free', { starts: [3], queued: [4, 5], missed: 2 }],
    ['queue', MAX, 'busy', { starts: [], queued: [3, 4, 5], missed: 2 }],
    ['replace', 'none', 'free', { starts: [5], missed: 4 }],
    ['replace', 'none', 'busy', { starts: [], queued: [5], cancel: true, missed: 4 }],
    ['replace', 'latest', 'free', { starts: [5], missed: 4 }],
    ['replace', 'latest', 'busy', { starts: [], queued: [5], cancel: true, missed: 4 }],
    ['replace', MAX, 'free', { starts: [5], missed: 2, replaced: 2 }],
    ['replace', MAX, 'busy', { starts: [], queued: [5], cancel: true, missed: 2, replaced: 2 }],
    ['allow', 'none', 'free', { starts: [5], missed: 4 }],
    ['allow', 'none', 'busy', { starts: [5], missed: 4 }],
    ['allow', 'latest', 'free', { starts: [5], missed: 4 }],
    ['allow', 'latest', 'busy', { starts: [5], missed: 4 }],
    ['allow', MAX, 'free', { starts: [3, 4, 5], missed: 2 }],
    ['allow', MAX, 'busy', { starts: [3, 4, 5], missed: 2 }],
  ];

  it.each(rows)('S222 %s and %o, %s', (overlap, catchUp, state, expected) => {
    const busy = state === 'busy' ? 'awaiting-human' : 'completed';
    const decision = at(minutes(5), every({ overlap, catchUp, activeRun: 'x' }), busy);
    expect(started(decision)).toEqual(expected.starts);
    expect(waiting(decision)).toEqual(expected.queued ?? []);
    expect(decision.cancel).toEqual(expected.cancel ? ['x'] : []);
    expect(decision.schedule.counters).toEqual({
      started: expected.starts.length,
      skipped: expected.skipped ?? 0,
      missed: expected.missed,
      replaced: expected.replaced ?? 0,
      overflowed: 0,
    });
    expect(decision.schedule.decidedUntil).toBe(minutes(5));
    expect(decision.next).toBe(minutes(6));
    expect(at(minutes(5), decision.schedule).schedule.counters.missed).toBe(expected.missed);
  });

  it('S222 without catch-up an occurrence more than a minute late does not start', () => {
    const hourly = every({ catchUp: 'none', cadence: { everyMs: 60 * MINUTE_MS } });
    const { dueAt } = hourly;
    expect(at((dueAt ?? 0) + MINUTE_MS, hourly).starts).toHaveLength(1);
    const late = at((dueAt ?? 0) + MINUTE_MS + 1, hourly);
    expect(late.starts).toEqual([]);
    expect(late.schedule).toMatchObject({ decidedUntil: dueAt, counters: { missed: 1 } });
  });
});

describe('a queue', () => {
  it('S222 starts one when the run has ended, oldest first', () => {
    const schedule = every({ overlap: 'queue', queued: [1, 2].map((n) => scheduled(minutes(n))) });
    const decision = at(START, schedule, 'completed');
    expect(started(decision)).toEqual([1]);
    expect(waiting(decision)).toEqual([2]);
  });

  it('S222 holds a hundred; what is too much is counted and does not start', () => {
    const decision = at(
      minutes(150),
      every({ overlap: 'queue', catchUp: { max: 1_000 } }),
      'running',
    );
    expect(decision.schedule.queued).toHaveLength(MAX_QUEUED);
    expect(waiting(decision).at(-1)).toBe(100);
    expect(decision.schedule.counters).toMatchObject({ overflowed: 50, missed: 0 });
  });

  it('S222 to replace cancels again while the cancelled run goes on, and starts when it ended', () => {
    const first = at(minutes(1), every({ overlap: 'replace' }), 'running');
    expect(first.cancel).toEqual(['x']);
    const second = at(minutes(2), first.schedule, 'running');
    expect(second.cancel).toEqual(['x']);
    expect(waiting(second)).toEqual([2]);
    const third = at(minutes(2) + 1, second.schedule, 'cancelled');
    expect(third.cancel).toEqual([]);
    expect(started(third)).toEqual([2]);
    expect(third.schedule.counters).toMatchObject({ started: 1, replaced: 1 });
  });
});

describe('bounds', () => {
  it.each<OverlapPolicy>(['skip', 'queue', 'replace', 'allow'])(
    'S222 a schedule for every millisecond that was down for a year is decided at once: %s',
    (overlap) => {
      const schedule = every({ cadence: { everyMs: 1 }, overlap, catchUp: { max: 1_000 } });
      const now = START + 365 * 86_400_000;
      const decision = at(now, schedule);
      expect(decision.starts.length).toBe(overlap === 'allow' ? 1_000 : 1);
      expect(decision.schedule.decidedUntil).toBe(now);
      expect(decision.next).toBe(now + 1);
    },
  );

  it('S222 a cron expression for every second that was down for a year is decided at once', () => {
    const cadence = { cron: '* * * * * *', timeZone: 'Europe/Berlin' };
    const now = START + 365 * 86_400_000;
    const decision = at(now, every({ cadence, catchUp: { max: 2 }, overlap: 'allow' }));
    expect(decision.starts.map(({ occurrence }) => occurrence)).toEqual([now - 1_000, now]);
    expect(decision.schedule.counters.missed).toBe(998);
  });

  it('S222 nothing is due before its time, and nothing when the clock is set back', () => {
    expect(dueOccurrences(every(), minutes(1) - 1).kept).toEqual([]);
    expect(dueOccurrences(every(), minutes(1)).kept).toEqual([minutes(1)]);
    expect(dueOccurrences(every(), minutes(-500)).kept).toEqual([]);
  });

  it('S222 nothing occurs before its start, at its end, or in a pause', () => {
    const schedule = every({ startAt: minutes(2), endAt: minutes(4), catchUp: { max: 9 } });
    expect(schedule.dueAt).toBe(minutes(2));
    expect(minutesOf(dueOccurrences(schedule, minutes(9)).kept)).toEqual([2, 3]);
    expect(at(minutes(9), schedule).next).toBeUndefined();
    expect(at(minutes(9), every({ paused: true }))).toMatchObject({ starts: [], next: undefined });
  });
});

describe('jitter', () => {
  it('S222 delays each occurrence by up to its length, each time the same', () => {
    const schedule = every({ jitterMs: 30_000 });
    const upcoming = upcomingOccurrences(schedule, START, 200);
    const delays = upcoming.map(({ occurrence, startsAt }) => startsAt - occurrence);
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...delays)).toBeLessThanOrEqual(30_000);
    expect(new Set(delays).size).toBeGreaterThan(150);
    expect(upcomingOccurrences(schedule, START, 200)).toEqual(upcoming);
    expect(schedule.dueAt).toBe(upcoming[0]?.startsAt);
    expect(upcomingOccurrences({ ...schedule, id: 't' }, START, 200)).not.toEqual(upcoming);
  });

  it('S222 makes nothing early, and nothing due when only its time has come', () => {
    const schedule = every({ jitterMs: 30_000 });
    const dueAt = schedule.dueAt ?? 0;
    expect(dueOccurrences(schedule, dueAt - 1).kept).toEqual([]);
    expect(dueOccurrences(schedule, dueAt).kept).toEqual([minutes(1)]);
  });
});

describe('a run of a schedule', () => {
  it('S39 is known by the schedule and the occurrence', () => {
    const run = runIdOf('nightly.audit', scheduled(Date.parse('2024-03-31T01:00:00.250Z')));
    expect(run).toBe('nightly.audit:20240331T010000.250Z');
    expect(runIdOf('a', { at: 0, manual: true })).toBe('a:manual:19700101T000000.000Z');
    expect(runIdOf('x'.repeat(100), { at: 0, manual: true })).toHaveLength(128);
    expect(parseRunId(run)?.schedule).toBe('nightly.audit');
    expect(parseRunId(run)?.occurrence.at).toBe(Date.parse('2024-03-31T01:00:00.250Z'));
    expect(parseRunId('a:20249931T010000.250Z')).toBeUndefined();
    expect(parseRunId('some-run')).toBeUndefined();
  });

  it('S39 records schedule, occurrence, plan and version', () => {
    const [start] = at(minutes(1), every()).starts;
    expect(start).toMatchObject({
      plan: 'sha256:1',
      options: {
        metadata: { schedule: 's', occurrence: minutes(1), plan: 'audit', version: 'sha256:1' },
      },
    });
  });
});
