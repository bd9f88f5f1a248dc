/**
 * Every decision about a schedule. Pure: takes `now`, returns the whole new record. Invariants: nothing
 * starts early; no occurrence is decided twice; at most one run at a time unless overlap is allowed;
 * the work of a decision is bounded, however long nobody looked.
 */
import { isFinal } from '../machines/statuses.js';
import { newestOccurrence, nextOccurrence } from './cadence.js';
import {
  type ActiveRun,
  jitterOf,
  MAX_CATCH_UP,
  MAX_QUEUED,
  type Occurrence,
  ON_TIME_MS,
  runIdOf,
  type Schedule,
  type ScheduleCounters,
  type ScheduledStart,
  startOf,
} from './schedule.js';

/** Occurrences whose time has come. */
export interface DueOccurrences {
  /** Those that the catch-up policy keeps, oldest first. */
  readonly kept: readonly number[];
  /** How many it does not keep; 1,000 are counted at most. */
  readonly missed: number;
  /** The newest one; where there is none, up to where all were decided before. */
  readonly until: number;
}

export interface Situation {
  readonly now: number;
  /** The run that the record names as active, where there is such a run. */
  readonly activeRun: ActiveRun | undefined;
}

export interface Decision {
  readonly starts: readonly ScheduledStart[];
  /** Runs to cancel. */
  readonly cancel: readonly string[];
  /** The record as it is once runs were cancelled and started. */
  readonly schedule: Schedule;
  /** When to look again, if nothing ends before. */
  readonly next: number | undefined;
}

export type TriggerOutcome = 'started' | 'queued' | 'skipped';

/** An occurrence and when it starts, in ms since the epoch. */
export interface UpcomingOccurrence {
  readonly occurrence: number;
  readonly startsAt: number;
}

/** What is to be done about a schedule now. */
export function decide(schedule: Schedule, { now, activeRun }: Situation): Decision {
  const active = idIfActive(activeRun);
  const due = schedule.paused ? nothingDue(schedule) : dueOccurrences(schedule, now);
  const held = schedule.paused ? schedule.queued.filter(({ manual }) => !manual) : [];
  const waiting = schedule.queued.filter((occurrence) => !held.includes(occurrence));
  const fresh = due.kept.map((at) => ({ at, manual: false }));
  const settled = SETTLE[schedule.overlap](waiting, fresh, active !== null);
  const starts = settled.starts.map((occurrence) => startOf(schedule, occurrence));
  const decided = withDueAt({
    ...schedule,
    decidedUntil: due.until,
    lastOccurrence: newestOf(settled.starts) ?? schedule.lastOccurrence,
    activeRun: starts.at(-1)?.run ?? active,
    queued: [...held, ...settled.queued],
    counters: count(schedule.counters, settled, due.missed),
    updatedAt: now,
  });
  const cancel = settled.isActiveInTheWay && active !== null ? [active] : [];
  return { starts, cancel, schedule: decided, next: decided.dueAt ?? undefined };
}

/** As `decide`, for what people asked for alone: its own occurrences are left undecided. */
export function decideTriggers(schedule: Schedule, situation: Situation): Decision {
  const { paused } = schedule;
  const decision = decide({ ...schedule, paused: true }, situation);
  return { ...decision, schedule: withDueAt({ ...decision.schedule, paused }) };
}

/** The occurrences that are due and not decided. Walks over 1,000 at most, the newest ones. */
export function dueOccurrences(schedule: Schedule, now: number): DueOccurrences {
  const until = newestDue(schedule, now);
  if (until === undefined) return nothingDue(schedule);
  const { catchUp } = schedule;
  const due = newestOccurrences(schedule, until);
  const kept = due.slice(-keptCount(catchUp));
  const isLate = now - until - jitterOf(schedule, until) > ON_TIME_MS;
  if (catchUp === 'none' && isLate) return { kept: [], missed: due.length, until };
  return { kept, missed: due.length - kept.length, until };
}

/** The next occurrences after `now` and after all that is decided, paused or not. */
export function upcomingOccurrences(
  schedule: Schedule,
  now: number,
  limit: number,
): UpcomingOccurrence[] {
  const upcoming: UpcomingOccurrence[] = [];
  let occurrence = nextWithin(schedule, Math.max(now, lowerBound(schedule)));
  while (occurrence !== undefined && upcoming.length < limit) {
    upcoming.push({ occurrence, startsAt: occurrence + jitterOf(schedule, occurrence) });
    occurrence = nextWithin(schedule, occurrence);
  }
  return upcoming;
}

/**
 * Puts what a person asks for into the queue, where the next decision finds it. Undefined where the
 * policy has no place for it: a run is at work and overlap is to be skipped, or the queue is full.
 */
export function admitTrigger(
  schedule: Schedule,
  { now, activeRun }: Situation,
): Schedule | undefined {
  const { id, overlap, queued, counters } = schedule;
  const trigger: Occurrence = { at: now, manual: true };
  if (queued.some((waiting) => runIdOf(id, waiting) === runIdOf(id, trigger))) return schedule;
  if (overlap === 'skip' && idIfActive(activeRun) !== null) return undefined;
  if (overlap === 'replace') {
    const replaced = counters.replaced + queued.length;
    return { ...schedule, queued: [trigger], counters: { ...counters, replaced } };
  }
  if (queued.length >= MAX_QUEUED) return undefined;
  return { ...schedule, queued: [...queued, trigger] };
}

/** Up to when the record tells of every run. What a removed schedule of the same id started is not this one's. */
export function knownUntil({ lastOccurrence, createdAt }: Schedule): number {
  return Math.max(lastOccurrence ?? 0, createdAt);
}

