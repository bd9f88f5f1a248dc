/** Turns changes of a run's history into the values of their statements; see history-statements.ts. */
import type { HistoryRow } from '../actors/ports.js';
import type { EncodedRow } from './encoded-turn.js';
import { LOG_TRIM, type RowCodec } from './rows.js';
import { RUN_TABLES } from './run-tables.js';

export function encodeHistoryRow(row: HistoryRow): EncodedRow {
  switch (row.type) {
    case 'history.add': {
      const codec = RUN_TABLES[row.table].codec as RowCodec<unknown>;
      return { name: `history.add ${row.table}`, values: codec.toRow(row.record) };
    }
    case 'history.remove':
      return { name: `history.remove ${row.table}`, values: [JSON.stringify(row.keys)] };
    case 'run.trim':
      return { name: row.type, values: [row.run, row.seq] };
    case 'idempotency-keys.remove':
      return { name: row.type, values: [row.before] };
    case 'run-keys.remove':
      return { name: row.type, values: [JSON.stringify(row.runs)] };
    case 'log.trim':
      return { name: row.type, values: LOG_TRIM.toRow(row.record) };
    case 'turn.keep':
      return { name: row.type, values: [] };
    case 'run.remove':
    case 'run.hide':
    case 'run.show':
      return { name: row.type, values: [row.run] };
  }
}
