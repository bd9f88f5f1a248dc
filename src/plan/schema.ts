/** The shape of a plan as an author writes it. The JSON Schema that is published is made from this. */
import { z } from 'zod';
import { type PlanEdge, planEdgeSchema } from './edge-schema.js';
import type { JsonObject } from './json.js';
import { type PlanNode, planNodeSchema } from './node-schemas.js';
import {
  durationMs,
  expression,
  id,
  inlineSchema,
  limitMs,
  longText,
  MAX_EDGES,
  MAX_NODES,
  schemaReference,
  shortText,
} from './schema-parts.js';

const MAX_PLANS = 256;

/** What a run may use up, in a plan and in a start. */
export const budgetSchema = z
  .strictObject({
    maxSteps: z
      .int()
      .min(1)
      .optional()
      .meta({ description: 'Node runs that may start to work, iterations and items included' }),
    maxAttempts: z.int().min(1).optional().meta({ description: 'Attempts of all of them' }),
    maxRestarts: z.int().min(0).optional().meta({ description: 'Backtracks' }),
    maxWallMs: limitMs.optional().meta({ description: 'Time from its start to its end' }),
    maxCost: z.number().positive().optional().meta({ description: 'Sum of `usage.cost`' }),
    maxTokens: z.number().positive().optional().meta({ description: 'Sum of `usage.tokens`' }),
    onExhausted: z
      .enum(['fail', 'ask'])
      .optional()
      .meta({ default: 'fail', description: 'The run fails, or a person may grant it again' }),
  })
  .meta({ description: 'What a run may use up' });

const completion = z
  .strictObject({
    tolerate: z.array(shortText).max(32).optional().meta({
      default: [],
      description: 'Classes of failure that do not end the run',
    }),
    minShare: z.number().min(0).max(1).optional().meta({
      default: 0,
      description: 'Share of the nodes that ran which has to succeed',
    }),
  })
  .meta({ description: 'When a run with failures is partial and not failed' });

/** The plan around its nodes and edges, which are checked one by one so that each is reported. */
const frame = {
  title: shortText,
  objective: longText.optional(),
  inputs: schemaReference.optional().meta({ description: 'Schema of the inputs of a run' }),
  schemas: z.record(id, inlineSchema).optional().meta({ description: 'Named JSON Schemas' }),
  entry: z
    .array(id)
    .min(1)
    .max(MAX_NODES)
    .optional()
    .meta({ description: 'Nodes to start with; without it all that have no inbound edge' }),
  concurrency: z
    .int()
    .min(1)
    .max(10_000)
    .optional()
    .meta({ description: 'Handlers of one run that may work at the same time' }),
  priority: z
    .int()
    .min(0)
    .max(9)
    .optional()
    .meta({ default: 5, description: 'Of its runs, where handlers are scarce; 9 goes first' }),
  deadlineMs: limitMs.optional().meta({ description: 'How long a run may take' }),
  onDeadline: z
    .enum(['fail', 'ask'])
    .optional()
    .meta({ default: 'fail', description: 'The run fails, or a person may extend it' }),
  budget: budgetSchema.optional(),
  completion: completion.optional(),
  graceMs: durationMs
    .optional()
    .meta({ description: 'How long handlers may go on once the run is ending' }),
  language: shortText
    .optional()
    .meta({ default: 'cel', description: 'Of its conditions and expressions' }),
  result: expression.optional().meta({
    description: 'Output of a run; without it the outputs of the last nodes, by id',
  }),
};

const plansMeta = {
  description: 'Plans that nodes of kind subplan run, by name',
  type: 'object',
  additionalProperties: { $ref: '#' },
} as const;

export const planFrameSchema = z.strictObject({
  ...frame,
  plans: z.record(id, z.unknown()).optional(),
  nodes: z.array(z.unknown()).min(1).max(MAX_NODES),
  edges: z.array(z.unknown()).max(MAX_EDGES),
});

const frameSchema = z.strictObject(frame);

/** A plan that nodes of kind subplan run; it finds other such plans where its parent does. */
export interface NamedPlan extends z.infer<typeof frameSchema> {
  nodes: PlanNode[];
  edges: PlanEdge[];
}

const plans: z.ZodType<Record<string, NamedPlan>> = z
  .record(id, z.custom<NamedPlan>())
  .refine((named) => Object.keys(named).length <= MAX_PLANS)
  .meta(plansMeta);

const planSchema = z.strictObject({
  ...frame,
  plans: plans.optional(),
  nodes: z.array(planNodeSchema).min(1).max(MAX_NODES),
  edges: z.array(planEdgeSchema).max(MAX_EDGES),
});

/** What an author writes, as plain JSON; docs/plans.md describes it. */
export type Plan = z.infer<typeof planSchema>;
export type SchemaReference = z.infer<typeof schemaReference>;
export type PlanBudget = z.infer<typeof budgetSchema>;

/** The published JSON Schema (2020-12) of a plan, for editors and other languages. */
export function jsonSchema(): JsonObject {
  const generated = z.toJSONSchema(planSchema, { io: 'input', unrepresentable: 'any' });
  return {
    ...(generated as JsonObject),
    $id: 'urn:runchart:plan',
    title: 'Runchart plan',
    description: 'A durable plan: nodes, edges between them, and the schemas of their values',
  };
}
