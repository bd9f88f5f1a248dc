/** The shape of each kind of node, as an author writes it. */
import { z } from 'zod';
import { check, MAX_CHECKS } from './check-schemas.js';
import type { PlanEdge } from './edge-schema.js';
import { HUMAN_NODES } from './human-schemas.js';
import {
  backtrack,
  compensate,
  concurrencyKey,
  deliverable,
  duration,
  escalation,
  everyNode,
  expression,
  fallback,
  id,
  json,
  limitMs,
  MAX_EDGES,
  MAX_NODES,
  onDowntime,
  onStructureFailure,
  onWorkFailure,
  owner,
  retry,
  schemaReference,
  shortText,
} from './schema-parts.js';

/** The part of a plan that a loop repeats: nodes and edges of its own. */
export interface PlanBody {
  nodes: PlanNode[];
  edges?: PlanEdge[] | undefined;
  entry?: string[] | undefined;
}

const schemas = {
  inputSchema: schemaReference.optional(),
  outputSchema: schemaReference.optional(),
};

const defaultOutput = json
  .optional()
  .meta({ description: 'Output of a failed node under `continue`' });

/** What takes time, and may be limited in it. */
const timed = {
  timeoutMs: limitMs.optional().meta({ description: 'How long an attempt may take' }),
  heartbeatMs: limitMs
    .optional()
    .meta({ description: 'How long an attempt may go on without a sign of life' }),
};

const handled = {
  owner: owner.optional(),
  handler: shortText
    .optional()
    .meta({ description: 'Key of the handler; without it `executorType/ref` of the owner' }),
  retry: retry.optional(),
  ...timed,
  concurrencyKey: concurrencyKey.optional(),
};

const failing = {
  onFailure: onWorkFailure,
  defaultOutput,
  fallback: fallback.optional(),
  backtrack: backtrack.optional(),
  escalation: escalation.optional(),
};

const action = z
  .strictObject({
    kind: z.literal('action'),
    ...everyNode,
    ...schemas,
    ...handled,
    deliverables: z.array(deliverable).max(256).optional(),
    checks: z
      .array(check)
      .max(MAX_CHECKS)
      .optional()
      .meta({ description: 'Asked of an output that is valid, before the node is final' }),
    ...failing,
    compensate: compensate.optional(),
    resolveInput: z.enum(['once', 'each-attempt']).optional().meta({
      default: 'once',
      description: 'Whether a retry gets the same input, or resolves it again',
    }),
  })
  .meta({ title: 'Action', description: 'Work done by a handler or an external worker' });

const switchNode = z
  .strictObject({
    kind: z.literal('switch'),
    ...everyNode,
    mode: z
      .enum(['exclusive', 'inclusive'])
      .optional()
      .meta({ default: 'exclusive', description: 'The first true edge, or all true edges' }),
    inputSchema: schemaReference.optional(),
    onFailure: onStructureFailure,
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
          z.strictObject({ when: expression }),
        ],
        { error: 'Expected all, any, {count: n} or {when: expression}' },
      )
      .optional()
      .meta({ default: 'all' }),
    onFailure: z.enum(['fail', 'ignore', 'wait']).optional().meta({
      default: 'fail',
      description:
        'What a failed input means: the join fails, it counts as dead, or it may recover',
    }),
    cancelRest: z.boolean().optional().meta({
      default: false,
      description: 'Whether the decision cancels what only led to this join',
    }),
    inputSchema: schemaReference.optional(),
  })
  .meta({ title: 'Join', description: 'Brings branches together' });

const map = z
  .strictObject({
    kind: z.literal('map'),
    ...everyNode,
    ...schemas,
    ...handled,
    items: expression
      .optional()
      .meta({ default: 'input', description: 'Gives the list of items, from the input' }),
    concurrency: z.int().min(1).max(10_000).optional().meta({
      description: 'Items at work at the same time; as many as the run allows where absent',
    }),
    chunkSize: z.int().min(1).max(10_000).optional().meta({
      description: 'Items handed over together, as a list; its worker returns a list as long',
    }),
    policy: z.enum(['fail-fast', 'collect']).optional().meta({
      default: 'fail-fast',
      description: 'Whether the first failed item ends the map, or the others go on',
    }),
    minSuccess: z.number().min(0).max(1).optional().meta({
      default: 0,
      description: 'Under `collect`: the share of items that has to succeed',
    }),
    onFailure: onWorkFailure,
    defaultOutput,
  })
  .meta({ title: 'Map', description: 'One worker over many items; its output is their results' });

