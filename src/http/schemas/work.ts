import { z } from '@hono/zod-openapi';
import type {
  AcceptedResult,
  ClaimedWork,
  KeptPayload,
  LeaseState,
  OfferedWork,
} from '../../work/work.js';
import { count, jsonValue, objectOf, text, time } from './json.js';

export const offer = objectOf<OfferedWork>('OfferedWork', {
  handler: text,
  capability: text,
  waiting: count.openapi({ description: 'Attempts that a worker could claim now' }),
});

export const claimed = objectOf<ClaimedWork>('ClaimedWork', {
  token: text.openapi({
    description: 'Names the lease: heartbeats and the result are sent with it',
  }),
  run: text,
  node: text,
  generation: count,
  attempt: count,
  key: text,
  idempotencyKey: text.openapi({ description: 'The same for all attempts of a generation' }),
  handler: text,
  capability: text,
  input: jsonValue.optional(),
  isLastTry: z.boolean(),
  lastHeartbeat: jsonValue.optional(),
  feedback: z.array(jsonValue) as unknown as z.ZodType<ClaimedWork['feedback']>,
  trace: z
    .object({ traceparent: text, tracestate: text.optional() as z.ZodType<string> })
    .optional() as unknown as z.ZodType<NonNullable<ClaimedWork['trace']>>,
  leaseMs: count,
  expiresAt: time.openapi({ description: 'When the lease ends unless it is extended' }),
  deadlineAt: time.nullable(),
});

export const leaseState = objectOf<LeaseState>('LeaseState', {
  expiresAt: time,
  isCancelled: z.boolean().openapi({ description: 'The worker is to stop' }),
});

export const keptPayload = objectOf<KeptPayload>('KeptPayload', {
  pointer: text.openapi({ description: '`file:sha256:…`' }),
  digest: text.openapi({ description: 'Names it among the artifacts of the result' }),
  bytes: count,
});

export const accepted = objectOf<AcceptedResult>('AcceptedResult', {
  run: text,
  node: text,
  generation: count,
  attempt: count,
  accepted: z.literal(true),
});
