/**
 * Lists and single views for people and programs. Invariants: 1. every list has a limit; 2. a page goes
 * on from the last row that was given, so that rows added meanwhile neither repeat nor shift others.
 */

import type { InValue } from '@libsql/client/sqlite3';
import {
  and,
  asc,
  desc,
  eq,
  getTableColumns,
  gt,
  gte,
  inArray,
  isNotNull,
  lt,
  type SQL,
  type SQLWrapper,
  sql,
} from 'drizzle-orm';
import { QueryBuilder, type SQLiteTable } from 'drizzle-orm/sqlite-core';
import type {
  ActorVersionRecord,
  ArtifactRecord,
  AttemptRecord,
  CheckpointRecord,
  EventRecord,
  NodeRunRecord,
  Principal,
  ResponseRecord,
  RunRecord,
  RunTable,
  RunTables,
  SignalRecord,
  TaskRecord,
} from '../actors/records.js';
import { DEFAULT_TENANT } from '../actors/tenant.js';
import { isFinal, RUN_STATUSES, type RunStatus } from '../machines/statuses.js';
import { namedPayloads } from './named-payloads.js';
import type { Reader } from './reader.js';
import {
  ACTOR_VERSION,
  ARTIFACT,
  ATTEMPT,
  CHECKPOINT,
  EVENT,
  NODE_RUN,
  PAST_NODE_RUN,
  RESPONSE,
  type RowCodec,
  RUN,
  SIGNAL,
  TASK,
} from './rows.js';
import { keysOfRun, type RowKey, type RowRange, rowsOfRun } from './run-tables.js';
import { type StoredTurn, turnsOfRun } from './run-turns.js';
import * as tables from './schema.js';
import { type Verification, verifyRun } from './verify.js';

const NEWEST_SEQ =
  'select cast(json_array(coalesce(max(seq), 0)) as blob) from checkpoints where run = ?';

const LAST_TURN_BEFORE = `select cast(json_array(coalesce(max(seq), 0)) as blob) from checkpoints
  where run = ? and seq < ?`;
const ANCHOR_BEFORE = `select cast(json_array(coalesce((
    select seq from checkpoints c where c.run = ?1 and c.at <= ?2 and c.turn <= ?3 and c.seq <= ?4
      and c.seq < (select max(seq) from checkpoints where run = ?1)
    order by c.seq desc limit 1), 0)) as blob)`;

const USES_PLAN = `select cast(json_array(1) as blob) from runs
  where instr(id, '~') > 0 and substr(id, 1, instr(id, '~')) = ? and plan_hash = ? limit 1`;

const COUNT_EVENTS =
  'select cast(json_array(count(*)) as blob) from run_events where run = ? and type = ?';

/** A limit of -1 is none. */
const versionsAt = (further: string) => `select cast(${ACTOR_VERSION.expression('v')} as blob)
  from actor_versions v
  where v.run = ?1 ${further} and v.seq = (
    select max(w.seq) from actor_versions w
    where w.run = v.run and w.actor = v.actor and w.seq <= ?2)
  order by v.actor limit ?3`;
const VERSIONS_AT = versionsAt('');
const VERSIONS_AT_AFTER = versionsAt('and v.actor > ?4');

/** The list goes first: each of its actors is one look into the primary key. */
const VERSIONS_BETWEEN = `select cast(${ACTOR_VERSION.expression('v')} as blob)
  from json_each(?4) a cross join actor_versions v
  where v.run = ?1 and v.actor = a.value and v.seq > ?2 and v.seq <= ?3`;

/** Runs that have not ended, by status; open tasks; armed timers. */
export interface Tallies {
  readonly runs: Partial<Record<RunStatus, number>>;
  readonly openTasks: number;
  readonly timers: number;
}

const LIVE_STATUSES = RUN_STATUSES.filter((status) => !isFinal(status));
const TALLIES = `select cast(json_array(
    (select json_group_object(status, n) from (
      select status, count(*) as n from runs
      where status in (select value from json_each(?)) group by status)),
    (select count(*) from tasks where status = 'open'),
    (select count(*) from timers)) as blob)`;

