/**
 * What is on record about schedules, kept in agreement with the runs that were started. Invariant: a
 * record that is trusted tells of every run of its schedule.
 */
import { adoptStarted, knownUntil } from './decide.js';
import type { ScheduleParts } from './ports.js';
import { parseRunId, type Schedule, type ScheduleCounters } from './schedule.js';

export class Ledger {
  readonly #parts: ScheduleParts;
  readonly #onPut: (schedule: Schedule) => void;
  /** Ids of the schedules whose record is trusted. */
  readonly #trusted = new Set<string>();

  /** `onPut` is called with each record that was stored. */
  constructor(parts: ScheduleParts, onPut: (schedule: Schedule) => void) {
    this.#parts = parts;
    this.#onPut = onPut;
  }

  /** The record, with runs that were started when a crash or a failure kept them from being stored. */
  async caughtUp(stored: Schedule): Promise<Schedule> {
    const { id } = stored;
    if (this.#trusted.has(id)) return stored;
    const { last = '', count } = await this.#parts.runs.startedAfter(id, knownUntil(stored));
    const started = parseRunId(last)?.occurrence.at;
    const schedule = started === undefined ? stored : adoptStarted(stored, started, count);
    if (schedule !== stored) await this.put(schedule, stored);
    this.#trusted.add(id);
    return schedule;
  }

  /** A run is about to be started: until the record is stored again it does not tell of it. */
  distrust(id: string): void {
    this.#trusted.delete(id);
  }

  /** Stores the record, and reports what was counted since `before`. */
  async put(schedule: Schedule, before = schedule): Promise<Schedule> {
    await this.#parts.store.put(schedule);
    this.#trusted.add(schedule.id);
    this.#onPut(schedule);
    this.#report(before, schedule);
    return schedule;
  }

  /** Resolves false where there was none. */
  async remove(id: string): Promise<boolean> {
    const wasThere = await this.#parts.store.remove(id);
    this.#trusted.delete(id);
    return wasThere;
  }

  #report(before: Schedule, after: Schedule): void {
    const { clock, logger, observe } = this.#parts;
    for (const kind of Object.keys(after.counters) as (keyof ScheduleCounters)[]) {
      const count = after.counters[kind] - before.counters[kind];
      if (count === 0) continue;
      const event = { schedule: after.id, at: clock.now(), count };
      if (kind === 'overflowed') logger.warn(event, 'the queue of a schedule is full');
      observe?.({ type: `schedule.${kind}`, ...event });
    }
  }
}
