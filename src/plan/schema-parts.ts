/** What the schemas of nodes, edges and plans are made of: names, texts, durations, policies. */
import { z } from 'zod';
import { DURATION_PATTERN } from './durations.js';
import { ID_PATTERN, isForbiddenKey } from './ids.js';
import type { JsonObject, JsonValue } from './json.js';

export const MAX_NODES = 100_000;
export const MAX_EDGES = 400_000;
/** Ten years, the longest delay or deadline. */
export const MAX_DURATION_MS = 10 * 366 * 86_400_000;
export const MAX_EXPRESSION_LENGTH = 4_096;

// A property added here stays optional and is never filled in: the hash covers a plan as it was
// written, so that a new default changes the hash of no stored plan. Defaults live in node-settings.ts.

export const id = z
  .string()
  .regex(ID_PATTERN)
  .refine((value) => !isForbiddenKey(value), { error: 'This name is reserved' })
  .meta({ description: 'Letter or underscore first, then letters, digits, _ . -; at most 128' });

export const shortText = z.string().min(1).max(256);
export const longText = z.string().max(16_384);
export const durationMs = z.int().min(0).max(MAX_DURATION_MS);
export const limitMs = z.int().min(1).max(MAX_DURATION_MS);
export const json = z
  .custom<JsonValue>((value) => value !== undefined)
  .meta({ description: 'Any JSON' });

export const expression = z
  .string()
  .min(1)
  .max(MAX_EXPRESSION_LENGTH)
  .meta({ description: 'A CEL expression' });

export const duration = z
  .union([durationMs, z.string().regex(DURATION_PATTERN)], {
    error: 'Expected milliseconds, or a text such as 30s, 5m, 2h or 1d',
  })
  .meta({ description: 'Milliseconds, or a number with s, m, h or d' });

export const inlineSchema = z.union([
  z.boolean(),
  z
    .custom<JsonObject>(
      (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
    )
    .meta({ type: 'object' }),
]);

export const schemaReference = z
  .union([id, inlineSchema], { error: 'Expected the name of a schema or a JSON Schema' })
  .meta({ description: 'Name of one of `schemas`, or a JSON Schema (2020-12)' });

export const owner = z
  .strictObject({
    executorType: z.enum(['agent', 'plugin', 'user', 'system']),
    ref: shortText,
  })
  .meta({ description: 'Who does the work' });

export const deliverable = z.strictObject({
  name: shortText,
  kind: shortText,
  required: z.boolean().optional().meta({ default: true }),
  schema: schemaReference.optional().meta({ description: 'What its payload has to fit' }),
});

export const retry = z
  .strictObject({
    maxAttempts: z
      .int()
      .min(1)
      .max(1_000)
      .optional()
      .meta({ default: 1, description: 'Tries in total; 1 means no retry' }),
    retryOn: z.array(shortText).max(32).optional().meta({
      default: [],
      description: 'Failure classes to retry; empty means all retryable ones',
    }),
    backoff: z.enum(['none', 'fixed', 'exponential']).optional().meta({ default: 'none' }),
    delayMs: durationMs.optional().meta({ default: 0 }),
    maxDelayMs: durationMs.optional().meta({ description: 'Upper bound of every delay' }),
    maxInterruptions: z
      .int()
      .min(0)
      .max(1_000)
      .optional()
      .meta({ default: 5, description: 'Crashes and shutdowns survived before the node fails' }),
  })
  .meta({ description: 'When and how often it is tried again' });

const FAILURE_ACTIONS = [
  'abort',
  'skip',
  'continue',
  'retry',
  'fallback',
  'human-review',
  'replan',
  'escalate',
  'backtrack',
] as const;

const simpleFailureAction = z.enum(['abort', 'skip', 'continue']);
const failureAction = z.enum(FAILURE_ACTIONS);

/** For nodes that do no work of their own. */
export const onStructureFailure = simpleFailureAction.optional().meta({
  default: 'abort',
  description: 'What a failure means: the run ends, the node is skipped, or it goes on',
});

/** For nodes that work: one action, or one for each class of failure. */
export const onWorkFailure = z
  .union([failureAction, z.record(shortText, failureAction)], {
    error: `Expected ${FAILURE_ACTIONS.join(', ')}, or one of them for each class of failure`,
  })
  .optional()
  .meta({
    default: 'abort',
    description:
      'What a failure means when no retry is left; by class of failure, `*` for all others',
  });

export const fallback = z
  .strictObject({ handler: shortText, timeoutMs: limitMs.optional() })
  .meta({ description: 'Does the work instead; gets `{input, error}`' });

export const backtrack = z
  .strictObject({
    to: id.meta({ description: 'A node before this one, from which the run goes on again' }),
    maxRestarts: z.int().min(1).max(1_000).optional().meta({ default: 1 }),
  })
  .meta({ description: 'Where a failure under `backtrack` goes back to' });

const escalationLevel = z
  .strictObject({
    handler: shortText
      .optional()
      .meta({ description: 'Asked first to last; gets `{input, error}`' }),
    responders: z.array(shortText).min(1).max(1_024).optional(),
    instructions: longText.optional(),
    delayMs: durationMs.optional().meta({ default: 0, description: 'Wait before this level' }),
    deadlineMs: limitMs
      .optional()
      .meta({ description: 'How long people have before the next level' }),
  })
  .refine((level) => (level.handler === undefined) !== (level.responders === undefined), {
    error: 'A level has either a handler or responders',
  });

export const escalation = z
  .array(escalationLevel)
  .min(1)
  .max(16)
  .meta({ description: 'Who is turned to, level by level, under `escalate`' });

export const compensate = z
  .strictObject({
    handler: shortText.meta({ description: 'Undoes the work; gets `{input, output}`' }),
    timeoutMs: limitMs.optional(),
    startWithinMs: limitMs
      .optional()
      .meta({ description: 'How long it may wait to begin, for a worker or for a slot' }),
    retry: retry.optional(),
  })
  .meta({ description: 'Run in reverse order when the run fails or is cancelled' });

export const concurrencyKey = z
  .strictObject({
    key: expression.meta({ description: 'Gives the key, from the input of the node' }),
    limit: z.int().min(1).max(10_000).optional().meta({ default: 1 }),
  })
  .meta({ description: 'How many attempts with the same key may work at the same time' });

export const onDowntime = z.enum(['keep-due', 'remaining', 'restart']).optional().meta({
  default: 'keep-due',
  description:
    'After downtime: due at the original time, the rest of the time goes on, or all of it again',
});

/** What all nodes have. */
export const everyNode = {
  id,
  title: shortText.optional(),
  description: longText.optional(),
  mergeInputs: z.enum(['error', 'first', 'last']).optional().meta({
    default: 'error',
    description: 'Which edge wins where two write the same path of the input',
  }),
};
