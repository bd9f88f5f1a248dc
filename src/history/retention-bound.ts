/**
 * Keeps retention from what webhooks have still to be given. Where there are none it asks for nothing;
 * webhooks that are disabled keep nothing, and are told.
 */
import type { RunRecord } from '../actors/records.js';
import type { Deliveries, Undelivered } from '../delivery/undelivered.js';
import type { HistoryRows } from '../storage/history-rows.js';

export class RetentionBound {
  readonly #rows: HistoryRows;
  readonly #deliveries: Deliveries | undefined;
  readonly #undelivered: Undelivered | undefined;
  #removedTo = 0;

  static async of(rows: HistoryRows, deliveries: Deliveries | undefined): Promise<RetentionBound> {
    return new RetentionBound(rows, deliveries, await deliveries?.undelivered());
  }

  private constructor(
    rows: HistoryRows,
    deliveries: Deliveries | undefined,
    undelivered: Undelivered | undefined,
  ) {
    this.#rows = rows;
    this.#deliveries = deliveries;
    this.#undelivered = undelivered;
  }

  /** Whether all events of these runs, which are to be removed, are delivered. */
  async mayRemove(runs: readonly RunRecord[]): Promise<boolean> {
    const undelivered = this.#undelivered;
    if (undelivered === undefined) return true;
    if (runs.some(({ run }) => undelivered.runs.has(run))) return false;
    const turns = await Promise.all(runs.map(({ run }) => this.#newestTurn(run)));
    const newest = Math.max(...turns);
    if (newest > undelivered.turn) return false;
    this.#noteRemoved(newest);
    return true;
  }

  /** As `HistoryRows.anchorBefore`, within what is delivered. */
  async anchorBefore({ run, trimmedTo }: RunRecord, at: number): Promise<number> {
    const undelivered = this.#undelivered;
    if (undelivered === undefined) return this.#rows.anchorBefore(run, at);
    const { turn, runs } = undelivered;
    const anchor = await this.#rows.anchorBefore(run, at, turn, runs.get(run));
    if (anchor > trimmedTo) {
      this.#noteRemoved((await this.#rows.checkpointOf(run, anchor))?.turn ?? 0);
    }
    return anchor;
  }

  /** Says what was removed. */
  async tell(): Promise<void> {
    if (this.#removedTo > 0) await this.#deliveries?.noteRemoved(this.#removedTo);
  }

  async #newestTurn(run: number): Promise<number> {
    const newest = await this.#rows.newestSeq(run);
    return (await this.#rows.checkpointOf(run, newest))?.turn ?? 0;
  }

  #noteRemoved(turn: number): void {
    this.#removedTo = Math.max(this.#removedTo, turn);
  }
}
