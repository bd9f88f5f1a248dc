import { RunchartError } from '../../errors.js';
import type { JsonObject } from '../../plan/json.js';
import { ownMetadata, partedMetadata } from '../../reserved-metadata.js';
import type { ScheduledRunOptions } from '../../schedules/schedule.js';
import { scheduleApi } from '../api/schedules.js';
import { namedPlan } from '../named-plan.js';
import { made } from '../reply.js';
import type { HttpScope } from '../scope.js';
import type { Incoming, RouteServer } from '../serve-routes.js';

/** Schedules: create, list, read, change, pause, resume, trigger, preview, remove. */
export function serveSchedules(server: RouteServer, scope: HttpScope): void {
  const { catalog, orchestrator } = scope;
  const { schedules } = orchestrator;
  server.serve(scheduleApi, {
    async createSchedule({ body: { plan, ...draft } }) {
      const offered = catalog.find(plan);
      const { created, ...schedule } = await schedules.create({
        ...draft,
        plan: await namedPlan(scope, plan),
        label: draft.label ?? offered?.name,
        runOptions: optionsOf(draft.runOptions, offered?.metadata),
      });
      return made(schedule, created, `/schedules/${encodeURIComponent(schedule.id)}`);
    },
    listSchedules: async ({ query }) => ({ schedules: await schedules.list(query) }),
    getSchedule: ({ params }) => schedules.get(params.id),
    previewSchedule: async ({ params, query }) => ({
      occurrences: await schedules.preview(params.id, query.count),
    }),
    updateSchedule: async ({ params, body }) =>
      schedules.update(params.id, await changesOf(scope, params.id, body)),
    pauseSchedule: ({ params }) => schedules.pause(params.id),
    resumeSchedule: ({ params }) => schedules.resume(params.id),
    triggerSchedule: ({ params }) => schedules.trigger(params.id),
    async removeSchedule({ params: { id } }) {
      if (await schedules.remove(id)) return { schedule: id, removed: true as const };
      throw new RunchartError('schedule-unknown', `there is no schedule "${id}"`);
    },
  });
}

/** What a plan on offer brings goes as the plan goes; what the client has said stays. */
async function changesOf(
  scope: HttpScope,
  id: string,
  { plan, ...changes }: Incoming<typeof scheduleApi.updateSchedule>['body'],
) {
  if (plan === undefined && changes.runOptions === undefined) return changes;
  const { runOptions: before } = await scope.orchestrator.schedules.get(id);
  const { own, reserved } = partedMetadata(before.metadata);
  const wanted = changes.runOptions ?? { ...before, metadata: own };
  if (plan === undefined) return { ...changes, runOptions: optionsOf(wanted, reserved) };
  const offered = scope.catalog.find(plan);
  return {
    ...changes,
    plan: await namedPlan(scope, plan),
    label: changes.label ?? offered?.name,
    runOptions: optionsOf(wanted, offered?.metadata),
  };
}

/** What runs are started with, as a client says it and with what is added to their metadata. */
function optionsOf(
  { metadata, ...options }: ScheduledRunOptions = {},
  added: JsonObject = {},
): ScheduledRunOptions {
  const all = { ...ownMetadata(metadata), ...added };
  return { ...options, ...(Object.keys(all).length > 0 && { metadata: all }) };
}
