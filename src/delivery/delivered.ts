import type { Outcome } from './courier.js';
import type { DeliveryError } from './send.js';

/** What came of one message. */
export interface Delivered {
  readonly accepted: boolean;
  /** Of the answer, where there was one. */
  readonly status: number | null;
  readonly error: DeliveryError | null;
}

export function toDelivered(outcome: Outcome): Delivered {
  if (outcome.isAccepted) return { accepted: true, status: outcome.status, error: null };
  return { accepted: false, status: outcome.error.status ?? null, error: outcome.error };
}
