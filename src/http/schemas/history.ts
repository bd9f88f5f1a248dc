import { z } from '@hono/zod-openapi';
import type { Imported } from '../../history/import-run.js';
import type { ReplayView, VerificationView } from '../../history/replay-view.js';
import type { Trimmed } from '../../history/trim.js';
import { count, jsonObject, jsonValue, objectOf, orNull, text } from './json.js';
import { runStatus } from './runs.js';

type Difference = ReplayView['differences'][number];
type Finding = VerificationView['findings'][number];

const difference = objectOf<Difference>('Difference', {
  part: text,
  key: text,
  events: jsonValue,
  rows: jsonValue,
});

const finding = objectOf<Finding>('Finding', {
  code: text as unknown as z.ZodType<Finding['code']>,
  seq: z.int(),
  message: text,
});

/** A part of a replayed run, which docs/history.md describes. */
function parts<Name extends keyof ReplayView>() {
  return z.array(jsonObject) as unknown as z.ZodType<ReplayView[Name]>;
}

export const replayed = objectOf<ReplayView>('Replay', {
  run: text,
  seq: count,
  status: orNull(runStatus),
  reason: jsonObject.nullable(),
  plan: text,
  nodes: parts<'nodes'>(),
  past: parts<'past'>(),
  attempts: parts<'attempts'>(),
  artifacts: parts<'artifacts'>(),
  tasks: parts<'tasks'>(),
  timers: parts<'timers'>(),
  signals: parts<'signals'>(),
  hash: text,
  matches: z.boolean().nullable(),
  differences: z.array(difference),
});

export const verification = objectOf<VerificationView>('Verification', {
  run: text,
  ok: z.boolean(),
  turns: count,
  trimmedTo: count,
  hash: text.nullable(),
  findings: z.array(finding),
  differences: z.array(difference),
});

export const imported = objectOf<Imported>('Imported', {
  run: text,
  created: z.boolean(),
  runs: count,
  hash: text,
});

export const trimmed = objectOf<Trimmed>('Trimmed', {
  runs: count,
  trimmedRuns: count,
  events: count,
  payloads: count,
  dryRun: z.boolean(),
});
