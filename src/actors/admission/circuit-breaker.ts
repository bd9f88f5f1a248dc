/**
 * A circuit breaker as data: closed, open until a time, half-open with one probe. Invariants: a
 * probe that fails opens it for twice as long, one that succeeds closes it, one that says neither
 * makes room for another; while it is open no outcome changes it.
 */

/** So many failures in a row, or such a share of the outcomes of late, if there are enough of them. */
export type BreakerThreshold =
  | { readonly failures: number }
  | {
      /** From 0 (exclusive) to 1. */
      readonly failureShare: number;
      /** Outcomes in the window below which the share says nothing. */
      readonly minOutcomes: number;
      readonly windowMs: number;
    };

export type BreakerPolicy = BreakerThreshold & {
  /** How long it stays open at first. */
  readonly cooldownMs: number;
  /** How long it stays open at most, however often its probes fail; ten times `cooldownMs` by default. */
  readonly maxCooldownMs?: number;
};

/** Outcomes of a tenth of the window. */
interface Slice {
  readonly number: number;
  readonly ok: number;
  readonly failed: number;
}

export type BreakerState =
  | { readonly phase: 'closed'; readonly inRow: number; readonly slices: readonly Slice[] }
  | { readonly phase: 'open'; readonly until: number; readonly cooldownMs: number }
  | { readonly phase: 'half-open'; readonly isProbing: boolean; readonly cooldownMs: number };

export type BreakerPhase = BreakerState['phase'];

/** How an attempt ended: `other` says nothing about the handler, as an abort or an interruption. */
export type AttemptOutcome = 'ok' | 'failed' | 'other';

/** `time` passes, an attempt has `started`, or one that was let in has ended. */
export type BreakerEvent = 'time' | 'started' | AttemptOutcome;

export const CLOSED_BREAKER: BreakerState = { phase: 'closed', inRow: 0, slices: [] };

const SLICES = 10;

/** The state after an event; in half-open only outcomes of the probe may be told. */
export function nextBreaker(
  policy: BreakerPolicy,
  state: BreakerState,
  event: BreakerEvent,
  now: number,
): BreakerState {
  switch (state.phase) {
    case 'closed':
      return afterClosed(policy, state, event, now);
    case 'open':
      return now < state.until
        ? state
        : { phase: 'half-open', isProbing: event === 'started', cooldownMs: state.cooldownMs };
    case 'half-open':
      return afterHalfOpen(policy, state, event, now);
  }
}

/** How many attempts it lets begin now. */
export function breakerRoom(state: BreakerState): number {
  if (state.phase === 'closed') return Number.POSITIVE_INFINITY;
  return state.phase === 'half-open' && !state.isProbing ? 1 : 0;
}

function afterClosed(
  policy: BreakerPolicy,
  state: Extract<BreakerState, { phase: 'closed' }>,
  event: BreakerEvent,
  now: number,
): BreakerState {
  if (event !== 'ok' && event !== 'failed') return state;
  const inRow = event === 'failed' ? state.inRow + 1 : 0;
  const slices = 'windowMs' in policy ? count(policy.windowMs, state.slices, event, now) : [];
  if (event === 'failed' && isTooMuch(policy, inRow, slices)) {
    return open(policy, policy.cooldownMs, now);
  }
  return { phase: 'closed', inRow, slices };
}

function afterHalfOpen(
  policy: BreakerPolicy,
  state: Extract<BreakerState, { phase: 'half-open' }>,
  event: BreakerEvent,
  now: number,
): BreakerState {
  switch (event) {
    case 'time':
      return state;
    case 'started':
      return { ...state, isProbing: true };
    case 'ok':
      return CLOSED_BREAKER;
    case 'failed':
      return open(policy, state.cooldownMs * 2, now);
    case 'other':
      return { ...state, isProbing: false };
  }
}

function open(policy: BreakerPolicy, wantedMs: number, now: number): BreakerState {
  const maxMs = policy.maxCooldownMs ?? policy.cooldownMs * 10;
  const cooldownMs = Math.min(wantedMs, maxMs);
  return { phase: 'open', until: now + cooldownMs, cooldownMs };
}

function count(
  windowMs: number,
  slices: readonly Slice[],
  outcome: 'ok' | 'failed',
  now: number,
): readonly Slice[] {
  const number = Math.floor((now * SLICES) / windowMs);
  const recent = slices.filter((slice) => slice.number > number - SLICES);
  const last = recent.at(-1);
  const slice = last?.number === number ? last : { number, ok: 0, failed: 0 };
  if (slice === last) recent.pop();
  return [...recent, { ...slice, [outcome]: slice[outcome] + 1 }];
}

function isTooMuch(policy: BreakerPolicy, inRow: number, slices: readonly Slice[]): boolean {
  if ('failures' in policy) return inRow >= policy.failures;
  const failed = slices.reduce((sum, slice) => sum + slice.failed, 0);
  const all = slices.reduce((sum, slice) => sum + slice.ok, failed);
  return all >= policy.minOutcomes && failed >= policy.failureShare * all;
}
