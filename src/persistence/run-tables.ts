/**
 * All rows of a run, table by table, in the order of their keys. Invariants: 1. each page goes on from
 * the last row of the one before, found by the table's key; 2. memory holds one page, whatever the run.
 */
import type { RunTable, RunTables } from '../actors/records.js';
import type { RowKey, RowRange } from '../storage/history-rows.js';
import type { Reader } from './reader.js';
import {
  ACTOR_VERSION,
  ARTIFACT,
  ATTEMPT,
  CHECKPOINT,
  EVENT,
  IDEMPOTENCY_KEY,
  NODE_RUN,
  PAST_INPUT,
  PAST_NODE_RUN,
  RESPONSE,
  type RowCodec,
  SIGNAL,
  TASK,
  TIMER,
} from './rows.js';
import type { Value } from './sql.js';

export interface TableRead<R> {
  /** As the database calls it. */
  readonly name: string;
  readonly codec: RowCodec<R>;
  /** Columns that name a row within its run, with a value before the first of each. */
  readonly key: readonly (readonly [column: string, field: keyof R & string, first: Value])[];
  /** Finds the rows of a run where its number does not lead the table's key. */
  readonly where?: string;
}

/** Rows of which each belongs to one attempt. */
const BY_ATTEMPT = [
  ['node', 'node', ''],
  ['generation', 'generation', 0],
  ['attempt', 'attempt', 0],
] as const;

export const RUN_TABLES: { readonly [K in RunTable]: TableRead<RunTables[K]> } = {
  nodeRuns: { name: 'node_runs', codec: NODE_RUN, key: [['node', 'node', '']] },
  pastNodeRuns: {
    name: 'past_node_runs',
    codec: PAST_NODE_RUN,
    key: [
      ['node', 'node', ''],
      ['generation', 'generation', 0],
    ],
  },
  attempts: {
    name: 'attempts',
    codec: ATTEMPT,
    key: BY_ATTEMPT,
  },
  pastInputs: {
    name: 'past_inputs',
    codec: PAST_INPUT,
    key: BY_ATTEMPT,
  },
  events: { name: 'run_events', codec: EVENT, key: [['seq', 'seq', 0]] },
  tasks: {
    name: 'tasks',
    codec: TASK,
    key: [['id', 'id', '']],
    where: `t.status in ('open', 'answered', 'cancelled', 'expired', 'superseded')`,
  },
  responses: {
    name: 'responses',
    codec: RESPONSE,
    key: [
      ['task', 'task', ''],
      ['id', 'id', ''],
    ],
  },
  artifacts: {
    name: 'artifacts',
    codec: ARTIFACT,
    key: [
      ['name', 'name', ''],
      ['version', 'version', 0],
    ],
  },
  signals: { name: 'signals', codec: SIGNAL, key: [['id', 'id', '']] },
  timers: { name: 'timers', codec: TIMER, key: [['id', 'id', '']] },
  idempotencyKeys: { name: 'idempotency_keys', codec: IDEMPOTENCY_KEY, key: [['key', 'key', '']] },
  checkpoints: { name: 'checkpoints', codec: CHECKPOINT, key: [['seq', 'seq', 0]] },
  actorVersions: {
    name: 'actor_versions',
    codec: ACTOR_VERSION,
    // The run's own actor has the empty name, and its versions numbers from 1.
    key: [
      ['actor', 'actor', ''],
      ['seq', 'seq', 0],
    ],
  },
};

const PAGE = 1_000;

/**
 * Pages of the keys of a run's rows, in order, each key with the number of the run in front but for
 * those that name a row alone. Rows may be removed meanwhile.
 */
export async function* keysOfRun(
  reader: Reader,
  run: number,
  table: RunTable,
  { upTo, superseded = false }: RowRange,
  limit: number,
): AsyncGenerator<readonly RowKey[], void, undefined> {
  const { name, key, where = 'true' } = RUN_TABLES[table] as TableRead<unknown>;
  const columns = key.map(([column]) => `t.${column}`).join(', ');
  const places = key.map((_, place) => `?${place + 3}`).join(', ');
  const newer = `exists (select 1 from ${name} n where n.run = t.run and n.actor = t.actor
    and n.seq > t.seq and n.seq <= ?2)`;
  const range = upTo === undefined ? '?2 is null' : 't.seq <= ?2';
  const sql = `select cast(json_array(${columns}) as blob) from ${name} t
    where t.run = ?1 and ${range} and ${where} and ${superseded ? newer : 'true'}
      and (${columns}) > (${places}) order by ${columns} limit ${limit}`;
  let after: Value[] = key.map(([, , first]) => first);
  for (;;) {
    const keys = (await reader.jsonRows(sql, [run, upTo ?? null, ...after])) as RowKey[];
    if (keys.length > 0) yield table === 'tasks' ? keys : keys.map((own) => [run, ...own]);
    if (keys.length < limit) return;
    after = [...(keys.at(-1) as RowKey)];
  }
}

/** Rows of one table of a run, in the order of the key. */
export async function* rowsOfRun<K extends RunTable>(
  reader: Reader,
  run: number,
  table: K,
): AsyncGenerator<RunTables[K], void, undefined> {
  const {
    name,
    codec,
    key,
    where = 'true',
  } = RUN_TABLES[table] as unknown as TableRead<RunTables[K]>;
  const columns = key.map(([column]) => `t.${column}`).join(', ');
  const places = key.map(() => '?').join(', ');
  const sql = `select cast(${codec.expression('t')} as blob) from ${name} t
    where t.run = ? and ${where} and (${columns}) > (${places}) order by ${columns} limit ${PAGE}`;
  let after: Value[] = key.map(([, , first]) => first);
  for (;;) {
    const records = await reader.records(codec, sql, [run, ...after]);
    yield* records;
    const last = records.at(-1);
    if (last === undefined || records.length < PAGE) return;
    after = key.map(([, field]) => last[field] as Value);
  }
}
