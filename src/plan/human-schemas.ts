/** The shape of the nodes that ask people: who is asked, what they are shown, and when it is over. */
import { z } from 'zod';
import {
  deliverable,
  everyNode,
  expression,
  expressionCheck,
  id,
  json,
  limitMs,
  longText,
  MAX_CHECKS,
  MAX_DURATION_MS,
  onDowntime,
  onStructureFailure,
  owner,
  schemaReference,
  shortText,
} from './schema-parts.js';

export const MAX_PEOPLE = 1_024;
const MAX_OPTIONS = 256;
const MAX_REMINDERS = 1_000;
/** How often one node may ask again; what was asked and answered before is shown each time. */
export const MAX_ROUNDS = 100;

const from = z
  .strictObject({ from: expression })
  .meta({ description: 'Worked out when the task is opened, from the input of the node' });

const names = z.array(shortText).min(1).max(MAX_PEOPLE);
const responders = z
  .union([names, from], { error: 'Expected a list of names, or {from: expression}' })
  .optional()
  .meta({ description: 'Who may answer; with `groups` absent too, anybody' });
const groups = names.optional().meta({ description: 'Groups whose members may answer' });
const assignee = z
  .union([shortText, from], { error: 'Expected a name, or {from: expression}' })
  .optional()
  .meta({ description: 'To whom the task is given: nobody else may answer until it is released' });

const reminders = z
  .strictObject({
    afterMs: limitMs,
    everyMs: z
      .int()
      .min(1_000)
      .max(MAX_DURATION_MS)
      .optional()
      .meta({ description: 'Again after each such time; once where absent' }),
    max: z.int().min(1).max(MAX_REMINDERS).optional().meta({ default: 10 }),
  })
  .meta({ description: 'When who has not answered is reminded' });

const level = z
  .strictObject({
    responders: names.optional(),
    groups,
    assignee: shortText.optional(),
    instructions: longText.optional(),
    delayMs: z.int().min(0).max(MAX_DURATION_MS).optional().meta({ default: 0 }),
    deadlineMs: limitMs.optional(),
  })
  .refine((one) => Boolean(one.responders ?? one.groups ?? one.assignee), {
    error: 'A level names responders, groups or an assignee',
  });

const rework = z
  .strictObject({
    to: id.meta({ description: 'A node before this one, from which the work is done again' }),
    maxRounds: z.int().min(1).max(MAX_ROUNDS).optional().meta({ default: 3 }),
  })
  .meta({ description: 'Where requested changes send the run back to; then it is asked again' });

const quorum = z
  .strictObject({
    approvals: z.int().min(1).max(MAX_PEOPLE).meta({ description: 'How many have to approve' }),
    rejections: z
      .int()
      .min(1)
      .max(MAX_PEOPLE)
      .optional()
      .meta({ default: 1, description: 'How many have to refuse; 1 gives everybody a veto' }),
  })
  .meta({ description: 'One vote each; without it the first answer decides' });

/** What all nodes share that ask people. */
const asking = {
  ...everyNode,
  owner: owner.optional(),
  inputSchema: schemaReference.optional(),
  objective: longText.optional(),
  instructions: longText.optional(),
  criteria: z.array(longText).max(256).optional(),
  deliverables: z.array(deliverable).max(256).optional(),
  checks: z.array(expressionCheck).max(MAX_CHECKS).optional().meta({
    description: 'Asked of a response: it is refused where a blocking one does not hold',
  }),
  responders,
  groups,
  assignee,
  fourEyes: z.boolean().optional().meta({
    default: false,
    description: 'Whether the one who asked for the run may not answer',
  }),
  delegation: z.enum(['none', 'entitled', 'anyone']).optional().meta({
    default: 'entitled',
    description: 'To whom the task may be handed on: nobody, who may answer, or anyone',
  }),
  deadlineMs: limitMs.optional(),
  onDowntime,
  reminders: reminders.optional(),
  escalation: z
    .array(level)
    .min(1)
    .max(16)
    .optional()
    .meta({ description: 'Who is asked instead, level by level, each time a deadline passes' }),
  defaultResponse: json
    .optional()
    .meta({ description: 'The answer where the last deadline passes and nobody has answered' }),
  onFailure: onStructureFailure,
  defaultOutput: json.optional().meta({ description: 'Output of a failed node under `continue`' }),
};

const outputSchema = schemaReference.optional();

export const humanInput = z
  .strictObject({ kind: z.literal('human-input'), ...asking, outputSchema })
  .meta({ title: 'Input', description: 'Asks a person for something: the answer is the output' });

export const humanApproval = z
  .strictObject({
    kind: z.literal('human-approval'),
    ...asking,
    outputSchema,
    quorum: quorum.optional(),
    rework: rework.optional(),
  })
  .meta({
    title: 'Approval',
    description: 'Asks a person: approved, rejected or changes-requested',
  });

export const humanReviewEdit = z
  .strictObject({
    kind: z.literal('human-review-edit'),
    ...asking,
    outputSchema,
    subject: expression
      .optional()
      .meta({ default: 'input', description: 'Gives what is reviewed, from the input' }),
    rework: rework.optional(),
  })
  .meta({
    title: 'Review and edit',
    description: 'Shows a draft that a person edits, accepts, sends back or rejects',
  });

const option = z.strictObject({
  id: shortText,
  title: shortText.optional(),
  description: longText.optional(),
});

export const humanDecision = z
  .strictObject({
    kind: z.literal('human-decision'),
    ...asking,
    options: z
      .union([z.array(option).min(1).max(MAX_OPTIONS), from], {
        error: 'Expected a list of {id, title?, description?}, or {from: expression}',
      })
      .meta({ description: 'What there is to choose from; edges name the choice with `on`' }),
  })
  .meta({ title: 'Decision', description: 'Asks a person to choose one of several options' });

export const HUMAN_NODES = [humanInput, humanApproval, humanReviewEdit, humanDecision] as const;

export type HumanNode = z.infer<(typeof HUMAN_NODES)[number]>;

const HUMAN_KINDS: ReadonlySet<string> = new Set<HumanNode['kind']>([
  'human-input',
  'human-approval',
  'human-review-edit',
  'human-decision',
]);

/** Whether a node asks people. */
export function isHuman<N extends { readonly kind: string }>(
  node: N,
): node is N & Extract<N, { kind: HumanNode['kind'] }> {
  return HUMAN_KINDS.has(node.kind);
}

/** Whether what a person says of it is that it is approved, rejected, or to be changed. */
export function judges(kind: string | undefined): boolean {
  return kind === 'human-approval' || kind === 'human-review-edit';
}
