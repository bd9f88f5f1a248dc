/**
 * Going back: a node and all that follows from it begin another generation. Invariant: a final node
 * run never changes; what it came to stays in the log, its attempts and its snapshots.
 */
import type { NodeRunEvent, Reason } from '../../machines/node-run-events.js';
import { isFinal } from '../../machines/statuses.js';
import { downstreamOf } from '../../plan/graph.js';
import { exhaustion, spendRestart } from './budget.js';
import type { Decider } from './decider.js';
import type { NodeRun, Scope } from './scope.js';

const SUPERSEDED: Reason = { code: 'superseded', message: 'the run goes back to before it' };

/** Goes back as the failed node run asks; false where it may not any more, and its reason says so. */
export function restartFrom(decider: Decider, failed: NodeRun): boolean {
  const { backtrack } = failed.node;
  const position = failed.scope.graph.positionOf.get(backtrack?.to ?? '');
  if (backtrack === undefined || position === undefined) return false;
  if (failed.generation > backtrack.maxRestarts || !spendRestart(decider)) {
    failed.reason = {
      ...exhaustion('restarts'),
      ...(failed.reason && { detail: { ...failed.reason } }),
    };
    const reason = { ...failed.reason };
    decider.turn.event('run.backtrack-refused', failed.path, null, { reason });
    return false;
  }
  decider.turn.event('run.backtracked', failed.path, null, {
    to: failed.scope.pathAt(position),
    restart: failed.generation,
  });
  renewFrom(decider, failed.scope, position);
  return true;
}

/** Begins another generation of a node and of all that follows from it in its scope. */
export function renewFrom(decider: Decider, scope: Scope, from: number): void {
  const { edges } = scope.graph;
  const targetOf = (edge: number) => edges[edge]?.target ?? 0;
  const renewed = [from, ...downstreamOf({ outStart: scope.graph.outStart, targetOf }, from)];
  const positions = renewed.sort((a, b) => a - b);
  for (const position of positions) supersede(decider, scope, position);
  const runs = positions.flatMap((position) => renew(decider, scope, position));
  decider.turn.event('nodes.renewed', null, null, { nodes: runs.map((run) => run.path) });
  for (const run of runs) run.seq = decider.turn.seq;
  // What leads to them from elsewhere is decided still, and may be enough for a join.
  for (const position of positions) decider.model.noteUndecided(scope, position);
}

/** What is still at work is called off at once: the next generation does not wait for it. */
function supersede(decider: Decider, scope: Scope, position: number): void {
  const run = scope.touched(position);
  if (run === undefined || run.status === 'pending' || isFinal(run.status)) return;
  endAtOnce(decider, run, { type: 'work.superseded', reason: SUPERSEDED });
}

/** Takes an event to a node run that makes it final, and ends what goes on inside it. */
export function endAtOnce(decider: Decider, run: NodeRun, event: NodeRunEvent): void {
  const inner = run.inside === null ? undefined : decider.model.scope(run.inside);
  decider.step(run, event);
  if (inner !== undefined) forgetInside(decider, inner);
}

/** Node runs inside a composite that is over come to their end with it. */
function forgetInside(decider: Decider, scope: Scope): void {
  const { model } = decider;
  for (const within of model.scopesWithin(scope).reverse()) {
    for (const run of within.touchedRuns()) {
      const isOpen = !isFinal(run.status) && run.status !== 'pending';
      if (isOpen) decider.step(run, { type: 'work.superseded', reason: SUPERSEDED });
    }
    model.closeScope(within);
  }
}

function renew(decider: Decider, scope: Scope, position: number): NodeRun[] {
  const { progress, graph } = scope;
  for (
    let edge = graph.outStart[position] ?? 0;
    edge < (graph.outStart[position + 1] ?? 0);
    edge++
  ) {
    progress.undecideEdge(edge);
  }
  const run = scope.touched(position);
  if (run === undefined || run.status === 'pending') return [];
  decider.turn.addPastNodeRun(run.toRecord(decider.model.record.run, decider.turn.at));
  progress.restore(position, 'pending');
  run.renew();
  decider.tree.renew(run.path);
  decider.touch(run);
  return [run];
}
