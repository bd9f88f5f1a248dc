/**
 * Holds the channels of all webhooks, and wakes them when turns become durable. Invariants: 1. where there
 * is no webhook nothing is watched, read or written; 2. changes of one webhook happen one after another;
 * 3. nothing is delivered before `start`, and in a process that does not own the database never.
 */
import type { DeliveryRows, WebhookRecord } from '../actors/delivery-records.js';
import type { LiveIndex } from '../actors/live-index.js';
import type { TraceContext } from '../actors/records.js';
import { tenantOf } from '../actors/tenant.js';
import { RunchartError } from '../errors.js';
import { readText } from '../read-arguments.js';
import { Channel, type ChannelParts } from './channel.js';
import { Courier, type Message, type Outcome } from './courier.js';
import { DurableWrites } from './durable-writes.js';
import type { Deliveries, Undelivered } from './undelivered.js';
import { unknownWebhook } from './webhook.js';

export interface DeliveryServiceParts extends ChannelParts {
  readonly rows: DeliveryRows;
  readonly live: Pick<LiveIndex, 'watchAll'>;
  /** The newest turn that is known to be durable. */
  durableTurn(): number;
  /** The trace that a run belongs to; undefined where it belongs to none, or is gone. */
  traceOf(run: string): Promise<TraceContext | undefined>;
  /** Ends what sending holds open. */
  closeSender(): void;
}

/** Of one tenant. */
export const MAX_WEBHOOKS = 100;

export class DeliveryService implements Deliveries {
  readonly #parts: DeliveryServiceParts;
  readonly #channels = new Map<string, Channel>();
  readonly #courier: Courier;
  readonly #writes: DurableWrites;
  #loading: Promise<void> | undefined;
  #isStarted = false;
  #isClosed = false;
  #unwatch: (() => void) | undefined;

  constructor(parts: DeliveryServiceParts) {
    this.#parts = parts;
    const { clock } = parts.environment;
    this.#courier = new Courier({ clock, send: parts.send, timeoutMs: parts.limits.timeoutMs });
    this.#writes = new DurableWrites({ ...parts, clock });
  }

