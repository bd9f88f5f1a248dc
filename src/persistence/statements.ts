/**
 * The fixed statements that a batch is made of, derived from schema.ts. Invariant: each takes one
 * parameter, a JSON array of rows, or, for a single large row, its values.
 */
import type { SQLiteTable } from 'drizzle-orm/sqlite-core';
import { getTableConfig } from 'drizzle-orm/sqlite-core';
import { FRAGMENT, type FragmentIndex, type FreeRowName } from './encoded-turn.js';
import { type FreeRowStatements, HISTORY_STATEMENTS } from './history-statements.js';
import * as tables from './schema.js';

export interface TableStatements {
  /** For a JSON array of rows. */
  readonly many: string;
  /** For the values of one row. */
  readonly one: string;
}

const RUN_CHANGES = [
  'run',
  'status',
  'updated_at',
  'ended_at',
  'reason_json',
  'metadata_json',
  'plan_hash',
  'usage_json',
  'output_json',
  'past_plans_json',
] as const;

/** By place in `EncodedTurn.fragments`. */
export const TABLE_STATEMENTS: Readonly<Record<FragmentIndex, TableStatements>> = {
  [FRAGMENT.runsCreated]: inserts(tables.runs),
  [FRAGMENT.runsChanged]: runUpdates(),
  [FRAGMENT.nodeRuns]: upserts(tables.nodeRuns, ['run', 'node']),
  [FRAGMENT.actorVersions]: inserts(tables.actorVersions),
  [FRAGMENT.attempts]: upserts(tables.attempts, ['run', 'node', 'generation', 'attempt']),
  [FRAGMENT.events]: inserts(tables.runEvents),
  [FRAGMENT.tasks]: upserts(tables.tasks, ['id']),
  [FRAGMENT.responses]: inserts(tables.responses),
  [FRAGMENT.artifacts]: inserts(tables.artifacts),
  [FRAGMENT.signals]: upserts(tables.signals, ['run', 'id']),
  [FRAGMENT.plans]: keeps(tables.plans, 'hash'),
  [FRAGMENT.pastNodeRuns]: inserts(tables.pastNodeRuns),
  [FRAGMENT.idempotencyKeys]: upserts(tables.idempotencyKeys, ['run', 'key']),
  [FRAGMENT.pastInputs]: keeps(tables.pastInputs, 'run, node, generation, attempt'),
};

export const CHECKPOINT_INSERT = inserts(tables.checkpoints).many;
export const TIMER_UPSERT = upserts(tables.timers, ['run', 'id']).many;
export const TIMER_DELETE =
  'delete from timers where (run, id) in (select j.value->>0, j.value->>1 from json_each(?) j)';
export const PLAN_INSERT = keeps(tables.plans, 'hash').one;

/** Each takes the values of one row. */
export const FREE_ROW_STATEMENTS: Readonly<Record<FreeRowName, FreeRowStatements>> = {
  'schedule.put': {
    write: upserts(tables.schedules, ['id']).one,
    isWritten: finds(tables.schedules),
  },
  'schedule.remove': removes('schedules', ['id']),
  'run-key.put': {
    write: upserts(tables.runKeys, ['purpose', 'key']).one,
    isWritten: finds(tables.runKeys),
  },
  'idempotency-key.put': {
    write: upserts(tables.idempotencyKeys, ['run', 'key']).one,
    isWritten: finds(tables.idempotencyKeys),
  },
  'stored-plan.put': {
    write: keeps(tables.storedPlans, 'tenant, hash').one,
    // Every place has to be named, though the key alone finds the row.
    isWritten: `select 1 from stored_plans
      where tenant = ?1 and hash = ?2 and coalesce(?3, ?4, ?5, 1) is not null`,
  },
  'token.put': { write: upserts(tables.tokens, ['id']).one, isWritten: finds(tables.tokens) },
  'token.revoke': {
    write: 'update tokens set revoked_at = coalesce(revoked_at, ?2) where id = ?1',
    isWritten: 'select 1 from tokens where id = ?1 and revoked_at <= ?2',
  },
  'token.used': {
    write: 'update tokens set last_used_at = ?2 where id = ?1',
    isWritten: 'select 1 from tokens where id = ?1 and last_used_at >= ?2',
  },
  'audit.put': { write: upserts(tables.audit, ['id']).one, isWritten: finds(tables.audit) },
  'audit.trim': {
    write: 'delete from audit where tenant = ?1 and id <= ?2',
    isWritten: 'select 1 where not exists (select 1 from audit where tenant = ?1 and id <= ?2)',
  },
  'audit.expire': {
    write: 'delete from audit where id <= ?',
    isWritten: 'select 1 where not exists (select 1 from audit where id <= ?)',
  },
  'task-link.put': {
    write: upserts(tables.taskLinks, ['id']).one,
    isWritten: finds(tables.taskLinks),
  },
  'task-link.sweep': {
    write: 'delete from task_links where expires_at < ?',
    isWritten: 'select 1 where not exists (select 1 from task_links where expires_at < ?)',
  },
  'webhook.put': { write: upserts(tables.webhooks, ['id']).one, isWritten: finds(tables.webhooks) },
  'webhook.remove': removes('webhooks', ['id']),
  'lane.put': {
    write: upserts(tables.deliveryLanes, ['webhook', 'run']).one,
    isWritten: finds(tables.deliveryLanes),
  },
  'lane.remove': removes('delivery_lanes', ['webhook', 'run']),
  'lanes.remove': removes('delivery_lanes', ['webhook']),
  'dead-letter.put': {
    write: upserts(tables.deadLetters, ['webhook', 'message']).one,
    isWritten: finds(tables.deadLetters),
  },
  'dead-letter.remove': removes('dead_letters', ['webhook', 'message']),
  'dead-letters.remove': removes('dead_letters', ['webhook']),
  ...HISTORY_STATEMENTS,
};

