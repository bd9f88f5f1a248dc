import { z } from '@hono/zod-openapi';
import type { Issue } from '../../plan/issue.js';
import type { Problem } from '../problem.js';
import { jsonObject, jsonValue, objectOf, text } from './json.js';

export const issue = objectOf<Issue>('Issue', {
  severity: z.enum(['blocking', 'warning']),
  code: text,
  message: text,
  path: text.openapi({ description: 'JSON Pointer into what was sent; empty for all of it' }),
  node: text.optional(),
  hint: text.optional(),
  detail: jsonValue.optional(),
});

/** Problem details (RFC 9457). */
export const problem = objectOf<Problem>('Problem', {
  type: text,
  title: text,
  status: z.int(),
  code: text.openapi({ description: 'Stable; texts are not' }),
  detail: text,
  retryable: z.boolean().openapi({ description: 'Whether the same request may succeed later' }),
  hint: text.optional(),
  issues: z.array(issue).optional(),
  data: jsonObject.optional(),
});
