/** Reads of webhooks, lanes and dead letters. Everything comes from the disk, over a connection that cannot write. */
import type {
  DeadLetterRecord,
  DeliveryRows,
  LaneRecord,
  WebhookRecord,
} from '../actors/delivery-records.js';
import type { Reader } from './reader.js';
import { DEAD_LETTER, LANE, WEBHOOK } from './rows.js';

const WEBHOOKS = `select cast(${WEBHOOK.expression('w')} as blob) from webhooks w order by w.id`;
const LANES = `select cast(${LANE.expression('l')} as blob) from delivery_lanes l
  where l.webhook = ? order by l.run`;
const COUNT = 'select cast(json_array(count(*)) as blob) from dead_letters where webhook = ?';
const LETTER = `select cast(${DEAD_LETTER.expression('d')} as blob) from dead_letters d
  where d.webhook = ? and d.message = ?`;
const LETTERS = `select cast(${DEAD_LETTER.expression('d')} as blob) from dead_letters d
  where d.webhook = ?1 and (?2 is null or (d.at, d.run_id, d.seq) >
    (select a.at, a.run_id, a.seq from dead_letters a where a.webhook = ?1 and a.message = ?2))
  order by d.at, d.run_id, d.seq limit ?3`;

export class SqliteDeliveries implements DeliveryRows {
  readonly #reader: Reader;

  constructor(reader: Reader) {
    this.#reader = reader;
  }

  async webhooks(): Promise<readonly WebhookRecord[]> {
    return this.#reader.records(WEBHOOK, WEBHOOKS);
  }

  async lanes(webhook: string): Promise<readonly LaneRecord[]> {
    return this.#reader.records(LANE, LANES, [webhook]);
  }

  async countDeadLetters(webhook: string): Promise<number> {
    const [row] = await this.#reader.jsonRows(COUNT, [webhook]);
    return (row as [number])[0];
  }

  async deadLetters(
    webhook: string,
    { after, limit }: { readonly after?: string; readonly limit: number },
  ): Promise<readonly DeadLetterRecord[]> {
    return this.#reader.records(DEAD_LETTER, LETTERS, [webhook, after ?? null, limit]);
  }

  async deadLetter(webhook: string, message: string): Promise<DeadLetterRecord | undefined> {
    const [found] = await this.#reader.records(DEAD_LETTER, LETTER, [webhook, message]);
    return found;
  }
}