const body: z.ZodType<PlanBody> = z
  .strictObject({
    nodes: z.array(z.custom<PlanNode>()).min(1).max(MAX_NODES),
    edges: z.array(z.custom<PlanEdge>()).max(MAX_EDGES).optional(),
    entry: z.array(id).min(1).optional(),
  })
  .meta({
    type: 'object',
    description: 'Nodes and edges that are run once per iteration',
    properties: {
      nodes: { $ref: '#/properties/nodes' },
      edges: { $ref: '#/properties/edges' },
    },
  });

const loop = z
  .strictObject({
    kind: z.literal('loop'),
    ...everyNode,
    inputSchema: schemaReference.optional(),
    body,
    forEach: expression
      .optional()
      .meta({ description: 'Gives a list; one iteration per item, one after another' }),
    while: expression.optional().meta({ description: 'Asked before each iteration' }),
    until: expression.optional().meta({ description: 'Asked after each iteration' }),
    maxIterations: z.int().min(1).max(100_000).optional().meta({ default: 1_000 }),
    result: expression.optional().meta({
      description: 'Value of an iteration; without it the outputs of the last nodes of the body',
    }),
    onFailure: onWorkFailure,
    defaultOutput,
  })
  .meta({ title: 'Loop', description: 'Repeats its body' });

const subplan = z
  .strictObject({
    kind: z.literal('subplan'),
    ...everyNode,
    ...schemas,
    plan: id.meta({ description: 'Name of one of `plans`' }),
    maxDepth: z.int().min(1).max(32).optional().meta({
      description: 'How deep runs may nest here; needed where a plan contains itself',
    }),
    retry: retry.optional(),
    onFailure: onWorkFailure,
    defaultOutput,
  })
  .meta({ title: 'Subplan', description: 'Runs another plan, as a run of its own' });

const sleep = z
  .strictObject({
    kind: z.literal('sleep'),
    ...everyNode,
    duration: duration.optional(),
    until: expression
      .optional()
      .meta({ description: 'Gives the time: milliseconds since the epoch, or ISO 8601' }),
    onDowntime,
    onFailure: onStructureFailure,
  })
  .meta({ title: 'Sleep', description: 'Waits for time to pass' });

const signal = z
  .strictObject({
    kind: z.literal('signal'),
    ...everyNode,
    outputSchema: schemaReference.optional(),
    signal: shortText
      .optional()
      .meta({ description: 'Name of the signal; the id of the node where absent' }),
    deadlineMs: limitMs.optional(),
    onDowntime,
    onFailure: onStructureFailure,
    defaultOutput,
  })
  .meta({ title: 'Signal', description: 'Waits for something to be told from outside' });

export const planNodeSchema = z.discriminatedUnion('kind', [
  action,
  ...HUMAN_NODES,
  switchNode,
  join,
  map,
  loop,
  subplan,
  sleep,
  signal,
]);

/** A node of any kind, as an author writes it. */
export type PlanNode = z.infer<typeof planNodeSchema>;

const NODE_PROPERTIES: ReadonlyMap<unknown, ReadonlySet<string>> = new Map(
  planNodeSchema.options.map((node) => [node.shape.kind.value, new Set(Object.keys(node.shape))]),
);

/** Properties that a node of `kind` may have, or undefined where there is no such kind. */
export function nodeProperties(kind: unknown): ReadonlySet<string> | undefined {
  return NODE_PROPERTIES.get(kind);
}

export const NODE_KINDS: readonly string[] = [...NODE_PROPERTIES.keys()].map(String);
