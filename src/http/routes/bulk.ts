import type { Hono } from 'hono';
import { z } from 'zod';
import type { BulkAction } from '../../bulk/bulk-action.js';
import type { BulkFilter } from '../../bulk/bulk-filter.js';
import type { JsonValue } from '../../plan/json.js';
import { jsonObject } from '../body-parts.js';
import { readBody } from '../read-body.js';
import { resource } from '../resource.js';
import type { HttpScope } from '../scope.js';

const reason = z.string().max(2_000).optional();
const action = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('cancel'), reason }),
  z.strictObject({ type: z.literal('pause') }),
  z.strictObject({ type: z.literal('resume') }),
  z.strictObject({
    type: z.literal('signal'),
    name: z.string(),
    payload: z.custom<JsonValue>().optional(),
  }),
  z.strictObject({ type: z.literal('retry') }),
]);
const preview = z.strictObject({ action, filter: jsonObject });
const apply = z.strictObject({
  ...preview.shape,
  token: z.string(),
  by: z.string().min(1).max(256),
  cursor: z.string().optional(),
  limit: z.int().optional(),
  allowChanges: z.boolean().optional(),
});

/** The same done to many runs, by filter, after a preview. */
export function addBulk(app: Hono, { orchestrator }: HttpScope): void {
  const { bulk } = orchestrator;
  resource(app, '/bulk/preview', {
    async POST(context) {
      const body = await readBody(context, preview);
      return context.json(await bulk.preview(body.action as BulkAction, body.filter as BulkFilter));
    },
  });
  resource(app, '/bulk/apply', {
    async POST(context) {
      const { action: wanted, filter, ...options } = await readBody(context, apply);
      const page = await bulk.apply(wanted as BulkAction, filter as BulkFilter, options);
      return context.json(page);
    },
  });
}
