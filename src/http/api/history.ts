import { z } from '@hono/zod-openapi';
import { api, route } from '../route.js';
import { stuckRun } from '../schemas/health.js';
import * as history from '../schemas/history.js';
import { listOf } from '../schemas/json.js';
import { runState } from '../schemas/runs.js';
import { needed, number } from './parts.js';

const age = z.number().nonnegative();

export const historyApi = api('history', {
  getRunState: route({
    method: 'get',
    path: '/runs/{id}/state',
    role: 'reader',
    summary: 'the run as it was `at` an event: its checkpoint, statuses and artifacts',
    query: z.object({ at: needed(1) }),
    answer: runState,
    problems: ['run-unknown', 'history-trimmed'],
  }),
  replayRun: route({
    method: 'get',
    path: '/runs/{id}/replay',
    role: 'reader',
    summary:
      'the run made again from its log, with a hash, and whether what is stored agrees; `at` an event; see [history](history.md)',
    query: z.object({ at: number(1, undefined) }),
    answer: history.replayed,
    problems: ['run-unknown', 'history-trimmed', 'run-unrestorable'],
  }),
  verifyRun: route({
    method: 'get',
    path: '/runs/{id}/verify',
    role: 'reader',
    summary: 'whether log, snapshots and rows of the run are whole',
    answer: history.verification,
    problems: ['run-unknown'],
  }),
  exportRun: route({
    method: 'get',
    path: '/runs/{id}/export',
    role: 'reader',
    summary:
      'a run that has ended as one file, JSON Lines; for a `host` also one with secrets, with `secrets` include',
    query: z.object({ secrets: z.literal('include').optional() }),
    answerTypes: ['application/x-ndjson'],
    answerHeaders: { 'Content-Disposition': 'A name for the file' },
    problems: [
      'run-unknown',
      'run-not-ended',
      'history-trimmed',
      'export-damaged',
      'export-secret',
      'too-many-streams',
    ],
  }),
  importRun: route({
    method: 'post',
    path: '/imports',
    role: 'admin',
    summary: 'brings in an exported run, under the id `as`: 201; 200 if it was there',
    query: z.object({ as: z.string().optional() }),
    bodyTypes: ['application/x-ndjson', 'application/gzip', 'application/octet-stream'],
    answer: history.imported,
    statuses: { 200: 'The run was there', 201: 'The run is new' },
    problems: ['export-damaged', 'export-unknown-format', 'run-conflict'],
  }),
  trimHistory: route({
    method: 'post',
    path: '/trim',
    role: 'host',
    summary: 'removes old runs and old history; how much',
    body: z.strictObject({
      olderThanMs: age.optional(),
      historyOlderThanMs: age.optional(),
      dryRun: z.boolean().optional(),
    }),
    answer: history.trimmed,
    example: { olderThanMs: 2_592_000_000, dryRun: true },
  }),
  examineRuns: route({
    method: 'get',
    path: '/examination',
    role: 'host',
    summary: 'live runs that this program could not take up, and why',
    answer: listOf('runs', stuckRun),
  }),
});
