/**
 * A bucket of permits to begin, as data. Invariant: in any `perMs` at most `limit` begin, plus what
 * `burst` lets begin at once beyond the first. Whole numbers only, so that nothing is rounded away.
 */
export interface RateLimit {
  /** Attempts that may begin in `perMs`. */
  readonly limit: number;
  readonly perMs: number;
  /** Attempts that may begin at once after a quiet time; 1 by default, which spaces them evenly. */
  readonly burst?: number;
}

/** Attempts that began since the bucket was last full. */
export interface RateState {
  readonly fullAt: number;
  readonly taken: number;
}

export const FULL_BUCKET: RateState = { fullAt: 0, taken: 0 };

export type RateAdmission =
  | { readonly ok: true; readonly state: RateState }
  | { readonly ok: false; readonly at: number };

/** Takes one from the bucket, or says when, in milliseconds since the epoch, the next one is there. */
export function admit(policy: RateLimit, state: RateState, now: number): RateAdmission {
  if (available(policy, state, now) === 0) return { ok: false, at: nextAt(policy, state) };
  const from = isFull(policy, state, now) ? { fullAt: now, taken: 0 } : state;
  return { ok: true, state: { ...from, taken: from.taken + 1 } };
}

/** How many may begin now. */
export function available(policy: RateLimit, state: RateState, now: number): number {
  const burst = policy.burst ?? 1;
  if (isFull(policy, state, now)) return burst;
  const returned = Math.floor(((now - state.fullAt) * policy.limit) / policy.perMs);
  return Math.max(0, Math.min(burst, returned + burst - state.taken));
}

/** When the first is there, of a bucket that is empty. */
function nextAt({ limit, perMs, burst = 1 }: RateLimit, { fullAt, taken }: RateState): number {
  return fullAt + Math.ceil(((taken - burst + 1) * perMs) / limit);
}

function isFull({ limit, perMs }: RateLimit, { fullAt, taken }: RateState, now: number): boolean {
  return (now - fullAt) * limit >= taken * perMs;
}
