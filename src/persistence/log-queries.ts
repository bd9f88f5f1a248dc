/**
 * The log of all runs, in the order in which turns became durable. Invariants: 1. a page is one state of
 * the database; 2. a page goes on from the last event that was given, whatever was added meanwhile.
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
  r.parent_id is not null or r.past_plans_json is not null, ${EVENT.expression('e')})`;

// The joins stand in the order of the work: turns by their index, the events of each by their key.
const LOG_AFTER = `select cast(${ROW} as blob) from checkpoints c
  cross join runs r on r.run = c.run and ${TOLD}
  cross join run_events e on e.run = c.run and e.seq <= c.seq and e.seq > max(r.trimmed_to,
    coalesce((select max(p.seq) from checkpoints p where p.run = c.run and p.seq < c.seq), 0))
  where c.turn >= ?1 and c.turn <= ?3 and (c.turn > ?1 or e.seq > ?2)
  order by c.turn, e.seq limit ?4`;

const RUN_LOG_AFTER = `select cast(${ROW} as blob) from run_events e
  cross join runs r on r.run = e.run and ${TOLD}
  cross join checkpoints c on c.run = e.run
    and c.seq = (select min(p.seq) from checkpoints p where p.run = e.run and p.seq >= e.seq)
  where e.run = ?1 and e.seq > ?2 and e.seq > r.trimmed_to order by e.seq limit ?3`;

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

  async logAfter(after: LogPosition, limit: number): Promise<LogPage> {
    const newest = await this.newestTurn();
    if (newest < after.turn) return { events: [], upTo: after, isLast: true };
    const rows = await this.#reader.jsonRows(LOG_AFTER, [after.turn, after.seq, newest, limit]);
    const events = rows.map(toLogged);
    const last = events.at(-1);
    if (last !== undefined && events.length === limit) {
      return { events, upTo: { turn: last.turn, seq: last.event.seq }, isLast: false };
    }
    return { events, upTo: endOf(newest), isLast: true };
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

function toLogged(row: unknown): LoggedEvent {
  const [turn, runId, planHash, metadataJson, correlation, hasOtherPlans, event] = row as [
    number,
    string,
    string,
    string | null,
    string,
    0 | 1,
    unknown,
  ];
  const known = { runId, planHash, metadataJson, correlation };
  return { turn, ...known, hasOtherPlans: hasOtherPlans === 1, event: EVENT.toRecord(event) };
}
