import { z } from '@hono/zod-openapi';
import { RUN_STATUSES } from '../../machines/statuses.js';
import { RUN_PARTS, type RunPart } from '../../views.js';
import { api, route } from '../route.js';
import { forkedRun } from '../schemas/changes.js';
import { jsonObject, jsonValue, listOf } from '../schemas/json.js';
import * as runs from '../schemas/runs.js';
import {
  asked,
  emptyBody,
  id,
  LAST_EVENT_ID,
  LOCATION,
  limit,
  name,
  nodePath,
  number,
  planOrName,
  reason,
  runOptions,
  TRACE,
} from './parts.js';

const by = { by: name.optional() };
const key = z.string().min(1).max(256);

const start = z.strictObject({
  plan: planOrName,
  input: jsonValue.optional(),
  id: id.optional(),
  ...runOptions.shape,
  requestedBy: name.optional(),
  correlation: name.optional(),
  startAt: z.int().min(0).optional(),
  stepwise: z.boolean().optional(),
  until: z.array(z.string().max(256)).max(1_000).optional(),
  singleton: z
    .strictObject({ key, onConflict: z.enum(['return', 'refuse', 'replace']) })
    .optional(),
  debounce: z.strictObject({ key, delayMs: z.int().min(1) }).optional(),
});

const isPart = (word: string): word is RunPart => RUN_PARTS.some((part) => part === word);

/** Names of parts, with commas between them; empty for none. */
const parts = z
  .string()
  .transform((text) => (text === '' ? [] : text.split(',')))
  .pipe(
    z.array(z.string()).refine((words) => words.every(isPart), `Expected ${RUN_PARTS.join(', ')}`),
  )
  .transform((words) => words.filter(isPart))
  .openapi({
    type: 'string',
    pattern: `^((${RUN_PARTS.join('|')})(,(${RUN_PARTS.join('|')}))*)?$`,
  });

/** `NODE/GENERATION/ATTEMPT`: a path may have slashes of its own. */
const attemptKey = z
  .string()
  .regex(/^.*\/\d{1,15}\/\d{1,15}$/s, 'Expected NODE/GENERATION/ATTEMPT')
  .transform((text) => {
    const [attempt, generation, ...node] = text.split('/').reverse();
    const path = node.reverse().join('/');
    return { node: path, generation: Number(generation), attempt: Number(attempt) };
  })
  .openapi({ type: 'string' });

/** Signals that were carried over from another run have numbers that are not above 0. */
const signalNumber = z
  .string()
  .regex(/^-?\d{1,15}$/, 'Expected a whole number')
  .transform(Number)
  .openapi({ type: 'integer' });

const RUN = '/runs/{id}' as const;
const LIVE = [
  'run-unknown',
  'run-ended',
  'run-ending',
  'run-unrestorable',
  'handler-missing',
] as const;
const summaryOf = { answer: runs.runSummary, role: 'operator', method: 'post' } as const;

