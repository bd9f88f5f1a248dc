import { z } from '@hono/zod-openapi';
import type { ChangedNode, ForkedRun } from '../../change/change-options.js';
import type { RunChanges } from '../../change/run-changes.js';
import { count, objectOf, text } from './json.js';
import { nodeStatus } from './runs.js';

type Replanned = Awaited<ReturnType<RunChanges['replan']>>;
type Entry = Replanned['kept'][number];

const entry = objectOf<Entry>('PlanDiffEntry', {
  node: text,
  status: nodeStatus,
  code: z.enum([
    ...(['unchanged', 'definition-changed', 'inbound-edges-changed'] as const),
    ...(['rests-on-change', 'race-reopened', 'added', 'removed'] as const),
  ]),
  why: text,
});

export const replanned = objectOf<Replanned>('Replanned', {
  run: text,
  plan: text,
  previous: text,
  isDryRun: z.boolean(),
  conflicts: z.array(text),
  kept: z.array(entry),
  rerun: z.array(entry),
  added: z.array(entry),
  removed: z.array(entry),
});

export const changedNode = objectOf<ChangedNode>('ChangedNode', {
  run: text,
  node: text,
  status: text,
});

export const forkedRun = objectOf<ForkedRun>('ForkedRun', {
  id: text,
  created: z.boolean(),
  seq: count.openapi({ description: 'Event of the old run at which the new one begins' }),
  carried: z.array(text),
});
