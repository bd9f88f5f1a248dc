/** What each node of a run was given, did and decided, put together from its rows. Pure. */
import { EDGE_OUTCOMES, type EdgeOutcome } from '../actors/run/progress.js';
import { PlanPaths } from '../explain/plan-paths.js';
import type { NodeStatus } from '../machines/statuses.js';
import type { JsonObject, JsonValue } from '../plan/json.js';
import type { Plan } from '../plan/schema.js';
import { toAttempts } from '../row-views.js';
import type { AttemptView } from '../views.js';
import type { MemoryRun } from './memory-storage.js';

/** What was decided about an edge. */
export interface EdgeTrace {
  readonly edge: string;
  readonly target: string;
  readonly outcome: EdgeOutcome;
}

/** What a node run went through: input, attempts, output, edges. */
export interface NodeTrace {
  /** Id, or path where it lies in a loop or a map. */
  readonly node: string;
  readonly status: NodeStatus;
  readonly input?: JsonValue;
  readonly output?: JsonValue;
  readonly reason?: JsonObject;
  /** Oldest first. */
  readonly attempts: readonly Omit<AttemptView, 'node' | 'worker'>[];
  /** Outgoing edges in the order of writing; empty until they are decided. */
  readonly edges: readonly EdgeTrace[];
}

/** The nodes that were touched, in the order in which they were. */
export function traceRun(rows: MemoryRun, plan: Plan): NodeTrace[] {
  const paths = new PlanPaths(plan);
  const touchedAt = new Map<string, number>();
  for (const { node, seq } of rows.events) {
    if (node !== null && !touchedAt.has(node)) touchedAt.set(node, seq);
  }
  const order = (node: string) => touchedAt.get(node) ?? Number.POSITIVE_INFINITY;
  const nodeRuns = [...rows.nodeRuns.values()].sort((a, b) => order(a.node) - order(b.node));
  return nodeRuns.map(({ node, status, inputJson, outputJson, reasonJson, edges }) => ({
    node,
    status,
    ...(inputJson !== null && { input: JSON.parse(inputJson) as JsonValue }),
    ...(outputJson !== null && { output: JSON.parse(outputJson) as JsonValue }),
    ...(reasonJson !== null && { reason: JSON.parse(reasonJson) as JsonObject }),
    attempts: traceAttempts(rows, node),
    edges: traceEdges(paths, node, edges),
  }));
}

function traceAttempts(rows: MemoryRun, node: string): NodeTrace['attempts'] {
  const records = [...rows.attempts.values()].filter((record) => record.node === node);
  const inputs = records.map((record) => rows.inputOf(record));
  return toAttempts(records, inputs).map(({ node: _node, worker: _worker, ...shown }) => shown);
}

/** A node run keeps a letter for each of its outgoing edges, in the order of writing. */
function traceEdges(paths: PlanPaths, path: string, letters: string): EdgeTrace[] {
  const spot = paths.spot(path);
  const outgoing = spot?.graph.outgoing(spot.node.id) ?? [];
  return [...letters].flatMap((letter, place) => {
    const written = outgoing[place];
    const outcome = EDGE_OUTCOMES.find((name) => name.startsWith(letter));
    if (written === undefined || outcome === undefined) return [];
    return [{ edge: written.id, target: written.edge.target, outcome }];
  });
}
