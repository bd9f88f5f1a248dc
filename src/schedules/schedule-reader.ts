/** Reads schedules as their users see them. */
import type { ScheduleRows } from '../actors/ports.js';
import { RunchartError } from '../errors.js';
import { type UpcomingOccurrence, upcomingOccurrences } from './decide.js';
import { MAX_CATCH_UP, type Schedule } from './schedule.js';
import { toSchedule } from './stored-schedules.js';

export interface ScheduleList {
  /** Id of the schedule that ended the page before. */
  readonly after?: string;
  /** Most schedules to return; 100 unless given, 1,000 at most. */
  readonly limit?: number;
}
