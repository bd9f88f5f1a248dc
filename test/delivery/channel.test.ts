/** A channel by itself, with a clock that goes on between any two readings. */
import { expect, it } from 'vitest';
import type { LogPage, WebhookRecord } from '../../src/actors/delivery-records.js';
import { systemEnvironment } from '../../src/actors/environment.js';
import { Channel } from '../../src/delivery/channel.js';
import { DEFAULT_DELIVERY_LIMITS } from '../../src/delivery/limits.js';
import { TenantPositions } from '../../src/delivery/tenant-positions.js';
import { logged } from './support/logged.js';

const event = logged(1, 1);
const record: WebhookRecord = {
  id: 'w',
  url: 'https://hooks.example.com/',
  filterJson: '{}',
  description: '',
  secretsJson: '[]',
  disabledJson: null,
  turn: 0,
  failingSince: null,
  missedAt: null,
  createdAt: 0,
  updatedAt: 0,
};
const end = { turn: 1, seq: Number.MAX_SAFE_INTEGER };
const logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** Wakes whoever is due as soon as nothing else is to be done. */
function runningClock() {
  let time = 0;
  const wakeAt = (at: number, wake: () => void) => {
    const due = setImmediate(() => {
      time = Math.max(time, at);
      wake();
    });
    return () => clearImmediate(due);
  };
  // Nobody waits so long in this test that a timeout is due.
  const isTimeout = (at: number) => at - time > 10_000;
  return {
    now: () => ++time,
    wakeAt: (at: number, wake: () => void) => (isTimeout(at) ? () => {} : wakeAt(at, wake)),
  };
}

it('S183 a try that becomes due between any two readings of the clock is made', async () => {
  for (let firstDelayMs = 1; firstDelayMs <= 30; firstDelayMs += 1) {
    let refusals = 3;
    const page: LogPage = {
      events: [event],
      upTo: end,
      isLast: true,
      trimmedTo: { turn: 0, seq: 0 },
    };
    const channel = new Channel(
      {
        environment: { ...systemEnvironment, clock: runningClock() },
        journal: { write: async () => {} },
        log: {
          newestTurn: async () => 1,
          planTitle: async () => undefined,
          logAfter: async ({ turn }) => (turn === 0 ? page : { ...page, events: [] }),
          runLogAfter: async (_, seq) => (seq < 1 ? [event] : []),
        },
        logger,
        send: async () => ({ status: refusals-- > 0 ? 500 : 200 }),
        limits: { ...DEFAULT_DELIVERY_LIMITS, firstDelayMs, maxDelayMs: firstDelayMs },
        positions: new TenantPositions(),
      },
      record,
      { lanes: [], deadLetters: 0 },
    );
    channel.wake();
    await channel.delivered(1);
    expect([firstDelayMs, refusals]).toEqual([firstDelayMs, -1]);
    await channel.close();
  }
});
