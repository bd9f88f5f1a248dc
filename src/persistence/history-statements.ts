/** Statements that bring runs in, trim and remove them. Invariant: each may be repeated and changes nothing more. */
import { getTableColumns, getTableName } from 'drizzle-orm';
import type { FreeRow } from '../actors/ports.js';
import { HIDDEN, type RunTable } from '../actors/records.js';
import type { FreeRowName } from './encoded-turn.js';
import { RUN_TABLES, type TableRead } from './run-tables.js';
import * as tables from './schema.js';

export interface FreeRowStatements {
  readonly write: string;
  /** For the same values: has a row where they are written. */
  readonly isWritten: string;
}

type HistoryName = Extract<
  FreeRowName,
  | `history.${string}`
  | `run.${string}`
  | 'run-keys.remove'
  | 'idempotency-keys.remove'
  | 'turn.keep'
  | 'log.trim'
>;

/** Of runs as a JSON array of ids; whose place another one has taken, its keys are that one's. */
const LOOSE_KEYS = `from run_keys where run_id in (select j.value from json_each(?) j)
  and not exists (select 1 from run_keys r where r.purpose = 'replacement' and r.key = run_keys.run_id)`;

const RUN_STATEMENTS = {
  'run.trim': {
    write: 'update runs set trimmed_to = ?2 where run = ?1 and trimmed_to between 0 and ?2',
    isWritten: 'select 1 from runs where run = ?1 and trimmed_to >= ?2',
  },
  'run.hide': {
    write: `update runs set trimmed_to = ${HIDDEN} where run = ?1`,
    isWritten: `select 1 from runs where run = ?1 and trimmed_to = ${HIDDEN}`,
  },
  'run.show': {
    write: `update runs set trimmed_to = 0 where run = ?1 and trimmed_to = ${HIDDEN}`,
    isWritten: 'select 1 from runs where run = ?1 and trimmed_to >= 0',
  },
  // The newest turn may be of a run that goes: its number must not be given again, and the head file names it.
  'turn.keep': {
    write: `update owner set turn = newest.turn, turn_hash = newest.hash
      from (select turn, hash from checkpoints order by turn desc limit 1) newest
      where newest.turn > owner.turn`,
    isWritten: 'select 1 from owner where turn >= coalesce((select max(turn) from checkpoints), 0)',
  },
  'log.trim': {
    write: `insert into log_trims (tenant, turn, seq) values (?1, ?2, ?3)
      on conflict (tenant) do update set turn = excluded.turn, seq = excluded.seq
      where (excluded.turn, excluded.seq) > (log_trims.turn, log_trims.seq)`,
    isWritten: 'select 1 from log_trims where tenant = ?1 and (turn, seq) >= (?2, ?3)',
  },
  'run.remove': {
    write: 'delete from runs where run = ?1',
    isWritten: 'select 1 where not exists (select 1 from runs where run = ?1)',
  },
  'idempotency-keys.remove': {
    write: 'delete from idempotency_keys where run = 0 and at < ?',
    isWritten: `select 1 where not exists
      (select 1 from idempotency_keys where run = 0 and at < ?)`,
  },
  'run-keys.remove': {
    write: `delete ${LOOSE_KEYS}`,
    isWritten: `select 1 where not exists (select 1 ${LOOSE_KEYS})`,
  },
} as const satisfies Partial<Record<FreeRow['type'], FreeRowStatements>>;

export const HISTORY_STATEMENTS = {
  ...RUN_STATEMENTS,
  ...Object.fromEntries(
    (Object.keys(RUN_TABLES) as RunTable[]).flatMap((table) => [
      [`history.add ${table}`, additions(table)],
      [`history.remove ${table}`, removals(table)],
    ]),
  ),
} as Readonly<Record<HistoryName, FreeRowStatements>>;

/** For the values of one row. */
function additions(table: RunTable): FreeRowStatements {
  const { name } = RUN_TABLES[table];
  const columns = columnsOf(name);
  const places = columns.map((_, place) => `?${place + 1}`);
  const key = table === 'tasks' ? ['id'] : ['run', ...keyOf(table)];
  const isRow = key.map((column) => `${column} = ?${columns.indexOf(column) + 1}`);
  return {
    write: `insert into ${name} (${columns.join(', ')}) values (${places.join(', ')})
      on conflict do nothing`,
    // Every place has to be named, though the key alone finds the row.
    isWritten: `select 1 from ${name} where ${isRow.join(' and ')} and coalesce(${places.join(', ')}, 1) is not null`,
  };
}

/** For a JSON array of keys. */
function removals(table: RunTable): FreeRowStatements {
  const { name } = RUN_TABLES[table];
  const key = table === 'tasks' ? ['id'] : ['run', ...keyOf(table)];
  const values = key.map((_, place) => `j.value->>${place}`).join(', ');
  const rows = `from ${name} where (${key.join(', ')}) in (select ${values} from json_each(?) j)`;
  return {
    write: `delete ${rows}`,
    isWritten: `select 1 where not exists (select 1 ${rows})`,
  };
}

function keyOf(table: RunTable): string[] {
  return (RUN_TABLES[table] as TableRead<unknown>).key.map(([column]) => column);
}

function columnsOf(name: string): string[] {
  const table = Object.values(tables).find((found) => getTableName(found) === name);
  if (table === undefined) throw new Error(`there is no table ${name}`);
  return Object.values(getTableColumns(table)).map((column) => column.name);
}
