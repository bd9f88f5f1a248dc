/** A lane by itself: how far it reads. */
import { expect, it } from 'vitest';
import type { LoggedEvent } from '../../src/actors/delivery-records.js';
import { Agenda } from '../../src/delivery/agenda.js';
import { EventMatcher } from '../../src/delivery/event-filter.js';
import { Lane } from '../../src/delivery/lane.js';
import { logged } from './support/logged.js';

/** Event n of the run was decided in turn 10·n. */
const events = [1, 2, 3, 4].map((seq) => logged(seq * 10, seq));
const log = {
  planTitle: async () => undefined,
  runLogAfter: async (_: number, seq: number, limit: number) =>
    events.filter(({ event }) => event.seq > seq).slice(0, limit),
};
const matcher = new EventMatcher({}, log);

async function nextOf(lane: Lane, turn: number): Promise<number | undefined> {
  const read = () => ({ turn, seq: Number.MAX_SAFE_INTEGER });
  return (await lane.next(log, matcher, read))?.event.seq;
}

function laneAt(seq: number, tries: number): Lane {
  return new Lane({ webhook: 'w', run: 1, seq, tries, dueAt: 0, errorJson: 'null' });
}

it('S183 a lane goes no further than its webhook has read, but to what it has tried before', async () => {
  expect(await nextOf(laneAt(2, 0), 20)).toBeUndefined();
  expect(await nextOf(laneAt(2, 0), 30)).toBe(3);
  // A process before this one had read it: its tries count.
  expect(await nextOf(laneAt(2, 1), 0)).toBe(3);
});

it('S183 a lane that is over knows the turn that it went up to', async () => {
  const lane = laneAt(2, 1);
  await nextOf(lane, 30);
  lane.pass(events[2] as LoggedEvent);
  expect(await nextOf(lane, 30)).toBeUndefined();
  expect([lane.record.seq, lane.record.tries, lane.passedTurn]).toEqual([3, 0, 30]);
  expect(await nextOf(lane, 40)).toBe(4);
});

it('S183 a webhook that is behind with 10,000 runs begins no other, and does when one has caught up', () => {
  const records = Array.from({ length: 10_000 }, (_, index) => ({
    ...{ webhook: 'w', run: index + 2, seq: 1, tries: 1, dueAt: 1_000 + index, errorJson: 'null' },
  }));
  const agenda = new Agenda(records, 4);
  const [logged] = events;
  agenda.backlog.add(logged as LoggedEvent);
  expect([agenda.take(0), agenda.hasRoom, agenda.nextDue]).toEqual([undefined, false, 1_000]);
  const work = agenda.take(1_000);
  expect(work).toMatchObject({ lane: { record: { run: 2 } } });
  expect([agenda.take(1_000), agenda.nextDue]).toEqual([undefined, 1_001]);
  if (work !== undefined && 'lane' in work) agenda.lanes.end(work.lane);
  expect([agenda.hasRoom, agenda.nextDue]).toEqual([true, 0]);
  expect(agenda.take(1_000)).toEqual({ logged });
});

it('S183 runs that a webhook is behind with and others take turns, and leave each other a place', () => {
  const records = [2, 3, 4, 5].map((run) => ({
    ...{ webhook: 'w', run, seq: 1, tries: 1, dueAt: 0, errorJson: 'null' },
  }));
  const agenda = new Agenda(records, 4);
  const [logged] = events as [LoggedEvent];
  for (let run = 6; run < 12; run += 1) {
    agenda.backlog.add({ ...logged, event: { ...logged.event, run } });
  }
  const taken = Array.from({ length: 8 }, () => Object.keys(agenda.take(0) ?? {})).flat();
  expect(taken).toEqual(['lane', 'logged', 'lane', 'logged', 'lane', ...Array(3).fill('logged')]);
});

it('S183 lanes that find no place make nobody wake up for them before one is free', () => {
  const records = [1, 2, 3, 4, 5].map((run) => ({
    ...{ webhook: 'w', run, seq: 1, tries: 1, dueAt: run, errorJson: 'null' },
  }));
  const agenda = new Agenda(records, 4);
  const taken = [1, 2, 3].map(() => agenda.take(10));
  expect(taken.every((work) => work !== undefined && 'lane' in work)).toBe(true);
  expect(agenda.take(10)).toBeUndefined();
  expect(agenda.nextDue).toBe(Number.POSITIVE_INFINITY);
  const [first] = taken;
  if (first !== undefined && 'lane' in first) agenda.lanes.release(first.lane);
  expect(agenda.nextDue).toBe(1);
});
