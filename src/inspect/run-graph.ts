/** The graph of a run as it was at one of its events: what its plan says, and which edges were taken. */
import { planAt } from '../change/plan-at.js';
import { RunchartError } from '../errors.js';
import { edgeIds } from '../plan/edge-ids.js';
import type { PlanEdge } from '../plan/edge-schema.js';
import type { RunReader } from '../run-reader.js';

export interface GraphNode {
  readonly id: string;
  readonly kind: string;
}

export interface GraphEdge {
  readonly id: string;
  readonly source: string;
  readonly target: string;
  /** Its condition, the action that it follows, or that it is the default. */
  readonly label?: string;
}

export interface RunGraph {
  readonly run: string;
  readonly title: string;
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
  /** Number of the newest event. */
  readonly seq: number;
  /** Number of the oldest event that the run can be looked at. */
  readonly oldest: number;
}

/** Outcome of each outgoing edge, in the order of writing, by path of a node run: t taken, d dead, f failed. */
export type EdgeOutcomes = Readonly<Record<string, string>>;

/** At the newest event unless another is named. Rejects with `run-unknown`, `argument-invalid`. */
export async function readGraph(runs: RunReader, id: string, at?: number): Promise<RunGraph> {
  const record = await runs.rows.getRun(id);
  if (record === undefined) throw new RunchartError('run-unknown', `there is no run ${id}`);
  const seq = await runs.rows.newestSeq(record.run);
  const hash = at === undefined ? record.planHash : await planAt(runs.rows, record, at);
  const { title, nodes, edges } = await runs.plan(hash);
  const ids = edgeIds(edges);
  return {
    run: id,
    title,
    nodes: nodes.map(({ id: node, kind }) => ({ id: node, kind })),
    edges: edges.map((edge, index) => ({
      id: ids[index] ?? '',
      source: edge.source,
      target: edge.target,
      ...labelOf(edge),
    })),
    seq,
    oldest: Math.max(record.trimmedTo, 1),
  };
}

function labelOf({ when, on, default: isDefault }: PlanEdge): { label?: string } {
  const label = when ?? (on === undefined ? undefined : `on ${on}`);
  if (label !== undefined && label !== '') return { label };
  return isDefault === true ? { label: 'default' } : {};
}

/** What became of the edges: as the rows have it, or, at an earlier event, as the log replays. */
export async function readEdgeOutcomes(
  runs: RunReader,
  id: string,
  at?: number,
): Promise<EdgeOutcomes> {
  if (at !== undefined) return outcomesOf((await runs.replay(id, { to: at })).nodes);
  const record = await runs.rows.getRun(id);
  if (record === undefined) throw new RunchartError('run-unknown', `there is no run ${id}`);
  const outcomes: Record<string, string> = {};
  for await (const row of runs.rows.rowsOf(record.run, 'nodeRuns')) {
    if (row.edges !== '') outcomes[row.node] = row.edges;
  }
  return outcomes;
}

function outcomesOf(nodes: readonly { readonly node: string; readonly edges: string }[]) {
  return Object.fromEntries(
    nodes.flatMap(({ node, edges }) => (edges === '' ? [] : [[node, edges]])),
  );
}
