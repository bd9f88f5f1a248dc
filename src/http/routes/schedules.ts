import { RunchartError } from '../../errors.js';
import { ownMetadata } from '../../reserved-metadata.js';
import { scheduleApi } from '../api/schedules.js';
import { namedPlan } from '../named-plan.js';
import { made } from '../reply.js';
import type { HttpScope } from '../scope.js';
import type { RouteServer } from '../serve-routes.js';

/** Schedules: create, list, read, change, pause, resume, trigger, preview, remove. */
export function serveSchedules(server: RouteServer, scope: HttpScope): void {
  const { catalog, orchestrator } = scope;
  const { schedules } = orchestrator;
  server.serve(scheduleApi, {
    async createSchedule({ body: { plan, ...draft } }) {
      ownMetadata(draft.runOptions?.metadata);
      const { created, ...schedule } = await schedules.create({
        ...draft,
        plan: await namedPlan(scope, plan),
        label: draft.label ?? catalog.find(plan)?.name,
      });
      return made(schedule, created, `/schedules/${encodeURIComponent(schedule.id)}`);
    },
    listSchedules: async ({ query }) => ({ schedules: await schedules.list(query) }),
    getSchedule: ({ params }) => schedules.get(params.id),
    previewSchedule: async ({ params, query }) => ({
      occurrences: await schedules.preview(params.id, query.count),
    }),
    async updateSchedule({ params, body: { plan, ...changes } }) {
      ownMetadata(changes.runOptions?.metadata);
      if (plan === undefined) return schedules.update(params.id, changes);
      return schedules.update(params.id, {
        ...changes,
        plan: await namedPlan(scope, plan),
        label: changes.label ?? catalog.find(plan)?.name,
      });
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
