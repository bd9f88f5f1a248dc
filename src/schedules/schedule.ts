/** What is stored of a schedule, its limits, and the ids of the runs that it starts. */
import { createHash } from 'node:crypto';
import { TENANT_PREFIX } from '../actors/tenant.js';
import type { RunStatus } from '../machines/statuses.js';
import type { JsonObject, JsonValue } from '../plan/json.js';
import type { PlanBudget } from '../plan/schema.js';
import type { Cadence } from './cadence.js';

/** What becomes of an occurrence while the run of an earlier one has not ended. */
export type OverlapPolicy = 'skip' | 'queue' | 'replace' | 'allow';

/** Which occurrences are made up for, of those that another one has overtaken or that are late. */
export type CatchUpPolicy = 'none' | 'latest' | { readonly max: number };

/** Occurrences that wait for their turn, at most. */
export const MAX_QUEUED = 100;
/** Occurrences looked at in one decision, at most: the newest ones. */
export const MAX_CATCH_UP = 1_000;
/** The newest occurrence counts as missed when it is later than this. */
export const ON_TIME_MS = 60_000;

/** A time that a schedule asks for, in ms since the epoch; manual if a person asked for it. */
export interface Occurrence {
  readonly at: number;
  readonly manual: boolean;
}

/** How many occurrences came to what. `missed` is a lower bound: 1,000 are counted at a time. */
export interface ScheduleCounters {
  readonly started: number;
  /** Not started, since a run was at work. */
  readonly skipped: number;
  /** Not made up for. */
  readonly missed: number;
  /** A newer one took their place in the queue. */
  readonly replaced: number;
  /** The queue was full. */
  readonly overflowed: number;
}

/** What each run of a schedule is started with, beside its input: as of any start. */
export interface ScheduledRunOptions {
  readonly metadata?: JsonObject;
  /** From 0 to 9; where handlers are scarce 9 goes first. */
  readonly priority?: number;
  /** How long it may take, in milliseconds. */
  readonly deadlineMs?: number;
  /** What it may use up. */
  readonly budget?: PlanBudget;
  /** Handlers of the run that may be at work at the same time. */
  readonly concurrency?: number;
}

/** What its author says about a schedule. */
export interface ScheduleDefinition {
  readonly id: string;
  /** Hash of the plan version that is started. */
  readonly plan: string;
  /** What the plan is called: the workflow's id. */
  readonly label: string;
  readonly cadence: Cadence;
  readonly input: JsonValue;
  readonly runOptions: ScheduledRunOptions;
  readonly overlap: OverlapPolicy;
  readonly catchUp: CatchUpPolicy;
  /** First moment at which it may occur, in ms since the epoch. */
  readonly startAt: number | null;
  /** First moment at which it may occur no more. */
  readonly endAt: number | null;
  /** An occurrence starts up to this much later; always the same for the same one. */
  readonly jitterMs: number;
}

/** A schedule, with what it has done so far. */
export interface Schedule extends ScheduleDefinition {
  readonly paused: boolean;
  /** Occurrences up to this time are decided. */
  readonly decidedUntil: number;
  /** The newest occurrence that was started by itself. */
  readonly lastOccurrence: number | null;
  /** The run that was started last, unless it is known to have ended. */
  readonly activeRun: string | null;
  readonly queued: readonly Occurrence[];
  /** When it wants to be looked at next; null where no time will do. */
  readonly dueAt: number | null;
  readonly counters: ScheduleCounters;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** A run as far as it matters to its schedule. */
export interface ActiveRun {
  readonly id: string;
  readonly status: RunStatus;
}

/** A run to be started. Starting it again under the same id is the same run. */
export interface ScheduledStart {
  readonly run: string;
  readonly schedule: string;
  readonly occurrence: number;
  readonly plan: string;
  readonly input: JsonValue;
  /** Its metadata say who started it and what. */
  readonly options: ScheduledRunOptions;
}

/** Leaves room for the rest of a run id; has no colon, which ends it there. */
export const SCHEDULE_ID = new RegExp(`^(?:${TENANT_PREFIX})?[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$`);

const RUN_ID = new RegExp(
  `^((?:${TENANT_PREFIX})?[A-Za-z0-9_][A-Za-z0-9_.-]*):(manual:)?(\\d{4})(\\d\\d)(\\d\\d)T(\\d\\d)(\\d\\d)([\\d.]{6})Z$`,
);

/** `SCHEDULE:20240331T010000.000Z`, with `manual:` in front of the time for what a person asked for. */
export function runIdOf(schedule: string, { at, manual }: Occurrence): string {
  const time = new Date(at).toISOString().replace(/[-:]/g, '');
  return `${schedule}:${manual ? 'manual:' : ''}${time}`;
}

/** The schedule and the occurrence that a run id names; undefined where it names none. */
export function parseRunId(
  run: string,
): { readonly schedule: string; readonly occurrence: Occurrence } | undefined {
  const match = RUN_ID.exec(run);
  if (match === null) return undefined;
  const [, schedule = '', manual, year, month, day, hour, minute, second] = match;
  const at = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (Number.isNaN(at)) return undefined;
  return { schedule, occurrence: { at, manual: manual !== undefined } };
}

/** Ids from `from` and before `before` are those of a schedule's own occurrences after `at`, in order of time. */
export function runIdRange(
  schedule: string,
  at: number,
): { readonly from: string; readonly before: string } {
  const from = runIdOf(schedule, { at: Math.floor(at) + 1, manual: false });
  return { from, before: `${schedule}::` };
}

/** How much later than its time an occurrence starts: from 0 up to the schedule's jitter, in ms. */
export function jitterOf(
  { id, jitterMs }: Pick<ScheduleDefinition, 'id' | 'jitterMs'>,
  occurrence: number,
): number {
  if (jitterMs === 0) return 0;
  const digest = createHash('sha256').update(`${id}\n${occurrence}`).digest();
  return Math.floor((digest.readUIntBE(0, 6) / 2 ** 48) * (jitterMs + 1));
}

/** The run that an occurrence asks for. */
export function startOf(schedule: ScheduleDefinition, occurrence: Occurrence): ScheduledStart {
  const { id, plan, label, input, runOptions } = schedule;
  const { at, manual } = occurrence;
  const origin = { schedule: id, occurrence: at, plan: label, version: plan };
  const { manual: _, ...own } = runOptions.metadata ?? {};
  const metadata = { ...own, ...origin, ...(manual && { manual }) };
  return {
    run: runIdOf(id, occurrence),
    schedule: id,
    occurrence: at,
    plan,
    input,
    options: { ...runOptions, metadata },
  };
}
