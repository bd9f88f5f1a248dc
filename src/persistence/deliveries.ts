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
  where d.webhook = ?1 and (?2 is null or (d.at, d.message) >
    (select a.at, a.message from dead_letters a where a.webhook = ?1 and a.message = ?2))
  order by d.at, d.message limit ?3`;

export class SqliteDeliveries implements DeliveryRows {
  readonly #reader: Reader;

  constructor(reader: Reader) {
    this.#reader = reader;
  }

  async webhooks(): Promise<readonly WebhookRecord[]> {
    return (await this.#reader.jsonRows(WEBHOOKS)).map(WEBHOOK.toRecord);
  }

  async lanes(webhook: string): Promise<readonly LaneRecord[]> {
    return (await this.#reader.jsonRows(LANES, [webhook])).map(LANE.toRecord);
  }

  async countDeadLetters(webhook: string): Promise<number> {
    const [row] = await this.#reader.jsonRows(COUNT, [webhook]);
    return (row as [number])[0];
  }

  async deadLetters(
    webhook: string,
    { after, limit }: { readonly after?: string; readonly limit: number },
  ): Promise<readonly DeadLetterRecord[]> {
    const rows = await this.#reader.jsonRows(LETTERS, [webhook, after ?? null, limit]);
    return rows.map(DEAD_LETTER.toRecord);
  }

  async deadLetter(webhook: string, message: string): Promise<DeadLetterRecord | undefined> {
    const [row] = await this.#reader.jsonRows(LETTER, [webhook, message]);
    return row === undefined ? undefined : DEAD_LETTER.toRecord(row);
  }
}
