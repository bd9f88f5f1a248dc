/**
 * All rows of a run, table by table, in the order of their keys. Invariants: 1. each page goes on from
 * the last row of the one before, found by the table's key; 2. memory holds one page, whatever the run.
 */
import type { InValue } from '@libsql/client/sqlite3';
import type {
  ActorVersionRecord,
  ArtifactRecord,
  AttemptRecord,
  EventRecord,
  NodeRunRecord,
  ResponseRecord,
  SignalRecord,
  TaskRecord,
  TimerRecord,
} from '../actors/records.js';
import type { Reader } from './reader.js';
import {
  ACTOR_VERSION,
  ARTIFACT,
  ATTEMPT,
  CHECKPOINT,
  type CheckpointRecord,
  EVENT,
  NODE_RUN,
  PAST_NODE_RUN,
  RESPONSE,
  type RowCodec,
  SIGNAL,
  TASK,
  TIMER,
} from './rows.js';

/** The tables whose rows belong to one run each. */
export interface RunTables {
  readonly nodeRuns: NodeRunRecord;
  readonly pastNodeRuns: NodeRunRecord;
  readonly attempts: AttemptRecord;
  readonly events: EventRecord;
  readonly tasks: TaskRecord;
  readonly responses: ResponseRecord;
  readonly artifacts: ArtifactRecord;
  readonly signals: SignalRecord;
  readonly timers: TimerRecord;
  readonly checkpoints: CheckpointRecord;
  readonly actorVersions: ActorVersionRecord;
}

export type RunTable = keyof RunTables;

interface TableRead<R> {
  readonly name: string;
  readonly codec: RowCodec<R>;
  /** Columns that name a row within its run, with a value before the first of each. */
  readonly key: readonly (readonly [column: string, field: keyof R & string, first: InValue])[];
  /** Finds the rows of a run where its number does not lead the table's key. */
  readonly where?: string;
}

const TABLES: { readonly [K in RunTable]: TableRead<RunTables[K]> } = {
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
    key: [
      ['node', 'node', ''],
      ['generation', 'generation', 0],
      ['attempt', 'attempt', 0],
    ],
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

/** Rows of one table of a run, in the order of the key. */
export async function* rowsOfRun<K extends RunTable>(
  reader: Reader,
  run: number,
  table: K,
): AsyncGenerator<RunTables[K], void, undefined> {
  const { name, codec, key, where = 'true' } = TABLES[table] as unknown as TableRead<RunTables[K]>;
  const columns = key.map(([column]) => `t.${column}`).join(', ');
  const places = key.map(() => '?').join(', ');
  const sql = `select cast(${codec.expression('t')} as blob) from ${name} t
    where t.run = ? and ${where} and (${columns}) > (${places}) order by ${columns} limit ${PAGE}`;
  let after: InValue[] = key.map(([, , first]) => first);
  for (;;) {
    const rows = await reader.jsonRows(sql, [run, ...after]);
    const records = rows.map(codec.toRecord);
    yield* records;
    const last = records.at(-1);
    if (last === undefined || records.length < PAGE) return;
    after = key.map(([, field]) => last[field] as InValue);
  }
}
