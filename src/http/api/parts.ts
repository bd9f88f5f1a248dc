/** Parts that queries and bodies of several routes have in common. */
import { z } from '@hono/zod-openapi';
import type { JsonObject } from '../../plan/json.js';
import { budgetSchema } from '../../plan/schema.js';
import { jsonObject } from '../schemas/json.js';

/** Names of people and messages, and why something was done. */
export const name = z.string().min(1).max(256);
export const id = z.string().min(1).max(128);
export const reason = z.string().max(2_000);
/** Path of a node run: `research[2]/search`. */
export const nodePath = z.string().max(16_384);
export const asked = { by: name, reason: reason.optional() };
export const emptyBody = z.strictObject({});

/** One on offer, by its name, or as it is written. */
export const planOrName: z.ZodType<string | JsonObject> = z.union(
  [z.string().max(256), jsonObject],
  { error: 'Expected the name of a plan, or a plan' },
);

/** A whole number in a query, not below `min`. */
export function needed(min: number): z.ZodType<number, string> {
  const message = `Expected a whole number from ${min} on`;
  const isRight = (text: string) => /^\d{1,15}$/.test(text) && Number(text) >= min;
  return z
    .string(message)
    .refine(isRight, message)
    .transform(Number)
    .openapi({ type: 'integer', minimum: min });
}

/** The same where it may be absent; then it is `otherwise`. */
export function number<Otherwise extends number | undefined>(
  min: number,
  otherwise: Otherwise,
): z.ZodType<number | Otherwise, string | undefined> {
  return needed(min)
    .optional()
    .transform((value) => value ?? otherwise)
    .openapi({
      type: 'integer',
      minimum: min,
      ...(otherwise !== undefined && { default: otherwise }),
    });
}

/** How many a page has: a thousand at most, whatever is asked for. */
export const limit = (otherwise: number) => number(1, otherwise);

/** What a run is started with, by whoever starts it. */
export const runOptions = z.strictObject({
  metadata: jsonObject.optional(),
  concurrency: z.int().min(1).max(10_000).optional(),
  priority: z.int().min(0).max(9).optional(),
  deadlineMs: z.int().min(1).optional(),
  budget: budgetSchema.optional(),
});
/** Of routes that make something. */
export const LOCATION = { Location: 'Path of what was made, or was there' };
/** Of routes that may answer with a stream. */
export const LAST_EVENT_ID = {
  'last-event-id': 'Id of the last event that came: a stream goes on behind it',
};
/** Of routes that begin something. */
export const TRACE = {
  traceparent: 'The trace that it belongs to (W3C Trace Context)',
  tracestate: 'What else is said of that trace',
};

/** Number of the event that a client has had last. */
export const lastEventId = number(0, undefined);
