import { z } from '@hono/zod-openapi';
import { api, route } from '../route.js';
import * as access from '../schemas/access.js';
import { listOf } from '../schemas/json.js';
import { emptyBody, id, limit, name } from './parts.js';

const LINKS = '/tasks/{id}/links' as const;
const tenant = z.string().max(32);

export const accessApi = api('access', {
  createToken: route({
    method: 'post',
    path: '/tokens',
    role: 'admin',
    summary: 'makes a token; `secret` is shown once: 201. Of another tenant for a `host` alone',
    body: z.strictObject({
      principal: name,
      roles: z.array(access.tokenRole).min(1),
      tenant: tenant.optional(),
      groups: z.array(name).max(100).optional(),
      expiresAt: z.int().optional(),
      by: name.optional(),
    }),
    answer: access.createdToken,
    secrets: ['secret'],
    statuses: { 201: 'The token is new' },
    example: { principal: 'ada', roles: ['operator', 'responder'], groups: ['editors'] },
  }),
  listTokens: route({
    method: 'get',
    path: '/tokens',
    role: 'admin',
    summary: 'tokens, by id, without their secrets; `after` a token',
    query: z.object({ after: id.optional(), limit: limit(100), tenant: tenant.optional() }),
    answer: listOf('tokens', access.token),
  }),
  revokeToken: route({
    method: 'post',
    path: '/tokens/{id}/revoke',
    role: 'admin',
    summary: 'ends a token at once; repeated, the same answer',
    body: emptyBody,
    answer: access.token,
    problems: ['token-unknown'],
  }),
  listAudit: route({
    method: 'get',
    path: '/audit',
    role: 'admin',
    summary: 'requests that were to change something, newest first; `before` a record',
    query: z.object({ before: id.optional(), limit: limit(100), tenant: tenant.optional() }),
    answer: listOf('audit', access.auditRecord),
  }),
  createTaskLink: route({
    method: 'post',
    path: LINKS,
    role: 'operator',
    summary: 'a link by which one person answers the task once, without a token: 201',
    body: z.strictObject({
      principal: name,
      groups: z.array(name).max(100).optional(),
      expiresInMs: z.int().min(1).optional(),
      by: name.optional(),
    }),
    answer: access.taskLink,
    secrets: ['path'],
    statuses: { 201: 'The link is new' },
    problems: ['task-unknown', 'task-closed'],
    example: { principal: 'ada', expiresInMs: 86_400_000 },
  }),
  revokeTaskLinks: route({
    method: 'post',
    path: `${LINKS}/revoke`,
    role: 'operator',
    summary: 'ends all links to the task',
    body: emptyBody,
    answer: z.object({ task: z.string() }),
    problems: ['task-unknown'],
  }),
  openLink: route({
    method: 'get',
    path: '/links/{secret}',
    role: 'public',
    summary: 'the page of a link to a task; looking at it decides nothing',
    answerTypes: ['text/html'],
    statuses: { 200: 'What is to be decided', 410: 'The link is not good, or not any more' },
    problems: ['rate-limited'],
  }),
  answerLink: route({
    method: 'post',
    path: '/links/{secret}',
    role: 'public',
    summary: 'answers the task of a link, with `choice` and `comment` of a form',
    bodyTypes: ['application/x-www-form-urlencoded'],
    answerTypes: ['text/html'],
    statuses: { 200: 'The answer is taken', 410: 'The link is not good, or not any more' },
    problems: ['rate-limited'],
  }),
});
