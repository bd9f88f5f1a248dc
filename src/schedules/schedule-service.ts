/**
 * Schedules as their users see them, and what is done about one that is due. Invariants: one schedule
 * is looked at once at a time; a run is started before the record says so, under an id that starts it once.
 */
import { RunchartError } from '../errors.js';
import { InTurn } from '../in-turn.js';
import {
  admitTrigger,
  type Decision,
  decide,
  decideTriggers,
  startOver,
  type TriggerOutcome,
  type UpcomingOccurrence,
  withDueAt,
} from './decide.js';
import { definitionOf, isSameDefinition, isSameTime } from './definition.js';
import { readDraft, type ScheduleDraft } from './draft.js';
import { DueLoop } from './due-loop.js';
import { Ledger } from './ledger.js';
import type { ScheduleParts } from './ports.js';
import {
  type ActiveRun,
  parseRunId,
  runIdOf,
  type Schedule,
  type ScheduleCounters,
  type ScheduleDefinition,
  type ScheduledStart,
} from './schedule.js';
import { type ScheduleList, ScheduleReader } from './schedule-reader.js';

const NO_COUNT: ScheduleCounters = {
  started: 0,
  skipped: 0,
  missed: 0,
  replaced: 0,
  overflowed: 0,
};

/** What is undefined stays as it is. */
export type ScheduleChanges = {
  readonly [Name in Exclude<keyof ScheduleDraft, 'id'>]?: ScheduleDraft[Name] | undefined;
};

export interface CreatedSchedule extends Schedule {
  /** False where the same schedule was there before. */
  readonly created: boolean;
}

export interface Triggered {
  /** Id of the run, which exists if it was started. */
  readonly run: string;
  readonly outcome: TriggerOutcome;
}

/**
 * Nothing occurs before the first `tick`; from then on it wakes up by itself. Until then a schedule can be
 * changed, and starts what `trigger` asks for.
 */
export class ScheduleService {
  readonly #parts: ScheduleParts;
  readonly #reader: ScheduleReader;
  readonly #ledger: Ledger;
  readonly #loop: DueLoop;
  readonly #inTurn = new InTurn();
  readonly #stopListening: () => void;

