/** Reading the schedules of a database beside the process that owns it. */
import { systemEnvironment } from './actors/environment.js';
import type { ReadOptions } from './open-reader.js';
import { openScheduleRows } from './persistence/schedules.js';
import { ScheduleReader } from './schedules/schedule-reader.js';
import { readOnlySchedules } from './schedules/stored-schedules.js';

export interface OpenSchedules {
  readonly schedules: ScheduleReader;
  close(): void;
}

/** Opens the schedules of an existing database: takes nothing from its owner and writes nothing. Throws a StorageError. */
export function openSchedules(url: string, { payloads }: ReadOptions = {}): OpenSchedules {
  const { rows, close } = openScheduleRows(url, payloads);
  const { now } = systemEnvironment.clock;
  return { schedules: new ScheduleReader(readOnlySchedules(rows), now), close };
}
