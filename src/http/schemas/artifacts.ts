import { z } from '@hono/zod-openapi';
import type { ArtifactView } from '../../views.js';
import { count, jsonValue, objectOf, text, time } from './json.js';

export const artifact = objectOf<ArtifactView>('Artifact', {
  name: text,
  version: count,
  kind: text,
  standing: z.enum(['accepted', 'rejected']),
  node: text,
  generation: count,
  attempt: count,
  pointer: text.nullable(),
  payload: jsonValue.optional(),
  schema: jsonValue.optional(),
  digest: text.optional().openapi({ description: 'SHA-256 of a payload that is kept in a file' }),
  bytes: count.optional(),
  at: time,
});
