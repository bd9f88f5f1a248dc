import { z } from '@hono/zod-openapi';
import { api, route } from '../route.js';
import { health } from '../schemas/health.js';

export const healthApi = api('health', {
  getHealth: route({
    method: 'get',
    path: '/health',
    role: 'public',
    summary:
      '200 if decisions can be made durable, else 503; queue, handlers at work, runs that cannot go on, or the status alone where the server wants tokens',
    answer: health,
    statuses: { 200: 'Decisions can be made durable', 503: 'They cannot' },
  }),
  getLiveness: route({
    method: 'get',
    path: '/health/live',
    role: 'public',
    summary: '200 as long as the process answers at all',
    answer: z.object({ status: z.literal('ok') }),
  }),
  getReadiness: route({
    method: 'get',
    path: '/health/ready',
    role: 'public',
    summary:
      '200 if the process takes requests, 503 if decisions cannot be made durable or it is closing',
    answer: z.object({ status: z.enum(['ok', 'failing', 'lost', 'closing']) }),
    statuses: { 200: 'It takes requests', 503: 'It does not' },
  }),
});