export const runApi = api('runs', {
  startRun: route({
    method: 'post',
    path: '/runs',
    role: 'operator',
    summary: 'starts a run: 201 and `Location`; 200 if it was there',
    body: start,
    answer: runs.runSummary,
    headers: TRACE,
    answerHeaders: LOCATION,
    statuses: { 200: 'The run was there', 201: 'The run is new' },
    problems: [
      ...(['plan-unknown', 'plan-invalid', 'handler-missing', 'executor-missing'] as const),
      ...(['input-invalid', 'run-conflict', 'requester-missing'] as const),
    ],
    example: { plan: 'audit', id: 'by-hand', input: { folder: 'docs' } },
  }),
  listRuns: route({
    method: 'get',
    path: '/runs',
    role: 'reader',
    summary: 'runs, newest first; `before` a run',
    query: z.object({
      status: z.enum(RUN_STATUSES).optional(),
      limit: limit(50),
      before: z.string().optional(),
    }),
    answer: listOf('runs', runs.runSummary),
    problems: ['run-unknown'],
  }),
  getRun: route({
    method: 'get',
    path: RUN,
    role: 'reader',
    summary:
      'the run with its nodes, open tasks, artifacts and issues, or with the parts that are to be included, 500 entries of each; `more` names those that go on in their own lists',
    query: z.object({ include: parts.optional() }),
    answer: runs.runRead,
    problems: ['run-unknown'],
  }),
  getRunResult: route({
    method: 'get',
    path: `${RUN}/result`,
    role: 'reader',
    summary: 'status, outputs by node, errors',
    answer: runs.runResult,
    problems: ['run-unknown'],
  }),
  getRunPlan: route({
    method: 'get',
    path: `${RUN}/plan`,
    role: 'reader',
    summary: 'the plan that it is pinned to now',
    answer: jsonObject,
    problems: ['run-unknown'],
  }),
  getRunDiagram: route({
    method: 'get',
    path: `${RUN}/diagram`,
    role: 'reader',
    summary: 'Mermaid with statuses and the edges taken',
    answerTypes: ['text/vnd.mermaid'],
    problems: ['run-unknown'],
  }),
  cancelRun: route({
    method: 'post',
    path: `${RUN}/cancel`,
    role: 'operator',
    summary: 'cancels it; repeated, the same answer',
    body: z.strictObject({ reason: reason.optional(), ...by }),
    answer: runs.cancelled,
    problems: LIVE,
    example: { reason: 'not needed any more', by: 'ada' },
  }),
  pauseRun: route({
    ...summaryOf,
    path: `${RUN}/pause`,
    summary: 'starts nothing new, in the runs of its subplans neither',
    body: emptyBody,
    problems: LIVE,
  }),
  resumeRun: route({
    ...summaryOf,
    path: `${RUN}/resume`,
    summary: 'goes on, with the runs of subplans that were paused with it',
    body: emptyBody,
    problems: LIVE,
  }),
  stepRun: route({
    ...summaryOf,
    path: `${RUN}/step`,
    summary: 'takes one step of a paused run',
    body: emptyBody,
    problems: [...LIVE, 'run-not-paused'],
  }),
  annotateRun: route({
    method: 'post',
    path: `${RUN}/metadata`,
    role: 'operator',
    summary: 'adds to what is known of it; other keys stay',
    body: z.strictObject({ metadata: jsonObject, ...by }),
    answer: runs.annotated,
    problems: LIVE,
    example: { metadata: { ticket: 'T-7' }, by: 'ada' },
  }),
  signalRun: route({
    method: 'post',
    path: `${RUN}/signals`,
    role: 'operator',
    summary: 'tells it something: 201; 200 if the id had come before',
    body: z.strictObject({
      name: z.string(),
      payload: jsonValue.optional(),
      id: z.string().optional(),
    }),
    answer: runs.signalled,
    statuses: { 200: 'The signal had come before', 201: 'The signal is new' },
    problems: [...LIVE, 'signal-invalid'],
    example: { name: 'paid', payload: { amount: 12 }, id: 'payment-7' },
  }),
  retryNode: route({
    ...summaryOf,
    path: `${RUN}/retry`,
    summary: 'sets a node going again that is blocked or failed',
    body: z.strictObject({ node: nodePath, ...by }),
    problems: [...LIVE, 'node-unknown', 'node-not-retryable', 'run-not-started'],
    example: { node: 'review', by: 'ada' },
  }),
  retryRun: route({
    method: 'post',
    path: `${RUN}/retry-run`,
    role: 'operator',
    summary: 'tries a run again that failed or was cancelled: a fork from before it began to end',
    body: z.strictObject({ id: id.optional(), ...asked }),
    answer: forkedRun,
    answerHeaders: LOCATION,
    statuses: { 200: 'The run was there', 201: 'The run is new' },
    problems: [
      ...(['run-unknown', 'run-not-failed', 'run-conflict', 'history-trimmed'] as const),
      ...(['fork-too-large', 'handler-missing', 'input-invalid'] as const),
    ],
    example: { by: 'ada', reason: 'the supplier is back' },
  }),
  explainNode: route({
    method: 'get',
    path: `${RUN}/why`,
    role: 'reader',
    summary: 'what led to the status of a node run, by its path; see [why](simulate-and-why.md)',
    query: z.object({ node: nodePath.default('') }),
    answer: runs.explanation,
    problems: ['run-unknown', 'node-unknown'],
  }),
  listNodeRuns: route({
    method: 'get',
    path: `${RUN}/nodes`,
    role: 'reader',
    summary: 'node runs, also inside loops and maps, by path',
    query: z.object({
      scope: z.string().optional(),
      after: z.string().optional(),
      limit: limit(1_000),
    }),
    answer: listOf('nodes', runs.nodeRun),
    problems: ['run-unknown'],
  }),
  listAttempts: route({
    method: 'get',
    path: `${RUN}/attempts`,
    role: 'reader',
    summary:
      'tries of a node run, by its path, or of all, oldest first, each with the `input` that it was given. `after` is NODE/GENERATION/ATTEMPT',
    query: z.object({
      node: nodePath.optional(),
      after: attemptKey.optional(),
      limit: limit(1_000),
    }),
    answer: listOf('attempts', runs.attempt),
    problems: ['run-unknown'],
  }),
  listCheckpoints: route({
    method: 'get',
    path: `${RUN}/checkpoints`,
    role: 'reader',
    summary: 'ends of turns, oldest first; `after` an event',
    query: z.object({ after: number(0, 0), limit: limit(1_000) }),
    answer: listOf('checkpoints', runs.checkpoint),
    problems: ['run-unknown'],
  }),
  listSignals: route({
    method: 'get',
    path: `${RUN}/signals`,
    role: 'reader',
    summary: 'what it was told, in order; `after` the number of a signal',
    query: z.object({ after: signalNumber.optional(), limit: limit(1_000) }),
    answer: listOf('signals', runs.signal),
    problems: ['run-unknown'],
  }),
  listChanges: route({
    method: 'get',
    path: `${RUN}/changes`,
    role: 'reader',
    summary:
      'outputs that nodes set, and that were deleted as nodes began again, in order; `after` an event',
    query: z.object({ after: number(0, 0), limit: limit(1_000) }),
    answer: listOf('changes', runs.contextChange),
    problems: ['run-unknown', 'history-trimmed'],
  }),
  listEvents: route({
    method: 'get',
    path: `${RUN}/events`,
    role: 'reader',
    summary: 'events in order, `after` a number. A stream if asked for',
    query: z.object({ after: number(0, 0), limit: limit(1_000) }),
    headers: LAST_EVENT_ID,
    answer: listOf('events', runs.runEvent),
    answerTypes: ['text/event-stream'],
    statuses: { 200: 'A page, or a stream', 204: 'The client of a stream has the terminal event' },
    problems: ['run-unknown', 'history-trimmed', 'argument-invalid', 'too-many-streams'],
  }),
});
