import { RunchartError } from '../../errors.js';
import type { JsonObject } from '../../plan/json.js';
import { scheduleApi } from '../api/schedules.js';
import { namedPlan } from '../named-plan.js';
import { made } from '../reply.js';
import type { HttpScope } from '../scope.js';
import type { RouteServer } from '../serve-routes.js';

/** Schedules: create, list, read, change, pause, resume, trigger, preview, remove. */
export function serveSchedules(server: RouteServer, scope: HttpScope): void {
  const { schedules } = scope.orchestrator;
  server.serve(scheduleApi, {
    async createSchedule({ body: { plan, ...draft } }) {
      const { created, ...schedule } = await schedules.create({
        ...draft,
        ...(await planOf(scope, plan, draft.label)),
      });
      return made(schedule, created, `/schedules/${encodeURIComponent(schedule.id)}`);
    },
    listSchedules: async ({ query }) => ({ schedules: await schedules.list(query) }),
    getSchedule: ({ params }) => schedules.get(params.id),
    previewSchedule: async ({ params, query }) => ({
      occurrences: await schedules.preview(params.id, query.count),
    }),
    async updateSchedule({ params, body: { plan, ...changes } }) {
      const found = plan === undefined ? {} : await planOf(scope, plan, changes.label);
      return schedules.update(params.id, { ...changes, ...found });
    },
    pauseSchedule: ({ params }) => schedules.pause(params.id),
    resumeSchedule: ({ params }) => schedules.resume(params.id),
    triggerSchedule: ({ params }) => schedules.trigger(params.id),
    async removeSchedule({ params: { id } }) {
      if (await schedules.remove(id)) return { schedule: id, removed: true as const };
      throw new RunchartError('schedule-unknown', `there is no schedule "${id}"`);
    },
  });
}

/** One on offer goes by the name that it is offered by. */
async function planOf(scope: HttpScope, named: string | JsonObject, label: string | undefined) {
  const isOffered = typeof named === 'string' && scope.catalog.has(named);
  const plan = await namedPlan(scope, named);
  return { plan, label: isOffered ? (label ?? named) : label };
}
