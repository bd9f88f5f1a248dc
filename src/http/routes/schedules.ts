import type { Context, Hono } from 'hono';
import { z } from 'zod';
import { RunchartError } from '../../errors.js';
import type { JsonObject, JsonValue } from '../../plan/json.js';
import type { Plan } from '../../plan/schema.js';
import type { ScheduleOptions } from '../../schedules/schedules.js';
import { emptyBody, planOrName } from '../body-parts.js';
import { readBody } from '../read-body.js';
import { pathPart, queryCount } from '../read-query.js';
import { resource } from '../resource.js';
import type { HttpScope } from '../scope.js';

/** What is wrong with the values themselves is told, all of it, as `schedule-invalid`. */
const settings = z.strictObject({
  label: z.custom<string>().optional(),
  input: z.custom<JsonValue>().optional(),
  overlap: z.custom<NonNullable<ScheduleOptions['overlap']>>().optional(),
  catchUp: z.custom<NonNullable<ScheduleOptions['catchUp']>>().optional(),
  startAt: z.custom<number | null>().optional(),
  endAt: z.custom<number | null>().optional(),
  jitterMs: z.custom<number>().optional(),
});
const cadence = z.custom<ScheduleOptions['cadence']>(
  (value) => value !== undefined,
  'Expected {"cron": …} or {"everyMs": …}',
);
const create = settings.extend({ id: z.string(), plan: planOrName, cadence });
const update = settings.extend({ plan: planOrName.optional(), cadence: cadence.optional() });

/** Schedules: create, list, read, change, pause, resume, trigger, preview, remove. */
export function addSchedules(app: Hono, scope: HttpScope): void {
  const { schedules } = scope.orchestrator;
  resource(app, '/schedules', {
    POST: (context) => createSchedule(context, scope),
    async GET(context) {
      const limit = queryCount(context, 'limit', { min: 1, otherwise: 100 });
      const after = context.req.query('after');
      const page = await schedules.list({ limit, ...(after !== undefined && { after }) });
      return context.json({ schedules: page });
    },
  });
  resource(app, '/schedules/:id', {
    GET: async (context) => context.json(await schedules.get(pathPart(context, 'id'))),
  });
  resource(app, '/schedules/:id/occurrences', {
    async GET(context) {
      const count = queryCount(context, 'count', { min: 1, otherwise: 10 });
      const occurrences = await schedules.preview(pathPart(context, 'id'), count);
      return context.json({ occurrences });
    },
  });
  resource(app, '/schedules/:id/update', {
    async POST(context) {
      const { plan: named, ...changes } = await readBody(context, update);
      const found = named === undefined ? {} : planOf(scope, named, changes.label);
      return context.json(
        await schedules.update(pathPart(context, 'id'), { ...changes, ...found }),
      );
    },
  });
  for (const verb of ['pause', 'resume', 'trigger'] as const) {
    resource(app, `/schedules/:id/${verb}`, {
      async POST(context) {
        await readBody(context, emptyBody);
        return context.json(await schedules[verb](pathPart(context, 'id')));
      },
    });
  }
  resource(app, '/schedules/:id/remove', {
    async POST(context) {
      await readBody(context, emptyBody);
      const schedule = pathPart(context, 'id');
      if (await schedules.remove(schedule)) return context.json({ schedule, removed: true });
      throw new RunchartError('schedule-unknown', `there is no schedule "${schedule}"`);
    },
  });
}

/** 201 for a new schedule, 200 for one that was there, the same. */
async function createSchedule(context: Context, scope: HttpScope): Promise<Response> {
  const { plan: named, ...draft } = await readBody(context, create);
  const { created, ...schedule } = await scope.orchestrator.schedules.create({
    ...draft,
    ...planOf(scope, named, draft.label),
  });
  context.header('Location', `/schedules/${encodeURIComponent(schedule.id)}`);
  return context.json(schedule, created ? 201 : 200);
}

/** One on offer goes by the name that it is offered by. */
function planOf(
  { catalog }: HttpScope,
  named: string | JsonObject,
  label: string | undefined,
): { readonly plan: Plan; readonly label: string | undefined } {
  if (typeof named !== 'string') return { plan: named as unknown as Plan, label };
  const { name, version } = catalog.get(named);
  return { plan: version.plan, label: label ?? name };
}
