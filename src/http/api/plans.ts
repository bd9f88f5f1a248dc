import { z } from '@hono/zod-openapi';
import { api, route } from '../route.js';
import { jsonObject, jsonValue, listOf } from '../schemas/json.js';
import { offeredPlan, planCheck, simulation, storedPlan } from '../schemas/plans.js';
import { LOCATION, limit, name, planOrName } from './parts.js';

const MERMAID = ['text/vnd.mermaid'];
const TRIED = { title: 'Tried', steps: [{ uses: 'fetch' }, { uses: 'store' }] };
const inPlace = z.strictObject({ plan: planOrName });
const simulate = z.strictObject({
  plan: planOrName,
  input: jsonValue.optional(),
  outputs: z.record(z.string(), jsonValue).optional(),
  answers: z.record(z.string(), jsonValue).optional(),
  failures: z.boolean().optional(),
  seed: z.int().optional(),
  maxPaths: z.int().min(1).max(200).optional(),
  maxSteps: z.int().min(1).max(10_000).optional(),
});

export const planApi = api('plans', {
  listPlans: route({
    method: 'get',
    path: '/plans',
    role: 'reader',
    summary: 'name, title and hash of each plan on offer',
    answer: listOf('plans', offeredPlan),
  }),
  getPlan: route({
    method: 'get',
    path: '/plans/{name}',
    role: 'reader',
    summary: 'the plan',
    answer: jsonObject,
    problems: ['plan-unknown'],
  }),
  getPlanDiagram: route({
    method: 'get',
    path: '/plans/{name}/diagram',
    role: 'reader',
    summary: 'Mermaid',
    answerTypes: MERMAID,
    problems: ['plan-unknown'],
  }),
  storePlan: route({
    method: 'post',
    path: '/plan-versions',
    role: 'operator',
    summary:
      'stores a plan without starting it, for runs that name it by its hash: 201 and `Location`; 200 if it was there',
    body: z.strictObject({ plan: jsonObject, by: name.optional() }),
    answer: storedPlan,
    answerHeaders: LOCATION,
    statuses: { 200: 'The version was there', 201: 'The version is new' },
    problems: ['plan-invalid', 'principal-mismatch'],
    example: { plan: TRIED, by: 'ada' },
  }),
  listPlanVersions: route({
    method: 'get',
    path: '/plan-versions',
    role: 'reader',
    summary:
      'versions that were stored so, newest first, of the plan with a `title`; `before` a hash',
    query: z.object({
      title: z.string().max(1_024).optional(),
      limit: limit(100),
      before: z.string().optional(),
    }),
    answer: listOf('versions', storedPlan),
    problems: ['plan-unknown'],
  }),
  getPlanVersion: route({
    method: 'get',
    path: '/plan-versions/{hash}',
    role: 'reader',
    summary: 'the plan of a version that was stored, or that runs are, or were, pinned to',
    answer: jsonObject,
    problems: ['plan-unknown'],
  }),
  getPlanVersionDiagram: route({
    method: 'get',
    path: '/plan-versions/{hash}/diagram',
    role: 'reader',
    summary: 'Mermaid',
    answerTypes: MERMAID,
    problems: ['plan-unknown'],
  }),
  validatePlan: route({
    method: 'post',
    path: '/plans/validate',
    role: 'reader',
    summary: 'compiles a plan and keeps nothing: its hash, or all that is wrong with it',
    body: inPlace,
    answer: planCheck,
    problems: ['plan-unknown'],
    example: { plan: TRIED },
  }),
  drawPlan: route({
    method: 'post',
    path: '/plans/diagram',
    role: 'reader',
    summary: 'Mermaid of a plan in place',
    body: inPlace,
    answerTypes: MERMAID,
    problems: ['plan-unknown', 'plan-invalid'],
    example: { plan: TRIED },
  }),
  simulatePlan: route({
    method: 'post',
    path: '/plans/simulate',
    role: 'operator',
    summary:
      'goes through a plan without its handlers: the paths it can take; see [simulate](simulate-and-why.md)',
    body: simulate,
    answer: simulation,
    problems: ['plan-unknown', 'plan-invalid', 'input-invalid', 'response-invalid'],
    example: { plan: TRIED, failures: true, maxPaths: 50 },
  }),
});
