/** Decides whether a pending node can start, from what is known of its inbound edges. Pure and total. */

import type { Reason } from '../../machines/node-run-events.js';
import type { CountCondition, JoinPolicy } from '../../plan/plan-version.js';
import type { Arrivals } from './progress.js';

export type Readiness =
  | { readonly is: 'waiting' }
  | { readonly is: 'ready' }
  | { readonly is: 'skipped'; readonly reason: Reason }
  | { readonly is: 'failed'; readonly reason: Reason };

const WAITING: Readiness = { is: 'waiting' };
const READY: Readiness = { is: 'ready' };

/** Decides for a node; `join` is undefined for every kind but joins. */
export function decideReadiness(arrivals: Arrivals, join: JoinPolicy | undefined): Readiness {
  if (arrivals.error > 0) {
    return failed('condition-error', 'the condition of an inbound edge could not be evaluated');
  }
  return join === undefined ? decideStep(arrivals) : decideJoin(arrivals, join);
}

/** A node that is no join runs when all of its live inbound edges are taken. */
function decideStep(arrivals: Arrivals): Readiness {
  if (arrivals.failed > 0) return skipped('upstream-failed', 'a node before it failed');
  if (arrivals.open > 0) return WAITING;
  if (arrivals.total > 0 && arrivals.taken === 0) return noLiveBranch();
  return READY;
}

/**
 * A failed input counts as dead under `ignore`, and as one that may still arrive under `wait`.
 * Otherwise it fails an `all` join at once, and an `any` or `count` join only when the rule can no
 * longer be satisfied.
 */
function decideJoin(arrivals: Arrivals, { rule, onFailure }: JoinPolicy): Readiness {
  const { taken } = arrivals;
  const open = arrivals.open + (onFailure === 'wait' ? arrivals.failed : 0);
  const failures = onFailure === 'fail' ? arrivals.failed : 0;
  if (rule.type === 'when') return decideByCounts(arrivals, open, failures, rule.condition);
  if (rule.type === 'all') {
    if (failures > 0) return failed('join-input-failed', 'a branch of the join failed');
    if (open > 0) return WAITING;
    return taken > 0 ? READY : noLiveBranch();
  }
  const needed = rule.type === 'any' ? 1 : rule.count;
  if (taken >= needed) return READY;
  if (taken + open >= needed) return WAITING;
  // It can no longer be satisfied: skipped if nothing is left that arrived or failed or may arrive.
  if (taken === 0 && failures === 0) return open > 0 ? WAITING : noLiveBranch();
  return failed(
    'join-unsatisfiable',
    `the join needs ${needed} and only ${taken + open} can arrive`,
  );
}

const FAILURE_CLASS: Readonly<Record<string, string>> = { 'condition-error': 'condition' };

/** An expression is asked anew with each edge that is decided; what it cannot reach any more fails. */
function decideByCounts(
  arrivals: Arrivals,
  open: number,
  failures: number,
  condition: CountCondition,
): Readiness {
  const { taken, dead, failed: failedInputs, total } = arrivals;
  const result = condition.evaluate({ taken, dead, failed: failedInputs, open, total });
  if (!result.ok) return failed('condition-error', result.message);
  if (result.value) return READY;
  if (open > 0) return WAITING;
  if (taken === 0 && failures === 0) return noLiveBranch();
  return failed('join-unsatisfiable', `the join needs ${condition.text}, and all is decided`);
}

function noLiveBranch(): Readiness {
  return skipped('no-live-branch', 'no branch that leads here was taken');
}

function skipped(code: string, message: string): Readiness {
  return { is: 'skipped', reason: { code, message } };
}

function failed(code: string, message: string): Readiness {
  return { is: 'failed', reason: { code, message, class: FAILURE_CLASS[code] ?? 'join' } };
}
