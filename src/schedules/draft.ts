/** Reads what an author says about a schedule, and refuses it with everything that is wrong with it. */
import { z } from 'zod';
import { RunchartError } from '../errors.js';
import type { JsonValue } from '../plan/json.js';
import { toJsonValue } from '../plan/json-values.js';
import { pointer } from '../plan/pointer.js';
import {
  type Cadence,
  END_OF_TIME_MS,
  faultOfCron,
  nextOccurrence,
  shortestGapMs,
} from './cadence.js';
import {
  type CatchUpPolicy,
  MAX_CATCH_UP,
  type OverlapPolicy,
  SCHEDULE_ID,
  type ScheduleDefinition,
  type ScheduledRunOptions,
} from './schedule.js';

export interface ScheduleDraft {
  /** Up to 100 letters, digits, and _ . - */
  readonly id: string;
  /** Hash of the plan version to start. */
  readonly plan: string;
  /** What the plan is called. */
  readonly label: string;
  readonly cadence: Cadence;
  /** JSON; an empty object where there is none. */
  readonly input?: unknown;
  /** What each run is started with beside it. */
  readonly runOptions?: ScheduledRunOptions | undefined;
  /** `skip` where there is none. */
  readonly overlap?: OverlapPolicy | undefined;
  /** `latest` where there is none. */
  readonly catchUp?: CatchUpPolicy | undefined;
  readonly startAt?: number | null | undefined;
  readonly endAt?: number | null | undefined;
  /** At most the shortest time between two occurrences. */
  readonly jitterMs?: number | undefined;
}

/** Longest name of a plan, in characters. */
export const MAX_LABEL = 256;

/** Gaps between occurrences that are looked at to find out whether the jitter fits in. */
const GAPS = 100;

const moment = z.int().min(0).max(END_OF_TIME_MS);

const interval = z.strictObject({
  everyMs: z.int().min(1).max(END_OF_TIME_MS),
  offsetMs: z.int().min(0).optional(),
});

const cron = z
  .strictObject({ cron: z.string(), timeZone: z.string().optional() })
  .check(({ value, issues }) => {
    const fault = faultOfCron(value);
    if (fault === undefined) return;
    const { property, message, hint } = fault;
    issues.push({
      code: 'custom',
      input: value,
      path: [property],
      message: `${message} (${hint})`,
    });
  });

/** Their values are those of a start: they are looked at where plans are. */
const runOptions = z.partialRecord(
  z.enum(['metadata', 'priority', 'deadlineMs', 'budget', 'concurrency']),
  z.unknown(),
);

const shape = z.strictObject({
  id: z.string().regex(SCHEDULE_ID, 'use up to 100 letters, digits, and _ . -'),
  plan: z.string().min(1).max(256),
  label: z
    .string()
    .min(1)
    .max(MAX_LABEL)
    .refine((text) => text.isWellFormed(), 'it holds half of a surrogate pair'),
  input: z.unknown().optional(),
  runOptions: runOptions.optional(),
  overlap: z.enum(['skip', 'queue', 'replace', 'allow']).default('skip'),
  catchUp: z
    .union(
      [
        z.literal('none'),
        z.literal('latest'),
        z.strictObject({ max: z.int().min(1).max(MAX_CATCH_UP) }),
      ],
      `use "none", "latest" or {"max": 1 to ${MAX_CATCH_UP}}`,
    )
    .default('latest'),
  startAt: moment.nullable().default(null),
  endAt: moment.nullable().default(null),
  jitterMs: z.int().min(0).max(END_OF_TIME_MS).default(0),
});

const withCron = shape.extend({ cadence: cron });
const withInterval = shape.extend({ cadence: interval });

/** The definition that a draft amounts to. Throws RunchartError `schedule-invalid` with all findings. */
export function readDraft(draft: ScheduleDraft, now: number): ScheduleDefinition {
  const isInterval = Object.hasOwn(Object(Object(draft).cadence), 'everyMs');
  const parsed = (isInterval ? withInterval : withCron).safeParse(draft);
  if (!parsed.success) throw refuseShape(parsed.error.issues);
  const definition: ScheduleDefinition = {
    ...parsed.data,
    input: readJson(parsed.data.input, 'the input'),
    runOptions: readJson(parsed.data.runOptions, 'runOptions') as ScheduledRunOptions,
  };
  assertOccurs(definition, now);
  assertJitterFits(definition, now);
  return definition;
}

/** An empty object where there is none. */
function readJson(value: unknown, what: string): JsonValue {
  const converted = toJsonValue(value ?? {}, { omitUndefined: true });
  if (converted.ok) return converted.value ?? {};
  throw refuse(`${what} is not JSON at ${converted.path || '/'}: ${converted.message}`);
}

function assertOccurs({ cadence, startAt, endAt }: ScheduleDefinition, now: number): void {
  if ('everyMs' in cadence && (cadence.offsetMs ?? 0) >= cadence.everyMs) {
    throw refuse('offsetMs is not less than everyMs', 'the offset is a place within the interval');
  }
  const first = nextOccurrence(cadence, Math.max(now, (startAt ?? 0) - 1));
  if (first !== undefined && (endAt === null || first < endAt)) return;
  throw refuse('the schedule never occurs', 'look at days that no month has, years, and endAt');
}

function assertJitterFits({ cadence, jitterMs }: ScheduleDefinition, now: number): void {
  if (jitterMs === 0) return;
  const gapMs = shortestGapMs(cadence, now, GAPS);
  if (jitterMs <= gapMs) return;
  throw refuse(`jitterMs is more than the ${gapMs} ms between two occurrences`, 'make it less');
}

function refuseShape(found: readonly z.core.$ZodIssue[]): RunchartError {
  const issues = found.map(({ message, path }) => ({
    severity: 'blocking' as const,
    code: 'invalid-value',
    message,
    path: pointer(...path.map((part) => (typeof part === 'number' ? part : String(part)))),
  }));
  const [first] = issues;
  const message = `the schedule is not valid: ${first?.path || '/'}: ${first?.message}`;
  return new RunchartError('schedule-invalid', message, { issues, hint: 'see the issues' });
}

function refuse(message: string, hint = 'change it'): RunchartError {
  return new RunchartError('schedule-invalid', message, { hint });
}
