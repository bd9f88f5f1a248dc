import { z } from '@hono/zod-openapi';
import type { JsonObject } from '../../plan/json.js';
import { api, route } from '../route.js';
import { busPage } from '../schemas/events.js';
import { LAST_EVENT_ID, limit } from './parts.js';

/** Names with commas between them. */
const names = z
  .string()
  .transform((text) => text.split(','))
  .openapi({ type: 'string' });

/** An object as JSON text. */
const metadata = z
  .string()
  .transform((text, context): JsonObject => {
    try {
      const value: unknown = JSON.parse(text);
      if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
        return value as JsonObject;
      }
    } catch {}
    context.addIssue({ code: 'custom', message: 'Expected an object as JSON' });
    return z.NEVER;
  })
  .openapi({ type: 'string' });

/** `TURN/NUMBER`, or as tenants are told it. */
export const position = z
  .string()
  .regex(/^(\d{1,16}\/\d{1,16}|[\w-]{59})$/, 'Expected the position of an event')
  .optional();

export const eventApi = api('events', {
  listAllEvents: route({
    method: 'get',
    path: '/events',
    role: 'reader',
    summary:
      'events of all runs `after` a position, from now on without one; see [events](events.md#the-events-of-all-runs). `types`, `runs` with commas between them, `metadata` as JSON. A stream if asked for',
    query: z.object({
      types: names.optional(),
      runs: names.optional(),
      plan: z.string().max(1_024).optional(),
      metadata: metadata.optional(),
      after: position,
      limit: limit(500),
    }),
    headers: LAST_EVENT_ID,
    answer: busPage,
    answerTypes: ['text/event-stream'],
    statuses: { 200: 'A page, or a stream' },
    problems: ['argument-invalid', 'overloaded', 'too-many-streams'],
  }),
});
