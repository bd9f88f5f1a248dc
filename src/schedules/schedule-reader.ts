/** Reads schedules as their users see them. */
import { RunchartError } from '../errors.js';
import { readLimit, readOptions, readText } from '../read-arguments.js';
import { type UpcomingOccurrence, upcomingOccurrences } from './decide.js';
import type { ScheduleStore } from './ports.js';
import { MAX_CATCH_UP, type Schedule } from './schedule.js';

export interface ScheduleList {
  /** Id of the schedule that ended the page before. */
  readonly after?: string;
  /** Most schedules to return; 100 unless given, 1,000 at most. */
  readonly limit?: number;
}

/** Schedules that one call lists, at most. */
export const MAX_LISTED = 1_000;

export class ScheduleReader {
  readonly #store: Pick<ScheduleStore, 'get' | 'list'>;
  readonly #now: () => number;

  constructor(store: Pick<ScheduleStore, 'get' | 'list'>, now: () => number) {
    this.#store = store;
    this.#now = now;
  }

  /** By id. */
  async list(page: ScheduleList = {}): Promise<Schedule[]> {
    const { after = '', limit = 100 } = readOptions(page);
    return this.#store.list(readText(after, '`after`'), readLimit(limit, MAX_LISTED));
  }

  /** Rejects with `schedule-unknown`. */
  async get(id: string): Promise<Schedule> {
    const schedule = await this.#store.get(id);
    if (schedule !== undefined) return schedule;
    throw new RunchartError('schedule-unknown', `there is no schedule "${id.slice(0, 128)}"`, {
      hint: 'list the schedules to see their ids',
    });
  }

  /** The next occurrences, up to 1,000, as if the schedule were not paused. */
  async preview(id: string, count = 10): Promise<UpcomingOccurrence[]> {
    if (!Number.isInteger(count) || count < 1 || count > MAX_CATCH_UP) {
      throw new RunchartError('argument-invalid', `count is from 1 to ${MAX_CATCH_UP}`, {
        hint: 'ask for fewer occurrences',
      });
    }
    return upcomingOccurrences(await this.get(id), this.#now(), count);
  }
}
