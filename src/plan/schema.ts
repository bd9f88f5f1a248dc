/** The shape of a plan as an author writes it. The JSON Schema that is published is made from this. */
import { z } from 'zod';
import { ID_PATTERN, isForbiddenKey } from './ids.js';
import type { JsonObject, JsonValue } from './json.js';

const MAX_NODES = 100_000;
const MAX_EDGES = 400_000;
/** Ten years, the longest delay or deadline. */
const MAX_DURATION_MS = 10 * 366 * 86_400_000;
export const MAX_EXPRESSION_LENGTH = 4_096;
const MAX_PATH_LENGTH = 1_024;

// A property added here stays optional and is never filled in: the hash covers a plan as it was
// written, so that a new default changes the hash of no stored plan. Defaults live in node-settings.ts.

const id = z
  .string()
  .regex(ID_PATTERN)
  .refine((value) => !isForbiddenKey(value), { error: 'This name is reserved' })
  .meta({ description: 'Letter or underscore first, then letters, digits, _ . -; at most 128' });

const shortText = z.string().min(1).max(256);
const longText = z.string().max(16_384);
const durationMs = z.int().min(0).max(MAX_DURATION_MS);
const json = z.custom<JsonValue>((value) => value !== undefined).meta({ description: 'Any JSON' });

const inlineSchema = z.union([
  z.boolean(),
  z
    .custom<JsonObject>(
      (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
    )
    .meta({ type: 'object' }),
]);

const schemaReference = z
  .union([id, inlineSchema], { error: 'Expected the name of a schema or a JSON Schema' })
  .meta({ description: 'Name of one of `schemas`, or a JSON Schema (2020-12)' });

const owner = z
  .strictObject({
    executorType: z.enum(['agent', 'plugin', 'user', 'system']),
    ref: shortText,
  })
  .meta({ description: 'Who does the work' });

const deliverable = z.strictObject({
  name: shortText,
  kind: shortText,
  required: z.boolean().optional().meta({ default: true }),
});

const retry = z
  .strictObject({
    maxAttempts: z
      .int()
      .min(1)
      .max(1_000)
      .optional()
      .meta({ default: 1, description: 'Tries in total; 1 means no retry' }),
    retryOn: z.array(shortText).max(32).optional().meta({
      default: [],
      description: 'Failure classes to retry; empty means all retryable ones',
    }),
    backoff: z.enum(['none', 'fixed', 'exponential']).optional().meta({ default: 'none' }),
    delayMs: durationMs.optional().meta({ default: 0 }),
    maxDelayMs: durationMs.optional().meta({ description: 'Upper bound of every delay' }),
    maxInterruptions: z
      .int()
      .min(0)
      .max(1_000)
      .optional()
      .meta({ default: 5, description: 'Crashes and shutdowns survived before the node fails' }),
  })
  .meta({ description: 'When and how often a failed action is tried again' });

const onNodeFailure = z.enum(['abort', 'skip', 'continue']).optional().meta({
  default: 'abort',
  description:
    'What a failure of this node means: the run ends, the node is skipped, or it goes on',
});

const everyNode = {
  id,
  title: shortText.optional(),
  description: longText.optional(),
  mergeInputs: z.enum(['error', 'first', 'last']).optional().meta({
    default: 'error',
    description: 'Which edge wins where two write the same path of the input',
  }),
};

const work = {
  ...everyNode,
  owner: owner.optional(),
  inputSchema: schemaReference.optional(),
  outputSchema: schemaReference.optional(),
  deliverables: z.array(deliverable).max(256).optional(),
  onFailure: onNodeFailure,
  defaultOutput: json.optional().meta({ description: 'Output of a failed node under `continue`' }),
};

const action = z
  .strictObject({
    kind: z.literal('action'),
    ...work,
    handler: shortText
      .optional()
      .meta({ description: 'Key of the handler; without it `executorType/ref` of the owner' }),
    retry: retry.optional(),
  })
  .meta({ title: 'Action', description: 'Work done by a handler or an external worker' });

const humanApproval = z
  .strictObject({
    kind: z.literal('human-approval'),
    ...work,
    objective: longText.optional(),
    instructions: longText.optional(),
    criteria: z.array(longText).max(256).optional(),
    responders: z
      .array(shortText)
      .min(1)
      .max(1_024)
      .optional()
      .meta({ description: 'Who may answer; anybody where absent' }),
    deadlineMs: z.int().min(1).max(MAX_DURATION_MS).optional(),
  })
  .meta({
    title: 'Approval',
    description: 'Asks a person: approved, rejected or changes-requested',
  });

const switchNode = z
  .strictObject({
    kind: z.literal('switch'),
    ...everyNode,
    mode: z
      .enum(['exclusive', 'inclusive'])
      .optional()
      .meta({ default: 'exclusive', description: 'The first true edge, or all true edges' }),
    inputSchema: schemaReference.optional(),
    onFailure: onNodeFailure,
  })
  .meta({ title: 'Switch', description: 'Routes by the conditions of its edges' });

const join = z
  .strictObject({
    kind: z.literal('join'),
    ...everyNode,
    rule: z
      .union(
        [
          z.literal('all'),
          z.literal('any'),
          z.strictObject({ count: z.int().min(1).max(MAX_EDGES) }),
        ],
        { error: 'Expected all, any or {count: n}' },
      )
      .optional()
      .meta({ default: 'all' }),
    onFailure: z
      .enum(['fail', 'ignore'])
      .optional()
      .meta({ default: 'fail', description: 'What a failed input means' }),
    inputSchema: schemaReference.optional(),
  })
  .meta({ title: 'Join', description: 'Brings branches together' });

export const planNodeSchema = z.discriminatedUnion('kind', [
  action,
  humanApproval,
  switchNode,
  join,
]);

export const planEdgeSchema = z
  .strictObject({
    id: id.optional(),
    source: id,
    target: id,
    when: z
      .string()
      .max(MAX_EXPRESSION_LENGTH)
      .optional()
      .meta({ description: 'Condition; empty or `always` is true' }),
    on: shortText
      .optional()
      .meta({ description: 'Action that the result of the source must name' }),
    default: z
      .boolean()
      .optional()
      .meta({ default: false, description: 'Taken only where no other edge of the source is' }),
    onError: z
      .enum(['fail', 'dead'])
      .optional()
      .meta({ default: 'fail', description: 'Outcome of an error in the condition' }),
    map: z
      .record(z.string().min(1).max(MAX_PATH_LENGTH), z.string().min(1).max(MAX_PATH_LENGTH))
      .optional()
      .meta({ description: 'Target path from source path' }),
  })
  .meta({ title: 'Edge' });

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
};

