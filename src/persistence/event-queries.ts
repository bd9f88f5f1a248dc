/** What happened in a run, and how its actors stood meanwhile. */
import { and, asc, eq, gt, sql } from 'drizzle-orm';
import { type EventRows, MAX_PAGE_ROWS } from '../storage/run-rows.js';
import type { Reader } from './reader.js';
import { ACTOR_VERSION, CHECKPOINT, EVENT, SIGNAL } from './rows.js';
import * as tables from './schema.js';
import { repeated, select } from './selection.js';

const NEWEST_SEQ =
  'select cast(json_array(coalesce(max(seq), 0)) as blob) from checkpoints where run = ?';
const LAST_TURN_BEFORE = `select cast(json_array(coalesce(max(seq), 0)) as blob) from checkpoints
  where run = ? and seq < ?`;
const ANCHOR_BEFORE = `select cast(json_array(coalesce((
    select seq from checkpoints c where c.run = ?1 and c.at <= ?2 and c.turn <= ?3 and c.seq <= ?4
      and c.seq < (select max(seq) from checkpoints where run = ?1)
    order by c.seq desc limit 1), 0)) as blob)`;

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

/** Of turns and events: no bound. */
const ANY = Number.MAX_SAFE_INTEGER;

const EVENTS_AFTER = repeated({
  table: tables.runEvents,
  codec: EVENT,
  where: and(
    eq(tables.runEvents.run, sql.placeholder('run')),
    gt(tables.runEvents.seq, sql.placeholder('after')),
  ),
  order: [asc(tables.runEvents.seq)],
  limit: sql.placeholder('limit'),
});

export function eventRows(reader: Reader): EventRows {
  const number = async (statement: string, args: readonly (string | number)[]) => {
    const [row] = await reader.jsonRows(statement, args);
    return (row as [number])[0];
  };
  const checkpoints = (run: number, after: number, limit: number) => {
    const { checkpoints } = tables;
    return select(reader, {
      table: checkpoints,
      codec: CHECKPOINT,
      where: and(eq(checkpoints.run, run), gt(checkpoints.seq, after)),
      order: [asc(checkpoints.seq)],
      limit,
    });
  };
  return {
    events: (run, after, limit) => EVENTS_AFTER(reader, { run, after, limit }),
    eventsOfType(run, type, limit, after = 0) {
      const { runEvents } = tables;
      return select(reader, {
        table: runEvents,
        codec: EVENT,
        where: and(eq(runEvents.run, run), eq(runEvents.type, type), gt(runEvents.seq, after)),
        order: [asc(runEvents.seq)],
        limit,
      });
    },
    countEvents: (run, type) => number(COUNT_EVENTS, [run, type]),
    checkpoints,
    async checkpointOf(run, seq) {
      const [found] = await checkpoints(run, seq - 1, 1);
      return found;
    },
    newestSeq: (run) => number(NEWEST_SEQ, [run]),
    lastTurnBefore: (run, seq) => number(LAST_TURN_BEFORE, [run, seq]),
    anchorBefore: (run, at, turn = ANY, seq = ANY) => number(ANCHOR_BEFORE, [run, at, turn, seq]),
    async versionsAt(run, seq, page = {}) {
      const { after, limit = -1 } = page;
      return after === undefined
        ? reader.records(ACTOR_VERSION, VERSIONS_AT, [run, seq, limit])
        : reader.records(ACTOR_VERSION, VERSIONS_AT_AFTER, [run, seq, limit, after]);
    },
    async versionsBetween(run, { after, upTo }, actors) {
      const args = [run, after, upTo, JSON.stringify(actors)];
      return reader.records(ACTOR_VERSION, VERSIONS_BETWEEN, args);
    },
    signals(run, after = Number.MIN_SAFE_INTEGER, limit = MAX_PAGE_ROWS) {
      const { signals } = tables;
      return select(reader, {
        table: signals,
        codec: SIGNAL,
        where: and(eq(signals.run, run), gt(signals.seq, after)),
        order: [asc(signals.seq)],
        limit,
      });
    },
  };
}