/** Runs that are on their way in or out are there for nobody. */
const VISIBLE = gte(tables.runs.trimmedTo, 0);

const TENANT_OF_RUN = sql`substr(id, 1, instr(id, '~'))`;
const LIVE = RUN_STATUSES.filter((status) => !isFinal(status));

/** The runs of a tenant, by an index that has no others; those of none are passed on the way. */
function isOfTenant(tenant: string | undefined): SQL | undefined {
  if (tenant === undefined) return undefined;
  if (tenant === DEFAULT_TENANT) return sql`instr(id, '~') = 0`;
  return sql`instr(id, '~') > 0 and ${TENANT_OF_RUN} = ${`${tenant}~`}`;
}

/** Tasks of runs of a tenant. Only a run that has not ended has open ones. */
function isTaskOfTenant(tenant: string | undefined, status: string | undefined): SQL | undefined {
  const condition = isOfTenant(tenant);
  if (condition === undefined) return undefined;
  const isLive = status === 'open' ? sql`and status in ${LIVE}` : sql``;
  return sql`${tables.tasks.run} in (select run from runs where ${condition} ${isLive})`;
}
/** Of turns and events: no bound. */
const ANY = Number.MAX_SAFE_INTEGER;

/** Most rows that one call gives. */
export const MAX_PAGE_ROWS = 1_000;

export interface RunPage {
  readonly status?: RunStatus;
  readonly limit: number;
  /** Number of the run that ended the page before. */
  readonly before?: number;
  /** Only those of this tenant; the empty text is the default tenant. */
  readonly tenant?: string | undefined;
}

export interface TaskPage {
  readonly status?: TaskRecord['status'];
  readonly run?: number;
  readonly assignee?: string;
  /** Only those that he may answer, as far as their rows say. */
  readonly answerableBy?: Principal;
  readonly limit: number;
  /** Id of the task that ended the page before. */
  readonly after?: string;
  /** Only those of this tenant; the empty text is the default tenant. */
  readonly tenant?: string | undefined;
}

/** Names an attempt among those of its run. */
export type AttemptKey = Pick<AttemptRecord, 'node' | 'generation' | 'attempt'>;

export interface AttemptPage {
  /** Path of the one node that is asked for. */
  readonly node?: string;
  /** The attempt that ended the page before. */
  readonly after?: AttemptKey;
  readonly limit?: number;
}

/** Rows whose key of several columns comes after `key`; all of them where there is none. */
function later(
  columns: readonly SQLWrapper[],
  key: readonly (string | number)[] | undefined,
): SQL | undefined {
  if (key === undefined) return undefined;
  const values = key.map((value) => sql`${value}`);
  return sql`(${sql.join([...columns], sql`, `)}) > (${sql.join(values, sql`, `)})`;
}

function pastKey(row: Pick<NodeRunRecord, 'node' | 'generation'> | undefined) {
  return row && ([row.node, row.generation] as const);
}

interface Selection<R> {
  readonly table: SQLiteTable;
  readonly codec: RowCodec<R>;
  readonly where?: SQL | undefined;
  readonly order: readonly SQL[];
  readonly limit: number;
}

/** Actors by name, those after `after`; the run's own has the empty name and goes first. */
export interface VersionPage {
  readonly after?: string | undefined;
  readonly limit?: number;
}

export interface EventRange {
  readonly after: number;
  readonly upTo: number;
}

export interface ArtifactVersion {
  readonly name: string;
  readonly version: number;
}

export class RunQueries {
  readonly #reader: Reader;
  readonly #builder = new QueryBuilder();

  constructor(reader: Reader) {
    this.#reader = reader;
  }

