/** Schemas of what is done to many runs. */
import { z } from '@hono/zod-openapi';
import { BULK_ACTIONS, type BulkAction } from '../../bulk/bulk-action.js';
import type { BulkOutcome, BulkPage, BulkPreview } from '../../bulk/bulk-changes.js';
import type { BulkFilter } from '../../bulk/bulk-filter.js';
import { RUN_STATUSES } from '../../machines/statuses.js';
import { checkedLater, count, jsonObject, jsonValue, objectOf, text, time } from './json.js';

export const bulkAction: z.ZodType<BulkAction> = checkedLater(
  z.strictObject({
    type: z.enum(BULK_ACTIONS),
    reason: text.optional(),
    name: text.optional(),
    payload: jsonValue.optional(),
  }) as unknown as z.ZodType<BulkAction>,
);

export const bulkFilter: z.ZodType<BulkFilter> = checkedLater(
  z.strictObject({
    ids: z.array(text).optional(),
    status: z.array(z.enum(RUN_STATUSES)).optional(),
    plan: text.optional(),
    metadata: jsonObject.optional(),
    createdBefore: z.number().optional(),
    createdAfter: z.number().optional(),
    updatedBefore: z.number().optional(),
  }) as unknown as z.ZodType<BulkFilter>,
);

const sampled = objectOf<BulkPreview['sample'][number]>('SampledRun', {
  id: text,
  status: z.enum(RUN_STATUSES),
  createdAt: time,
});

export const bulkPreview = objectOf<BulkPreview>('BulkPreview', {
  count,
  sample: z.array(sampled),
  token: text,
});

const outcome = objectOf<BulkOutcome>('BulkOutcome', {
  run: text,
  outcome: z.enum(['done', 'refused']),
  code: text.optional() as unknown as z.ZodType<string>,
  message: text.optional() as unknown as z.ZodType<string>,
  detail: jsonObject.optional() as unknown as z.ZodType<BulkOutcome['detail'] & object>,
});

export const bulkPage = objectOf<BulkPage>('BulkPage', {
  outcomes: z.array(outcome),
  cursor: text.nullable(),
});
