/**
 * Removes runs with all their rows, in bounded steps. Invariants: 1. a run is hidden first and its own
 * row goes last, so that nobody sees half of it and whoever comes next can go on; 2. no step holds more
 * than a few hundred rows, and between two of them the turns of other runs are committed.
 */
import type { Journal } from '../actors/ports.js';
import type { RunRecord, RunTable } from '../actors/records.js';
import type { RowRange } from '../persistence/run-tables.js';
import type { HistoryRows } from './history-rows.js';

/** Rows that one step removes. */
export const STEP_ROWS = 500;

const TABLES: readonly RunTable[] = [
  'events',
  'actorVersions',
  'checkpoints',
  'attempts',
  'responses',
  'tasks',
  'artifacts',
  'signals',
  'timers',
  'pastNodeRuns',
  'nodeRuns',
];

export interface Removing {
  readonly rows: HistoryRows;
  readonly journal: Journal;
}

/** Removes rows of one table; returns how many. */
export async function removeRows(
  { rows, journal }: Removing,
  run: number,
  table: RunTable,
  range: RowRange = {},
): Promise<number> {
  let removed = 0;
  for await (const keys of rows.keysOf(run, table, range, STEP_ROWS)) {
    await journal.write([{ type: 'history.remove', table, keys }]);
    removed += keys.length;
  }
  return removed;
}

/** Removes runs that have ended, with all that is stored of them; returns how many rows there were. */
export async function removeRuns(removing: Removing, runs: readonly RunRecord[]): Promise<number> {
  const { journal } = removing;
  if (runs.length === 0) return 0;
  await journal.write(runs.map(({ run }) => ({ type: 'run.hide', run })));
  let removed = runs.length;
  for (const { run } of runs) {
    for (const table of TABLES) removed += await removeRows(removing, run, table);
  }
  await journal.write([
    { type: 'run-keys.remove', runs: runs.map(({ id }) => id) },
    ...runs.map(({ run }) => ({ type: 'run.remove', run }) as const),
  ]);
  return removed;
}
