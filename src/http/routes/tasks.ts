import type { Context, Hono } from 'hono';
import { z } from 'zod';
import type { JsonValue } from '../../plan/json.js';
import type { HandedOver } from '../../tasks.js';
import { readAs, readBody } from '../read-body.js';
import { pathPart, queryCount } from '../read-query.js';
import { resource } from '../resource.js';
import type { HttpScope } from '../scope.js';

const name = z.string().min(1).max(256);
const id = z.string().min(1).max(128);

const artifact = z
  .strictObject({
    name,
    kind: name,
    pointer: z.string().max(16_384).optional(),
    payload: z.custom<JsonValue>().optional(),
  })
  .transform((given) => given as HandedOver);

const answer = z.strictObject({
  response: z.custom<JsonValue>((value) => value !== undefined, 'Expected the response'),
  responder: name.optional(),
  run: id.optional(),
  digest: z.string().max(128).optional(),
  messageId: name.optional(),
  comment: z.string().max(16_384).optional(),
  artifacts: z.array(artifact).max(1_000).optional(),
});
const status = z.enum(['open', 'answered', 'expired', 'cancelled', 'superseded']);
const filter = z.strictObject({
  status: status.optional(),
  run: id.optional(),
  assignee: name.optional(),
  answerableBy: name.optional(),
  after: id.optional(),
});
const claim = z.strictObject({ by: name });
const delegation = z.strictObject({ by: name, to: name });
const assignment = z.strictObject({ to: name.nullable(), by: name.optional() });
const extension = z.strictObject({ deadlineAt: z.number(), by: name.optional() });

/** What people are asked, their answers, and what else they do about it. */
export function addTasks(app: Hono, { orchestrator: { tasks } }: HttpScope): void {
  const taskIn = (context: Context) => pathPart(context, 'id');
  resource(app, '/tasks', {
    async GET(context) {
      const limit = queryCount(context, 'limit', { min: 1, otherwise: 100 });
      const { limit: _, ...query } = context.req.query();
      const page = { ...readAs(filter, query, 'The query'), limit };
      return context.json({ tasks: await tasks.list(page) });
    },
  });
  resource(app, '/tasks/:id', {
    GET: async (context) => context.json(await tasks.get(taskIn(context))),
  });
  resource(app, '/tasks/:id/responses', {
    GET: async (context) => context.json({ responses: await tasks.responses(taskIn(context)) }),
  });
  resource(app, '/tasks/:id/response', {
    async POST(context) {
      const body = await readBody(context, answer);
      return context.json(await tasks.respond(taskIn(context), body));
    },
  });
  resource(app, '/tasks/:id/claim', {
    POST: async (context) =>
      context.json(await tasks.claim(taskIn(context), await readBody(context, claim))),
  });
  resource(app, '/tasks/:id/release', {
    POST: async (context) =>
      context.json(await tasks.release(taskIn(context), await readBody(context, claim))),
  });
  resource(app, '/tasks/:id/delegate', {
    POST: async (context) =>
      context.json(await tasks.delegate(taskIn(context), await readBody(context, delegation))),
  });
  resource(app, '/tasks/:id/assign', {
    async POST(context) {
      const body = await readBody(context, assignment);
      return context.json(await tasks.assign(taskIn(context), body));
    },
  });
  resource(app, '/tasks/:id/extend', {
    async POST(context) {
      const body = await readBody(context, extension);
      return context.json(await tasks.extend(taskIn(context), body));
    },
  });
}
