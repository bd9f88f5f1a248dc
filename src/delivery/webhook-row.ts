/** The row of a webhook as it is now, and as far as it is durable. */
import type { WebhookRecord } from '../actors/delivery-records.js';
import type { DurableWrites } from './durable-writes.js';

export class WebhookRow {
  #record: WebhookRecord;
  #durableTurn: number;
  /** The row is newer than what is stored. */
  #isChanged = false;
  readonly #writes: DurableWrites;

  constructor(record: WebhookRecord, writes: DurableWrites) {
    this.#record = record;
    this.#durableTurn = record.turn;
    this.#writes = writes;
  }

  get record(): WebhookRecord {
    return this.#record;
  }

  /** Turn up to which it is durable that everything was delivered. */
  get durableTurn(): number {
    return this.#durableTurn;
  }

  get isDisabled(): boolean {
    return this.#record.disabledJson !== null;
  }

  /** Stored with whatever is stored next. */
  alter(changes: Partial<WebhookRecord>): void {
    this.#record = { ...this.#record, ...changes };
    this.#isChanged = true;
  }

  /** Resolves when the changes are durable. Rejects with `commit-failed`, and nothing is changed. */
  async change(changes: Partial<WebhookRecord>): Promise<void> {
    const keys = Object.keys(changes) as (keyof WebhookRecord)[];
    const before = Object.fromEntries(keys.map((key) => [key, this.#record[key]]));
    this.alter(changes);
    try {
      await this.#writes.putOnce([{ type: 'webhook.put', record: this.#record }]);
    } catch (error) {
      this.alter(before);
      throw error;
    }
  }

  /** Stores that everything up to a turn is delivered, what else has changed, and that lanes of runs are over. */
  async save(turn: number, endedRuns: readonly number[]): Promise<void> {
    if (turn > this.#record.turn) this.alter({ turn });
    if (!this.#isChanged && endedRuns.length === 0) return;
    this.#isChanged = false;
    const record = this.#record;
    const { id: webhook } = record;
    await this.#writes.put([
      { type: 'webhook.put', record },
      ...endedRuns.map((run) => ({ type: 'lane.remove', webhook, run }) as const),
    ]);
    this.#durableTurn = Math.max(this.#durableTurn, record.turn);
  }
}
