import { z } from '@hono/zod-openapi';
import type { Simulation } from '../../explain/simulate.js';
import type { Issue } from '../../plan/issue.js';
import type { StoredPlan } from '../../stored-plans.js';
import { jsonObject, objectOf, text, time } from './json.js';
import { issue } from './problem.js';
import { nodeStatus, runStatus } from './runs.js';

export interface OfferedPlanView {
  readonly name: string;
  readonly title: string;
  /** Of its version. */
  readonly hash: string;
}

export const offeredPlan = objectOf<OfferedPlanView>('OfferedPlan', {
  name: text,
  title: text,
  hash: text,
});

const stored = {
  hash: text.openapi({ description: 'Names the version, in place of a plan on offer' }),
  title: text,
  at: time.openapi({ description: 'When it was stored first' }),
  by: text.nullable(),
};

export const storedPlan = objectOf<StoredPlan>('StoredPlan', stored);

/** What compiling a plan found. */
export interface PlanCheck {
  readonly ok: boolean;
  /** Of the version; null where there is none. */
  readonly hash: string | null;
  /** Warnings too. */
  readonly issues: readonly Issue[];
}

export const planCheck = objectOf<PlanCheck>('PlanCheck', {
  ok: z.boolean(),
  hash: text.nullable(),
  issues: z.array(issue),
});

type Path = Simulation['paths'][number];
type Undetermined = Simulation['undetermined'][number];
type Warning = Simulation['warnings'][number];

const path = objectOf<Path>('SimulatedPath', {
  choices: z.array(z.object({ node: text, choice: text, others: z.array(text) })),
  nodes: z.array(z.object({ node: text, status: nodeStatus })),
  status: runStatus,
  reason: jsonObject.nullable(),
  durationMs: z.number(),
  isCut: z.boolean().openapi({ description: 'Whether it met a limit before its end' }),
});

const undetermined = objectOf<Undetermined>('UndeterminedCondition', {
  edge: text,
  condition: text,
  seen: z.array(z.enum(['true', 'false', 'error'])),
});

const warning = objectOf<Warning>('SimulationWarning', {
  code: text,
  message: text,
  node: text.optional(),
});

export const simulation = objectOf<Simulation>('Simulation', {
  plan: text,
  seed: z.int(),
  paths: z.array(path),
  neverReached: z.array(text),
  neverTaken: z.array(text),
  undetermined: z.array(undetermined),
  isComplete: z.boolean(),
  warnings: z.array(warning),
});
