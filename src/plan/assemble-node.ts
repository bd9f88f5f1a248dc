/** Puts a compiled node together, its settings filled in, from its source and what checking it gave. */
import { restOf, sourcesOf } from './graph.js';
import {
  type Assembly,
  type NamedSchemas,
  type NodeParts,
  nodesOfBody,
  resolveSchema,
} from './graph-parts.js';
import { humanOf } from './human-settings.js';
import type { PlanNode } from './node-schemas.js';
import {
  ABORT,
  backtrackOf,
  COMPENSATION_TIMEOUT_MS,
  deliverablesOf,
  escalationOf,
  failurePolicyOf,
  fallbackOf,
  outputSchemaOf,
  retryOf,
  retryPolicyOf,
  sleepMsOf,
} from './node-settings.js';
import type {
  Checks,
  CompiledNode,
  Deliverable,
  JoinPolicy,
  JoinRule,
  LoopSettings,
  MapSettings,
} from './plan-version.js';
import type { Topology } from './topology.js';

type Source<K extends PlanNode['kind']> = Extract<PlanNode, { kind: K }>;

const DEFAULT_MAX_ITERATIONS = 1_000;
const UNLIMITED = 1_000_000;
const NO_CHECKS: Checks = Object.freeze({ expressions: [], judges: [] });

export function assembleNode(source: PlanNode, position: number, assembly: Assembly): CompiledNode {
  const { parts: graph, named } = assembly;
  const parts = graph.nodes[position] ?? {};
  const outputSchema = resolveSchema(outputSchemaOf(source), named);
  return Object.freeze({
    position,
    id: source.id,
    kind: source.kind,
    source,
    // The worker of a map is a node of its own.
    handler: source.kind === 'map' ? undefined : parts.handler,
    retry: retryPolicyOf(source),
    onFailure: failurePolicyOf(source),
    defaultOutput: 'defaultOutput' in source ? source.defaultOutput : undefined,
    mergeInputs: source.mergeInputs ?? 'error',
    join: source.kind === 'join' ? joinOf(source, position, parts, graph.topology) : undefined,
    switchMode: source.kind === 'switch' ? (source.mode ?? 'exclusive') : undefined,
    validateInput: parts.validateInput,
    validateOutput: parts.validateOutput,
    outputSchema,
    deliverables: deliverables(source, parts, named),
    checks: parts.checks ?? NO_CHECKS,
    upstreamNodeIds: upstreamIds(graph.topology, position),
    timeoutMs: source.kind === 'action' ? source.timeoutMs : undefined,
    heartbeatMs: source.kind === 'action' ? source.heartbeatMs : undefined,
    fallback: fallbackOf(source),
    escalation: escalationOf(source),
    backtrack: backtrackOf(source),
    compensation: source.kind === 'action' ? compensationOf(source, position) : undefined,
    resolvesEachAttempt: source.kind === 'action' && source.resolveInput === 'each-attempt',
    concurrencyKey: source.kind === 'action' ? concurrencyKeyOf(source, parts) : undefined,
    human: humanOf(source, parts, outputSchema),
    map: source.kind === 'map' ? mapOf(source, position, parts, named) : undefined,
    loop: source.kind === 'loop' ? loopOf(source, parts, assembly) : undefined,
    sleep:
      source.kind === 'sleep'
        ? Object.freeze({ durationMs: sleepMsOf(source), until: parts.sleepUntil })
        : undefined,
  });
}

function deliverables(
  source: PlanNode,
  parts: NodeParts,
  named: NamedSchemas,
): readonly Deliverable[] {
  return Object.freeze(
    deliverablesOf(source).map(({ name, kind, required, schema }, index) =>
      Object.freeze({
        name,
        kind,
        required: required ?? true,
        schema: resolveSchema(schema, named),
        validate: parts.deliverables?.[index],
      }),
    ),
  );
}

function concurrencyKeyOf(source: Source<'action' | 'map'>, parts: NodeParts) {
  const { concurrencyKey: key } = parts;
  if (key === undefined) return undefined;
  return Object.freeze({ key, limit: source.concurrencyKey?.limit ?? 1 });
}

