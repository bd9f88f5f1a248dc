/** Decides the outgoing edges of a final node run, as far as they are not decided, and has the log say how. */
import type { NodeStatus } from '../../machines/statuses.js';
import { outgoingEdges } from '../../plan/graph-edges.js';
import type { Decider } from './decider.js';
import { routeFrom } from './routing.js';
import type { NodeRun } from './scope.js';

export function routeOnwards(
  { model, turn }: Pick<Decider, 'model' | 'turn'>,
  run: NodeRun,
  status: NodeStatus,
): void {
  const { scope, node } = run;
  const { graph, progress } = scope;
  const succeeded = status === 'completed' || status === 'partial';
  const result = succeeded
    ? { action: run.action, outcome: run.outcome, scope: model.scopeOf(run) }
    : undefined;
  for (const decision of routeFrom(node, outgoingEdges(graph, run.position), status, result)) {
    const { edge, outcome, evaluated } = decision;
    // After a replan those that are as they were stay decided.
    if (progress.edge(edge.index) !== 'undecided') continue;
    progress.decideEdge(edge.index, outcome);
    if (evaluated !== undefined) {
      turn.event('edge.evaluated', run.path, null, {
        edge: edge.id,
        condition: evaluated.condition,
        result: evaluated.result,
        outcome,
        error: evaluated.error && { ...evaluated.error },
      });
    }
    if (progress.status(edge.target) === 'pending') model.noteUndecided(scope, edge.target);
    else if (outcome === 'taken' && scope.node(edge.target).kind === 'join') {
      turn.event('join.arrival-ignored', scope.pathAt(edge.target), null, { edge: edge.id });
    }
  }
  run.edges = progress.outgoing(run.position);
}
