import type { Context, Hono } from 'hono';
import { z } from 'zod';
import type { JsonValue } from '../../plan/json.js';
import { readBody } from '../read-body.js';
import { resource } from '../resource.js';
import type { HttpScope } from '../scope.js';

const name = z.string().min(1).max(256);
const token = z.string().min(1).max(8_192);
const waitMs = z.int().min(0).max(60_000).optional();
const json = z.custom<JsonValue>((value) => value !== undefined, 'Expected a value');

const claim = z.strictObject({
  worker: name,
  capabilities: z
    .array(z.union([name, z.strictObject({ name, version: name.optional() })]))
    .min(1)
    .max(100),
  limit: z.int().min(1).max(100).optional(),
  waitMs,
});
const heartbeat = z.strictObject({ token, payload: z.custom<JsonValue>().optional(), waitMs });
const progress = z.strictObject({ token, progress: json });
const completion = z.strictObject({ token, result: z.custom<JsonValue>().optional() });
const error = z.strictObject({
  message: z.string().max(65_536),
  code: name.optional(),
  class: name.optional(),
  retryable: z.boolean().optional(),
});
const failure = z.strictObject({ token, error });
const release = z.strictObject({ token });

/** What external workers claim, and what they say of it. A claim and a heartbeat may wait for their answer. */
export function addWork(app: Hono, { orchestrator: { work }, closing }: HttpScope): void {
  const gone = (context: Context) => AbortSignal.any([context.req.raw.signal, closing]);
  resource(app, '/work', {
    GET: (context) => context.json({ offers: work.offers() }),
  });
  resource(app, '/work/claim', {
    async POST(context) {
      const body = await readBody(context, claim);
      return context.json({ claims: await work.claim({ ...body, signal: gone(context) }) });
    },
  });
  resource(app, '/work/heartbeat', {
    async POST(context) {
      const { token: named, ...body } = await readBody(context, heartbeat);
      return context.json(await work.heartbeat(named, { ...body, signal: gone(context) }));
    },
  });
  resource(app, '/work/progress', {
    async POST(context) {
      const { token: named, progress: value } = await readBody(context, progress);
      return context.json(await work.progress(named, value));
    },
  });
  resource(app, '/work/complete', {
    async POST(context) {
      const { token: named, result } = await readBody(context, completion);
      return context.json(await work.complete(named, result));
    },
  });
  resource(app, '/work/fail', {
    async POST(context) {
      const { token: named, error: reported } = await readBody(context, failure);
      return context.json(await work.fail(named, reported));
    },
  });
  resource(app, '/work/release', {
    async POST(context) {
      return context.json(await work.release((await readBody(context, release)).token));
    },
  });
}
