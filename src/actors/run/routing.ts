/** Decides the outgoing edges of a node that has just become final. Pure; evaluates each edge once. */
import type { NodeStatus } from '../../machines/statuses.js';
import { judges } from '../../plan/human-schemas.js';
import type { CompiledEdge, CompiledNode, EdgeScope } from '../../plan/plan-version.js';
import type { DecidedEdgeOutcome } from './progress.js';

export interface EdgeDecision {
  readonly edge: CompiledEdge;
  readonly outcome: DecidedEdgeOutcome;
  /** Present where something was evaluated: a condition, an action, a default, an approval. */
  readonly evaluated?: {
    readonly condition: string;
    readonly result: boolean | null;
    readonly error?: { readonly code: string; readonly message: string };
  };
}

/** The result that routes: action and approval outcome, with the scope for conditions. */
export interface RoutingResult {
  readonly action: string | null;
  readonly outcome: string | null;
  readonly scope: EdgeScope;
}

/** Decides all outgoing edges. `result` is needed for completed and partial nodes only. */
export function routeFrom(
  node: CompiledNode,
  edges: readonly CompiledEdge[],
  status: NodeStatus,
  result: RoutingResult | undefined,
): readonly EdgeDecision[] {
  if (status === 'failed') return edges.map((edge) => ({ edge, outcome: 'failed' }));
  if (result === undefined || (status !== 'completed' && status !== 'partial')) {
    return edges.map((edge) => ({ edge, outcome: 'dead' }));
  }
  return decideLiveEdges(node, edges, result);
}

function decideLiveEdges(
  node: CompiledNode,
  edges: readonly CompiledEdge[],
  result: RoutingResult,
): readonly EdgeDecision[] {
  const exclusive = node.switchMode === 'exclusive';
  const decisions = new Map<CompiledEdge, EdgeDecision>();
  let fired = false;
  for (const edge of edges) {
    if (edge.isDefault) continue;
    const decision: EdgeDecision =
      exclusive && fired ? { edge, outcome: 'dead' } : decideEdge(node, edge, result);
    // An error that fails the target is a decision too: neither a later edge nor the default hides it.
    fired ||= decision.outcome === 'taken' || decision.outcome === 'error';
    decisions.set(edge, decision);
  }
  return edges.map(
    (edge) =>
      decisions.get(edge) ?? {
        edge,
        outcome: fired ? 'dead' : 'taken',
        evaluated: { condition: 'default', result: !fired },
      },
  );
}

function decideEdge(node: CompiledNode, edge: CompiledEdge, result: RoutingResult): EdgeDecision {
  if (edge.on !== undefined && edge.on !== result.action) {
    return { edge, outcome: 'dead', evaluated: { condition: `on ${edge.on}`, result: false } };
  }
  if (edge.when !== undefined) return evaluateCondition(edge, result.scope);
  if (edge.on !== undefined) {
    return { edge, outcome: 'taken', evaluated: { condition: `on ${edge.on}`, result: true } };
  }
  if (judges(node.kind)) {
    const approved = result.outcome === 'approved';
    const evaluated = { condition: 'approved', result: approved };
    return { edge, outcome: approved ? 'taken' : 'dead', evaluated };
  }
  return { edge, outcome: 'taken' };
}

function evaluateCondition(edge: CompiledEdge, scope: EdgeScope): EdgeDecision {
  const condition = edge.when?.text ?? '';
  const evaluation = edge.when?.evaluate(scope);
  if (evaluation === undefined || evaluation.ok) {
    const result = evaluation?.value ?? true;
    return { edge, outcome: result ? 'taken' : 'dead', evaluated: { condition, result } };
  }
  const { code, message } = evaluation;
  return {
    edge,
    outcome: edge.onError === 'dead' ? 'dead' : 'error',
    evaluated: { condition, result: null, error: { code, message } },
  };
}
