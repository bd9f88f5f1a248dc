/**
 * What lies on disk between two lives of the child. Invariant: the files themselves are only copied,
 * never opened, so that the next life finds them as the kill left them.
 */
import { copyFileSync, existsSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { type Client, createClient } from '@libsql/client/sqlite3';
import { Reader } from '../../src/persistence/reader.js';
import { verifyRun } from '../../src/persistence/verify.js';

interface RunRow {
  readonly run: number;
  readonly id: string;
  readonly status: string;
  readonly concurrency: number;
}

export interface EventRow {
  readonly run: number;
  readonly seq: number;
  readonly type: string;
  readonly node: string | null;
  readonly attempt: number | null;
  readonly detail_json: string;
  readonly at: number;
}

export interface NodeRunRow {
  readonly run: number;
  readonly node: string;
  readonly status: string;
  readonly output_json: string | null;
  readonly outcome: string | null;
  readonly edges: string;
}

interface AttemptRow {
  readonly run: number;
  readonly node: string;
  readonly generation: number;
  readonly attempt: number;
  readonly outcome: string | null;
}

interface ResponseRow {
  readonly task: string;
  readonly run: number;
  readonly outcome: string;
}

/** All that the checks need, as plain rows. */
export interface Picture {
  readonly runs: readonly RunRow[];
  readonly events: readonly EventRow[];
  readonly nodeRuns: readonly NodeRunRow[];
  readonly attempts: readonly AttemptRow[];
  readonly responses: readonly ResponseRow[];
  readonly openTasks: number;
  readonly timers: number;
  readonly turns: ReadonlySet<number>;
  readonly integrity: string;
  /** Findings of the product's own verification of the history. */
  readonly damage: readonly string[];
}

const EMPTY: Picture = {
  runs: [],
  events: [],
  nodeRuns: [],
  attempts: [],
  responses: [],
  openTasks: 0,
  timers: 0,
  turns: new Set(),
  integrity: 'ok',
  damage: [],
};

export async function takePicture(database: string, folder: string): Promise<Picture> {
  if (!existsSync(database)) return EMPTY;
  const copy = join(mkdtempSync(join(folder, 'picture-')), 'runs.db');
  for (const suffix of ['', '-wal']) {
    if (existsSync(database + suffix)) copyFileSync(database + suffix, copy + suffix);
  }
  const client = createClient({ url: `file:${copy}`, concurrency: 1 });
  try {
    const { rows } = await client.execute("select 1 from sqlite_master where name = 'checkpoints'");
    if (rows.length === 0) return EMPTY;
    return await readPicture(client, copy);
  } finally {
    client.close();
  }
}

async function readPicture(client: Client, copy: string): Promise<Picture> {
  const read = async <R>(sql: string): Promise<R[]> => {
    const { rows } = await client.execute(sql);
    return rows as unknown as R[];
  };
  const runs = await read<RunRow>('select run, id, status, concurrency from runs order by run');
  const [integrity] = await read<{ integrity_check: string }>('pragma integrity_check');
  const turns = await read<{ turn: number }>('select turn from checkpoints');
  const [open] = await read<{ n: number }>("select count(*) n from tasks where status = 'open'");
  const [timers] = await read<{ n: number }>('select count(*) n from timers');
  return {
    runs,
    events: await read<EventRow>('select * from run_events order by run, seq'),
    nodeRuns: await read<NodeRunRow>('select * from node_runs'),
    attempts: await read<AttemptRow>('select * from attempts'),
    responses: await read<ResponseRow>('select task, run, outcome from responses'),
    openTasks: open?.n ?? 0,
    timers: timers?.n ?? 0,
    turns: new Set(turns.map(({ turn }) => turn)),
    integrity: integrity?.integrity_check ?? 'nothing said',
    damage: await verifyAll(copy, runs),
  };
}

async function verifyAll(copy: string, runs: readonly RunRow[]): Promise<string[]> {
  const reader = new Reader(copy);
  try {
    const damage: string[] = [];
    for (const { id, run } of runs) {
      const { findings } = await verifyRun(reader, run);
      damage.push(...findings.map(({ code, seq, message }) => `${id}/${seq} ${code}: ${message}`));
    }
    return damage;
  } finally {
    reader.close();
  }
}
