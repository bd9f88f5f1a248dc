/** What a node's author declared for failures, in the form in which the statechart takes it. Pure. */
import type { DeadlineHandling, FailureHandling } from '../../machines/node-run-events.js';
import { backsOff } from '../../machines/retry-policy.js';
import type { CompiledNode, FailureAction } from '../../plan/plan-version.js';
import type { Plan } from '../../plan/schema.js';
import type { NodeRun } from './scope.js';

/** What is to be done about a failure of this class when no retry is left. */
export function failureActionOf(
  plan: Plan,
  { onFailure }: CompiledNode,
  failureClass: string | undefined,
): FailureAction {
  const declared = onFailure.byClass[failureClass ?? ''] ?? onFailure.otherwise;
  const action = declared === 'retry' ? 'abort' : declared;
  const tolerated = plan.completion?.tolerate ?? [];
  const isTolerated = failureClass !== undefined && tolerated.includes(failureClass);
  return action === 'abort' && isTolerated ? 'continue' : action;
}

/** `state` is the inner state that the failure is met in. */
export function failureHandling(
  plan: Plan,
  run: NodeRun,
  failureClass: string,
  state: string,
): FailureHandling {
  const { node } = run;
  const { maxAttempts, retryOn, maxInterruptions } = node.retry;
  const isRetried = node.onFailure.byClass[failureClass] === 'retry';
  return {
    maxAttempts,
    retryOn: isRetried && retryOn.length > 0 ? [...retryOn, failureClass] : retryOn,
    maxInterruptions,
    backsOff: backsOff(node.retry),
    otherwise: lastResort(run, failureActionOf(plan, node, failureClass), state),
  };
}

function lastResort(
  { node, level }: NodeRun,
  action: FailureAction,
  state: string,
): FailureHandling['otherwise'] {
  // Once it has begun, an escalation goes on to its end, whatever a level fails with.
  if (level > 0 && node.human === undefined)
    return level < node.escalation.length ? 'escalate' : 'abort';
  switch (action) {
    case 'continue':
      return node.defaultOutput === undefined ? 'continue' : 'default-output';
    case 'fallback':
      // A fallback that fails has none of its own.
      return state === 'fallback' || state === 'checkingFallback' ? 'abort' : 'fallback';
    case 'escalate':
      return level < node.escalation.length ? 'escalate' : 'abort';
    case 'retry':
    case 'backtrack':
      // The node run has failed; its next generation is not its own affair.
      return 'abort';
    default:
      return action;
  }
}

/**
 * What a node that waits for somebody comes to when its deadline passes and nobody has answered;
 * `hasDefault` says whether there is an answer for then.
 */
export function deadlineHandling(
  plan: Plan,
  run: NodeRun,
  hasDefault: boolean,
): Exclude<DeadlineHandling, 'default-held'> {
  const { human, escalation } = run.node;
  if (human !== undefined && run.level < escalation.length) return 'escalate';
  if (hasDefault) return 'default';
  const { otherwise } = failureHandling(plan, run, 'deadline', 'waiting');
  const isKnown =
    otherwise === 'default-output' || otherwise === 'skip' || otherwise === 'escalate';
  return isKnown ? otherwise : 'fail';
}
