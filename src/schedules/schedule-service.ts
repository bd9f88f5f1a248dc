/**
 * Schedules as their users see them, and the loop that looks at those that are due. Invariants: one
 * schedule is looked at once at a time; a run is started before the record says so, under an id that
 * starts it once; a schedule that fails is tried again later and holds up no other.
 */
import type { Clock } from '../actors/environment.js';
import type { Logger } from '../actors/handlers.js';
import { RunchartError } from '../errors.js';
import { canonicalJson } from '../plan/canonical.js';
import type { JsonValue } from '../plan/json.js';
import {
  admitTrigger,
  adoptStarted,
  type Decision,
  decide,
  decideTriggers,
  knownUntil,
  startOver,
  type TriggerOutcome,
  type UpcomingOccurrence,
  withDueAt,
} from './decide.js';
import { readDraft, type ScheduleDraft } from './draft.js';
import { InTurn } from './in-turn.js';
import type { ScheduledRuns, ScheduleEvent, ScheduleStore } from './ports.js';
import { Rests } from './rests.js';
import {
  type ActiveRun,
  parseRunId,
  runIdOf,
  type Schedule,
  type ScheduleCounters,
  type ScheduleDefinition,
  type ScheduledStart,
} from './schedule.js';
import { MAX_LISTED, type ScheduleList, ScheduleReader } from './schedule-reader.js';

/** Schedules read at a time. */
const PAGE = 50;
/** Wait after storage did not answer. */
const RETRY_MS = 1_000;
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

export interface ScheduleServiceParts {
  readonly clock: Clock;
  readonly store: ScheduleStore;
  readonly runs: ScheduledRuns;
  readonly logger: Logger;
  /** Told what became of occurrences, once that is stored. */
  readonly observe?: (event: ScheduleEvent) => void;
}

/**
 * Nothing occurs before the first `tick`; from then on it wakes up by itself. Until then a schedule can be
 * changed, and starts what `trigger` asks for.
 */
export class ScheduleService {
  readonly #parts: ScheduleServiceParts;
  readonly #reader: ScheduleReader;
  readonly #inTurn = new InTurn();
  /** Schedules that failed, until they are tried again. */
  readonly #rests = new Rests();
  /** Schedules that a tick looks at now. */
  readonly #attended = new Set<string>();
  /** Schedules whose record is known to tell of every run that was started. */
  readonly #trusted = new Set<string>();
  readonly #stopListening: () => void;
  #isRunning = false;
  #isRecovered = false;
  #wakeAt = Number.POSITIVE_INFINITY;
  #callOff: (() => void) | undefined;
  #isClosed = false;

