/** What is called off when a scope comes to nothing, and the reason that is given for it. */
import type { Reason } from '../../machines/node-run-events.js';
import type { RunModel } from './run-model.js';
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

/** Calls off all that goes on in these scopes; returns how many node runs end without a row of their own. */
export function callOff(model: RunModel, scopes: readonly Scope[]): number {
  const count = scopes.reduce((sum, scope) => sum + cancelUntouched(scope), 0);
  model.beginWithdrawal(scopes.flatMap((scope) => scope.openRuns()));
  return count;
}

/** Cancels pending node runs, but for those of which something is stored. */
function cancelUntouched(scope: Scope): number {
  const { progress, graph } = scope;
  let count = 0;
  if (progress.count('pending') === 0) return count;
  for (let position = 0; position < graph.nodes.length; position++) {
    if (progress.status(position) !== 'pending') continue;
    if (scope.touched(position)?.hasRow === true) continue;
    progress.change(position, 'cancelled');
    count += 1;
  }
  return count;
}
