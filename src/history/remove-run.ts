/**
 * Removes runs with all their rows, in bounded steps. Invariants: 1. a run is hidden first and its own
 * row goes last, so that nobody sees half of it and whoever comes next can go on; 2. no step holds more
 * than a thousand rows, and between two of them the turns of other runs are committed.
 */
import type { HistoryRow, Journal } from '../actors/ports.js';
import type { RunRecord, RunTable } from '../actors/records.js';
import type { HistoryRows, RowRange } from '../storage/history-rows.js';
import { logTrimOf } from './log-trim.js';

/** Rows that one step removes. */
export const STEP_ROWS = 500;

const TABLES: readonly RunTable[] = [
  'events',
  'actorVersions',
  'checkpoints',
  'attempts',
  'pastInputs',
  'responses',
  'tasks',
  'artifacts',
  'signals',
  'idempotencyKeys',
  'timers',
  'pastNodeRuns',
  'nodeRuns',
];

export interface Removing {
  readonly rows: HistoryRows;
  readonly journal: Journal;
}

/** Gathers rows that are to go, of one table or of many, and removes them step by step. */
class Removal {
  readonly #removing: Removing;
  #rows: HistoryRow[] = [];
  #keys = 0;
  #removed = 0;

  constructor(removing: Removing) {
    this.#removing = removing;
  }

  async take(run: number, table: RunTable, range: RowRange = {}): Promise<void> {
    for await (const keys of this.#removing.rows.keysOf(run, table, range, STEP_ROWS)) {
      this.#rows.push({ type: 'history.remove', table, keys });
      this.#keys += keys.length;
      if (this.#keys >= STEP_ROWS) await this.#step();
    }
  }

  /** Removes what is left; returns how many rows went. */
  async end(): Promise<number> {
    await this.#step();
    return this.#removed;
  }

  async #step(): Promise<void> {
    const rows = this.#rows;
    if (rows.length === 0) return;
    await this.#removing.journal.write(rows);
    this.#removed += this.#keys;
    this.#rows = [];
    this.#keys = 0;
  }
}

/** Removes rows of one table; returns how many. */
export async function removeRows(
  removing: Removing,
  run: number,
  table: RunTable,
  range: RowRange,
): Promise<number> {
  const removal = new Removal(removing);
  await removal.take(run, table, range);
  return removal.end();
}

/** Removes runs that have ended, with all that is stored of them; returns how many rows there were. */
export async function removeRuns(removing: Removing, runs: readonly RunRecord[]): Promise<number> {
  const { journal } = removing;
  if (runs.length === 0) return 0;
  const hide = runs.map(({ run }) => ({ type: 'run.hide', run }) as const);
  const told: HistoryRow[] = [];
  for (const record of runs) {
    const newest = await removing.rows.newestSeq(record.run);
    told.push(...(await logTrimOf(removing.rows, record, newest)));
  }
  await journal.write([{ type: 'turn.keep' }, ...told, ...hide]);
  const removal = new Removal(removing);
  for (const { run } of runs) {
    for (const table of TABLES) await removal.take(run, table);
  }
  const removed = await removal.end();
  await journal.write([
    { type: 'run-keys.remove', runs: runs.map(({ id }) => id) },
    ...runs.map(({ run }) => ({ type: 'run.remove', run }) as const),
  ]);
  return removed + runs.length;
}
