/** A lane by itself: how far it reads. */
import { expect, it } from 'vitest';
import type { LoggedEvent } from '../../src/actors/delivery-records.js';
import { EventMatcher } from '../../src/delivery/event-filter.js';
import { Lane } from '../../src/delivery/lane.js';

/** Event n of the run was decided in turn 10·n. */
const events: LoggedEvent[] = [1, 2, 3, 4].map((seq) => ({
  turn: seq * 10,
  runId: 'r',
  planHash: 'p',
  metadataJson: null,
  correlation: 'r',
  traceJson: null,
  hasOtherPlans: false,
  event: { run: 1, seq, type: 'node.ready', node: null, attempt: null, detailJson: '{}', at: 0 },
}));
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
