import { z } from '@hono/zod-openapi';
import type { JsonObject } from '../../plan/json.js';
import { api, route } from '../route.js';
import { checkedLater, jsonObject, listOf } from '../schemas/json.js';
import * as webhooks from '../schemas/webhooks.js';
import { emptyBody, LOCATION, limit } from './parts.js';

/** What is wrong with the values themselves is told, all of it, as `webhook-invalid`. */
const settings = z.strictObject({
  types: checkedLater<readonly string[]>(z.array(z.string()).min(1).max(100)).optional(),
  plan: checkedLater<string | null>(z.string().max(1_024).nullable()).optional(),
  metadata: checkedLater<JsonObject | null>(jsonObject.nullable()).optional(),
  description: checkedLater<string>(z.string().max(1_024)).optional(),
});
const secret = checkedLater<string>(z.string().startsWith('whsec_'));

const WEBHOOK = '/webhooks/{id}' as const;
const LETTERS = `${WEBHOOK}/dead-letters` as const;
const LETTER = `${LETTERS}/{message}` as const;
const read = { method: 'get', role: 'admin', problems: ['webhook-unknown'] } as const;
const changed = {
  method: 'post',
  role: 'admin',
  answer: webhooks.webhook,
  problems: ['webhook-unknown', 'webhook-invalid'],
} as const;
const letter = {
  role: 'admin',
  problems: ['webhook-unknown', 'dead-letter-unknown'],
} as const;

export const webhookApi = api('webhooks', {
  addWebhook: route({
    method: 'post',
    path: '/webhooks',
    role: 'admin',
    summary:
      'adds a [webhook](webhooks.md) of the tenant: 201, `Location`, and the only answer with its secret',
    body: settings.extend({
      url: z.string().max(2_048),
      id: z.string().max(128).optional(),
      secret: secret.optional(),
    }),
    answer: webhooks.webhookWithSecret,
    secrets: ['secret'],
    answerHeaders: LOCATION,
    statuses: { 201: 'The webhook is new' },
    problems: ['webhook-invalid', 'webhook-conflict'],
    example: { url: 'https://hooks.example.com/in', types: ['run.*', '*.failed'] },
  }),
  listWebhooks: route({
    method: 'get',
    path: '/webhooks',
    role: 'admin',
    summary: 'webhooks, by id; for a `host` those of all tenants',
    answer: listOf('webhooks', webhooks.webhook),
  }),
  getWebhook: route({
    ...read,
    path: WEBHOOK,
    summary: 'the webhook, and which runs it is behind with',
    answer: webhooks.webhook,
  }),
  updateWebhook: route({
    ...changed,
    path: `${WEBHOOK}/update`,
    summary: 'changes what the body has, and keeps the rest; what was disabled goes on',
    body: settings.extend({
      url: z.string().max(2_048).optional(),
      disabled: checkedLater<boolean>(z.boolean()).optional(),
    }),
    example: { disabled: false },
  }),
  rotateWebhook: route({
    ...changed,
    path: `${WEBHOOK}/rotate`,
    summary: 'gives it another secret, which the answer has',
    body: z.strictObject({
      secret: secret.optional(),
      overlapMs: checkedLater<number>(z.int().min(0)).optional(),
    }),
    answer: webhooks.webhookWithSecret,
    secrets: ['secret'],
  }),
  testWebhook: route({
    ...changed,
    path: `${WEBHOOK}/test`,
    summary: 'sends a `webhook.test` message: `{accepted, status, error}`',
    body: emptyBody,
    answer: webhooks.delivered,
  }),
  removeWebhook: route({
    ...changed,
    path: `${WEBHOOK}/remove`,
    summary: 'removes it with its dead letters',
    body: emptyBody,
    answer: z.object({ webhook: z.string(), removed: z.literal(true) }),
  }),
  listDeadLetters: route({
    ...read,
    path: LETTERS,
    summary: 'deliveries that were given up, oldest first; `after` a message',
    query: z.object({ limit: limit(100), after: z.string().optional() }),
    answer: listOf('deadLetters', webhooks.deadLetter),
  }),
  getDeadLetter: route({
    ...letter,
    method: 'get',
    path: LETTER,
    summary: 'one of them, with what is sent',
    answer: webhooks.deadLetterWithBody,
  }),
  redeliverDeadLetter: route({
    ...letter,
    method: 'post',
    path: `${LETTER}/redeliver`,
    summary: 'sends it once more: `{accepted, status, error}`',
    body: emptyBody,
    answer: webhooks.delivered,
  }),
  discardDeadLetter: route({
    ...letter,
    method: 'post',
    path: `${LETTER}/discard`,
    summary: 'forgets it',
    body: emptyBody,
    answer: z.object({
      webhook: z.string(),
      message: z.string(),
      discarded: z.literal(true),
    }),
  }),
});
