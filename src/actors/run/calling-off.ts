/** What is called off when a scope comes to nothing, and the reason that is given for it. */
import type { Reason } from '../../machines/node-run-events.js';
import type { NodeRun, Scope } from './scope.js';

/** Why a scope is called off, from the node run that failed in it. */
export function abortionBy({ reason, path }: NodeRun): Reason {
  const { code, message, class: failureClass } = reason ?? { code: 'failed', message: 'it failed' };
  return {
    code,
    message,
    ...(failureClass !== undefined && { class: failureClass }),
    detail: { node: path },
  };
}

/** An item whose failure calls off all of its map. */
export function isFatalItem({ scope, status }: NodeRun): boolean {
  return status === 'failed' && scope.host?.node.map?.policy === 'fail-fast';
}

/** Why the items of a map are called off, from the one that failed. */
export function abortionByItem(item: NodeRun): Reason {
  return { ...abortionBy(item), class: 'item' };
}

/** Node runs of a scope that were never touched are cancelled; returns how many. */
export function cancelUntouched(scope: Scope): number {
  const { progress, graph } = scope;
  let count = 0;
  if (progress.count('pending') === 0) return count;
  for (let position = 0; position < graph.nodes.length; position++) {
    if (progress.status(position) !== 'pending' || isAgain(scope.touched(position))) continue;
    progress.change(position, 'cancelled');
    count += 1;
  }
  return count;
}

/** Pending node runs of a scope that have a row: they were reset to a further generation. */
export function pendingAgain(scope: Scope): NodeRun[] {
  return [...scope.touchedRuns()].filter((run) => run.status === 'pending' && isAgain(run));
}

function isAgain(run: NodeRun | undefined): boolean {
  return run !== undefined && run.generation > 1;
}
