/** What an author said about a schedule, taken out of its record and compared. Pure. */
import { canonicalJson } from '../plan/canonical.js';
import type { JsonValue } from '../plan/json.js';
import type { Schedule, ScheduleDefinition } from './schedule.js';

export function definitionOf(schedule: Schedule): ScheduleDefinition {
  const { id, plan, label, cadence, input, runOptions, overlap, catchUp } = schedule;
  const { startAt, endAt, jitterMs } = schedule;
  return {
    ...{ id, plan, label, cadence, input, runOptions, overlap, catchUp },
    ...{ startAt, endAt, jitterMs },
  };
}

export function isSameDefinition(schedule: Schedule, definition: ScheduleDefinition): boolean {
  return textOf(definitionOf(schedule)) === textOf(definition);
}

/** Whether both occur at the same times. */
export function isSameTime(a: ScheduleDefinition, b: ScheduleDefinition): boolean {
  return textOf(timesOf(a)) === textOf(timesOf(b));
}

function timesOf({ cadence, startAt, endAt }: ScheduleDefinition): object {
  return { cadence, startAt, endAt };
}

function textOf(value: object): string {
  return canonicalJson(value as JsonValue);
}
