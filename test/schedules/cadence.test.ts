import { describe, expect, it } from 'vitest';
import {
  type Cadence,
  newestOccurrence,
  nextOccurrence,
  shortestGapMs,
} from '../../src/schedules/cadence.js';

const BERLIN = 'Europe/Berlin';
const at = (text: string) => Date.parse(text);

/** The next `count` occurrences after `from`, as minutes in UTC. */
function next(cadence: Cadence, from: string, count: number): string[] {
  const found: string[] = [];
  for (let after = at(from); found.length < count; ) {
    const occurrence = nextOccurrence(cadence, after);
    if (occurrence === undefined) break;
    found.push(new Date(occurrence).toISOString().slice(0, 16));
    after = occurrence;
  }
  return found;
}

const berlin = (cron: string) => ({ cron, timeZone: BERLIN });

describe('a cron expression in Berlin', () => {
  it('S222 fires a time that spring leaves out once, at the next moment there is', () => {
    expect(next(berlin('30 2 * * *'), '2024-03-30T00:00Z', 3)).toEqual([
      '2024-03-30T01:30',
      '2024-03-31T01:00',
      '2024-04-01T00:30',
    ]);
    expect(next(berlin('15,45 2 * * *'), '2024-03-30T12:00Z', 2)).toEqual([
      '2024-03-31T01:00',
      '2024-04-01T00:15',
    ]);
    expect(next(berlin('*/20 2 * * *'), '2024-03-30T12:00Z', 2)).toEqual([
      '2024-03-31T01:00',
      '2024-04-01T00:00',
    ]);
    expect(next(berlin('0 2,3 * * *'), '2024-03-30T12:00Z', 2)).toEqual([
      '2024-03-31T01:00',
      '2024-04-01T00:00',
    ]);
  });

  it('S222 fires a time that autumn repeats once, the first time', () => {
    expect(next(berlin('30 2 * * *'), '2024-10-26T12:00Z', 2)).toEqual([
      '2024-10-27T00:30',
      '2024-10-28T01:30',
    ]);
    expect(next(berlin('*/20 2 * * *'), '2024-10-26T12:00Z', 4)).toEqual([
      '2024-10-27T00:00',
      '2024-10-27T00:20',
      '2024-10-27T00:40',
      '2024-10-28T01:00',
    ]);
    expect(next(berlin('30 2 * * *'), '2024-10-27T01:10Z', 1)).toEqual(['2024-10-28T01:30']);
  });

  it('S222 goes by elapsed time where it is for every hour', () => {
    for (const cron of ['*/30 * * * *', '0,30 0-23 * * *']) {
      expect(next(berlin(cron), '2024-10-26T23:45Z', 5)).toEqual([
        '2024-10-27T00:00',
        '2024-10-27T00:30',
        '2024-10-27T01:00',
        '2024-10-27T01:30',
        '2024-10-27T02:00',
      ]);
      expect(next(berlin(cron), '2024-03-31T00:15Z', 3)).toEqual([
        '2024-03-31T00:30',
        '2024-03-31T01:00',
        '2024-03-31T01:30',
      ]);
    }
  });

  it('has fields for seconds and years, and words', () => {
    expect(next(berlin('30 0 12 24 12 * 2026'), '2024-01-01T00:00Z', 2)).toEqual([
      '2026-12-24T11:00',
    ]);
    expect(next(berlin('@daily'), '2024-07-01T12:00Z', 1)).toEqual(['2024-07-01T22:00']);
  });

  it('is in UTC where no zone is named', () => {
    expect(next({ cron: '30 2 * * *' }, '2024-03-30T12:00Z', 1)).toEqual(['2024-03-31T02:30']);
  });
});

describe('an interval', () => {
  it('S222 occurs at multiples of it since the epoch, moved by its offset', () => {
    expect(nextOccurrence({ everyMs: 1_000 }, 5_000)).toBe(6_000);
    expect(nextOccurrence({ everyMs: 1_000 }, 5_999)).toBe(6_000);
    expect(nextOccurrence({ everyMs: 1_000, offsetMs: 250 }, 5_249)).toBe(5_250);
    expect(nextOccurrence({ everyMs: 1_000, offsetMs: 250 }, 5_250)).toBe(6_250);
    expect(newestOccurrence({ everyMs: 1_000, offsetMs: 250 }, 6_250)).toBe(6_250);
    expect(newestOccurrence({ everyMs: 1_000, offsetMs: 250 }, 6_249)).toBe(5_250);
    expect(newestOccurrence({ everyMs: 1_000, offsetMs: 250 }, 249)).toBeUndefined();
  });
});