/** Takes note of occurrences, the last of them this one, that were started when a crash kept that from being stored. */
export function adoptStarted(schedule: Schedule, occurrence: number, count: number): Schedule {
  const { counters, queued } = schedule;
  return withDueAt({
    ...schedule,
    decidedUntil: Math.max(schedule.decidedUntil, occurrence),
    lastOccurrence: occurrence,
    activeRun: runIdOf(schedule.id, { at: occurrence, manual: false }),
    queued: queued.filter(({ at, manual }) => manual || at > occurrence),
    counters: { ...counters, started: counters.started + count },
  });
}

/** The record as it goes on from `now`: what came before is made up for no more. */
export function startOver(schedule: Schedule, now: number): Schedule {
  const decidedUntil = Math.max(schedule.decidedUntil, now);
  return withDueAt({ ...schedule, decidedUntil });
}

/** The record with the time at which its next occurrence starts. */
export function withDueAt(schedule: Schedule): Schedule {
  const next = schedule.paused ? undefined : nextWithin(schedule, lowerBound(schedule));
  const dueAt = next === undefined ? null : next + jitterOf(schedule, next);
  return { ...schedule, dueAt };
}

// Which occurrences are due ---------------------------------------------------------------------

function nothingDue({ decidedUntil }: Schedule): DueOccurrences {
  return { kept: [], missed: 0, until: decidedUntil };
}

/** Occurrences are after this. */
function lowerBound({ decidedUntil, startAt }: Schedule): number {
  return Math.max(decidedUntil, (startAt ?? 0) - 1);
}

function nextWithin(schedule: Schedule, after: number): number | undefined {
  const next = nextOccurrence(schedule.cadence, after);
  const isOver = next !== undefined && schedule.endAt !== null && next >= schedule.endAt;
  return isOver ? undefined : next;
}

/** The newest occurrence that is due. An occurrence waits for those before it, whatever its own jitter. */
function newestDue(schedule: Schedule, now: number): number | undefined {
  const lower = lowerBound(schedule);
  const certain = Math.min(now - schedule.jitterMs, (schedule.endAt ?? now + 1) - 1);
  let newest = certain > lower ? newestOccurrence(schedule.cadence, certain) : undefined;
  if (newest !== undefined && newest <= lower) newest = undefined;
  // Jitter is no longer than the gaps are, so that few lie within it.
  for (let i = 0; i < MAX_CATCH_UP && schedule.jitterMs > 0; i++) {
    const next = nextWithin(schedule, newest ?? lower);
    if (next === undefined || next + jitterOf(schedule, next) > now) break;
    newest = next;
  }
  return newest;
}

/** Up to 1,000 occurrences that are not decided, the newest ones up to `until`, oldest first. */
function newestOccurrences(schedule: Schedule, until: number): number[] {
  const lower = lowerBound(schedule);
  const found: number[] = [];
  let at: number | undefined = until;
  while (at !== undefined && at > lower && found.length < MAX_CATCH_UP) {
    found.push(at);
    at = newestOccurrence(schedule.cadence, at - 1);
  }
  return found.reverse();
}

function keptCount(catchUp: Schedule['catchUp']): number {
  return typeof catchUp === 'string' ? 1 : catchUp.max;
}

// What overlap does to them ---------------------------------------------------------------------

interface Settled {
  readonly starts: readonly Occurrence[];
  readonly queued: readonly Occurrence[];
  readonly skipped: number;
  readonly replaced: number;
  readonly overflowed: number;
  /** Whether the active run is to make room. */
  readonly isActiveInTheWay: boolean;
}

type Settle = (
  waiting: readonly Occurrence[],
  fresh: readonly Occurrence[],
  isBusy: boolean,
) => Settled;

const NOTHING: Settled = {
  starts: [],
  queued: [],
  skipped: 0,
  replaced: 0,
  overflowed: 0,
  isActiveInTheWay: false,
};

const SETTLE: Readonly<Record<Schedule['overlap'], Settle>> = {
  allow: (waiting, fresh) => ({ ...NOTHING, starts: [...waiting, ...fresh] }),

  skip(waiting, fresh, isBusy) {
    if (isBusy) return { ...NOTHING, queued: waiting, skipped: fresh.length };
    const starts = [...waiting, ...fresh].slice(0, 1);
    const skipped = waiting.length > 0 ? fresh.length : fresh.length - starts.length;
    return { ...NOTHING, starts, queued: waiting.slice(1), skipped };
  },

  queue(waiting, fresh, isBusy) {
    const line = [...waiting, ...fresh];
    const starts = isBusy ? [] : line.slice(0, 1);
    const rest = line.slice(starts.length);
    const queued = rest.slice(0, MAX_QUEUED);
    return { ...NOTHING, starts, queued, overflowed: rest.length - queued.length };
  },

  replace(waiting, fresh, isBusy) {
    const line = [...waiting, ...fresh].sort((a, b) => a.at - b.at);
    const newest = line.slice(-1);
    const replaced = line.length - newest.length;
    if (!isBusy) return { ...NOTHING, starts: newest, replaced };
    return { ...NOTHING, queued: newest, replaced, isActiveInTheWay: newest.length > 0 };
  },
};

function idIfActive(run: ActiveRun | undefined): string | null {
  return run === undefined || isFinal(run.status) ? null : run.id;
}

function newestOf(starts: readonly Occurrence[]): number | undefined {
  return starts.filter(({ manual }) => !manual).at(-1)?.at;
}

function count(counters: ScheduleCounters, settled: Settled, missed: number): ScheduleCounters {
  return {
    started: counters.started + settled.starts.length,
    skipped: counters.skipped + settled.skipped,
    missed: counters.missed + missed,
    replaced: counters.replaced + settled.replaced,
    overflowed: counters.overflowed + settled.overflowed,
  };
}