export const planFrameSchema = z.strictObject({
  ...frame,
  nodes: z.array(z.unknown()).min(1).max(MAX_NODES),
  edges: z.array(z.unknown()).max(MAX_EDGES),
});

const planSchema = z.strictObject({
  ...frame,
  nodes: z.array(planNodeSchema).min(1).max(MAX_NODES),
  edges: z.array(planEdgeSchema).max(MAX_EDGES),
});

export type Plan = z.infer<typeof planSchema>;
export type PlanNode = z.infer<typeof planNodeSchema>;
export type PlanEdge = z.infer<typeof planEdgeSchema>;
export type SchemaReference = z.infer<typeof schemaReference>;

/** Properties that a node of `kind` may have, or undefined where there is no such kind. */
export function nodeProperties(kind: unknown): ReadonlySet<string> | undefined {
  return NODE_PROPERTIES.get(kind);
}

const NODE_PROPERTIES: ReadonlyMap<unknown, ReadonlySet<string>> = new Map(
  [action, humanApproval, switchNode, join].map((node) => [
    node.shape.kind.value,
    new Set(Object.keys(node.shape)),
  ]),
);

export const NODE_KINDS: readonly string[] = [...NODE_PROPERTIES.keys()].map(String);
export const EDGE_PROPERTIES: ReadonlySet<string> = new Set(Object.keys(planEdgeSchema.shape));

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
