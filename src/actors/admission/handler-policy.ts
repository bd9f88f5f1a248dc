/** What an operator may limit about one handler, and which of it makes no sense. */
import { RunchartError } from '../../errors.js';
import type { BreakerPolicy } from './circuit-breaker.js';
import type { RateLimit } from './rate-limit.js';

/** Limits on the attempts of one handler, in this process. */
export interface HandlerPolicy {
  /** Attempts at work at the same time. */
  readonly concurrency?: number;
  readonly rateLimit?: RateLimit;
  readonly circuitBreaker?: BreakerPolicy;
}

/** Throws RunchartError `argument-invalid` naming the first property that makes no sense. */
export function assertPolicy(handler: string, policy: HandlerPolicy): void {
  const { concurrency, rateLimit, circuitBreaker } = policy;
  const counts = { concurrency, limit: rateLimit?.limit, burst: rateLimit?.burst };
  const { cooldownMs, maxCooldownMs } = circuitBreaker ?? {};
  const times = { perMs: rateLimit?.perMs, cooldownMs, maxCooldownMs };
  assertAll(handler, { ...counts, ...times, ...thresholdCounts(circuitBreaker) }, isCount);
  if (circuitBreaker !== undefined && 'failureShare' in circuitBreaker) {
    assertAll(handler, { failureShare: circuitBreaker.failureShare }, isShare);
  }
}

function thresholdCounts(policy: BreakerPolicy | undefined): Readonly<Record<string, number>> {
  if (policy === undefined) return {};
  if ('failures' in policy) return { failures: policy.failures };
  return { minOutcomes: policy.minOutcomes, windowMs: policy.windowMs };
}

function assertAll(
  handler: string,
  values: Readonly<Record<string, number | undefined>>,
  isSound: (value: number) => boolean,
): void {
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined || isSound(value)) continue;
    const message = `the policy of handler "${handler}" has a ${name} of ${value}`;
    throw new RunchartError('argument-invalid', message, {
      hint: 'counts and milliseconds are whole numbers from 1 on, a share is above 0 and at most 1',
    });
  }
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 1;
}

function isShare(value: number): boolean {
  return value > 0 && value <= 1;
}
