/** What each node of a run was given, did and decided, put together from its rows. Pure. */
import { EDGE_OUTCOMES, type EdgeOutcome } from '../actors/run/progress.js';
import type { NodeStatus } from '../machines/statuses.js';
import { edgeIds } from '../plan/edge-ids.js';
import type { PlanEdge } from '../plan/edge-schema.js';
import type { JsonObject, JsonValue } from '../plan/json.js';
import type { Plan } from '../plan/schema.js';
import { toAttempt } from '../run-reader.js';
import type { AttemptView } from '../views.js';
import type { MemoryRun } from './memory-storage.js';

export interface EdgeTrace {
  readonly edge: string;
  readonly target: string;
  readonly outcome: EdgeOutcome;
}

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

interface Graph {
  readonly nodes: readonly { readonly id: string }[];
  readonly edges?: readonly PlanEdge[] | undefined;
}

/** The nodes that were touched, in the order in which they were. */
export function traceRun(rows: MemoryRun, plan: Plan): NodeTrace[] {
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
    edges: traceEdges(plan, node, edges),
  }));
}

function traceAttempts(rows: MemoryRun, node: string): NodeTrace['attempts'] {
  const records = [...rows.attempts.values()].filter((record) => record.node === node);
  return records.map((record) => {
    const { node: _node, worker: _worker, ...attempt } = toAttempt(record);
    return attempt;
  });
}

/** A node run keeps a letter for each of its outgoing edges, in the order of writing. */
function traceEdges(plan: Graph, path: string, letters: string): EdgeTrace[] {
  const { graph, id } = locate(plan, path);
  const edges = graph?.edges ?? [];
  const names = edgeIds(edges);
  const outgoing = edges.flatMap(({ source, target }, place) =>
    source === id ? [{ edge: names[place] ?? '', target }] : [],
  );
  return [...letters].flatMap((letter, place) => {
    const edge = outgoing[place];
    const outcome = EDGE_OUTCOMES.find((name) => name.startsWith(letter));
    return edge === undefined || outcome === undefined ? [] : [{ ...edge, outcome }];
  });
}

/** The graph in which a node run lies, by its path: `research[2]/draft` is in the body of `research`. */
function locate(plan: Graph, path: string): { graph: Graph | undefined; id: string } {
  const ids = path.split('/').map((part) => part.replace(/\[\d*\]$/, ''));
  const id = ids.pop() ?? '';
  let graph: Graph | undefined = plan;
  for (const host of ids) {
    const node: object | undefined = graph?.nodes.find((candidate) => candidate.id === host);
    graph = node !== undefined && 'body' in node ? (node.body as Graph) : undefined;
  }
  return { graph, id };
}
