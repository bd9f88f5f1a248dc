/** What people are asked, and what they answered. */
import { and, asc, eq, gt, inArray, isNotNull, type SQL, sql } from 'drizzle-orm';
import type { Principal } from '../actors/records.js';
import { isFinal, RUN_STATUSES } from '../machines/statuses.js';
import { MAX_PAGE_ROWS, type TaskRows } from '../storage/run-rows.js';
import type { Reader } from './reader.js';
import { RESPONSE, TASK } from './rows.js';
import { isOfTenant } from './run-list.js';
import * as tables from './schema.js';
import { select } from './selection.js';

const LIVE = RUN_STATUSES.filter((status) => !isFinal(status));

/** Tasks of runs of a tenant. Only a run that has not ended has open ones. */
function isTaskOfTenant(tenant: string | undefined, status: string | undefined): SQL | undefined {
  const condition = isOfTenant(tenant);
  if (condition === undefined) return undefined;
  const isLive = status === 'open' ? sql`and status in ${LIVE}` : sql``;
  return sql`${tables.tasks.run} in (select run from runs where ${condition} ${isLive})`;
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
  return sql`(not ${member('excluded', [name])} and not ${member('givenBy', [name])}
    and not exists (select 1 from responses p
      where p.run = ${tasks.run} and p.task = ${tasks.id} and p.responder = ${name})
    and (${tasks.assignee} = ${name} or (${tasks.assignee} is null
      and (${isForAll} or ${member('responders', [name])} or ${member('groups', groups)}))))`;
}

export function taskRows(reader: Reader): TaskRows {
  return {
    listTasks(page) {
      const { status, run, assignee, answerableBy, limit, after, tenant } = page;
      const { tasks } = tables;
      return select(reader, {
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
    },
    responses(run, task) {
      const { responses } = tables;
      return select(reader, {
        table: responses,
        codec: RESPONSE,
        where: and(eq(responses.run, run), eq(responses.task, task)),
        order: [asc(responses.at), asc(responses.id)],
        limit: MAX_PAGE_ROWS,
      });
    },
    tasksWithIssues(run, limit = MAX_PAGE_ROWS) {
      const { tasks } = tables;
      return select(reader, {
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
    },
  };
}
