/** What schedules need from outside: a place to lie in, and runs to start. */
import type { Clock } from '../actors/environment.js';
import type { Logger } from '../actors/handlers.js';
import type { RunRange } from '../actors/ports.js';
import type { RunStatus } from '../machines/statuses.js';
import type { Schedule, ScheduledStart } from './schedule.js';

/** Each method resolves when it is durable. */
export interface ScheduleStore {
  /** Inserts the record, or puts it in the place of the one with its id. */
  put(schedule: Schedule): Promise<void>;
  /** Resolves false where there was none. */
  remove(id: string): Promise<boolean>;
  get(id: string): Promise<Schedule | undefined>;
  /** By id, those after `after`. */
  list(after: string, limit: number): Promise<Schedule[]>;
  /** Those that want to be looked at by `now`, the longest due first. */
  due(now: number, limit: number): Promise<Schedule[]>;
  /** The earliest `dueAt` after `now`. */
  nextDue(now: number): Promise<number | undefined>;
}

export interface ScheduledRuns {
  /** Resolves when the run is durable. Starting it again is the same run. */
  start(start: ScheduledStart): Promise<void>;
  /** Resolves when the cancel is durable. A run that has ended, or is being cancelled, is no failure. */
  cancel(run: string, reason: string): Promise<void>;
  status(run: string): Promise<RunStatus | undefined>;
  /** The runs within `runIdRange(schedule, at)`: of its own occurrences after `at`. */
  startedAfter(schedule: string, at: number): Promise<RunRange>;
  /** Calls `listener` after a run ended; returns a function that ends it. */
  onEnded(listener: (run: string) => void): () => void;
}

/** Something that became of occurrences; `count` of them. */
export interface ScheduleEvent {
  readonly type:
    | 'schedule.started'
    | 'schedule.skipped'
    | 'schedule.missed'
    | 'schedule.replaced'
    | 'schedule.overflowed';
  readonly schedule: string;
  readonly at: number;
  readonly count: number;
}

export interface ScheduleParts {
  readonly clock: Clock;
  readonly store: ScheduleStore;
  readonly runs: ScheduledRuns;
  readonly logger: Logger;
  /** Told what became of occurrences, once that is stored. */
  readonly observe?: (event: ScheduleEvent) => void;
}
