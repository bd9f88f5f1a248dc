/** What the actors read. Everything comes from the disk, over a connection that cannot write. */
import type { DeliveryRows } from '../actors/delivery-records.js';
import type { AccessRows, RunKeyRows, RunStore, ScheduleRows } from '../actors/ports.js';
import {
  type IdempotencyKeyRecord,
  PARENT_PAUSED,
  type RunRecord,
  type StoredRun,
  type TaskRecord,
  type TimerRecord,
} from '../actors/records.js';
import { SqliteAccess } from './access.js';
import { SqliteDeliveries } from './deliveries.js';
import { loadRun } from './load-run.js';
import type { Reader } from './reader.js';
import { IDEMPOTENCY_KEY, RUN, TASK, TIMER } from './rows.js';
import { SqliteRunKeys } from './run-keys.js';
import { SqliteSchedules } from './schedules.js';

const HIGH_WATER = `select cast(json_array(
  max(coalesce((select max(turn) from checkpoints), 0), coalesce((select turn from owner), 0)), coalesce((select max(run) from runs), 0)) as blob)`;

const POSITION_SECRET = 'select cast(json_array(position_secret) as blob) from owner';

const LOAD_PLAN = 'select cast(json_array(plan_json) as blob) from plans where hash = ?';

const FIND_RUN = 'select cast(json_array(run, start_digest) as blob) from runs where id = ?';

const FIND_TASK = `select cast(json_array(${TASK.expression('t')}, r.id) as blob)
  from tasks t join runs r on r.run = t.run where t.id = ?`;

// A run that is neither paused nor in one of these statuses has no attempt that is open.
const UNFINISHED_RUNS = `with chosen as materialized (
    select hash from plans where exists (select 1 from json_each(?3) m where instr(plan_json, m.value) > 0))
  select cast(json_array(r.id) as blob) from runs r
  where r.run > coalesce((select run from runs where id = ?1), 0) and (
    r.status in ('pending', 'ready', 'running')
    or r.status = 'paused' and exists (
      select 1 from node_runs n join attempts a on a.run = n.run and a.node = n.node
        and a.generation = n.generation and a.attempt = n.attempt
      where n.run = r.run and a.outcome is null)
    or r.status in ('awaiting-human', 'blocked', 'paused') and r.plan_hash in (select hash from chosen)
      and exists (select 1 from timers t where t.run = r.run))
  order by r.run limit ?2`;

// A child whose end, rest or pause its parent has not taken note of, or that has not heard of a pause of its
// parent's: the process stopped in between. What a parent has noted of a child is written by actors/run/child.ts.
const UNTOLD_CHILDREN = `select cast(${RUN.expression('c')} as blob) from runs c
  join runs p on p.id = c.parent_id
  join node_runs n on n.run = p.run and n.node = c.parent_node and n.status = 'running'
  where c.parent_id is not null and (c.status in ('completed', 'partial', 'failed', 'cancelled')
      or c.status in ('awaiting-human', 'blocked')
        and n.inside not in (c.id || ' ' || c.status, c.id || ' ' || c.status || ' exempt')
      or c.status = 'paused' and n.inside <> c.id || ' paused'
        || case when c.reason_json ->> 'code' = '${PARENT_PAUSED}' then ' shared' else '' end
      or c.status in ('running', 'awaiting-human', 'blocked')
        and p.status = 'paused' and n.inside not like '% exempt')
    and p.status not in ('completed', 'partial', 'failed', 'cancelled')
    and c.id > ?1 order by c.id limit ?2`;

// A run that was brought in has the times of the process that it comes from.
const NEWEST_TURN_AT = `select cast(json_array((
  select c.at from checkpoints c join runs r on r.run = c.run
  where r.origin_json is null or r.origin_json ->> 'type' <> 'import'
  order by c.turn desc limit 1)) as blob)`;

