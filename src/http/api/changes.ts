import { z } from '@hono/zod-openapi';
import { api, route } from '../route.js';
import * as changes from '../schemas/changes.js';
import { jsonValue } from '../schemas/json.js';
import { runSummary } from '../schemas/runs.js';
import { asked, id, LOCATION, name, nodePath, planOrName } from './parts.js';

const RUN = '/runs/{id}' as const;
const node = { node: nodePath, ...asked };
const NEW_RUN = { 200: 'The run was there', 201: 'The run is new' };
const ON_NODE = [
  ...(['run-unknown', 'run-ended', 'run-ending', 'run-not-started', 'run-unrestorable'] as const),
  ...(['node-unknown', 'node-final', 'node-not-changeable', 'handler-missing'] as const),
] as const;
const ON_PLAN = [
  ...(['run-unknown', 'run-ended', 'run-ending', 'run-not-started', 'run-unrestorable'] as const),
  ...(['plan-unknown', 'plan-invalid', 'handler-missing', 'executor-missing'] as const),
  'input-invalid',
] as const;
const ON_FORK = [
  ...ON_PLAN,
  ...(['history-trimmed', 'node-unknown', 'fork-too-large', 'run-conflict'] as const),
] as const;

export const changeApi = api('changes', {
  completeNode: route({
    method: 'post',
    path: `${RUN}/complete`,
    role: 'operator',
    summary: 'lets a node count as done; see [change](change.md)',
    body: z.strictObject({
      ...node,
      output: jsonValue.optional(),
      outcome: name.optional(),
      action: name.optional(),
    }),
    answer: changes.changedNode,
    problems: [...ON_NODE, 'output-invalid', 'responder-excluded'],
    example: { node: 'review', output: { ok: true }, by: 'ada', reason: 'done by telephone' },
  }),
  skipNode: route({
    method: 'post',
    path: `${RUN}/skip`,
    role: 'operator',
    summary: 'lets a node count as skipped',
    body: z.strictObject(node),
    answer: changes.changedNode,
    problems: ON_NODE,
    example: { node: 'review', by: 'ada' },
  }),
  patchNode: route({
    method: 'post',
    path: `${RUN}/patch`,
    role: 'operator',
    summary: 'gives a node another input',
    body: z.strictObject({ ...node, input: jsonValue }),
    answer: changes.changedNode,
    problems: [...ON_NODE, 'input-invalid'],
    example: { node: 'review', input: { depth: 2 }, by: 'ada' },
  }),
  rollbackRun: route({
    method: 'post',
    path: `${RUN}/rollback`,
    role: 'operator',
    summary: 'has a node and all that follows from it begin again',
    body: z.strictObject(node),
    answer: runSummary,
    problems: ON_NODE,
    example: { node: 'review', by: 'ada' },
  }),
  replanRun: route({
    method: 'post',
    path: `${RUN}/replan`,
    role: 'operator',
    summary: 'gives it another plan: what becomes of each node',
    body: z.strictObject({
      plan: planOrName,
      dryRun: z.boolean().optional(),
      cancelRunning: z.boolean().optional(),
      ...asked,
    }),
    answer: changes.replanned,
    problems: [...ON_PLAN, 'replan-conflict'],
    example: { plan: 'audit', dryRun: true, by: 'ada' },
  }),
  forkRun: route({
    method: 'post',
    path: `${RUN}/fork`,
    role: 'operator',
    summary: 'makes a new run of it: 201 and `Location`; 200 if it was there',
    body: z.strictObject({
      at: z.int().optional(),
      from: nodePath.optional(),
      inputs: z.record(z.string(), jsonValue).optional(),
      plan: planOrName.optional(),
      id: id.optional(),
      ...asked,
    }),
    answer: changes.forkedRun,
    answerHeaders: LOCATION,
    statuses: NEW_RUN,
    problems: ON_FORK,
    example: { from: 'review', by: 'ada' },
  }),
  replaceRun: route({
    method: 'post',
    path: `${RUN}/replace`,
    role: 'operator',
    summary: 'makes a new run of it and cancels it: as for a fork',
    body: z.strictObject({ plan: planOrName, id: id.optional(), ...asked }),
    answer: changes.forkedRun,
    answerHeaders: LOCATION,
    statuses: NEW_RUN,
    problems: ON_FORK,
    example: { plan: 'audit', by: 'ada' },
  }),
});
