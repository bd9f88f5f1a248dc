/** The schedules of one tenant. */
import { DEFAULT_TENANT, ownId, tenantOf } from './actors/tenant.js';
import { RunchartError } from './errors.js';
import { readLimit, readOptions } from './read-arguments.js';
import type { UpcomingOccurrence } from './schedules/decide.js';
import type { Schedule } from './schedules/schedule.js';
import { MAX_LISTED, type ScheduleList } from './schedules/schedule-reader.js';
import type { CreatedSchedule, Triggered } from './schedules/schedule-service.js';
import type { ScheduleOptions, Schedules, ScheduleUpdate } from './schedules/schedules.js';

/** Each method as of Schedules. */
export class TenantSchedules implements Pick<Schedules, keyof Schedules> {
  readonly #schedules: Schedules;
  readonly #tenant: string;

  constructor(schedules: Schedules, tenant: string) {
    this.#schedules = schedules;
    this.#tenant = tenant;
  }

  async create<Input>(options: ScheduleOptions<Input>): Promise<CreatedSchedule> {
    const id = ownId(this.#tenant, readOptions(options).id);
    if (id !== undefined) return this.#schedules.create({ ...options, id });
    throw new RunchartError('schedule-invalid', `"${options.id}" is no id of a schedule here`, {
      hint: 'leave out the tenant in front of ~',
    });
  }

  async update<Input>(id: string, changes: ScheduleUpdate<Input>): Promise<Schedule> {
    return this.#schedules.update(this.#own(id), changes);
  }

  async pause(id: string): Promise<Schedule> {
    return this.#schedules.pause(this.#own(id));
  }

  async resume(id: string): Promise<Schedule> {
    return this.#schedules.resume(this.#own(id));
  }

  async remove(id: string): Promise<boolean> {
    const own = ownId(this.#tenant, id);
    return own === undefined ? false : this.#schedules.remove(own);
  }

  /** Those of others lie together, before or behind, and are passed over by the page. */
  async list(page: ScheduleList = {}): Promise<Schedule[]> {
    const { after, limit = 100 } = readOptions(page);
    const most = readLimit(limit, MAX_LISTED);
    const isNamed = this.#tenant !== DEFAULT_TENANT;
    let last = after === undefined ? (isNamed ? `${this.#tenant}~` : '') : this.#own(after);
    const found: Schedule[] = [];
    while (found.length < most) {
      const next = await this.#schedules.list({ after: last, limit: MAX_LISTED });
      found.push(...next.filter(({ id }) => tenantOf(id) === this.#tenant));
      const end = next.at(-1);
      if (end === undefined || next.length < MAX_LISTED) break;
      if (isNamed && tenantOf(end.id) !== this.#tenant) break;
      last = end.id;
    }
    return found.slice(0, most);
  }

  async get(id: string): Promise<Schedule> {
    return this.#schedules.get(this.#own(id));
  }

  async trigger(id: string): Promise<Triggered> {
    return this.#schedules.trigger(this.#own(id));
  }

  async preview(id: string, count?: number): Promise<UpcomingOccurrence[]> {
    return this.#schedules.preview(this.#own(id), count);
  }

  /** The full id. Throws `schedule-unknown` where it names another tenant's. */
  #own(id: string): string {
    const own = ownId(this.#tenant, id);
    if (own !== undefined) return own;
    throw new RunchartError('schedule-unknown', `there is no schedule "${id.slice(0, 128)}"`, {
      hint: 'list the schedules to see their ids',
    });
  }
}
