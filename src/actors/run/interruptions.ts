/** Attempts whose worker is gone: closed, and begun again as often as their node allows. */
import type { Reason } from '../../machines/node-run-events.js';
import type { JsonValue } from '../../plan/json.js';
import type { Decider } from './decider.js';
import { failureHandling } from './failure-policy.js';
import type { NodeRun } from './scope.js';

type Interruption = Reason & { readonly class: string };

/** The attempt is over, and what becomes of its node is for the limit of interruptions to say. */
export function interruptAttempt(decider: Decider, run: NodeRun, reason: Interruption): void {
  closeInterrupted(decider, run, reason);
  const { plan } = decider.model.version;
  const handling = failureHandling(plan, run, reason.class, decider.stateOf(run));
  decider.step(run, { type: 'attempt.interrupted', reason, handling });
  if (decider.stateOf(run) === 'due') decider.begin(run);
}

/** Closes the row of an attempt that nobody works on; what it said last goes to the next one. */
export function closeInterrupted(decider: Decider, run: NodeRun, reason: Interruption): void {
  const payload = decider.model.work.openAttempts.get(run.path)?.heartbeatJson ?? null;
  if (payload !== null) run.lastHeartbeat = JSON.parse(payload) as JsonValue;
  const { attempt } = run;
  decider.closeAttempt(run, { outcome: 'interrupted', errorJson: JSON.stringify(reason) });
  decider.turn.event('attempt.interrupted', run.path, attempt, { ...reason });
}