  constructor(parts: ScheduleParts) {
    this.#parts = parts;
    this.#reader = new ScheduleReader(parts.store, () => this.#now());
    this.#ledger = new Ledger(parts, ({ dueAt }) => {
      if (dueAt !== null) this.#loop.wakeBy(dueAt);
    });
    const look = (id: string) => this.#inTurn.do(id, () => this.#look(id));
    this.#loop = new DueLoop({ ...parts, look });
    this.#stopListening = parts.runs.onEnded((run) => {
      const schedule = parseRunId(run)?.schedule;
      if (schedule !== undefined && this.#loop.isRunning) void this.#loop.attend(schedule);
    });
  }

  // What users do -----------------------------------------------------------------------------

  /** Stores a schedule. The same again is the same schedule; another one under its id is refused. */
  create(draft: ScheduleDraft): Promise<CreatedSchedule> {
    return this.#inTurn.do(draft.id, async () => {
      const now = this.#now();
      const definition = readDraft(draft, now);
      const existing = await this.#parts.store.get(definition.id);
      if (existing === undefined) {
        return { ...(await this.#ledger.put(newSchedule(definition, now))), created: true };
      }
      if (isSameDefinition(existing, definition)) return { ...existing, created: false };
      throw new RunchartError('schedule-conflict', `there is another schedule "${draft.id}"`, {
        hint: 'update it, or choose another id',
      });
    });
  }

  /** Changes a schedule. A new cadence, start or end counts from now on: nothing before is made up for. */
  async update(id: string, changes: ScheduleChanges): Promise<Schedule> {
    const updated = await this.#inTurn.do(id, async () => {
      const schedule = await this.#current(id);
      const now = this.#now();
      const definition = readDraft({ ...definitionOf(schedule), ...definedOf(changes), id }, now);
      const changed = withDueAt({ ...schedule, ...definition, updatedAt: now });
      return this.#ledger.put(isSameTime(schedule, definition) ? changed : startOver(changed, now));
    });
    return this.#drained(updated);
  }

  /** Starts nothing by itself any more; what waits in the queue stays there. Runs go on. */
  pause(id: string): Promise<Schedule> {
    return this.#inTurn.do(id, async () => {
      const schedule = await this.#current(id);
      if (schedule.paused) return schedule;
      return this.#ledger.put(withDueAt({ ...schedule, paused: true, updatedAt: this.#now() }));
    });
  }

  /** Goes on from now: what occurred during the pause is not made up for. */
  async resume(id: string): Promise<Schedule> {
    const resumed = await this.#inTurn.do(id, async () => {
      const schedule = await this.#current(id);
      if (!schedule.paused) return schedule;
      const now = this.#now();
      return this.#ledger.put(startOver({ ...schedule, paused: false, updatedAt: now }, now));
    });
    return this.#drained(resumed);
  }

  /** Resolves false where there was none. Runs go on. */
  remove(id: string): Promise<boolean> {
    return this.#inTurn.do(id, async () => {
      const wasThere = await this.#ledger.remove(id);
      this.#loop.forget(id);
      return wasThere;
    });
  }

  list(page?: ScheduleList): Promise<Schedule[]> {
    return this.#reader.list(page);
  }

  get(id: string): Promise<Schedule> {
    return this.#reader.get(id);
  }

  /**
   * Asks for a run now, whether the schedule is paused or not; overlap is as for any other occurrence.
   * What is `queued` is durable, and starts when it can.
   */
  async trigger(id: string): Promise<Triggered> {
    const now = this.#now();
    const run = runIdOf(id, { at: now, manual: true });
    const isAdmitted = await this.#inTurn.do(id, async () => {
      const schedule = await this.#current(id);
      const activeRun = await this.#activeRun(schedule);
      const admitted = admitTrigger(schedule, { now, activeRun });
      if (admitted !== undefined) await this.#ledger.put(admitted, schedule);
      return admitted !== undefined;
    });
    if (!isAdmitted) return { run, outcome: 'skipped' };
    await this.#loop.attend(id);
    if ((await this.#parts.runs.status(run)) !== undefined) return { run, outcome: 'started' };
    const { queued } = await this.get(id);
    const isWaiting = queued.some((occurrence) => runIdOf(id, occurrence) === run);
    return { run, outcome: isWaiting ? 'queued' : 'skipped' };
  }

  preview(id: string, count?: number): Promise<UpcomingOccurrence[]> {
    return this.#reader.preview(id, count);
  }

  /** Looks at every schedule that is due, wakes up again for the next, and resolves when its looks are over. */
  tick(): Promise<void> {
    return this.#loop.tick();
  }

  /** Starts nothing any more; resolves when what is under way is stored. */
  async close(): Promise<void> {
    this.#loop.close();
    this.#stopListening();
    await this.#inTurn.idle();
  }

  // What is done about one --------------------------------------------------------------------

  async #look(id: string): Promise<void> {
    if (this.#loop.isClosed) return;
    const stored = await this.#parts.store.get(id);
    if (stored === undefined) return;
    const schedule = await this.#ledger.caughtUp(stored);
    const activeRun = await this.#activeRun(schedule);
    const decideHere = this.#loop.isRunning ? decide : decideTriggers;
    const decision = decideHere(schedule, { now: this.#now(), activeRun });
    if (isIdle(schedule, decision)) return;
    await this.#carryOut(decision);
    await this.#ledger.put(decision.schedule, schedule);
  }

  async #carryOut({ cancel, starts }: Decision): Promise<void> {
    for (const run of cancel) await this.#parts.runs.cancel(run, 'replaced by the next occurrence');
    for (const start of starts) {
      this.#ledger.distrust(start.schedule);
      await this.#start(start);
    }
  }

  async #start(start: ScheduledStart): Promise<void> {
    try {
      await this.#parts.runs.start(start);
    } catch (error) {
      // Started with what the schedule said at that time, and then it was changed: the run is there.
      if (!(error instanceof RunchartError && error.code === 'run-conflict')) throw error;
    }
  }

  /** The record once those were started from its queue that need not wait any more. */
  async #drained(schedule: Schedule): Promise<Schedule> {
    if (schedule.queued.length === 0 || !this.#loop.isRunning) return schedule;
    await this.#loop.attend(schedule.id);
    return (await this.#parts.store.get(schedule.id)) ?? schedule;
  }

  /** The record, caught up. Rejects with `schedule-unknown`. */
  async #current(id: string): Promise<Schedule> {
    return this.#ledger.caughtUp(await this.get(id));
  }

  async #activeRun({ activeRun: id }: Schedule): Promise<ActiveRun | undefined> {
    const status = id === null ? undefined : await this.#parts.runs.status(id);
    return id === null || status === undefined ? undefined : { id, status };
  }

  #now(): number {
    return this.#parts.clock.now();
  }
}

function newSchedule(definition: ScheduleDefinition, now: number): Schedule {
  return withDueAt({
    ...definition,
    paused: false,
    decidedUntil: now,
    lastOccurrence: null,
    activeRun: null,
    queued: [],
    dueAt: null,
    counters: NO_COUNT,
    createdAt: now,
    updatedAt: now,
  });
}

function definedOf(changes: ScheduleChanges): Partial<Omit<ScheduleDraft, 'id'>> {
  return Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
}

/** Whether a decision changes nothing that matters; that a run has ended is seen again. */
function isIdle(before: Schedule, { cancel, starts, schedule: after }: Decision): boolean {
  if (cancel.length > 0 || starts.length > 0) return false;
  return before.decidedUntil === after.decidedUntil && before.dueAt === after.dueAt;
}
