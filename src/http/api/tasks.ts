import { z } from '@hono/zod-openapi';
import type { HandedOver } from '../../tasks.js';
import { api, route } from '../route.js';
import { jsonValue, listOf } from '../schemas/json.js';
import * as tasks from '../schemas/tasks.js';
import { id, limit, name } from './parts.js';

const artifact = z
  .strictObject({
    name,
    kind: name,
    pointer: z.string().max(16_384).optional(),
    payload: jsonValue.optional(),
  })
  .transform((given) => given as HandedOver);

const answer = z.strictObject({
  response: jsonValue,
  responder: name.optional(),
  run: id.optional(),
  digest: z.string().max(128).optional(),
  messageId: name.optional(),
  comment: z.string().max(16_384).optional(),
  artifacts: z.array(artifact).max(1_000).optional(),
});

const TASK = '/tasks/{id}' as const;
const CLOSED = ['task-unknown', 'task-closed', 'task-superseded', 'task-expired'] as const;
const OF_A_RUN = ['run-ended', 'run-ending', 'run-unrestorable', 'handler-missing'] as const;
const REFUSED = ['responder-refused', 'responder-excluded', 'task-claimed'] as const;
const changed = {
  method: 'post',
  answer: tasks.taskChanged,
  problems: [...CLOSED, ...OF_A_RUN, ...REFUSED, 'task-not-claimable', 'delegation-refused'],
} as const;

export const taskApi = api('tasks', {
  listTasks: route({
    method: 'get',
    path: '/tasks',
    role: 'reader',
    otherRole: 'responder',
    summary:
      'tasks of all runs, oldest first, open ones unless told otherwise; `answerableBy` a name, `after` a task',
    query: z.strictObject({
      status: tasks.taskStatusOrAny.optional(),
      run: id.optional(),
      assignee: name.optional(),
      answerableBy: name.optional(),
      after: id.optional(),
      limit: limit(100),
    }),
    answer: listOf('tasks', tasks.task),
    problems: ['run-unknown'],
  }),
  getTask: route({
    method: 'get',
    path: TASK,
    role: 'reader',
    otherRole: 'responder',
    summary: 'one task',
    answer: tasks.task,
    problems: ['task-unknown'],
  }),
  getTaskArtifact: route({
    method: 'get',
    path: `${TASK}/artifacts/{name}`,
    role: 'reader',
    otherRole: 'responder',
    summary: 'an artifact that it shows, with its payload: of what is judged, or was refused',
    answer: tasks.presentedArtifact,
    problems: ['task-unknown', 'artifact-unknown', 'artifact-corrupt'],
  }),
  listResponses: route({
    method: 'get',
    path: `${TASK}/responses`,
    role: 'reader',
    otherRole: 'responder',
    summary: 'answers to it, oldest first',
    answer: listOf('responses', tasks.taskResponse),
    problems: ['task-unknown'],
  }),
  respond: route({
    method: 'post',
    path: `${TASK}/response`,
    role: 'responder',
    summary: 'answers it; `run` refuses tasks of others',
    body: answer,
    answer: tasks.responded,
    problems: [
      ...CLOSED,
      ...OF_A_RUN,
      ...REFUSED,
      ...(['task-foreign', 'vote-repeated', 'presentation-outdated'] as const),
      ...(['message-conflict', 'response-invalid'] as const),
    ],
    example: { response: { approved: true }, responder: 'ada' },
  }),
  claimTask: route({
    ...changed,
    path: `${TASK}/claim`,
    role: 'responder',
    summary: "makes it one's own",
    body: z.strictObject({ by: name }),
    example: { by: 'ada' },
  }),
  releaseTask: route({
    ...changed,
    path: `${TASK}/release`,
    role: 'responder',
    summary: 'gives it back',
    body: z.strictObject({ by: name }),
    example: { by: 'ada' },
  }),
  delegateTask: route({
    ...changed,
    path: `${TASK}/delegate`,
    role: 'responder',
    summary: 'hands it on',
    body: z.strictObject({ by: name, to: name }),
    example: { by: 'ada', to: 'bob' },
  }),
  assignTask: route({
    ...changed,
    path: `${TASK}/assign`,
    role: 'operator',
    summary: 'gives it to somebody, or with null to nobody',
    body: z.strictObject({ to: name.nullable(), by: name.optional() }),
    example: { to: 'bob', by: 'ada' },
  }),
  extendTask: route({
    ...changed,
    path: `${TASK}/extend`,
    role: 'operator',
    summary: 'puts its deadline off',
    body: z.strictObject({ deadlineAt: z.number(), by: name.optional() }),
    example: { deadlineAt: 1_900_000_000_000, by: 'ada' },
  }),
});
