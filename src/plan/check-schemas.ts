/** The shape of completion checks: conditions, handlers and people that judge what a node gives. */
import { z } from 'zod';
import { askingPeople, quorum } from './asking-schemas.js';
import { expression, id, json, limitMs, longText, shortText } from './schema-parts.js';

const everyCheck = {
  name: id.meta({ description: 'Unique among the checks of its node' }),
  severity: z.enum(['blocking', 'warning']).optional().meta({
    default: 'blocking',
    description: 'Whether the attempt fails, or the node is partial, where it is not fulfilled',
  }),
  message: longText.optional().meta({ description: 'Said where it is not fulfilled' }),
};

const threshold = z.number().optional().meta({ description: 'Least score that fulfils it' });

/** A condition that has to hold of what a node gives. */
export const expressionCheck = z.strictObject({
  ...everyCheck,
  when: expression.meta({
    description: 'True where it is fulfilled; sees output, input, artifacts, inputs, node, nodes',
  }),
});

/** A handler that judges what a node gives. */
const handlerCheck = z.strictObject({
  ...everyCheck,
  handler: shortText.meta({
    description:
      'Gets `{output, input, artifacts}`; returns a boolean, `{ok, issues?}` or `{score}`',
  }),
  threshold,
  timeoutMs: limitMs.optional(),
});

const score = z
  .strictObject({ min: z.number(), max: z.number() })
  .meta({ description: 'The scale of the score; any number where absent' });

const ask = z
  .strictObject({
    objective: longText.optional(),
    instructions: longText.optional(),
    criteria: z.array(longText).max(256).optional(),
    ...askingPeople,
    quorum: quorum.optional(),
    score: score.optional(),
    defaultResponse: json
      .optional()
      .meta({ description: 'The answer where the last deadline passes and nobody has answered' }),
  })
  .meta({ description: 'Who judges, and what they are shown beside what the node gives' });

/** People who judge what a node gives. */
const personCheck = z.strictObject({ ...everyCheck, ask, threshold });

export const check = z.union([expressionCheck, handlerCheck, personCheck], {
  error: 'Expected a check with name and one of when, handler and ask',
});

export const MAX_CHECKS = 32;

/** A check as its author writes it. */
export type CheckDraft = z.infer<typeof check>;

/** One that asks people. */
export type PersonDraft = z.infer<typeof personCheck>;
