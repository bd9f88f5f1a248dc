/** Parts that the inputs of several tools have in common, with their limits. */
import { z } from 'zod';
import type { JsonObject, JsonValue } from '../plan/json.js';
import { isPlanHash } from '../plan/plan-version.js';
import type { Plan } from '../plan/schema.js';
import type { Call } from './tool.js';

export const name = z.string().min(1).max(256);
export const run = z.string().min(1).max(128).describe('Id of the run');
export const node = z
  .string()
  .min(1)
  .max(16_384)
  .describe('Path of the node run: `review`, `research[2]/search`, `translate[3]`');
export const reason = z.string().max(2_000).describe('Why, for the log');
export const by = name.describe('Who asks, for the log; the name of the client unless given');
export const offset = z
  .int()
  .min(0)
  .default(0)
  .describe('Where to read on in a text that was cut: its `nextOffset`');
export const idempotencyKey = name.describe(
  'Names the call: made again with the same key it does nothing more and is answered as before',
);
export const json = z.unknown().describe('Any JSON') as unknown as z.ZodType<JsonValue>;
export const jsonObject = z.record(z.string(), z.unknown()) as unknown as z.ZodType<JsonObject>;

/** How many entries a page has at most. */
export const limit = z.int().min(1).max(100).default(25).describe('Entries of a page at most');

/** How long a call may wait, in milliseconds: well within the patience of clients, which is 60 s. */
export const waitMs = z.int().min(0).max(30_000).default(0);

export const plan = z
  .union([name, jsonObject], {
    error: 'Expected the name of a plan on offer, the hash of a version, or a plan',
  })
  .describe(
    'The name of a plan on offer (list_plans), the hash of a version that is stored (sha256:…), or a plan: {title, nodes: [{id, kind, …}], edges: [{source, target, …}]}',
  );

/**
 * One on offer, by its name; a version, by its hash; or one in place, which is not looked at yet. Rejects with
 * `plan-unknown`.
 */
export async function planOf(
  { plans, host }: Pick<Call, 'plans' | 'host'>,
  given: string | JsonObject,
): Promise<Plan> {
  if (typeof given !== 'string') return given as unknown as Plan;
  const isVersion = isPlanHash(given) && !plans.has(given);
  return isVersion ? host.runs.plan(given) : plans.get(given).version.plan;
}
