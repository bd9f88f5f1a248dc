import { z } from '@hono/zod-openapi';
import { api, route } from '../route.js';
import { jsonValue, listOf } from '../schemas/json.js';
import * as work from '../schemas/work.js';
import { name } from './parts.js';

export const token = z.string().min(1).max(8_192);
const waitMs = z.int().min(0).max(60_000).optional();
const capability = z.union([name, z.strictObject({ name, version: name.optional() })]);
const error = z.strictObject({
  message: z.string().max(65_536),
  code: name.optional(),
  class: name.optional(),
  retryable: z.boolean().optional(),
});

export const TOKEN = 'WyJyMSIsImEiLDEsMSwibGVhc2UiXQ';
/** What is said of work that was claimed. */
export const told = {
  method: 'post',
  role: 'worker',
  problems: [
    ...(['lease-lost', 'run-unknown', 'run-ended', 'run-unrestorable', 'handler-missing'] as const),
    ...(['node-unknown', 'node-not-work'] as const),
  ],
} as const;

export const workApi = api('work', {
  listOffers: route({
    method: 'get',
    path: '/work',
    role: 'reader',
    summary: 'what waits for external workers, by handler; see [workers](workers.md)',
    answer: listOf('offers', work.offer),
  }),
  claimWork: route({
    method: 'post',
    path: '/work/claim',
    role: 'worker',
    knowsKeys: true,
    summary:
      'gives a worker what it can do; where there is nothing the answer waits for `waitMs`; with its key again, what it holds still',
    body: z.strictObject({
      worker: name,
      capabilities: z.array(capability).min(1).max(100),
      limit: z.int().min(1).max(100).optional(),
      waitMs,
    }),
    answer: listOf('claims', work.claimed),
    example: { worker: 'w1', capabilities: ['translate'], limit: 1, waitMs: 0 },
  }),
  heartbeatWork: route({
    ...told,
    path: '/work/heartbeat',
    summary:
      'extends a lease; with `waitMs` the answer waits for a cancel, so that it is heard at once',
    body: z.strictObject({ token, payload: jsonValue.optional(), waitMs }),
    answer: work.leaseState,
    example: { token: TOKEN },
  }),
  reportProgress: route({
    ...told,
    path: '/work/progress',
    summary: 'records a progress value, and extends the lease',
    body: z.strictObject({ token, progress: jsonValue }),
    answer: work.leaseState,
    example: { token: TOKEN, progress: { pages: 3 } },
  }),
  uploadPayload: route({
    ...told,
    path: '/work/payloads',
    summary:
      'takes a large payload of an artifact, as JSON, ahead of the result, which names it by its `digest`',
    query: z.object({ token }),
    bodyTypes: ['application/json'],
    isIdempotent: true,
    answer: work.keptPayload,
    problems: [...told.problems, 'artifact-too-large', 'overloaded'],
  }),
  completeWork: route({
    ...told,
    path: '/work/complete',
    summary: 'ends an attempt with its result; the same again gets the same answer',
    body: z.strictObject({ token, result: jsonValue.optional() }),
    answer: work.accepted,
    example: { token: TOKEN, result: { text: 'bonjour' } },
    problems: [...told.problems, 'artifact-not-uploaded'],
  }),
  failWork: route({
    ...told,
    path: '/work/fail',
    summary: "ends an attempt with a failure, which the node's policy decides about",
    body: z.strictObject({ token, error }),
    answer: work.accepted,
    example: { token: TOKEN, error: { message: 'no dictionary', retryable: false } },
  }),
  releaseWork: route({
    ...told,
    path: '/work/release',
    summary: 'gives an attempt back, for another worker; that uses up no try',
    body: z.strictObject({ token }),
    answer: work.accepted,
    example: { token: TOKEN },
  }),
});
