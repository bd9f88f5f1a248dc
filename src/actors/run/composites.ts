/** What follows when a scope inside a composite has come to its end, or has room for more. */
import { isFinal } from '../../machines/statuses.js';
import { endInFailure } from './attempts.js';
import type { Decider } from './decider.js';
import { stopHost } from './ending.js';
import { failure } from './failure.js';
import { afterIteration } from './loops.js';
import { continueMap } from './maps.js';
import type { Scope } from './scope.js';

export function afterSettled(decider: Decider, scope: Scope): void {
  const { model } = decider;
  const { host } = scope;
  if (host === undefined || model.scope(scope.path) !== scope) return;
  if (isFinal(host.status) || decider.stateOf(host) === 'stopping') {
    // The host was withdrawn: what is inside only has to come to its end.
    if (scope.isSettled) stopHost(decider, scope);
    return;
  }
  if (scope.aborted !== undefined) {
    if (scope.isSettled) failHost(decider, scope);
    return;
  }
  if (scope.isItems) continueMap(decider, host, scope);
  else if (scope.isSettled) afterIteration(decider, host, scope);
}

/** Everything inside is withdrawn: the host fails with the reason. */
function failHost(decider: Decider, scope: Scope): void {
  const { host, aborted } = scope;
  if (host === undefined || aborted === undefined) return;
  decider.model.closeScope(scope);
  host.inside = null;
  host.items = undefined;
  const { code, message, class: failureClass, detail } = aborted;
  const reason = failure(failureClass ?? 'policy', code, message, false);
  endInFailure(decider, host, { ...reason, ...(detail !== undefined && { detail }) });
}
