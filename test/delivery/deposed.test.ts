/** A publisher whose process does not own the database any more. */
import { expect, it } from 'vitest';
import type { LogRows, WebhookRecord } from '../../src/actors/delivery-records.js';
import { CommitError, type CommitErrorCode } from '../../src/actors/ports.js';
import { Channel } from '../../src/delivery/channel.js';
import { DEFAULT_DELIVERY_LIMITS } from '../../src/delivery/limits.js';
import { TenantPositions } from '../../src/delivery/tenant-positions.js';
import { simulatedEnvironment } from '../../src/testing/simulation.js';
import { logged } from './support/logged.js';
import { Receiver } from './support/receiver.js';

const END = Number.MAX_SAFE_INTEGER;
/** Event n of run r has turn n. */
const events = Array.from({ length: 9 }, (_, index) => logged(index + 1, index + 1));
const record: WebhookRecord = {
  ...{ id: 'w', url: 'https://example.org', filterJson: '{}', description: '', turn: 0 },
  secretsJson: JSON.stringify([
    { secret: `whsec_${'A'.repeat(32)}`, createdAt: 0, expiresAt: null },
  ]),
  ...{ disabledJson: null, failingSince: null, missedAt: null, createdAt: 0, updatedAt: 0 },
};

/** A webhook that may be given so many events of the log, and whose storage may fail. */
class Publisher {
  readonly receiver = new Receiver();
  readonly environment = simulatedEnvironment(1);
  newest = 3;
  failsWith: CommitErrorCode | undefined;
  writes = 0;
  readonly channel = new Channel(
    {
      environment: this.environment,
      journal: {
        write: async () => {
          this.writes += 1;
          if (this.failsWith !== undefined) throw new CommitError(this.failsWith, 'no');
        },
      },
      log: this.#log(),
      logger: { debug() {}, info() {}, warn() {}, error() {} },
      send: this.receiver.send,
      limits: DEFAULT_DELIVERY_LIMITS,
      positions: new TenantPositions(),
    },
    record,
    { lanes: [], deadLetters: 0 },
  );

  async advance(ms: number): Promise<void> {
    const { clock } = this.environment;
    for (let left = ms; left > 0; left -= 500) {
      clock.advance(500);
      for (let round = 0; round < 4; round += 1) await new Promise(setImmediate);
    }
  }

  async append(): Promise<void> {
    this.newest += 1;
    this.channel.wake();
    await this.advance(2_000);
  }

  #log(): LogRows {
    const there = () => events.slice(0, this.newest);
    return {
      newestTurn: async () => this.newest,
      planTitle: async () => undefined,
      runLogAfter: async (_run, seq) => there().filter(({ event }) => event.seq > seq),
      logAfter: async ({ turn, seq }) => ({
        events: there().filter(
          (one) => one.turn > turn || (one.turn === turn && one.event.seq > seq),
        ),
        upTo: { turn: this.newest, seq: END },
        isLast: true,
        trimmedTo: { turn: 0, seq: 0 },
      }),
    };
  }
}

it('S183 tells nothing more once another process owns the database: not what is new, nor what has failed', async () => {
  const publisher = new Publisher();
  const { channel, receiver } = publisher;
  channel.wake();
  await publisher.advance(2_000);
  expect(receiver.accepted).toHaveLength(3);
  publisher.failsWith = 'ownership-lost';
  await publisher.append();
  const told = receiver.asked.length;
  for (let more = 0; more < 3; more += 1) await publisher.append();
  expect(receiver.asked).toHaveLength(told);
  expect(channel.durableTurn).toBe(3);
  await channel.close();

  const failing = new Publisher();
  failing.receiver.behave = () => ({ status: 500 });
  failing.failsWith = 'ownership-lost';
  failing.channel.wake();
  await failing.advance(3_600_000);
  expect(failing.receiver.asked).toHaveLength(1);
});

it('S183 goes on through storage that fails for long, and stores then what it has told', async () => {
  const publisher = new Publisher();
  const { channel, receiver } = publisher;
  publisher.failsWith = 'storage-unavailable';
  channel.wake();
  await publisher.advance(600_000);
  await publisher.append();
  expect(receiver.firsts()).toEqual(['r/1', 'r/2', 'r/3', 'r/4']);
  expect([channel.durableTurn, publisher.writes > 100]).toEqual([0, true]);
  publisher.failsWith = undefined;
  await publisher.append();
  expect(channel.durableTurn).toBe(5);
  expect(receiver.accepted).toHaveLength(5);
  await channel.close();
});
