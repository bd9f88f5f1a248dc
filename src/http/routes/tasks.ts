import type { Hono } from 'hono';
import { z } from 'zod';
import type { JsonValue } from '../../plan/json.js';
import { readBody } from '../read-body.js';
import { pathPart, queryCount } from '../read-query.js';
import { resource } from '../resource.js';
import type { HttpScope } from '../scope.js';

const answer = z.strictObject({
  response: z.custom<JsonValue>((value) => value !== undefined, 'Expected the response'),
  responder: z.string().min(1).max(256).optional(),
  run: z.string().min(1).max(128).optional(),
});

/** What people are asked, and their answers. */
export function addTasks(app: Hono, { orchestrator }: HttpScope): void {
  resource(app, '/tasks', {
    async GET(context) {
      const limit = queryCount(context, 'limit', { min: 1, otherwise: 100 });
      return context.json({ tasks: await orchestrator.runs.openTasks(limit) });
    },
  });
  resource(app, '/tasks/:id', {
    GET: async (context) => context.json(await orchestrator.runs.task(pathPart(context, 'id'))),
  });
  resource(app, '/tasks/:id/response', {
    async POST(context) {
      const { response, responder, run } = await readBody(context, answer);
      const responded = await orchestrator.respond(pathPart(context, 'id'), {
        response,
        ...(responder !== undefined && { responder }),
        ...(run !== undefined && { run }),
      });
      return context.json(responded);
    },
  });
}