  /** Newest first. */
  listRuns({ status, limit, before, tenant }: RunPage): Promise<RunRecord[]> {
    const { runs } = tables;
    return this.#select({
      table: runs,
      codec: RUN,
      where: and(
        VISIBLE,
        isOfTenant(tenant),
        status === undefined ? undefined : eq(runs.status, status),
        before === undefined ? undefined : lt(runs.run, before),
      ),
      order: [desc(runs.run)],
      limit,
    });
  }

  async getRun(id: string): Promise<RunRecord | undefined> {
    const { runs } = tables;
    const [run] = await this.#select({
      table: runs,
      codec: RUN,
      where: and(eq(runs.id, id), VISIBLE),
      order: [],
      limit: 1,
    });
    return run;
  }

  /** Runs that are on their way in or out, by number. */
  hiddenRuns(after: number): Promise<RunRecord[]> {
    const { runs } = tables;
    return this.#select({
      table: runs,
      codec: RUN,
      where: and(lt(runs.trimmedTo, 0), gt(runs.run, after)),
      order: [asc(runs.run)],
      limit: MAX_PAGE_ROWS,
    });
  }

  namedPayloads(digests: readonly string[]): Promise<ReadonlySet<string>> {
    return namedPayloads(this.#reader, digests);
  }

  /** By number, the oldest first. */
  runsAfter(after: number): Promise<RunRecord[]> {
    const { runs } = tables;
    return this.#select({
      table: runs,
      codec: RUN,
      where: and(gt(runs.run, after), VISIBLE),
      order: [asc(runs.run)],
      limit: MAX_PAGE_ROWS,
    });
  }

  /** A run that is on its way in or out. */
  async getHiddenRun(id: string): Promise<RunRecord | undefined> {
    const { runs } = tables;
    const where = and(eq(runs.id, id), lt(runs.trimmedTo, 0));
    const [run] = await this.#select({ table: runs, codec: RUN, where, order: [], limit: 1 });
    return run;
  }

  /** What is there now; runs that have ended are left out, so that it takes no longer the more there were. */
  async tallies(): Promise<Tallies> {
    const [row] = await this.#reader.jsonRows(TALLIES, [JSON.stringify(LIVE_STATUSES)]);
    const [runs, openTasks, timers] = row as [Tallies['runs'], number, number];
    return { runs, openTasks, timers };
  }

  /** How many runs there are in each status. */
  async countRuns(): Promise<Partial<Record<RunStatus, number>>> {
    const rows = await this.#reader.jsonRows(
      'select cast(json_array(status, count(*)) as blob) from runs where trimmed_to >= 0 group by status',
    );
    return Object.fromEntries(rows as [RunStatus, number][]);
  }

  /** By path. `after` is the path that ended the page before; `scope` limits them to one scope. */
  listNodeRuns(
    run: number,
    after = '',
    limit = MAX_PAGE_ROWS,
    scope?: string,
  ): Promise<NodeRunRecord[]> {
    const { nodeRuns } = tables;
    return this.#select({
      table: nodeRuns,
      codec: NODE_RUN,
      where: and(
        eq(nodeRuns.run, run),
        gt(nodeRuns.node, after),
        scope === undefined ? undefined : eq(nodeRuns.scope, scope),
      ),
      order: [asc(nodeRuns.node)],
      limit,
    });
  }

  /** Whether a run of a tenant that has a name has the plan now. */
  async usesPlan(tenant: string, hash: string): Promise<boolean> {
    const [row] = await this.#reader.jsonRows(USES_PLAN, [`${tenant}~`, hash]);
    return row !== undefined;
  }

  async getNodeRun(run: number, node: string): Promise<NodeRunRecord | undefined> {
    const { nodeRuns } = tables;
    const where = and(eq(nodeRuns.run, run), eq(nodeRuns.node, node));
    const [found] = await this.#select({
      table: nodeRuns,
      codec: NODE_RUN,
      where,
      order: [],
      limit: 1,
    });
    return found;
  }

  /** Events with a number above `after`, in order. */
  events(run: number, after: number, limit: number): Promise<EventRecord[]> {
    const { runEvents } = tables;
    return this.#select({
      table: runEvents,
      codec: EVENT,
      where: and(eq(runEvents.run, run), gt(runEvents.seq, after)),
      order: [asc(runEvents.seq)],
      limit,
    });
  }

  /** Generations of node runs that are over, by path; `after` is the last row of the page before. */
  pastNodeRuns(
    run: number,
    after?: Pick<NodeRunRecord, 'node' | 'generation'>,
    limit = MAX_PAGE_ROWS,
  ): Promise<NodeRunRecord[]> {
    const { pastNodeRuns: table } = tables;
    return this.#select({
      table,
      codec: PAST_NODE_RUN,
      where: and(eq(table.run, run), later([table.node, table.generation], pastKey(after))),
      order: [asc(table.node), asc(table.generation)],
      limit,
    });
  }

  /** Events of one type with a number above `after`, in order. */
  eventsOfType(run: number, type: string, limit: number, after = 0): Promise<EventRecord[]> {
    const { runEvents } = tables;
    return this.#select({
      table: runEvents,
      codec: EVENT,
      where: and(eq(runEvents.run, run), eq(runEvents.type, type), gt(runEvents.seq, after)),
      order: [asc(runEvents.seq)],
      limit,
    });
  }

  /** How many events of one type there are. */
  async countEvents(run: number, type: string): Promise<number> {
    const [row] = await this.#reader.jsonRows(COUNT_EVENTS, [run, type]);
    return (row as [number])[0];
  }

  /** Oldest first. */
  checkpoints(run: number, after: number, limit: number): Promise<CheckpointRecord[]> {
    const { checkpoints } = tables;
    return this.#select({
      table: checkpoints,
      codec: CHECKPOINT,
      where: and(eq(checkpoints.run, run), gt(checkpoints.seq, after)),
      order: [asc(checkpoints.seq)],
      limit,
    });
  }

  /** Number of the newest event of a run. */
  async newestSeq(run: number): Promise<number> {
    const [row] = await this.#reader.jsonRows(NEWEST_SEQ, [run]);
    return (row as [number])[0];
  }

  /** Number of the last event of the newest turn that ended before event `seq`; 0 where there is none. */
  async lastTurnBefore(run: number, seq: number): Promise<number> {
    const [row] = await this.#reader.jsonRows(LAST_TURN_BEFORE, [run, seq]);
    return (row as [number])[0];
  }

  /** The checkpoint of the turn that event `seq` belongs to. */
  async checkpointOf(run: number, seq: number): Promise<CheckpointRecord | undefined> {
    const [found] = await this.checkpoints(run, seq - 1, 1);
    return found;
  }

  /** Event number of the newest checkpoint within these bounds, but for the run's newest; 0 for none. */
  async anchorBefore(run: number, at: number, turn = ANY, seq = ANY): Promise<number> {
    const [row] = await this.#reader.jsonRows(ANCHOR_BEFORE, [run, at, turn, seq]);
    return (row as [number])[0];
  }

  /** Of each actor of a run, the newest snapshot that is not after event `seq`. */
  async versionsAt(
    run: number,
    seq: number,
    page: VersionPage = {},
  ): Promise<ActorVersionRecord[]> {
    const { after, limit = -1 } = page;
    return after === undefined
      ? this.#reader.records(ACTOR_VERSION, VERSIONS_AT, [run, seq, limit])
      : this.#reader.records(ACTOR_VERSION, VERSIONS_AT_AFTER, [run, seq, limit, after]);
  }

  /** All snapshots of these actors whose event is after `after` and not after `upTo`. */
  async versionsBetween(
    run: number,
    { after, upTo }: EventRange,
    actors: readonly string[],
  ): Promise<ActorVersionRecord[]> {
    const args = [run, after, upTo, JSON.stringify(actors)];
    return this.#reader.records(ACTOR_VERSION, VERSIONS_BETWEEN, args);
  }

  /** Attempts of one node, oldest first. */
  attempts(run: number, node: string, limit = MAX_PAGE_ROWS): Promise<AttemptRecord[]> {
    const { attempts } = tables;
    return this.#select({
      table: attempts,
      codec: ATTEMPT,
      where: and(eq(attempts.run, run), eq(attempts.node, node)),
      order: [asc(attempts.generation), asc(attempts.attempt)],
      limit,
    });
  }

  async attempt(
    run: number,
    { node, generation, attempt }: Pick<AttemptRecord, 'node' | 'generation' | 'attempt'>,
  ): Promise<AttemptRecord | undefined> {
    const { attempts } = tables;
    const [found] = await this.#select({
      table: attempts,
      codec: ATTEMPT,
      where: and(
        eq(attempts.run, run),
        eq(attempts.node, node),
        eq(attempts.generation, generation),
        eq(attempts.attempt, attempt),
      ),
      order: [],
      limit: 1,
    });
    return found;
  }

  /** Attempts of all nodes, or of one, by node, oldest first. */
  listAttempts(
    run: number,
    { node, after, limit = MAX_PAGE_ROWS }: AttemptPage = {},
  ): Promise<AttemptRecord[]> {
    const { attempts: table } = tables;
    return this.#select({
      table,
      codec: ATTEMPT,
      where: and(
        eq(table.run, run),
        node === undefined ? undefined : eq(table.node, node),
        later(
          [table.node, table.generation, table.attempt],
          after && [after.node, after.generation, after.attempt],
        ),
      ),
      order: [asc(table.node), asc(table.generation), asc(table.attempt)],
      limit,
    });
  }

  /** By id, which for ids that grow with time is oldest first. */
  listTasks(page: TaskPage): Promise<TaskRecord[]> {
    const { status, run, assignee, answerableBy, limit, after, tenant } = page;
    const { tasks } = tables;
    return this.#select({
      table: tasks,
      codec: TASK,
      where: and(
        status === undefined ? undefined : eq(tasks.status, status),
        run === undefined ? isTaskOfTenant(tenant, status) : eq(tasks.run, run),
        assignee === undefined ? undefined : eq(tasks.assignee, assignee),
        answerableBy === undefined ? undefined : isAnswerableBy(answerableBy),
        after === undefined ? undefined : gt(tasks.id, after),
      ),
      order: [asc(tasks.id)],
      limit,
    });
  }

  responses(run: number, task: string): Promise<ResponseRecord[]> {
    const { responses } = tables;
    return this.#select({
      table: responses,
      codec: RESPONSE,
      where: and(eq(responses.run, run), eq(responses.task, task)),
      order: [asc(responses.at), asc(responses.id)],
      limit: MAX_PAGE_ROWS,
    });
  }

  /** Every generation of a node run, the past ones and the present one, oldest first. */
  async generations(run: number, node: string): Promise<NodeRunRecord[]> {
    const of = (table: typeof tables.nodeRuns | typeof tables.pastNodeRuns, codec = NODE_RUN) =>
      this.#select({
        table,
        codec,
        where: and(eq(table.run, run), eq(table.node, node)),
        order: [asc(table.generation)],
        limit: MAX_PAGE_ROWS,
      });
    const [past, present] = await Promise.all([of(tables.pastNodeRuns), of(tables.nodeRuns)]);
    return [...past, ...present];
  }

  /** Attempts that have issues, by node, oldest first. */
  attemptsWithIssues(run: number, limit = MAX_PAGE_ROWS): Promise<AttemptRecord[]> {
    const { attempts } = tables;
    return this.#select({
      table: attempts,
      codec: ATTEMPT,
      where: and(eq(attempts.run, run), isNotNull(attempts.issuesJson)),
      order: [asc(attempts.node), asc(attempts.generation), asc(attempts.attempt)],
      limit,
    });
  }

  /** Tasks whose answer had issues, oldest first. */
  tasksWithIssues(run: number, limit = MAX_PAGE_ROWS): Promise<TaskRecord[]> {
    const { tasks } = tables;
    return this.#select({
      table: tasks,
      codec: TASK,
      where: and(
        // As the index has it.
        inArray(tasks.status, ['answered', 'expired']),
        eq(tasks.run, run),
        isNotNull(tasks.issuesJson),
      ),
      order: [asc(tasks.id)],
      limit,
    });
  }

  /** Signals of a run in the order in which they came, those after number `after`. */
  signals(
    run: number,
    after = Number.MIN_SAFE_INTEGER,
    limit = MAX_PAGE_ROWS,
  ): Promise<SignalRecord[]> {
    const { signals } = tables;
    return this.#select({
      table: signals,
      codec: SIGNAL,
      where: and(eq(signals.run, run), gt(signals.seq, after)),
      order: [asc(signals.seq)],
      limit,
    });
  }

  /** Runs that subplans of this run are, by number. */
  childrenOf(id: string, after: number): Promise<RunRecord[]> {
    const { runs } = tables;
    return this.#select({
      table: runs,
      codec: RUN,
      where: and(eq(runs.parentId, id), gt(runs.run, after), VISIBLE),
      order: [asc(runs.run)],
      limit: MAX_PAGE_ROWS,
    });
  }

  /** All rows of one table of a run, in the order of their keys. */
  rowsOf<K extends RunTable>(run: number, table: K): AsyncIterable<RunTables[K]> {
    return rowsOfRun(this.#reader, run, table);
  }

  /** Pages of keys of a run's rows, as they are named where they are removed. */
  keysOf(
    run: number,
    table: RunTable,
    range: RowRange,
    limit: number,
  ): AsyncIterable<readonly RowKey[]> {
    return keysOfRun(this.#reader, run, table, range, limit);
  }

  /** The turns of a run after an event, with their events and snapshots. */
  turnsOf(run: number, after: number): AsyncIterable<StoredTurn> {
    return turnsOfRun(this.#reader, run, after);
  }

  /** Checks the history of a run against its hash chain. */
  verifyChain(run: number): Promise<Verification> {
    return verifyRun(this.#reader, run);
  }

  /** One version of an artifact; the newest accepted one unless `version` is given. */
  async artifact(run: number, name: string, version?: number): Promise<ArtifactRecord | undefined> {
    const { artifacts } = tables;
    const which =
      version === undefined ? eq(artifacts.standing, 'accepted') : eq(artifacts.version, version);
    const [found] = await this.#select({
      table: artifacts,
      codec: ARTIFACT,
      where: and(eq(artifacts.run, run), eq(artifacts.name, name), which),
      order: [desc(artifacts.version)],
      limit: 1,
    });
    return found;
  }

  /** Versions of artifacts by name, then version; `after` is the one that ended the page before. */
  artifacts(
    run: number,
    after?: ArtifactVersion,
    limit = MAX_PAGE_ROWS,
  ): Promise<ArtifactRecord[]> {
    const { artifacts } = tables;
    return this.#select({
      table: artifacts,
      codec: ARTIFACT,
      where: and(
        eq(artifacts.run, run),
        later([artifacts.name, artifacts.version], after && [after.name, after.version]),
      ),
      order: [asc(artifacts.name), asc(artifacts.version)],
      limit,
    });
  }

  async #select<R>({ table, codec, where, order, limit }: Selection<R>): Promise<R[]> {
    const columns = Object.values(getTableColumns(table));
    const row = sql<ArrayBuffer>`cast(json_array(${sql.join(columns, sql`, `)}) as blob)`;
    const query = this.#builder
      .select({ row })
      .from(table)
      .where(where)
      .orderBy(...order)
      .limit(Math.min(Math.max(limit, 0), MAX_PAGE_ROWS))
      .toSQL();
    return this.#reader.records(codec, query.sql, query.params as InValue[]);
  }
}

/** As entitlement.ts decides it: not excluded, has not voted, and owns the task or is named by it. */
function isAnswerableBy({ name, groups }: Principal): SQL {
  const { tasks } = tables;
  const people = tasks.peopleJson;
  const member = (key: string, names: readonly string[]) =>
    sql`exists (select 1 from json_each(${people}, ${`$.${key}`}) e
      where e.value in (select value from json_each(${JSON.stringify(names)})))`;
  const isForAll = sql`(${people} is null or
    (${people} ->> '$.responders' is null and ${people} ->> '$.groups' is null))`;
  return sql`(${people} ->> '$.excluded' is not ${name}
    and not exists (select 1 from responses p
      where p.run = ${tasks.run} and p.task = ${tasks.id} and p.responder = ${name})
    and (${tasks.assignee} = ${name} or (${tasks.assignee} is null
      and (${isForAll} or ${member('responders', [name])} or ${member('groups', groups)}))))`;
}
