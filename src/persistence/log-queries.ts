/**
 * The log of all runs, in the order in which turns became durable. Invariants: 1. a page is one state of
 * the database; 2. a page goes on from the last event that was given, whatever was added meanwhile; 3. a page costs
 * no more than its limit, or so many turns, take: it may be empty and be followed by others.
 */
import type { LoggedEvent, LogPage, LogPosition, LogRows } from '../actors/delivery-records.js';
import type { Reader } from './reader.js';
import { EVENT } from './rows.js';

const NEWEST_TURN = 'select cast(json_array(coalesce(max(turn), 0)) as blob) from checkpoints';

/** Runs that are on their way out are there for nobody; what was imported did not happen here. */
const TOLD = `r.trimmed_to >= 0
  and (r.origin_json is null or r.origin_json ->> 'type' <> 'import')`;

/** As correlation.ts has it. */
const CORRELATION = `coalesce(r.settings_json ->> 'correlation', r.parent_id, r.id)`;

const ROW = `json_array(c.turn, r.id, r.plan_hash, r.metadata_json, ${CORRELATION},
  r.settings_json ->> 'trace',
  r.parent_id is not null or r.past_plans_json is not null, ${EVENT.expression('e')})`;

/** How far retention has come, with the tenant that is asked about as fifth parameter, or null. */
const TRIMMED = `select json_array(t.turn, t.seq) from log_trims t
  where ?5 is null or t.tenant = ?5 order by t.turn desc, t.seq desc limit 1`;
const TRIMMED_TO = `select cast(json_array((${TRIMMED.replaceAll('?5', '?1')})) as blob)`;

const IS_OF_TENANT = `(?5 is null or substr(r.id, 1, max(0, instr(r.id, '~') - 1)) = ?5)`;

// The joins stand in the order of the work: turns by their index, the events of each by their key.
const LOG_AFTER = `select cast(json_array(${ROW}, (${TRIMMED})) as blob) from checkpoints c
  cross join runs r on r.run = c.run and ${TOLD} and ${IS_OF_TENANT}
  cross join run_events e on e.run = c.run and e.seq <= c.seq and e.seq > max(r.trimmed_to,
    coalesce((select max(p.seq) from checkpoints p where p.run = c.run and p.seq < c.seq), 0))
  where c.turn >= ?1 and c.turn <= ?3 and (c.turn > ?1 or e.seq > ?2)
  order by c.turn, e.seq limit ?4`;

const RUN_LOG_AFTER = `select cast(${ROW} as blob) from run_events e
  cross join runs r on r.run = e.run and ${TOLD}
  cross join checkpoints c on c.run = e.run
    and c.seq = (select min(p.seq) from checkpoints p where p.run = e.run and p.seq >= e.seq)
  where e.run = ?1 and e.seq > ?2 and e.seq > r.trimmed_to order by e.seq limit ?3`;

/** Turns that a page of one tenant's looks through: those of others are among them. */
const MAX_TURNS = 2_000;

const PLAN_TITLE = 'select cast(json_array(title) as blob) from plans where hash = ?';

export class LogQueries implements LogRows {
  readonly #reader: Reader;

  constructor(reader: Reader) {
    this.#reader = reader;
  }

  async newestTurn(): Promise<number> {
    const [row] = await this.#reader.jsonRows(NEWEST_TURN);
    return (row as [number])[0];
  }

  async logAfter(after: LogPosition, limit: number, tenant?: string): Promise<LogPage> {
    const newest = await this.newestTurn();
    const end = tenant === undefined ? newest : Math.min(newest, after.turn + MAX_TURNS);
    const range = [after.turn, after.seq, end, limit, tenant ?? null];
    const rows = newest < after.turn ? [] : await this.#reader.jsonRows(LOG_AFTER, range);
    const events = rows.map((row) => toLogged((row as [unknown, unknown])[0]));
    const [first] = rows as readonly [unknown, string | null][];
    // What is read with the events is of the same state; where there are none nothing can be missed between.
    const trimmedTo = first === undefined ? await this.#trimmedTo(tenant) : toPosition(first[1]);
    const last = events.at(-1);
    if (last !== undefined && events.length === limit) {
      const upTo = { turn: last.turn, seq: last.event.seq };
      return { events, upTo, isLast: false, trimmedTo };
    }
    const upTo = newest < after.turn ? after : endOf(end);
    return { events, upTo, isLast: end === newest, trimmedTo };
  }

  async #trimmedTo(tenant: string | undefined): Promise<LogPosition> {
    const [row] = await this.#reader.jsonRows(TRIMMED_TO, [tenant ?? null]);
    return toPosition((row as [string | null])[0]);
  }

  async runLogAfter(run: number, seq: number, limit: number): Promise<readonly LoggedEvent[]> {
    return (await this.#reader.jsonRows(RUN_LOG_AFTER, [run, seq, limit])).map(toLogged);
  }

  async planTitle(hash: string): Promise<string | undefined> {
    const [row] = await this.#reader.jsonRows(PLAN_TITLE, [hash]);
    return (row as [string] | undefined)?.[0];
  }
}

/** Behind the last event of a turn. */
function endOf(turn: number): LogPosition {
  return { turn, seq: Number.MAX_SAFE_INTEGER };
}

/** A place as a JSON text; the beginning where there is none. */
function toPosition(json: string | null): LogPosition {
  const [turn, seq] = json === null ? [0, 0] : (JSON.parse(json) as [number, number]);
  return { turn, seq };
}

function toLogged(row: unknown): LoggedEvent {
  const [turn, runId, planHash, metadataJson, correlation, traceJson, hasOtherPlans, event] =
    row as [number, string, string, string | null, string, string | null, 0 | 1, unknown];
  const known = { runId, planHash, metadataJson, correlation, traceJson };
  return { turn, ...known, hasOtherPlans: hasOtherPlans === 1, event: EVENT.toRecord(event) };
}
