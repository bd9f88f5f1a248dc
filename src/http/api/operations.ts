import { z } from '@hono/zod-openapi';
import { api, route } from '../route.js';
import * as bulk from '../schemas/bulk.js';
import { name } from './parts.js';

const wanted = { action: bulk.bulkAction, filter: bulk.bulkFilter };

export const operationsApi = api('operations', {
  getMetrics: route({
    method: 'get',
    path: '/metrics',
    role: 'host',
    summary: 'metrics for Prometheus; see [operations](operations.md#metrics)',
    answerTypes: ['text/plain'],
  }),
  previewBulk: route({
    method: 'post',
    path: '/bulk/preview',
    role: 'operator',
    summary:
      'which runs would be hit, and the token to have it done; see [operations](operations.md#many-runs-at-once)',
    body: z.strictObject(wanted),
    answer: bulk.bulkPreview,
    example: { action: { type: 'cancel' }, filter: { status: ['blocked'] } },
  }),
  applyBulk: route({
    method: 'post',
    path: '/bulk/apply',
    role: 'operator',
    summary: 'does it to a page of runs: an outcome each, and the cursor of the next page',
    body: z.strictObject({
      ...wanted,
      token: z.string().max(1_024),
      by: name,
      cursor: z.string().max(512).optional(),
      limit: z.int().optional(),
      allowChanges: z.boolean().optional(),
    }),
    answer: bulk.bulkPage,
    example: {
      action: { type: 'cancel' },
      filter: { status: ['blocked'] },
      token: 'from the preview',
      by: 'ada',
    },
    problems: ['bulk-changed', 'bulk-mismatch'],
  }),
});
