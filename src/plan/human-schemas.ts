/** The shape of the nodes that ask people: who is asked, what they are shown, and when it is over. */
import { z } from 'zod';
import { askingPeople, from, quorum } from './asking-schemas.js';
import { check, MAX_CHECKS } from './check-schemas.js';
import {
  deliverable,
  everyNode,
  expression,
  id,
  json,
  longText,
  onStructureFailure,
  owner,
  schemaReference,
  shortText,
} from './schema-parts.js';

const MAX_OPTIONS = 256;
/** How often one node may ask again; what was asked and answered before is shown each time. */
export const MAX_ROUNDS = 100;

const rework = z
  .strictObject({
    to: id.meta({ description: 'A node before this one, from which the work is done again' }),
    maxRounds: z.int().min(1).max(MAX_ROUNDS).optional().meta({ default: 3 }),
  })
  .meta({ description: 'Where requested changes send the run back to; then it is asked again' });

/** What all nodes share that ask people. */
const asking = {
  ...everyNode,
  owner: owner.optional(),
  inputSchema: schemaReference.optional(),
  objective: longText.optional(),
  instructions: longText.optional(),
  criteria: z.array(longText).max(256).optional(),
  deliverables: z.array(deliverable).max(256).optional(),
  checks: z.array(check).max(MAX_CHECKS).optional().meta({
    description:
      'Asked of an answer: a condition refuses it, and the task stays open; a handler or a judge has it asked for again',
  }),
  maxRounds: z.int().min(1).max(MAX_ROUNDS).optional().meta({
    default: 3,
    description:
      'How often it asks where handlers or judges refuse the answer; then `onFailure` applies',
  }),
  ...askingPeople,
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
