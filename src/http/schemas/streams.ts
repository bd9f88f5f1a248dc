import { z } from '@hono/zod-openapi';
import type { StreamEnd, StreamedChunk, StreamGap, StreamItem } from '../../run-streams.js';
import { count, jsonValue, objectOf, text } from './json.js';

const attempt = { node: text, generation: count, attempt: count };

const chunk = objectOf<StreamedChunk>('StreamedChunk', {
  type: z.literal('chunk'),
  ...attempt,
  number: count.openapi({ description: 'Within its attempt, from 1' }),
  check: text.optional().openapi({ description: 'The check whose handler streams it' }),
  value: jsonValue,
});

const gap = objectOf<StreamGap>('StreamGap', {
  type: z.literal('gap'),
  ...attempt,
  chunks: count.openapi({ description: 'So many are not told: they came too early, or too fast' }),
});

const end = objectOf<StreamEnd>('StreamEnd', {
  type: z.literal('end'),
  ...attempt,
  chunks: count,
  characters: count,
  dropped: count.openapi({ description: 'How often a watcher was too slow for a chunk' }),
  seq: count.nullable().openapi({ description: 'Number of its event `attempt.streamed`' }),
});

export const streamItem: z.ZodType<StreamItem> = z.union([chunk, gap, end]);