  constructor(parts: ScheduleServiceParts) {
    this.#parts = parts;
    this.#reader = new ScheduleReader(parts.store, () => this.#now());
    this.#stopListening = parts.runs.onEnded((run) => {
      const schedule = parseRunId(run)?.schedule;
      if (schedule !== undefined && this.#isRunning) void this.#attend(schedule);
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
        return { ...(await this.#put(newSchedule(definition, now))), created: true };
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
      const definition = readDraft({ ...draftOf(schedule), ...definedOf(changes), id }, now);
      const changed = withDueAt({ ...schedule, ...definition, updatedAt: now });
      return this.#put(isSameTime(schedule, definition) ? changed : startOver(changed, now));
    });
    return this.#drained(updated);
  }

  /** Starts nothing by itself any more; what waits in the queue stays there. Runs go on. */
  pause(id: string): Promise<Schedule> {
    return this.#inTurn.do(id, async () => {
      const schedule = await this.#current(id);
      if (schedule.paused) return schedule;
      return this.#put(withDueAt({ ...schedule, paused: true, updatedAt: this.#now() }));
    });
  }

  /** Goes on from now: what occurred during the pause is not made up for. */
  async resume(id: string): Promise<Schedule> {
    const resumed = await this.#inTurn.do(id, async () => {
      const schedule = await this.#current(id);
      if (!schedule.paused) return schedule;
      const now = this.#now();
      return this.#put(startOver({ ...schedule, paused: false, updatedAt: now }, now));
    });
    return this.#drained(resumed);
  }

  /** Resolves false where there was none. Runs go on. */
  remove(id: string): Promise<boolean> {
    return this.#inTurn.do(id, async () => {
      const wasThere = await this.#parts.store.remove(id);
      this.#trusted.delete(id);
      this.#rests.end(id);
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
      if (admitted !== undefined) await this.#put(admitted, schedule);
      return admitted !== undefined;
    });
    if (!isAdmitted) return { run, outcome: 'skipped' };
    await this.#attend(id);
    if ((await this.#parts.runs.status(run)) !== undefined) return { run, outcome: 'started' };
    const { queued } = await this.get(id);
    const isWaiting = queued.some((occurrence) => runIdOf(id, occurrence) === run);
    return { run, outcome: isWaiting ? 'queued' : 'skipped' };
  }

  preview(id: string, count?: number): Promise<UpcomingOccurrence[]> {
    return this.#reader.preview(id, count);
  }

  /** The record once those were started from its queue that need not wait any more. */
  async #drained(schedule: Schedule): Promise<Schedule> {
    if (schedule.queued.length === 0 || !this.#isRunning) return schedule;
    await this.#attend(schedule.id);
    return (await this.#parts.store.get(schedule.id)) ?? schedule;
  }

  // The loop ----------------------------------------------------------------------------------

  /** Looks at every schedule that is due, wakes up again for the next, and resolves when its looks are over. */
  async tick(): Promise<void> {
    if (this.#isClosed) return;
    this.#isRunning = true;
    const now = this.#now();
    try {
      const recovered = await this.#recover();
      const { fresh, isLast } = await this.#dueSchedules(now);
      const next = isLast ? await this.#parts.store.nextDue(now) : now;
      this.#arm(Math.min(next ?? Number.POSITIVE_INFINITY, this.#rests.next(now)));
      this.#isRecovered = true;
      const ids = new Set([...recovered, ...this.#rests.over(now), ...fresh]);
      await Promise.all([...ids].map((id) => this.#attendOnce(id)));
    } catch (error) {
      if (this.#isClosed) return;
      this.#parts.logger.error({ error }, 'due schedules could not be read');
      this.#arm(now + RETRY_MS);
    }
  }

  /** Starts nothing any more; resolves when what is under way is stored. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#callOff?.();
    this.#stopListening();
    await this.#inTurn.idle();
  }

  /** Whoever waits for the end of a run may have missed it while no process ran. */
  async #recover(): Promise<string[]> {
    if (this.#isRecovered) return [];
    const waiting: string[] = [];
    for (let after = ''; ; ) {
      const page = await this.#parts.store.list(after, MAX_LISTED);
      waiting.push(...page.filter(({ queued }) => queued.length > 0).map(({ id }) => id));
      const last = page.at(-1);
      if (last === undefined || page.length < MAX_LISTED) return waiting;
      after = last.id;
    }
  }

  /** A page of due schedules. Those that rest or are looked at lie in front of it: then it widens. */
  async #dueSchedules(now: number): Promise<{ fresh: string[]; isLast: boolean }> {
    for (let limit = PAGE + this.#attended.size; ; limit *= 2) {
      const due = await this.#parts.store.due(now, limit);
      const ids = due.map(({ id }) => id);
      const fresh = ids.filter((id) => !this.#attended.has(id) && !this.#rests.isResting(id, now));
      const isLast = due.length < limit;
      if (isLast || fresh.length > 0) return { fresh, isLast };
    }
  }

  async #attendOnce(id: string): Promise<void> {
    if (this.#attended.has(id)) return;
    this.#attended.add(id);
    await this.#attend(id);
    this.#attended.delete(id);
  }

  /** Looks at a schedule; never rejects. */
  async #attend(id: string): Promise<void> {
    try {
      await this.#inTurn.do(id, () => this.#look(id));
      this.#rests.end(id);
    } catch (error) {
      // What closing cut off is found by the next process.
      if (this.#isClosed) return;
      const until = this.#rests.begin(id, this.#now());
      this.#parts.logger.error({ error, schedule: id }, 'a schedule failed and is tried again');
      this.#arm(until);
    }
  }

  async #look(id: string): Promise<void> {
    if (this.#isClosed || (await this.#parts.store.get(id)) === undefined) return;
    const schedule = await this.#current(id);
    const activeRun = await this.#activeRun(schedule);
    const decideHere = this.#isRunning ? decide : decideTriggers;
    const decision = decideHere(schedule, { now: this.#now(), activeRun });
    if (isIdle(schedule, decision)) return;
    await this.#carryOut(decision);
    await this.#put(decision.schedule, schedule);
  }

  async #carryOut({ cancel, starts }: Decision): Promise<void> {
    for (const run of cancel) await this.#parts.runs.cancel(run, 'replaced by the next occurrence');
    for (const start of starts) {
      // Until the record is stored it does not tell of this run.
      this.#trusted.delete(start.schedule);
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

  /** The record, with runs that were started when a crash or a failure kept them from being stored. */
  async #current(id: string): Promise<Schedule> {
    const stored = await this.get(id);
    if (this.#trusted.has(id)) return stored;
    const { last = '', count } = await this.#parts.runs.startedAfter(id, knownUntil(stored));
    const started = parseRunId(last)?.occurrence.at;
    const schedule = started === undefined ? stored : adoptStarted(stored, started, count);
    if (schedule !== stored) await this.#put(schedule, stored);
    this.#trusted.add(id);
    return schedule;
  }

  async #activeRun({ activeRun: id }: Schedule): Promise<ActiveRun | undefined> {
    const status = id === null ? undefined : await this.#parts.runs.status(id);
    return id === null || status === undefined ? undefined : { id, status };
  }

  /** Stores the record, and reports what was counted since `before`. */
  async #put(schedule: Schedule, before = schedule): Promise<Schedule> {
    await this.#parts.store.put(schedule);
    this.#trusted.add(schedule.id);
    if (schedule.dueAt !== null) this.#arm(schedule.dueAt);
    this.#report(before, schedule);
    return schedule;
  }

  #report(before: Schedule, after: Schedule): void {
    for (const kind of Object.keys(after.counters) as (keyof ScheduleCounters)[]) {
      const count = after.counters[kind] - before.counters[kind];
      if (count === 0) continue;
      const event = { schedule: after.id, at: this.#now(), count };
      if (kind === 'overflowed') this.#parts.logger.warn(event, 'the queue of a schedule is full');
      this.#parts.observe?.({ type: `schedule.${kind}`, ...event });
    }
  }

  #arm(at: number): void {
    if (this.#isClosed || !this.#isRunning || at >= this.#wakeAt) return;
    this.#callOff?.();
    this.#wakeAt = at;
    this.#callOff = this.#parts.clock.wakeAt(at, () => {
      this.#wakeAt = Number.POSITIVE_INFINITY;
      void this.tick();
    });
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

function draftOf(schedule: Schedule): ScheduleDefinition {
  const { id, plan, label, cadence, input, overlap, catchUp, startAt, endAt, jitterMs } = schedule;
  return { id, plan, label, cadence, input, overlap, catchUp, startAt, endAt, jitterMs };
}

function definedOf(changes: ScheduleChanges): Partial<Omit<ScheduleDraft, 'id'>> {
  return Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
}

function isSameDefinition(schedule: Schedule, definition: ScheduleDefinition): boolean {
  return textOf(draftOf(schedule)) === textOf(definition);
}

/** Whether both occur at the same times. */
function isSameTime(schedule: Schedule, { cadence, startAt, endAt }: ScheduleDefinition): boolean {
  const before = { cadence: schedule.cadence, startAt: schedule.startAt, endAt: schedule.endAt };
  return textOf(before) === textOf({ cadence, startAt, endAt });
}

function textOf(value: object): string {
  return canonicalJson(value as JsonValue);
}

/** Whether a decision changes nothing that matters; that a run has ended is seen again. */
function isIdle(before: Schedule, { cancel, starts, schedule: after }: Decision): boolean {
  if (cancel.length > 0 || starts.length > 0) return false;
  return before.decidedUntil === after.decidedUntil && before.dueAt === after.dueAt;
}
