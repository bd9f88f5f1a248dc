import { z } from '@hono/zod-openapi';
import type { ScheduledRunOptions } from '../../schedules/schedule.js';
import type { ScheduleOptions } from '../../schedules/schedules.js';
import { api, route } from '../route.js';
import { checkedLater, jsonValue, listOf } from '../schemas/json.js';
import * as schedules from '../schemas/schedules.js';
import { emptyBody, LOCATION, limit, number, planOrName, runOptions } from './parts.js';

type Given<Name extends keyof ScheduleOptions> = NonNullable<ScheduleOptions[Name]>;
const moment = z.int().min(0).nullable();

/** What is wrong with the values themselves is told, all of it, as `schedule-invalid`. */
const settings = z.strictObject({
  label: checkedLater<string>(z.string().max(256)).optional(),
  input: jsonValue.optional(),
  // JSON has no undefined.
  runOptions: (runOptions as unknown as z.ZodType<ScheduledRunOptions>).optional(),
  overlap: checkedLater<Given<'overlap'>>(schedules.overlap).optional(),
  catchUp: checkedLater<Given<'catchUp'>>(schedules.catchUp).optional(),
  startAt: checkedLater<number | null>(moment).optional(),
  endAt: checkedLater<number | null>(moment).optional(),
  jitterMs: checkedLater<number>(z.int().min(0)).optional(),
});
const cadence = checkedLater<Given<'cadence'>>(schedules.cadence).refine(
  (value) => value !== undefined,
  'Expected {"cron": …} or {"everyMs": …}',
);

const SCHEDULE = '/schedules/{id}' as const;
const STARTABLE = [
  ...(['schedule-invalid', 'plan-unknown', 'plan-invalid', 'input-invalid'] as const),
  ...(['handler-missing', 'executor-missing', 'requester-missing', 'argument-invalid'] as const),
] as const;
const changed = {
  method: 'post',
  role: 'operator',
  answer: schedules.schedule,
  problems: ['schedule-unknown'],
} as const;

export const scheduleApi = api('schedules', {
  createSchedule: route({
    method: 'post',
    path: '/schedules',
    role: 'operator',
    summary: 'creates a [schedule](schedules.md): 201 and `Location`; 200 if it was there',
    body: settings.extend({ id: z.string(), plan: planOrName, cadence }),
    answer: schedules.schedule,
    answerHeaders: LOCATION,
    statuses: { 200: 'The schedule was there', 201: 'The schedule is new' },
    problems: [...STARTABLE, 'schedule-conflict'],
    example: {
      id: 'nightly',
      plan: 'audit',
      cadence: { cron: '0 6 * * *', timeZone: 'Europe/Berlin' },
    },
  }),
  listSchedules: route({
    method: 'get',
    path: '/schedules',
    role: 'reader',
    summary: 'schedules, by id; `after` a schedule',
    query: z.object({ limit: limit(100), after: z.string().optional() }),
    answer: listOf('schedules', schedules.schedule),
  }),
  getSchedule: route({
    method: 'get',
    path: SCHEDULE,
    role: 'reader',
    summary: 'the schedule and what became of its occurrences',
    answer: schedules.schedule,
    problems: ['schedule-unknown'],
  }),
  previewSchedule: route({
    method: 'get',
    path: `${SCHEDULE}/occurrences`,
    role: 'reader',
    summary: 'when it occurs next, paused or not',
    query: z.object({ count: number(1, 10) }),
    answer: listOf('occurrences', schedules.upcoming),
    problems: ['schedule-unknown'],
  }),
  updateSchedule: route({
    ...changed,
    path: `${SCHEDULE}/update`,
    summary: 'changes what the body has, and keeps the rest',
    body: settings.extend({ plan: planOrName.optional(), cadence: cadence.optional() }),
    problems: ['schedule-unknown', ...STARTABLE],
    example: { cadence: { everyMs: 3_600_000 } },
  }),
  pauseSchedule: route({
    ...changed,
    path: `${SCHEDULE}/pause`,
    summary: 'starts nothing by itself any more',
    body: emptyBody,
  }),
  resumeSchedule: route({
    ...changed,
    path: `${SCHEDULE}/resume`,
    summary: 'goes on from now',
    body: emptyBody,
  }),
  triggerSchedule: route({
    ...changed,
    path: `${SCHEDULE}/trigger`,
    summary: 'asks for a run now: `{run, outcome}`, which is `started`, `queued` or `skipped`',
    body: emptyBody,
    answer: schedules.triggered,
  }),
  removeSchedule: route({
    ...changed,
    path: `${SCHEDULE}/remove`,
    summary: 'removes it; its runs go on',
    body: emptyBody,
    answer: z.object({ schedule: z.string(), removed: z.literal(true) }),
  }),
});
