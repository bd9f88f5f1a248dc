/** Node runs and their attempts. */
import { and, asc, eq, gt, isNotNull, sql } from 'drizzle-orm';
import type { NodeRunRecord, PastInputRecord } from '../actors/records.js';
import { type AttemptKey, MAX_PAGE_ROWS, type NodeRunRows } from '../storage/run-rows.js';
import type { Reader } from './reader.js';
import { ATTEMPT, NODE_RUN, PAST_INPUT, PAST_NODE_RUN } from './rows.js';
import * as tables from './schema.js';
import { later, repeated, select, selectOne } from './selection.js';

function pastKey(row: Pick<NodeRunRecord, 'node' | 'generation'> | undefined) {
  return row && ([row.node, row.generation] as const);
}

function generationOf({ node, generation }: AttemptKey): string {
  return `${generation}/${node}`;
}

const NODE_RUN_BY_PATH = repeated({
  table: tables.nodeRuns,
  codec: NODE_RUN,
  where: and(
    eq(tables.nodeRuns.run, sql.placeholder('run')),
    eq(tables.nodeRuns.node, sql.placeholder('node')),
  ),
  order: [],
  limit: 1,
});

const CLAIMED_RUNS = `select distinct r.id from attempts a join runs r on r.run = a.run
  where a.lease_json ->> 'claim' = ? and a.ended_at is null and a.lease_json is not null
  order by r.id limit 1000`;

/**
 * An input was replaced after the attempts that worked with it, or is that of the node run still. Each is read once,
 * under the newest of the attempts asked for that was given it.
 */
const INPUTS = `select cast(json_array(?1, k.node, k.generation, max(k.attempt), case
    when p.attempt is null then coalesce(n.input_json, g.input_json) else p.input_json end) as blob)
  from (select value->>0 as node, value->>1 as generation, value->>2 as attempt from json_each(?2)) k
  left join past_inputs p on p.run = ?1 and p.node = k.node and p.generation = k.generation
    and p.attempt = (select min(attempt) from past_inputs
      where run = ?1 and node = k.node and generation = k.generation and attempt >= k.attempt)
  left join node_runs n on n.run = ?1 and n.node = k.node and n.generation = k.generation
  left join past_node_runs g on g.run = ?1 and g.node = k.node and g.generation = k.generation
  group by k.node, k.generation, p.attempt
  order by k.node, k.generation, max(k.attempt)`;

export function nodeRunRows(reader: Reader): NodeRunRows {
  return {
    listNodeRuns(run, after = '', limit = MAX_PAGE_ROWS, scope) {
      const { nodeRuns } = tables;
      return select(reader, {
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
    },
    async getNodeRun(run, node) {
      const [found] = await NODE_RUN_BY_PATH(reader, { run, node });
      return found;
    },
    pastNodeRuns(run, after, limit = MAX_PAGE_ROWS) {
      const { pastNodeRuns: table } = tables;
      return select(reader, {
        table,
        codec: PAST_NODE_RUN,
        where: and(eq(table.run, run), later([table.node, table.generation], pastKey(after))),
        order: [asc(table.node), asc(table.generation)],
        limit,
      });
    },
    async generations(run, node) {
      const of = (table: typeof tables.nodeRuns | typeof tables.pastNodeRuns, codec = NODE_RUN) =>
        select(reader, {
          table,
          codec,
          where: and(eq(table.run, run), eq(table.node, node)),
          order: [asc(table.generation)],
          limit: MAX_PAGE_ROWS,
        });
      const [past, present] = await Promise.all([of(tables.pastNodeRuns), of(tables.nodeRuns)]);
      return [...past, ...present];
    },
    attempts(run, node, limit = MAX_PAGE_ROWS) {
      const { attempts } = tables;
      return select(reader, {
        table: attempts,
        codec: ATTEMPT,
        where: and(eq(attempts.run, run), eq(attempts.node, node)),
        order: [asc(attempts.generation), asc(attempts.attempt)],
        limit,
      });
    },
    async claimedRuns(claim) {
      const rows = await reader.cells(CLAIMED_RUNS, [claim]);
      return rows.map(([id]) => String(id));
    },
    async attempt(run, { node, generation, attempt }) {
      const { attempts } = tables;
      const found = await selectOne(reader, {
        table: attempts,
        codec: ATTEMPT,
        where: and(
          eq(attempts.run, run),
          eq(attempts.node, node),
          eq(attempts.generation, generation),
          eq(attempts.attempt, attempt),
        ),
      });
      return found;
    },
    listAttempts(run, { node, after, limit = MAX_PAGE_ROWS } = {}) {
      const { attempts: table } = tables;
      return select(reader, {
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
    },
    async inputsOf(run, attempts) {
      if (attempts.length === 0) return [];
      const keys = attempts.map(({ node, generation, attempt }) => [node, generation, attempt]);
      const found = await reader.records(PAST_INPUT, INPUTS, [run, JSON.stringify(keys)]);
      const known = new Map<string, PastInputRecord[]>();
      for (const row of found) {
        const own = known.get(generationOf(row));
        if (own === undefined) known.set(generationOf(row), [row]);
        else own.push(row);
      }
      return attempts.map((key) => {
        const given = known.get(generationOf(key))?.find(({ attempt }) => attempt >= key.attempt);
        return given?.inputJson ?? null;
      });
    },
    attemptsWithIssues(run, limit = MAX_PAGE_ROWS) {
      const { attempts } = tables;
      return select(reader, {
        table: attempts,
        codec: ATTEMPT,
        where: and(eq(attempts.run, run), isNotNull(attempts.issuesJson)),
        order: [asc(attempts.node), asc(attempts.generation), asc(attempts.attempt)],
        limit,
      });
    },
  };
}