  /** From now on events are delivered as they become durable. */
  async start(): Promise<void> {
    await this.#load();
    this.#isStarted = true;
    this.#watch();
    for (const channel of this.#channels.values()) channel.wake();
  }

  /** Delivers what is due now; resolves when nothing more happens without another commit, or time that passes. */
  async tick(): Promise<void> {
    if (!this.#isStarted) return;
    for (const channel of this.#channels.values()) channel.wake();
    await Promise.all([...this.#channels.values()].map((channel) => channel.settled()));
  }

  /** Resolves when everything that is durable by now was accepted or given up, but for disabled webhooks. */
  async drain(): Promise<void> {
    await this.#load();
    if (this.#channels.size === 0 || !this.#isStarted) return;
    const newest = await this.#parts.log.newestTurn();
    for (const channel of this.#channels.values()) channel.wake();
    await Promise.all([...this.#channels.values()].map((channel) => channel.delivered(newest)));
  }

  /** All of them, by id. */
  async channels(): Promise<readonly Channel[]> {
    await this.#load();
    const byId = (a: Channel, b: Channel) => (a.record.id < b.record.id ? -1 : 1);
    return [...this.#channels.values()].sort(byId);
  }

  /** Rejects with `webhook-unknown`, `argument-invalid`. */
  async channel(id: string): Promise<Channel> {
    readText(id, 'the id of a webhook');
    await this.#load();
    const channel = this.#channels.get(id);
    if (channel !== undefined) return channel;
    throw unknownWebhook(id);
  }

  /** Stores a webhook, which gets what becomes durable from now on. Rejects with `webhook-conflict`, `overloaded`. */
  async add(draft: Omit<WebhookRecord, 'turn'>): Promise<Channel> {
    await this.#load();
    this.#assertOpen();
    const { id } = draft;
    if (this.#channels.has(id)) {
      throw new RunchartError('webhook-conflict', `there is a webhook "${id}"`);
    }
    const tenant = tenantOf(id);
    const ofTenant = [...this.#channels.keys()].filter((other) => tenantOf(other) === tenant);
    if (ofTenant.length >= MAX_WEBHOOKS) {
      throw new RunchartError('overloaded', `there are ${MAX_WEBHOOKS} webhooks already`);
    }
    const record = { ...draft, turn: this.#parts.durableTurn() };
    const channel = new Channel(this.#parts, record, { lanes: [], deadLetters: 0 });
    this.#channels.set(id, channel);
    try {
      await this.#writes.putOnce([{ type: 'webhook.put', record }]);
    } catch (error) {
      this.#channels.delete(id);
      throw error;
    }
    this.#watch();
    if (this.#isStarted) channel.wake();
    return channel;
  }

  /** Resolves false where there was none. */
  async remove(id: string): Promise<boolean> {
    readText(id, 'the id of a webhook');
    await this.#load();
    this.#assertOpen();
    const channel = this.#channels.get(id);
    if (channel === undefined) return false;
    this.#channels.delete(id);
    await channel.close();
    try {
      await this.#writes.putOnce([
        { type: 'webhook.remove', id },
        { type: 'lanes.remove', webhook: id },
        { type: 'dead-letters.remove', webhook: id },
      ]);
    } catch (error) {
      this.#channels.set(id, new Channel(this.#parts, channel.record, channel.state));
      throw error;
    }
    if (this.#channels.size === 0) this.#stopWatching();
    return true;
  }

  /** Changes a webhook; resolves when that is durable. */
  async change(channel: Channel, changes: Partial<WebhookRecord>): Promise<void> {
    this.#assertOpen();
    await channel.change(changes);
    if (this.#isStarted) channel.wake();
  }

  /** Sends one message beside the log. */
  deliver(webhook: WebhookRecord, message: Message): Promise<Outcome> {
    this.#assertOpen();
    return this.#courier.deliver(webhook, message);
  }

  traceOf(run: string): Promise<TraceContext | undefined> {
    return this.#parts.traceOf(run);
  }

  get writes(): DurableWrites {
    return this.#writes;
  }

  get rows(): DeliveryRows {
    return this.#parts.rows;
  }

  async undelivered(): Promise<Undelivered | undefined> {
    await this.#load();
    if (this.#channels.size === 0) return undefined;
    const enabled = [...this.#channels.values()].filter(({ isDisabled }) => !isDisabled);
    const runs = new Map<number, number>();
    for (const { state } of enabled) {
      for (const { run, seq } of state.lanes) runs.set(run, Math.min(seq, runs.get(run) ?? seq));
    }
    const turn = Math.min(Number.MAX_SAFE_INTEGER, ...enabled.map((one) => one.durableTurn));
    return { turn, runs };
  }

  /** Retention has removed turns up to this one: a disabled webhook that had not been given them says so. */
  async noteRemoved(turn: number): Promise<void> {
    for (const channel of await this.channels()) {
      if (!channel.isDisabled || channel.durableTurn >= turn) continue;
      await channel.change({ missedAt: this.#parts.environment.clock.now() });
      const { id: webhook } = channel.record;
      this.#parts.logger.warn({ webhook }, 'old events are removed that a webhook was not given');
    }
  }

  /** Gives up what is under way; whoever owns the database next delivers it. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#stopWatching();
    this.#courier.abort();
    await Promise.all([...this.#channels.values()].map((channel) => channel.close()));
    await this.#writes.close();
    this.#parts.closeSender();
  }

  #load(): Promise<void> {
    this.#loading ??= this.#loadOnce().catch((error: unknown) => {
      this.#loading = undefined;
      throw error;
    });
    return this.#loading;
  }

  async #loadOnce(): Promise<void> {
    const { rows } = this.#parts;
    for (const record of await rows.webhooks()) {
      const lanes = await rows.lanes(record.id);
      const deadLetters = await rows.countDeadLetters(record.id);
      this.#channels.set(record.id, new Channel(this.#parts, record, { lanes, deadLetters }));
    }
  }

  #watch(): void {
    if (!this.#isStarted || this.#channels.size === 0 || this.#unwatch !== undefined) return;
    this.#unwatch = this.#parts.live.watchAll(() => {
      for (const channel of this.#channels.values()) channel.wake();
    });
  }

  #stopWatching(): void {
    this.#unwatch?.();
    this.#unwatch = undefined;
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new RunchartError('closing', 'the orchestrator is closing');
  }
}