const DUE_TIMERS = `select cast(json_array(${TIMER.expression('t')}, r.id) as blob)
  from timers t join runs r on r.run = t.run where t.due_at <= ? order by t.due_at, t.id limit ?`;

const FIND_ANSWER = `select cast(${IDEMPOTENCY_KEY.expression('k')} as blob)
  from idempotency_keys k where k.run = 0 and k.key = ?`;

const NEXT_DUE = 'select cast(json_array(min(due_at)) as blob) from timers where due_at > ?';

export class SqliteRunStore implements RunStore {
  readonly schedules: ScheduleRows;
  readonly runKeys: RunKeyRows;
  readonly access: AccessRows;
  readonly deliveries: DeliveryRows;
  readonly #reader: Reader;

  constructor(reader: Reader) {
    this.#reader = reader;
    this.schedules = new SqliteSchedules(reader);
    this.runKeys = new SqliteRunKeys(reader);
    this.access = new SqliteAccess(reader);
    this.deliveries = new SqliteDeliveries(reader);
  }

  async highWater(): Promise<{ readonly turn: number; readonly run: number }> {
    const [row] = await this.#reader.jsonRows(HIGH_WATER);
    const [turn, run] = row as [number, number];
    return { turn, run };
  }

  async positionSecret(): Promise<string> {
    const [row] = await this.#reader.jsonRows(POSITION_SECRET);
    return (row as [string])[0];
  }

  async loadPlan(hash: string): Promise<string | undefined> {
    const [row] = await this.#reader.jsonRows(LOAD_PLAN, [hash]);
    return (row as [string] | undefined)?.[0];
  }

  async findRun(
    id: string,
  ): Promise<{ readonly run: number; readonly startDigest: string } | undefined> {
    const [row] = await this.#reader.jsonRows(FIND_RUN, [id]);
    if (row === undefined) return undefined;
    const [run, startDigest] = row as [number, string];
    return { run, startDigest };
  }

  loadRun(id: string): Promise<StoredRun | undefined> {
    return loadRun(this.#reader, id);
  }

  async findTask(id: string): Promise<(TaskRecord & { readonly runId: string }) | undefined> {
    const [row] = await this.#reader.jsonRows(FIND_TASK, [id]);
    if (row === undefined) return undefined;
    const [task, runId] = row as [unknown, string];
    return { ...this.#reader.record(TASK, task), runId };
  }

  async unfinishedRuns(
    after: string | undefined,
    limit: number,
    marks: readonly string[],
  ): Promise<readonly string[]> {
    const args = [after ?? '', limit, JSON.stringify(marks)];
    const rows = await this.#reader.jsonRows(UNFINISHED_RUNS, args);
    return rows.map((row) => (row as [string])[0]);
  }

  async untoldChildren(after: string, limit: number): Promise<readonly RunRecord[]> {
    return this.#reader.records(RUN, UNTOLD_CHILDREN, [after, limit]);
  }

  async lastTurnAt(): Promise<number | undefined> {
    const [row] = await this.#reader.jsonRows(NEWEST_TURN_AT);
    return (row as [number | null])[0] ?? undefined;
  }

  async dueTimers(
    now: number,
    limit: number,
  ): Promise<readonly (TimerRecord & { readonly runId: string })[]> {
    const rows = await this.#reader.jsonRows(DUE_TIMERS, [now, limit]);
    return rows.map((row) => {
      const [timer, runId] = row as [unknown, string];
      return { ...this.#reader.record(TIMER, timer), runId };
    });
  }

  async nextDue(now: number): Promise<number | undefined> {
    const [row] = await this.#reader.jsonRows(NEXT_DUE, [now]);
    return (row as [number | null])[0] ?? undefined;
  }

  async findAnswer(key: string): Promise<IdempotencyKeyRecord | undefined> {
    const [found] = await this.#reader.records(IDEMPOTENCY_KEY, FIND_ANSWER, [key]);
    return found;
  }

  close(): void {
    this.#reader.close();
  }
}
