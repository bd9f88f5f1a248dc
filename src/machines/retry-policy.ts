/** What a retry policy comes to: whether there is another try, and how long it waits. Pure. */
import type { RetryPolicy } from '../plan/plan-version.js';
import type { Failure } from './node-run-events.js';

export { NO_RETRY } from '../plan/node-settings.js';
export type { RetryPolicy } from '../plan/plan-version.js';

/** Whether there is another try after a failure; `failedBefore` counts the tries that failed before this one. */
export function mayRetry(
  { maxAttempts, retryOn }: Pick<RetryPolicy, 'maxAttempts' | 'retryOn'>,
  failedBefore: number,
  failure: Pick<Failure, 'class' | 'retryable'>,
): boolean {
  return (
    failure.retryable &&
    failedBefore + 1 < maxAttempts &&
    (retryOn.length === 0 || retryOn.includes(failure.class))
  );
}

/** Whether a retry waits, or goes on at once. */
export function backsOff({ backoff, delayMs }: RetryPolicy): boolean {
  return backoff !== 'none' && delayMs > 0;
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
