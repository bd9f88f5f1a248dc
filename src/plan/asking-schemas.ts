/** What a plan says about the people whom it asks: who they are, how long they have, who is asked instead. */
import { z } from 'zod';
import {
  expression,
  limitMs,
  longText,
  MAX_DURATION_MS,
  onDowntime,
  shortText,
} from './schema-parts.js';

const MAX_PEOPLE = 1_024;
const MAX_REMINDERS = 1_000;

export const from = z
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

export const quorum = z
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

/** What all have in common that ask people, nodes and checks. */
export const askingPeople = {
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
};
