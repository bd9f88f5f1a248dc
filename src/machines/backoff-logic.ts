/**
 * An actor that is done when the next try of a retry policy is due, also where it is restored in between:
 * what is persisted is the time. The one actor here that knows a clock and chance; runs have timers of
 * their own and never use it.
 */
import type { ActorLogic, AnyActorScope, Snapshot } from 'xstate';
import { type RetryPolicy, retryDelayMs } from './retry-policy.js';

/** What the wait between two tries is given. */
export interface BackoffInput {
  readonly policy: RetryPolicy;
  /** Number of the retry that is waited for, 1 for the first. */
  readonly retry: number;
}

/** What is persisted of a wait between two tries. */
export type BackoffSnapshot = Snapshot<undefined> & {
  /** When the next try is due, in milliseconds since the epoch. */
  readonly dueAt: number;
};

/** A timer of JavaScript that is longer fires at once. */
const LONGEST_DELAY_MS = 2 ** 31 - 1;

const LOOK = { type: 'backoff.look' } as const;

/** The logic of the wait between two tries; an interface, so that declarations can name it. */
export interface BackoffLogic extends ActorLogic<BackoffSnapshot, typeof LOOK, BackoffInput> {}

/** The logic of the wait between two tries. */
export const backoffLogic: BackoffLogic = {
  getInitialSnapshot: (scope, { policy, retry }) => ({
    status: 'active',
    output: undefined,
    error: undefined,
    dueAt: nowOf(scope) + retryDelayMs(policy, retry, Math.random()),
  }),
  restoreSnapshot: (persisted) => persisted as BackoffSnapshot,
  getPersistedSnapshot: (snapshot) => snapshot,
  start: (snapshot, scope) => look(snapshot, scope),
  transition(snapshot, event, scope) {
    if (event.type !== LOOK.type) return snapshot;
    if (nowOf(scope) >= snapshot.dueAt) {
      return { ...snapshot, status: 'done', output: undefined, error: undefined };
    }
    look(snapshot, scope);
    return snapshot;
  },
};

/** Looks when it is due, or as late as a timer can be. Timers end with their actor. */
function look({ dueAt }: BackoffSnapshot, scope: AnyActorScope): void {
  const { system, self } = scope;
  const restMs = Math.max(dueAt - nowOf(scope), 0);
  system.scheduler.schedule(self, self, LOOK, Math.min(restMs, LONGEST_DELAY_MS), LOOK.type);
}

/** The time of the system's clock, where it tells one, as simulated clocks do. */
function nowOf({ system }: AnyActorScope): number {
  const clock: typeof system._clock & { now?(): number } = system._clock;
  return clock.now?.() ?? Date.now();
}