/** Made anew on each connection: raises a constraint error unless the epoch is still the owner's. */
export const FENCE_SETUP = [
  'create temp view fence as select 0 as epoch',
  `create temp trigger fence_check instead of insert on fence begin
    select raise(abort, 'another process owns the database')
    where not exists (select 1 from main.owner where epoch = new.epoch);
  end`,
] as const;
export const FENCE = 'insert into temp.fence values (?)';

function columnNames(table: SQLiteTable): string[] {
  return getTableConfig(table).columns.map((column) => column.name);
}

function inserts(table: SQLiteTable): TableStatements {
  const columns = columnNames(table);
  const into = `insert into ${getTableConfig(table).name} (${columns.join(', ')})`;
  return {
    // `where true` keeps SQLite from reading a following `on conflict` as a join condition.
    many: `${into} select ${fields(columns.length)} from json_each(?) j where true`,
    one: `${into} values (${columns.map(() => '?').join(', ')})`,
  };
}

/** The row with exactly these values. */
function finds(table: SQLiteTable): string {
  const conditions = columnNames(table).map((column) => `${column} is ?`);
  return `select 1 from ${getTableConfig(table).name} where ${conditions.join(' and ')}`;
}

/** Rows with these values in the columns of a key. */
function removes(table: string, key: readonly string[]): FreeRowStatements {
  const rows = `from ${table} where ${key.map((column) => `${column} = ?`).join(' and ')}`;
  return { write: `delete ${rows}`, isWritten: `select 1 where not exists (select 1 ${rows})` };
}

/** A row that is there already stays as it is. */
function keeps(table: SQLiteTable, key: string): TableStatements {
  const { many, one } = inserts(table);
  const clause = ` on conflict (${key}) do nothing`;
  return { many: many + clause, one: one + clause };
}

function upserts(table: SQLiteTable, key: readonly string[]): TableStatements {
  const { many, one } = inserts(table);
  const changes = columnNames(table)
    .filter((column) => !key.includes(column))
    .map((column) => `${column} = excluded.${column}`);
  const clause = ` on conflict (${key.join(', ')}) do update set ${changes.join(', ')}`;
  return { many: many + clause, one: one + clause };
}

/** Several changes of one run in one batch must have been reduced to the last. */
function runUpdates(): TableStatements {
  const sets = RUN_CHANGES.slice(1).map((column, place) => `${column} = j.value->>${place + 1}`);
  const many = `update runs set ${sets.join(', ')} from json_each(?) j where runs.run = j.value->>0`;
  const oneSets = RUN_CHANGES.slice(1).map((column, place) => `${column} = ?${place + 2}`);
  return { many, one: `update runs set ${oneSets.join(', ')} where run = ?1` };
}

function fields(count: number): string {
  return Array.from({ length: count }, (_, place) => `j.value->>${place}`).join(', ');
}
