/**
 * From a draft to a plan version. All faults are reported at once; what compiles is immutable and
 * known by the hash of its content as written, without defaults.
 */
import { RunchartError } from '../errors.js';
import { canonicalJson, contentHash } from './canonical.js';
import { EdgeCompiler, type EdgeParts } from './compile-edges.js';
import { edgeIds } from './edge-ids.js';
import { Findings } from './findings.js';
import { deepFreeze } from './freeze.js';
import { formatIssues, type Issue } from './issue.js';
import type { JsonObject } from './json.js';
import { toJsonValue } from './json-values.js';
import {
  deliverablesOf,
  failurePolicyOf,
  handlerOf,
  inputSchemaOf,
  joinOf,
  outputSchemaOf,
  retryOf,
} from './node-settings.js';
import type { CompiledEdge, CompiledNode, PlanGraph, PlanVersion } from './plan-version.js';
import { pointer } from './pointer.js';
import { checkRouting } from './routing.js';
import { sanitizePlan } from './sanitize.js';
import type { Plan, PlanEdge, PlanNode, SchemaReference } from './schema.js';
import { type NodeOutline, outlinePlan } from './shape.js';
import { hasSteps, issueOfStep, planFromSteps } from './steps.js';
import { checkTopology, type Topology } from './topology.js';
import { ValueSchemas } from './value-schemas.js';

export type CompileResult =
  | { readonly ok: true; readonly version: PlanVersion }
  | { readonly ok: false; readonly issues: readonly Issue[] };

/** A plan that cannot run; `issues` has all findings. */
export class PlanInvalidError extends RunchartError {
  constructor(issues: readonly Issue[]) {
    super('plan-invalid', formatIssues(issues), { issues });
  }
}

const MAX_PLAN_BYTES = 64 * 1024 * 1024;
const MAX_PLAN_DEPTH = 128;

/** Compiles a draft: nodes and edges, or the flat list of steps. Never throws. */
export function compilePlan(draft: unknown): CompileResult {
  const findings = new Findings();
  const json = toJsonValue(draft, {
    maxBytes: MAX_PLAN_BYTES,
    maxDepth: MAX_PLAN_DEPTH,
    omitUndefined: true,
  });
  if (!json.ok) {
    const { code, message, path } = json;
    findings.block({ code, message, path });
  } else if (!isObject(json.value)) {
    findings.block({ code: 'wrong-type', message: 'A plan is an object', path: '' });
  } else if (hasSteps(json.value)) {
    return withStepPaths(compileDraft(planFromSteps(json.value), findings));
  } else {
    return compileDraft(json.value, findings);
  }
  return { ok: false, issues: findings.list() };
}

