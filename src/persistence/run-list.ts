/** Which runs there are. Runs that are on their way in or out are there for nobody who does not ask for those. */
import { and, asc, desc, eq, gt, gte, lt, type SQL, sql } from 'drizzle-orm';
import { DEFAULT_TENANT } from '../actors/tenant.js';
import { isFinal, RUN_STATUSES } from '../machines/statuses.js';
import { MAX_PAGE_ROWS, type RunListRows, type Tallies } from '../storage/run-rows.js';
import type { Reader } from './reader.js';
import { RUN } from './rows.js';
import * as tables from './schema.js';
import { repeated, select, selectOne } from './selection.js';

const USES_PLAN = `select cast(json_array(1) as blob) from runs
  where instr(id, '~') > 0 and substr(id, 1, instr(id, '~')) = ? and plan_hash = ? limit 1`;

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

/** The runs of a tenant, by an index that has no others; those of none are passed on the way. */
export function isOfTenant(tenant: string | undefined): SQL | undefined {
  if (tenant === undefined) return undefined;
  if (tenant === DEFAULT_TENANT) return sql`instr(id, '~') = 0`;
  return sql`instr(id, '~') > 0 and ${TENANT_OF_RUN} = ${`${tenant}~`}`;
}

const RUN_BY_ID = repeated({
  table: tables.runs,
  codec: RUN,
  where: and(eq(tables.runs.id, sql.placeholder('id')), VISIBLE),
  order: [],
  limit: 1,
});

export function runListRows(reader: Reader): RunListRows {
  return {
    listRuns({ status, limit, before, tenant }) {
      const { runs } = tables;
      return select(reader, {
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
    },
    async getRun(id) {
      const [run] = await RUN_BY_ID(reader, { id });
      return run;
    },
    async getHiddenRun(id) {
      const { runs } = tables;
      const where = and(eq(runs.id, id), lt(runs.trimmedTo, 0));
      const run = await selectOne(reader, { table: runs, codec: RUN, where });
      return run;
    },
    hiddenRuns(after) {
      const { runs } = tables;
      return select(reader, {
        table: runs,
        codec: RUN,
        where: and(lt(runs.trimmedTo, 0), gt(runs.run, after)),
        order: [asc(runs.run)],
        limit: MAX_PAGE_ROWS,
      });
    },
    runsAfter(after) {
      const { runs } = tables;
      return select(reader, {
        table: runs,
        codec: RUN,
        where: and(gt(runs.run, after), VISIBLE),
        order: [asc(runs.run)],
        limit: MAX_PAGE_ROWS,
      });
    },
    childrenOf(id, after) {
      const { runs } = tables;
      return select(reader, {
        table: runs,
        codec: RUN,
        where: and(eq(runs.parentId, id), gt(runs.run, after), VISIBLE),
        order: [asc(runs.run)],
        limit: MAX_PAGE_ROWS,
      });
    },
    async usesPlan(tenant, hash) {
      const [row] = await reader.jsonRows(USES_PLAN, [`${tenant}~`, hash]);
      return row !== undefined;
    },
    async tallies() {
      const [row] = await reader.jsonRows(TALLIES, [JSON.stringify(LIVE_STATUSES)]);
      const [runs, openTasks, timers] = row as [Tallies['runs'], number, number];
      return { runs, openTasks, timers };
    },
  };
}
