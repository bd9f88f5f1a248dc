/** What a node's author declared for failures, in the form in which the statechart takes it. Pure. */
import type { FailureHandling } from '../../machines/node-run-events.js';
import type { CompiledNode, RetryPolicy } from '../../plan/plan-version.js';

export function failureHandling(node: CompiledNode): FailureHandling {
  const { maxAttempts, retryOn, maxInterruptions, backoff, delayMs } = node.retry;
  const tolerates = node.onFailure === 'continue' && node.defaultOutput !== undefined;
  return {
    maxAttempts,
    retryOn,
    maxInterruptions,
    backsOff: backoff !== 'none' && delayMs > 0,
    otherwise: tolerates ? 'default-output' : node.onFailure,
  };
}

/** What a human node comes to when its deadline passes and nobody has answered. */
export function deadlineHandling(node: CompiledNode): {
  readonly otherwise: 'default-output' | 'skip' | 'fail';
} {
  const { otherwise } = failureHandling(node);
  return { otherwise: otherwise === 'default-output' || otherwise === 'skip' ? otherwise : 'fail' };
}

/**
 * Delay in milliseconds before retry number `retry`, 1 for the first. `chance`, from 0 to 1, spreads
 * it over three quarters to the whole of the computed delay, so that retries do not come in step.
 */
export function retryDelayMs(policy: RetryPolicy, retry: number, chance: number): number {
  const growth = policy.backoff === 'exponential' ? 2 ** Math.min(retry - 1, 52) : 1;
  const delayMs = Math.min(policy.delayMs * growth, policy.maxDelayMs);
  return Math.round(delayMs * (0.75 + 0.25 * chance));
}
