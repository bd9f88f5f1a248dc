import { z } from '@hono/zod-openapi';
import type { Health, UnrestorableRun } from '../../orchestrator.js';
import { count, objectOf, text, time } from './json.js';

type Admission = Health['supervisor']['admission'];

const handler = objectOf<Admission['handlers'][number]>('HandlerReport', {
  handler: text,
  atWork: count,
  breaker: z.enum(['closed', 'open', 'half-open']),
  openUntil: time.optional(),
  waitingRuns: count,
});

const admission = objectOf<Admission>('AdmissionReport', {
  handlers: z.array(handler),
  queue: count,
  used: count,
  keys: count,
});

export const stuckRun = objectOf<UnrestorableRun>('StuckRun', {
  run: text,
  code: text,
  message: text,
});

const supervisor = objectOf<Health['supervisor']>('SupervisorStats', {
  residentRuns: count,
  handlersAtWork: count,
  turnsUnderWay: count,
  obstructedRuns: z.array(stuckRun),
  admission,
  stopped: text.optional().openapi({ description: 'Why this process can write no more' }),
});

/** Where the server wants tokens, its status alone: anybody may ask. */
export const health = objectOf<Pick<Health, 'status'> & Partial<Health>>('Health', {
  status: z.enum(['ok', 'failing', 'lost']),
  detail: text.optional(),
  journalQueue: count.optional(),
  supervisor: supervisor.optional(),
});
