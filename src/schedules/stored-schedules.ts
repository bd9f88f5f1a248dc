/** Schedules as rows: written through the journal, in order with the turns of runs. */
import {
  CommitError,
  type Journal,
  type ScheduleRecord,
  type ScheduleRows,
} from '../actors/ports.js';
import { durable } from '../durable.js';
import type { ScheduleStore } from './ports.js';
import type { Schedule } from './schedule.js';

export class StoredSchedules implements ScheduleStore {
  readonly #journal: Pick<Journal, 'write'>;
  readonly #rows: ScheduleRows;

  constructor(journal: Pick<Journal, 'write'>, rows: ScheduleRows) {
    this.#journal = journal;
    this.#rows = rows;
  }

  put(schedule: Schedule): Promise<void> {
    return durable(this.#journal.write([{ type: 'schedule.put', record: toRecord(schedule) }]));
  }

  async remove(id: string): Promise<boolean> {
    if ((await this.#rows.find(id)) === undefined) return false;
    await durable(this.#journal.write([{ type: 'schedule.remove', id }]));
    return true;
  }

  async get(id: string): Promise<Schedule | undefined> {
    const record = await this.#rows.find(id);
    return record && toSchedule(record);
  }

  async list(after: string, limit: number): Promise<Schedule[]> {
    return (await this.#rows.list(after, limit)).map(toSchedule);
  }

  async due(now: number, limit: number): Promise<Schedule[]> {
    return (await this.#rows.due(now, limit)).map(toSchedule);
  }

  nextDue(now: number): Promise<number | undefined> {
    return this.#rows.nextDue(now);
  }
}

/** Schedules of a database that another process may own. */
export function readOnlySchedules(rows: ScheduleRows): StoredSchedules {
  const refused = new CommitError('journal-closed', 'the database was opened for reading');
  return new StoredSchedules({ write: () => Promise.reject(refused) }, rows);
}

function toRecord(schedule: Schedule): ScheduleRecord {
  const { plan, cadence, input, runOptions, catchUp, paused, queued, counters, ...rest } = schedule;
  return {
    ...rest,
    planHash: plan,
    cadenceJson: JSON.stringify(cadence),
    inputJson: JSON.stringify(input),
    runOptionsJson: JSON.stringify(runOptions),
    catchUpJson: JSON.stringify(catchUp),
    paused: paused ? 1 : 0,
    queuedJson: JSON.stringify(queued),
    countersJson: JSON.stringify(counters),
  };
}

/** What the journal has stored was made by `toRecord`. */
function toSchedule(record: ScheduleRecord): Schedule {
  const { planHash, cadenceJson, inputJson, runOptionsJson, ...others } = record;
  const { catchUpJson, queuedJson, countersJson, ...rest } = others;
  return {
    ...rest,
    plan: planHash,
    cadence: JSON.parse(cadenceJson) as Schedule['cadence'],
    input: JSON.parse(inputJson) as Schedule['input'],
    runOptions: JSON.parse(runOptionsJson) as Schedule['runOptions'],
    overlap: rest.overlap as Schedule['overlap'],
    catchUp: JSON.parse(catchUpJson) as Schedule['catchUp'],
    paused: rest.paused === 1,
    queued: JSON.parse(queuedJson) as Schedule['queued'],
    counters: JSON.parse(countersJson) as Schedule['counters'],
  };
}
