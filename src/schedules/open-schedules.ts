/** Reads schedules beside the process that owns the database. */
import { existsSync } from 'node:fs';
import { parseDatabasePath } from '../persistence/database-path.js';
import { Reader } from '../persistence/reader.js';
import { SqliteSchedules } from '../persistence/schedules.js';
import { StorageError } from '../persistence/storage-error.js';
import { ScheduleReader } from './schedule-reader.js';

export interface OpenSchedules {
  readonly schedules: ScheduleReader;
  close(): void;
}

/** Opens an existing database: takes nothing from its owner and writes nothing. Throws a StorageError. */
export function openSchedules(url: string): OpenSchedules {
  const path = parseDatabasePath(url);
  if (!existsSync(path)) {
    throw new StorageError('cannot-open', `There is no database at ${path}.`, {
      hint: 'Create a schedule first, or name another database.',
    });
  }
  const reader = new Reader(path);
  const schedules = new ScheduleReader(new SqliteSchedules(reader), () => Date.now());
  return { schedules, close: () => reader.close() };
}