it('nothing occurs after the year 9999', () => {
  expect(nextOccurrence({ everyMs: 200_000_000_000_000 }, 210_000_000_000_000)).toBeUndefined();
});

it('the shortest gap counts the change of the clock', () => {
  expect(shortestGapMs(berlin('0 1,3 * * *'), at('2024-03-30T12:00Z'), 5)).toBe(3_600_000);
});

// A reference that looks at every minute ---------------------------------------------------------

const MINUTE_MS = 60_000;

interface WallTime {
  /** Minutes since the epoch, if the wall's clock were UTC. */
  readonly minutes: number;
  readonly hour: number;
  readonly minute: number;
}

function wallTimes(timeZone: string, from: number, to: number): WallTime[] {
  const fields = { year: 'numeric', month: '2-digit', day: '2-digit' } as const;
  const time = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const;
  const format = new Intl.DateTimeFormat('sv', { timeZone, ...fields, ...time });
  const times: WallTime[] = [];
  for (let moment = from; moment < to; moment += MINUTE_MS) {
    const text = format.format(moment).replace(' ', 'T');
    const [hour, minute] = [Number(text.slice(11, 13)), Number(text.slice(14, 16))];
    times.push({ minutes: Date.parse(`${text}Z`) / MINUTE_MS, hour, minute });
  }
  return times;
}

/** Moments at which the wall's clock shows a wanted time for the first time, or has jumped over it. */
function walk(walls: readonly WallTime[], from: number, hours: number[], minutes: number[]) {
  const wants = (wall: number) =>
    hours.includes(Math.floor(wall / 60) % 24) && minutes.includes(wall % 60);
  const found: number[] = [];
  let shown = (walls[0]?.minutes ?? 0) - 1;
  for (const [index, { minutes: wall }] of walls.entries()) {
    let isWanted = false;
    for (; shown < wall; shown++) isWanted ||= wants(shown + 1);
    if (isWanted) found.push(from + index * MINUTE_MS);
  }
  return found;
}

describe('against a walk over every minute', () => {
  const changes: [string, string][] = [
    ['Europe/Berlin', '2024-03-30T00:00Z'],
    ['Europe/Berlin', '2024-10-26T00:00Z'],
    ['America/New_York', '2025-03-08T00:00Z'],
    ['America/New_York', '2025-11-01T00:00Z'],
    ['Australia/Lord_Howe', '2024-04-06T00:00Z'],
    ['Australia/Lord_Howe', '2024-10-05T00:00Z'],
    ['America/Havana', '2024-03-09T00:00Z'],
    ['America/Havana', '2024-11-02T00:00Z'],
    ['Africa/Cairo', '2024-04-25T00:00Z'],
    ['Asia/Beirut', '2024-10-26T00:00Z'],
  ];
  const patterns: [string, number[], number[]][] = [
    ['30 2 * * *', [2], [30]],
    ['0 0 * * *', [0], [0]],
    ['15,45 0-3 * * *', [0, 1, 2, 3], [15, 45]],
    ['*/20 1,2 * * *', [1, 2], [0, 20, 40]],
    ['10 */2 * * *', [0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22], [10]],
  ];

  it.each(changes)(
    'S222 occurrences in %s around %s are the same, forwards and back',
    (zone, day) => {
      const from = at(day);
      const to = from + 3 * 86_400_000;
      const walls = wallTimes(zone, from, to);
      for (const [cron, hours, minutes] of patterns) {
        const cadence = { cron, timeZone: zone };
        const expected = walk(walls, from, hours, minutes);
        const forwards: number[] = [];
        let next = nextOccurrence(cadence, from - 1);
        for (; next !== undefined && next < to; next = nextOccurrence(cadence, next)) {
          forwards.push(next);
        }
        expect(forwards, cron).toEqual(expected);
        const back: number[] = [];
        let newest = newestOccurrence(cadence, to - 1);
        for (
          ;
          newest !== undefined && newest >= from;
          newest = newestOccurrence(cadence, newest - 1)
        ) {
          back.unshift(newest);
        }
        expect(back, cron).toEqual(expected);
      }
    },
  );
});
