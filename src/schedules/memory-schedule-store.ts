/** Schedules in memory, for tests and simulations. Keeps text, as a database would. */
import type { ScheduleStore } from './ports.js';
import type { Schedule } from './schedule.js';

export class MemoryScheduleStore implements ScheduleStore {
  readonly #records = new Map<string, string>();

  async put(schedule: Schedule): Promise<void> {
    this.#records.set(schedule.id, JSON.stringify(schedule));
  }

  async remove(id: string): Promise<boolean> {
    return this.#records.delete(id);
  }

  async get(id: string): Promise<Schedule | undefined> {
    const text = this.#records.get(id);
    return text === undefined ? undefined : (JSON.parse(text) as Schedule);
  }

  async list(): Promise<Schedule[]> {
    return this.#all().sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  async due(now: number, limit: number): Promise<Schedule[]> {
    return this.#byDueAt()
      .filter(({ dueAt }) => dueAt <= now)
      .slice(0, limit);
  }

  async nextDue(now: number): Promise<number | undefined> {
    return this.#byDueAt().find(({ dueAt }) => dueAt > now)?.dueAt;
  }

  #byDueAt() {
    return this.#all()
      .flatMap((schedule) =>
        schedule.dueAt === null ? [] : [{ ...schedule, dueAt: schedule.dueAt }],
      )
      .sort((a, b) => a.dueAt - b.dueAt || (a.id < b.id ? -1 : 1));
  }

  #all(): Schedule[] {
    return [...this.#records.values()].map((text) => JSON.parse(text) as Schedule);
  }
}
