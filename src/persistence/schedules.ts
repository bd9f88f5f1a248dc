/** Reads of schedules. Everything comes from the disk, over a connection that cannot write. */
import type { RunRange, ScheduleRecord, ScheduleRows } from '../actors/ports.js';
import { openExisting, type Reader } from './reader.js';
import { SCHEDULE } from './rows.js';

const SELECT = `select cast(${SCHEDULE.expression('s')} as blob) from schedules s`;
const FIND = `${SELECT} where s.id = ?`;
const LIST = `${SELECT} where s.id > ? order by s.id limit ?`;
const DUE = `${SELECT} where s.due_at <= ? order by s.due_at, s.id limit ?`;
const NEXT_DUE = 'select cast(json_array(min(due_at)) as blob) from schedules where due_at > ?';
const RUNS_BETWEEN =
  'select cast(json_array(count(*), max(id)) as blob) from runs where id >= ? and id < ?';

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

  async runsBetween(from: string, before: string): Promise<RunRange> {
    const [row] = await this.#reader.jsonRows(RUNS_BETWEEN, [from, before]);
    const [count, last] = row as [number, string | null];
    return { count, last: last ?? undefined };
  }
}

export interface OpenScheduleRows {
  readonly rows: ScheduleRows;
  close(): void;
}

/** Opens an existing database beside its owner. Throws a StorageError. */
export function openScheduleRows(url: string): OpenScheduleRows {
  const { reader } = openExisting(url, 'Create a schedule first, or name another database.');
  return { rows: new SqliteSchedules(reader), close: () => reader.close() };
}
