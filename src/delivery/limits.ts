import { RunchartError } from '../errors.js';

/** Limits of deliveries; each has a default. */
export interface DeliveryLimits {
  /** How long a receiver may take for one event, in milliseconds. */
  readonly timeoutMs: number;
  /** Deliveries of one webhook at a time. */
  readonly concurrency: number;
  /** Tries after which an event becomes a dead letter. */
  readonly maxTries: number;
  /** Wait before the second try, in milliseconds; doubled for each further one. */
  readonly firstDelayMs: number;
  /** Longest wait between two tries, in milliseconds. */
  readonly maxDelayMs: number;
  /** A webhook that has accepted nothing for so long is disabled, in milliseconds. */
  readonly disableAfterMs: number;
  /** Dead letters of one webhook, with which it is disabled. */
  readonly maxDeadLetters: number;
}

export const DEFAULT_DELIVERY_LIMITS: DeliveryLimits = {
  timeoutMs: 15_000,
  concurrency: 4,
  maxTries: 16,
  firstDelayMs: 5_000,
  maxDelayMs: 3 * 3_600_000,
  disableAfterMs: 5 * 86_400_000,
  maxDeadLetters: 1_000,
};

const MOST: DeliveryLimits = {
  timeoutMs: 600_000,
  concurrency: 100,
  maxTries: 1_000,
  firstDelayMs: 86_400_000,
  maxDelayMs: 30 * 86_400_000,
  disableAfterMs: 366 * 86_400_000,
  maxDeadLetters: 100_000,
};

/** Those that are given, and the others as they are. Throws `argument-invalid`. */
export function readLimits(given: Partial<DeliveryLimits>): DeliveryLimits {
  const limits: { -readonly [Name in keyof DeliveryLimits]: number } = {
    ...DEFAULT_DELIVERY_LIMITS,
  };
  for (const name of Object.keys(limits) as (keyof DeliveryLimits)[]) {
    const value = given[name] ?? limits[name];
    if (!Number.isSafeInteger(value) || value < 1 || value > MOST[name]) {
      const message = `webhooks.${name} is a whole number from 1 to ${MOST[name]}`;
      throw new RunchartError('argument-invalid', message);
    }
    limits[name] = value;
  }
  return limits;
}
