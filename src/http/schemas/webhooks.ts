import { z } from '@hono/zod-openapi';
import type { Delivered } from '../../delivery/delivered.js';
import type { DeliveryError } from '../../delivery/send.js';
import type {
  DeadLetter,
  DeadLetterWithBody,
  Disabled,
  RetryingRun,
  Webhook,
  WebhookWithSecret,
} from '../../delivery/webhook.js';
import {
  count,
  type GivenOnce,
  givenOnce,
  jsonObject,
  objectOf,
  type Shape,
  text,
  time,
} from './json.js';

const error = objectOf<DeliveryError>('DeliveryError', {
  code: z.enum([
    ...(['address-refused', 'host-unknown', 'connection-failed'] as const),
    ...(['timeout', 'status-refused'] as const),
  ]),
  message: text,
  status: z.int().optional() as z.ZodType<number>,
});

const disabled = objectOf<Disabled>('DisabledWebhook', {
  code: z.enum(['by-request', 'endpoint-failing', 'endpoint-gone', 'dead-letters-full']),
  message: text,
  at: time,
});

const retrying = objectOf<RetryingRun>('RetryingRun', {
  after: count,
  tries: count,
  dueAt: time,
  error: error.nullable(),
});

const SHAPE: Shape<Webhook> = {
  id: text,
  url: text,
  description: text,
  types: z.array(text),
  plan: text.nullable(),
  metadata: jsonObject.nullable(),
  disabled: disabled.nullable(),
  failingSince: time.nullable(),
  missedAt: time.nullable(),
  behind: count,
  retrying: z.array(retrying),
  deadLetters: count,
  oldSecretUntil: time.nullable(),
  createdAt: time,
  updatedAt: time,
};

export const webhook = objectOf<Webhook>('Webhook', SHAPE);
export const webhookWithSecret = objectOf<GivenOnce<WebhookWithSecret, 'secret'>>(
  'WebhookWithSecret',
  { ...SHAPE, secret: givenOnce },
);

const LETTER: Shape<DeadLetter> = {
  webhook: text,
  message: text,
  run: text,
  seq: count,
  type: text,
  tries: count,
  error,
  at: time,
};

export const deadLetter = objectOf<DeadLetter>('DeadLetter', LETTER);
export const deadLetterWithBody = objectOf<DeadLetterWithBody>('DeadLetterWithBody', {
  ...LETTER,
  body: jsonObject,
});

export const delivered = objectOf<Delivered>('Delivered', {
  accepted: z.boolean(),
  status: z.int().nullable(),
  error: error.nullable(),
});