/** As `compilePlan`; throws a PlanInvalidError instead of returning issues. */
export function compilePlanOrThrow(draft: unknown): PlanVersion {
  const result = compilePlan(draft);
  if (!result.ok) throw new PlanInvalidError(result.issues);
  return result.version;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function withStepPaths(result: CompileResult): CompileResult {
  if (!result.ok) return { ok: false, issues: result.issues.map(issueOfStep) };
  const { version } = result;
  const warnings = version.warnings.map(issueOfStep);
  return { ok: true, version: Object.freeze({ ...version, warnings }) };
}

function compileDraft(draft: JsonObject, findings: Findings): CompileResult {
  const sanitized = sanitizePlan(draft, findings);
  const outline = outlinePlan(sanitized, findings);
  const topology = checkTopology(outline, findings);
  checkRouting(topology, findings);

  const schemas = new ValueSchemas(findings);
  schemas.addNamed(outline.schemas);
  const validateInputs = schemas.resolve(outline.inputs, '/inputs');
  const nodeParts = topology.nodes.map((node) => compileNodeParts(node, schemas, findings));
  const edgeCompiler = new EdgeCompiler(topology, findings);
  const edgeParts = topology.edges.map((edge) => edgeCompiler.compile(edge));
  if (findings.blocked) return { ok: false, issues: findings.list() };

  const text = canonicalJson(sanitized);
  // Rebuilt from the canonical text: nothing afterwards can depend on the order of keys.
  const plan = deepFreeze(JSON.parse(text) as Plan);
  return {
    ok: true,
    version: Object.freeze({
      hash: contentHash(text),
      plan,
      graph: assembleGraph(plan, topology, nodeParts, edgeParts),
      validateInputs,
      warnings: findings.list(),
    }),
  };
}

type NodeParts = Pick<CompiledNode, 'handler' | 'validateInput' | 'validateOutput'>;

function compileNodeParts(
  { node, id, index }: NodeOutline,
  schemas: ValueSchemas,
  findings: Findings,
): NodeParts {
  if (node === undefined) {
    return { handler: undefined, validateInput: undefined, validateOutput: undefined };
  }
  const handler = handlerOf(node);
  if (node.kind === 'action' && handler === undefined) {
    findings.block({
      code: 'handler-missing-key',
      message: `The action '${id}' names neither a handler nor an owner`,
      path: pointer('nodes', index),
      node: id,
      hint: 'Add `handler`, or `owner` with executorType and ref',
    });
  }
  const at = (property: string) => pointer('nodes', index, property);
  return {
    handler,
    validateInput: schemas.resolve(inputSchemaOf(node), at('inputSchema'), id),
    validateOutput: schemas.resolve(outputSchemaOf(node), at('outputSchema'), id),
  };
}

function assembleGraph(
  plan: Plan,
  topology: Topology,
  nodeParts: readonly NodeParts[],
  edgeParts: readonly EdgeParts[],
): PlanGraph {
  const { adjacency, positionOf, entries } = topology;
  const ids = edgeIds(plan.edges);
  const edges = Array.from(adjacency.order, (authored, index): CompiledEdge => {
    const edge = plan.edges[authored] as PlanEdge;
    return Object.freeze({
      index,
      id: ids[authored] ?? '',
      source: adjacency.sources[index] ?? 0,
      target: adjacency.targets[index] ?? 0,
      sourceId: edge.source,
      targetId: edge.target,
      when: edgeParts[authored]?.when,
      on: edge.on,
      isDefault: edge.default ?? false,
      onError: edge.onError ?? 'fail',
      map: edgeParts[authored]?.map,
    });
  });
  const nodes = plan.nodes.map(
    (source, position): CompiledNode =>
      Object.freeze({
        position,
        id: source.id,
        kind: source.kind,
        source,
        ...(nodeParts[position] as NodeParts),
        retry: retryOf(source),
        onFailure: failurePolicyOf(source),
        defaultOutput: 'defaultOutput' in source ? source.defaultOutput : undefined,
        mergeInputs: source.mergeInputs ?? 'error',
        join: joinOf(source),
        switchMode: source.kind === 'switch' ? (source.mode ?? 'exclusive') : undefined,
        outputSchema: byName(outputSchemaOf(source), plan),
        deliverables: deliverablesOf(source),
        upstreamNodeIds: upstreamIds(plan.nodes, topology, position),
      }),
  );
  return Object.freeze({
    nodes: Object.freeze(nodes),
    edges: Object.freeze(edges),
    positionOf,
    outStart: adjacency.outStart,
    inStart: adjacency.inStart,
    inEdges: adjacency.inEdges,
    entries: Uint32Array.from(entries),
  });
}

function byName(
  reference: SchemaReference | undefined,
  plan: Plan,
): JsonObject | boolean | undefined {
  return typeof reference === 'string' ? plan.schemas?.[reference] : reference;
}

function upstreamIds(
  nodes: readonly PlanNode[],
  { adjacency }: Topology,
  position: number,
): readonly string[] {
  const { inStart, inEdges, sources } = adjacency;
  const ids = new Set<string>();
  for (let i = inStart[position] ?? 0; i < (inStart[position + 1] ?? 0); i++) {
    ids.add(nodes[sources[inEdges[i] ?? 0] ?? 0]?.id ?? '');
  }
  return Object.freeze([...ids]);
}
