import { z } from '@hono/zod-openapi';
import type { PresentedArtifact } from '../../presented-artifact.js';
import type { Responded, TaskChanged } from '../../tasks.js';
import type { ResponseView, TaskView } from '../../views.js';
import { count, jsonObject, jsonValue, objectOf, text, time } from './json.js';

export const taskStatus = z.enum(['open', 'answered', 'expired', 'cancelled', 'superseded']);

/** For which tasks are asked. */
export const taskStatusOrAny = z.enum([...taskStatus.options, 'any']);

export const task = objectOf<TaskView>('Task', {
  id: text,
  run: text,
  node: text,
  kind: text,
  status: taskStatus,
  presented: jsonObject,
  digest: text.openapi({ description: 'Of what is presented; an answer may name it' }),
  responseSchema: jsonValue,
  responders: z.array(text).nullable(),
  groups: z.array(text).nullable(),
  quorum: z.object({ approvals: count, rejections: count }).nullable(),
  assignee: text.nullable(),
  round: count,
  reminders: count,
  deadlineAt: time.nullable(),
  openedAt: time,
  closedAt: time.nullable(),
});

export const presentedArtifact = objectOf<PresentedArtifact>('PresentedArtifact', {
  name: text,
  kind: text,
  pointer: text.nullable(),
  payload: jsonValue.optional(),
});

export const taskResponse = objectOf<ResponseView>('TaskResponse', {
  id: text,
  task: text,
  responder: text.nullable(),
  response: jsonValue,
  outcome: text,
  at: time,
  digest: text,
  messageId: text.nullable(),
  comment: text.nullable(),
});

export const responded = objectOf<Responded>('Responded', {
  run: text,
  node: text,
  task: text,
  outcome: text,
  isDecided: z.boolean().openapi({ description: 'False where the votes of others are awaited' }),
});

export const taskChanged = objectOf<TaskChanged>('TaskChanged', {
  run: text,
  node: text,
  task: text,
  assignee: text.nullable(),
  deadlineAt: time.nullable(),
});
