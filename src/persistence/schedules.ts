/** Reads of schedules. Everything comes from the disk, over a connection that cannot write. */
import type { PayloadCodec, RunRange, ScheduleRecord, ScheduleRows } from '../actors/ports.js';
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
    const [found] = await this.#reader.records(SCHEDULE, FIND, [id]);
    return found;
  }

  async list(after: string, limit: number): Promise<readonly ScheduleRecord[]> {
    return this.#reader.records(SCHEDULE, LIST, [after, limit]);
  }

  async due(now: number, limit: number): Promise<readonly ScheduleRecord[]> {
    return this.#reader.records(SCHEDULE, DUE, [now, limit]);
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
export function openScheduleRows(url: string, payloads?: PayloadCodec): OpenScheduleRows {
  const hint = 'Create a schedule first, or name another database.';
  const { reader } = openExisting(url, hint, payloads);
  return { rows: new SqliteSchedules(reader), close: () => reader.close() };
}