function joinOf(
  { rule, onFailure, cancelRest }: Source<'join'>,
  position: number,
  parts: NodeParts,
  { adjacency }: Topology,
): JoinPolicy {
  return Object.freeze({
    rule: ruleOf(rule, parts),
    onFailure: onFailure ?? 'fail',
    rest: Object.freeze(cancelRest === true ? restOf(adjacency, position) : []),
  });
}

function ruleOf(rule: Source<'join'>['rule'] = 'all', { joinCondition }: NodeParts): JoinRule {
  if (joinCondition !== undefined) return Object.freeze({ type: 'when', condition: joinCondition });
  if (typeof rule === 'object' && 'count' in rule) {
    return Object.freeze({ type: 'count', count: rule.count });
  }
  return Object.freeze({ type: rule === 'any' ? 'any' : 'all' });
}

/** An action that is nobody's successor: the worker of a map, or what undoes a node. */
function standaloneAction(settings: Partial<CompiledNode>, source: PlanNode): CompiledNode {
  return Object.freeze({
    position: 0,
    id: source.id,
    kind: 'action',
    source,
    handler: undefined,
    retry: retryOf(undefined),
    onFailure: ABORT,
    defaultOutput: undefined,
    mergeInputs: 'error',
    join: undefined,
    switchMode: undefined,
    validateInput: undefined,
    validateOutput: undefined,
    outputSchema: undefined,
    deliverables: [],
    checks: NO_CHECKS,
    upstreamNodeIds: [],
    timeoutMs: undefined,
    heartbeatMs: undefined,
    fallback: undefined,
    escalation: [],
    backtrack: undefined,
    compensation: undefined,
    resolvesEachAttempt: false,
    concurrencyKey: undefined,
    human: undefined,
    map: undefined,
    loop: undefined,
    sleep: undefined,
    ...settings,
  });
}

function compensationOf(source: Source<'action'>, position: number): CompiledNode | undefined {
  const { compensate } = source;
  if (compensate === undefined) return undefined;
  const { handler, timeoutMs = COMPENSATION_TIMEOUT_MS, retry } = compensate;
  return standaloneAction({ position, handler, timeoutMs, retry: retryOf(retry) }, source);
}

function mapOf(
  source: Source<'map'>,
  position: number,
  parts: NodeParts,
  named: NamedSchemas,
): MapSettings {
  const { retry, timeoutMs, heartbeatMs, chunkSize, minSuccess } = source;
  // A chunk is checked item by item when it is made and when it is done.
  const isAlone = chunkSize === undefined;
  const worker = standaloneAction(
    {
      position,
      handler: parts.handler,
      retry: retryOf(retry),
      timeoutMs,
      heartbeatMs,
      validateInput: isAlone ? parts.validateItem : eachOf(parts.validateItem),
      validateOutput: isAlone ? parts.validateResult : eachOf(parts.validateResult),
      outputSchema: resolveSchema(source.outputSchema, named),
      concurrencyKey: concurrencyKeyOf(source, parts),
    },
    source,
  );
  return Object.freeze({
    items: parts.items,
    worker,
    concurrency: source.concurrency ?? UNLIMITED,
    chunkSize,
    policy: source.policy ?? 'fail-fast',
    minSuccess: minSuccess ?? 0,
  });
}

/** A validator of lists, from one of their items. */
function eachOf(validate: NodeParts['validateItem']): NodeParts['validateItem'] {
  if (validate === undefined) return undefined;
  return (list) =>
    (Array.isArray(list) ? list : []).flatMap((item, index) =>
      validate(item).map((issue) => ({ ...issue, path: `/${index}${issue.path}` })),
    );
}

function loopOf(
  source: Source<'loop'>,
  parts: NodeParts,
  { named, assembleGraph }: Assembly,
): LoopSettings {
  const { body } = parts;
  if (body === undefined) throw new Error(`the loop "${source.id}" was compiled without its body`);
  return Object.freeze({
    body: assembleGraph(nodesOfBody(source.body), source.body.edges ?? [], body, named),
    forEach: parts.forEach,
    while: parts.while,
    until: parts.until,
    maxIterations: source.maxIterations ?? DEFAULT_MAX_ITERATIONS,
    result: parts.result,
  });
}

function upstreamIds({ adjacency, nodes }: Topology, position: number): readonly string[] {
  const ids = new Set(sourcesOf(adjacency, position).map((source) => nodes[source]?.id ?? ''));
  return Object.freeze([...ids]);
}
