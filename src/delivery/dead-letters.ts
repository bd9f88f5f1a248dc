/** Deliveries that failed for good: read, delivered by hand, discarded. Invariant: one letter is in one hand at a time. */
import type { DeadLetterRecord } from '../actors/delivery-records.js';
import { RunchartError } from '../errors.js';
import { InTurn } from '../in-turn.js';
import type { JsonObject } from '../plan/json.js';
import { readOptions, readText, readTextIfGiven } from '../read-arguments.js';
import type { Channel } from './channel.js';
import { type Delivered, toDelivered } from './delivered.js';
import type { DeliveryService } from './delivery-service.js';
import {
  type DeadLetter,
  type DeadLetterWithBody,
  toDeadLetter,
  unknownWebhook,
} from './webhook.js';

/** Which dead letters to list. */
export interface DeadLetterPage {
  /** Most letters to return; 100 unless given, 1,000 at most. */
  readonly limit?: number | undefined;
  /** Message that ended the page before. */
  readonly after?: string | undefined;
}

const MAX_LIMIT = 1_000;
const MESSAGE = 'the id of a message';

/** The dead letters of webhooks: list, read, send again, discard. */
export class DeadLetters {
  readonly #service: DeliveryService;
  readonly #inTurn = new InTurn();

  constructor(service: DeliveryService) {
    this.#service = service;
  }

  /**
   * Oldest first. Rejects with `webhook-unknown`, `argument-invalid`, and with `dead-letter-unknown` where the
   * letter that the page is to follow is gone.
   */
  async list(webhook: string, page: DeadLetterPage = {}): Promise<DeadLetter[]> {
    const { limit = 100, after } = readOptions(page);
    if (!Number.isInteger(limit) || limit < 1) {
      throw new RunchartError('argument-invalid', 'limit is a whole number from 1 on');
    }
    await this.#service.channel(webhook);
    const most = Math.min(limit, MAX_LIMIT);
    const behind = readTextIfGiven(after, '`after`');
    if (behind !== undefined) await this.#find(webhook, behind);
    const options = { limit: most, ...(behind !== undefined && { after: behind }) };
    return (await this.#service.rows.deadLetters(webhook, options)).map(toDeadLetter);
  }

  /** Rejects with `webhook-unknown`, `dead-letter-unknown`. */
  async get(webhook: string, message: string): Promise<DeadLetterWithBody> {
    const record = await this.#find(webhook, message);
    return { ...toDeadLetter(record), body: JSON.parse(record.bodyJson) as JsonObject };
  }

  /**
   * Sends it once more, also to a webhook that is disabled, and out of the order of its run: later events
   * were delivered already. What is accepted is gone; what is not stays. Rejects as `get` does.
   */
  redeliver(webhook: string, message: string): Promise<Delivered> {
    return this.#holding(webhook, message, async (record) => {
      const channel = await this.#service.channel(webhook);
      const trace = await this.#service.traceOf(record.runId);
      const sent = { id: message, body: record.bodyJson, trace };
      const outcome = await this.#service.deliver(channel.record, sent);
      // Where the webhook was removed meanwhile nothing of it is left, and nothing may come again.
      if ((await this.#service.channel(webhook)) !== channel) throw unknownWebhook(webhook);
      if (outcome.isAccepted) await this.#remove(channel, message);
      else {
        const errorJson = JSON.stringify(outcome.error);
        const tried = { ...record, tries: record.tries + 1, errorJson };
        await this.#service.writes.putOnce([{ type: 'dead-letter.put', record: tried }]);
      }
      return toDelivered(outcome);
    });
  }

  /** Rejects as `get` does. */
  discard(webhook: string, message: string): Promise<void> {
    return this.#holding(webhook, message, async () => {
      await this.#remove(await this.#service.channel(webhook), message);
    });
  }

  async #holding<T>(
    webhook: string,
    message: string,
    work: (record: DeadLetterRecord) => Promise<T>,
  ): Promise<T> {
    const key = `${readText(webhook, 'the id of a webhook')} ${readText(message, MESSAGE)}`;
    return this.#inTurn.do(key, async () => work(await this.#find(webhook, message)));
  }

  async #find(webhook: string, message: string): Promise<DeadLetterRecord> {
    await this.#service.channel(webhook);
    const id = readText(message, MESSAGE);
    const record = await this.#service.rows.deadLetter(webhook, id);
    if (record !== undefined) return record;
    const why = `webhook "${webhook}" has no dead letter ${message}`;
    throw new RunchartError('dead-letter-unknown', why, {
      hint: 'list its dead letters: it may have been delivered or discarded',
    });
  }

  async #remove(channel: Channel, message: string): Promise<void> {
    const { id: webhook } = channel.record;
    await this.#service.writes.putOnce([{ type: 'dead-letter.remove', webhook, message }]);
    channel.forgetDeadLetter();
  }
}
