/** Reads of schedules. Everything comes from the disk, over a connection that cannot write. */
import type { ScheduleRecord, ScheduleRows } from '../actors/ports.js';
import type { Reader } from './reader.js';
import { SCHEDULE } from './rows.js';

const SELECT = `select cast(${SCHEDULE.expression('s')} as blob) from schedules s`;
const FIND = `${SELECT} where s.id = ?`;
const LIST = `${SELECT} where s.id > ? order by s.id limit ?`;
const DUE = `${SELECT} where s.due_at <= ? order by s.due_at, s.id limit ?`;
const NEXT_DUE = 'select cast(json_array(min(due_at)) as blob) from schedules where due_at > ?';
const NEWEST_RUN = 'select cast(json_array(max(id)) as blob) from runs where id >= ? and id < ?';

export class SqliteSchedules implements ScheduleRows {
  readonly #reader: Reader;

  constructor(reader: Reader) {
    this.#reader = reader;
  }

  async find(id: string): Promise<ScheduleRecord | undefined> {
    const [row] = await this.#reader.jsonRows(FIND, [id]);
    return row === undefined ? undefined : SCHEDULE.toRecord(row);
  }

  async list(after: string, limit: number): Promise<readonly ScheduleRecord[]> {
    return (await this.#reader.jsonRows(LIST, [after, limit])).map(SCHEDULE.toRecord);
  }

  async due(now: number, limit: number): Promise<readonly ScheduleRecord[]> {
    return (await this.#reader.jsonRows(DUE, [now, limit])).map(SCHEDULE.toRecord);
  }

  async nextDue(now: number): Promise<number | undefined> {
    const [row] = await this.#reader.jsonRows(NEXT_DUE, [now]);
    return (row as [number | null])[0] ?? undefined;
  }

  async newestRun(from: string, before: string): Promise<string | undefined> {
    const [row] = await this.#reader.jsonRows(NEWEST_RUN, [from, before]);
    return (row as [string | null])[0] ?? undefined;
  }
}
