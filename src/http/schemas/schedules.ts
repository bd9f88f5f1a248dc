import { z } from '@hono/zod-openapi';
import { budgetSchema } from '../../plan/schema.js';
import type { Schedule, ScheduleCounters } from '../../schedules/schedule.js';
import type { Schedules } from '../../schedules/schedules.js';
import { count, jsonObject, jsonValue, objectOf, text, time } from './json.js';

type Triggered = Awaited<ReturnType<Schedules['trigger']>>;
type Upcoming = Awaited<ReturnType<Schedules['preview']>>[number];

export const cadence: z.ZodType<Schedule['cadence']> = z
  .union([
    z.strictObject({ cron: z.string().max(256), timeZone: z.string().optional() }),
    z.strictObject({ everyMs: z.int().min(1), offsetMs: z.int().min(0).optional() }),
  ])
  .openapi('Cadence');
export const overlap = z.enum(['skip', 'queue', 'replace', 'allow']);
export const catchUp: z.ZodType<Schedule['catchUp']> = z.union([
  z.enum(['none', 'latest']),
  z.strictObject({ max: z.int().min(1) }),
]);

const runOptions = objectOf<Schedule['runOptions']>('ScheduledRunOptions', {
  metadata: jsonObject.optional(),
  priority: count.optional(),
  deadlineMs: count.optional(),
  budget: budgetSchema.optional(),
  concurrency: count.optional(),
});

const counters = objectOf<ScheduleCounters>('ScheduleCounters', {
  started: count,
  skipped: count,
  missed: count,
  replaced: count,
  overflowed: count,
});

export const schedule = objectOf<Schedule>('Schedule', {
  id: text,
  plan: text.openapi({ description: 'Hash of the plan version that is started' }),
  label: text,
  cadence,
  input: jsonValue,
  runOptions,
  overlap,
  catchUp,
  startAt: time.nullable(),
  endAt: time.nullable(),
  jitterMs: count,
  paused: z.boolean(),
  decidedUntil: time,
  lastOccurrence: time.nullable(),
  activeRun: text.nullable(),
  queued: z.array(z.object({ at: time, manual: z.boolean() })),
  dueAt: time.nullable(),
  counters,
  createdAt: time,
  updatedAt: time,
});

export const upcoming = objectOf<Upcoming>('UpcomingOccurrence', {
  occurrence: time,
  startsAt: time,
});

export const triggered = objectOf<Triggered>('Triggered', {
  run: text,
  outcome: z.enum(['started', 'queued', 'skipped']),
});
