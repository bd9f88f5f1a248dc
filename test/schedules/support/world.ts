/** Schedules over a world in memory: simulated time, runs that end when they are told to, process stops. */
import type { RunStatus } from '../../../src/machines/statuses.js';
import { isFinal } from '../../../src/machines/statuses.js';
import type { ScheduledRuns, ScheduleEvent, ScheduleStore } from '../../../src/schedules/ports.js';
import {
  parseRunId,
  runIdRange,
  type Schedule,
  type ScheduledStart,
} from '../../../src/schedules/schedule.js';
import { ScheduleService } from '../../../src/schedules/schedule-service.js';
import { StoredSchedules } from '../../../src/schedules/stored-schedules.js';
import { MemoryStorage } from '../../../src/testing/memory-storage.js';
import { SimulatedClock } from '../../../src/testing/simulation.js';

export interface WorldRun {
  readonly start: ScheduledStart;
  readonly startedAt: number;
  status: RunStatus;
  endedAt: number | undefined;
}

export interface Faults {
  /** Throws where a call is to fail, never resolves where it is to hang; `after` is when its work is done. */
  start?: (run: string, when: 'before' | 'after') => unknown;
  put?: (schedule: Schedule) => void;
}

/** How long a run goes on after it is cancelled. */
export const GRACE_MS = 3.2;

/** The clock of one process; none of its wake-ups outlives it. */
class ProcessClock {
  isStopped = false;
  readonly #clock: SimulatedClock;

  constructor(clock: SimulatedClock) {
    this.#clock = clock;
  }

  now(): number {
    return this.#clock.now();
  }

  wakeAt(at: number, wake: () => void): () => void {
    return this.#clock.wakeAt(at, () => {
      if (!this.isStopped) wake();
    });
  }
}

export class World {
  readonly clock = new SimulatedClock();
  readonly runs = new Map<string, WorldRun>();
  readonly stored: StoredSchedules;
  readonly events: ScheduleEvent[] = [];
  readonly complaints: string[] = [];
  readonly cancelled: string[] = [];
  faults: Faults = {};
  /** How long a run works; without a length it goes on until `end`. */
  durationMs: (run: string) => number | undefined = () => undefined;
  service: ScheduleService;
  #process: ProcessClock;
  #listeners = new Set<(run: string) => void>();

  constructor() {
    const { journal, store } = new MemoryStorage();
    this.stored = new StoredSchedules(journal, store.schedules);
    this.#process = new ProcessClock(this.clock);
    this.service = this.#newService();
  }

  get now(): number {
    return this.clock.now();
  }

  /** Occurrences that were started, as times after `from`, in the order of their starts. */
  occurrences(from: number): number[] {
    return [...this.runs.values()].map(({ start }) => start.occurrence - from);
  }

  active(): string[] {
    return [...this.runs].filter(([, { status }]) => !isFinal(status)).map(([id]) => id);
  }

  async end(run: string, status: RunStatus = 'completed'): Promise<void> {
    this.#end(run, status);
    await settled();
  }

  /** Lets time pass, one wake-up after the other. */
  async advance(ms: number): Promise<void> {
    const until = this.now + ms;
    for (let next = this.clock.next; next !== undefined && next <= until; next = this.clock.next) {
      this.clock.advance(next - this.now);
      await settled();
    }
    this.clock.advance(until - this.now);
    await settled();
  }

  /** The process is gone from one moment to the next. */
  stop(): void {
    this.#process.isStopped = true;
    this.#listeners = new Set();
  }

  async boot(): Promise<void> {
    this.stop();
    this.#process = new ProcessClock(this.clock);
    this.service = this.#newService();
    // A process that stops meanwhile never gets to its end.
    void this.service.tick();
    await settled();
  }

  #newService(): ScheduleService {
    const process = this.#process;
    const complain = (fields: object, message: string) => {
      const { error } = fields as { error?: unknown };
      this.complaints.push(error instanceof Error ? error.message : message);
    };
    return new ScheduleService({
      clock: process,
      store: this.#storeOf(process),
      runs: this.#runsOf(process),
      logger: { debug() {}, info() {}, warn: complain, error: complain },
      observe: (event) => this.events.push(event),
    });
  }

  #storeOf(process: ProcessClock): ScheduleStore {
    const { stored } = this;
    const alive = <T>(work: () => Promise<T>) => (process.isStopped ? never<T>() : work());
    return {
      put: (schedule) =>
        alive(async () => {
          this.faults.put?.(schedule);
          if (process.isStopped) return never();
          await stored.put(schedule);
        }),
      remove: (id) => alive(() => stored.remove(id)),
      get: (id) => alive(() => stored.get(id)),
      list: (after, limit) => alive(() => stored.list(after, limit)),
      due: (now, limit) => alive(() => stored.due(now, limit)),
      nextDue: (now) => alive(() => stored.nextDue(now)),
    };
  }

  #runsOf(process: ProcessClock): ScheduledRuns {
    return {
      start: async (start) => {
        if (process.isStopped) return never();
        await this.faults.start?.(start.run, 'before');
        this.#begin(start);
        this.faults.start?.(start.run, 'after');
        if (process.isStopped) return never();
      },
      cancel: async (run) => {
        if (process.isStopped) return never();
        this.cancelled.push(run);
        this.clock.wakeAt(this.now + GRACE_MS, () => this.#end(run, 'cancelled'));
      },
      status: async (run) => this.runs.get(run)?.status,
      startedAfter: async (schedule, at) => {
        const { from, before } = runIdRange(schedule, at);
        const ids = [...this.runs.keys()].filter((id) => id >= from && id < before);
        return { count: ids.length, last: ids.sort().at(-1) };
      },
      onEnded: (listener) => {
        this.#listeners.add(listener);
        return () => this.#listeners.delete(listener);
      },
    };
  }

  #begin(start: ScheduledStart): void {
    if (this.runs.has(start.run)) return;
    if (parseRunId(start.run) === undefined) throw new Error(`${start.run} names no occurrence`);
    const { now } = this;
    this.runs.set(start.run, { start, startedAt: now, status: 'running', endedAt: undefined });
    const durationMs = this.durationMs(start.run);
    if (durationMs === undefined) return;
    this.clock.wakeAt(now + durationMs, () => this.#end(start.run, 'completed'));
  }

  #end(id: string, status: RunStatus): void {
    const run = this.runs.get(id);
    if (run === undefined || isFinal(run.status)) return;
    run.status = status;
    run.endedAt = this.now;
    for (const listener of this.#listeners) listener(id);
  }
}

/** Everything that needs no time is done. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise<void>((resolve) => setImmediate(resolve));
}

function never<T = void>(): Promise<T> {
  return new Promise(() => {});
}
