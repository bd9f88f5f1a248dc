/** Attempts: started as effects of the turn that decides them, limited in time, ended by what comes back. */
import type { Failure } from '../../machines/node-run-events.js';
import { retryDelayMs } from '../../machines/retry-policy.js';
import type { Issue } from '../../plan/issue.js';
import type { AttemptRecord } from '../records.js';
import { storeArtifacts } from './artifacts.js';
import type { Product } from './assess-result.js';
import { armLimits, isLastTry, ownWork, substituteWork, type Work } from './attempt-work.js';
import type { Decider } from './decider.js';
import { extendPlan } from './extend-plan.js';
import { failure } from './failure.js';
import { failureHandling } from './failure-policy.js';
import { roundsOf } from './feedback.js';
import { acceptHeld, refuseHeld } from './held-answer.js';
import { refreshInput } from './node-input.js';
import { reportIssues } from './report-issues.js';
import type { NodeRun } from './scope.js';
import { armWait } from './timers.js';

/** The node's own work. */
export function startAttempt(decider: Decider, run: NodeRun): void {
  if (run.node.resolvesEachAttempt && run.attempt > 1) refreshInput(decider, run);
  begin(decider, run, ownWork(run));
}

/** Work in place of the node's own: its fallback, or a level of its escalation. */
export function startFallback(decider: Decider, run: NodeRun): void {
  begin(decider, run, substituteWork(run));
}

function begin(decider: Decider, run: NodeRun, work: Work): void {
  const { turn, services } = decider;
  const { attempt, generation } = run;
  const isOutside = services.external(work.handler) !== undefined;
  openAttempt(decider, run, {
    worker: isOutside ? '' : services.worker,
    leaseJson: isOutside ? JSON.stringify({ handler: work.handler }) : null,
    givenErrorJson: work.error === undefined ? null : JSON.stringify(work.error),
  });
  // Whoever claims it is given the rest.
  if (isOutside) return;
  turn.effects.push({
    type: 'attempt.start',
    node: run.path,
    handler: work.handler,
    generation,
    attempt,
    isLastTry: isLastTry(run),
    key: decider.attemptKey(run),
    input: work.input,
    lastHeartbeat: run.lastHeartbeat,
    feedback: roundsOf(run),
  });
  armLimits(decider, run, work);
}

/** The row of the current attempt, and in memory that it is open. */
export function openAttempt(
  { model, turn }: Decider,
  run: NodeRun,
  who: Pick<AttemptRecord, 'worker' | 'leaseJson' | 'givenErrorJson'>,
): void {
  const { path: node, generation, attempt } = run;
  // Written out: each node passes here, and objects that are put together from others are slow.
  const record: AttemptRecord = {
    run: model.record.run,
    node,
    generation,
    attempt,
    worker: who.worker,
    startedAt: turn.at,
    endedAt: null,
    outcome: null,
    outputJson: null,
    errorJson: null,
    issuesJson: null,
    notesJson: null,
    heartbeatJson: null,
    leaseJson: who.leaseJson,
    givenErrorJson: who.givenErrorJson,
  };
  model.work.openAttempt(run, record);
  turn.putAttempt(record);
}

/** An attempt that ran out of time fails at once, whatever its handler still does. */
export function failAttempt(
  decider: Decider,
  run: NodeRun,
  failureClass: 'timeout' | 'heartbeat',
  message: string,
): void {
  if (!decider.model.work.openAttempts.has(run.path)) return;
  const key = decider.attemptKey(run);
  decider.turn.effects.push({ type: 'attempt.abort', node: run.path, key });
  endInFailure(decider, run, failure(failureClass, failureClass, message, true));
}

/** The current attempt has given what it had to; nothing of it is seen before. */
export function endInSuccess(
  decider: Decider,
  run: NodeRun,
  product: Product,
  issues: readonly Issue[],
): void {
  const refused = extendPlan(decider, run, product.additions);
  if (refused !== undefined) {
    reportIssues(decider, run, refused.issues);
    return endInFailure(decider, run, refused.failure, product, refused.issues);
  }
  const { held } = decider.model.work;
  const answer = held.get(run.path)?.answer;
  run.setOutput(product.output, product.outputJson);
  run.action = product.action;
  if (answer !== undefined) acceptHeld(run, answer);
  storeArtifacts(decider, run, product.artifacts, 'accepted');
  decider.model.work.letGo(run);
  const warnings = issues.length;
  const outcome = warnings > 0 ? 'partial' : 'completed';
  decider.closeAttempt(run, { outcome, ...productsOf(product, issues) });
  decider.step(run, { type: 'attempt.succeeded', warnings });
}

/** The current attempt has failed: its row is closed, and the node's policy decides. */
export function endInFailure(
  decider: Decider,
  run: NodeRun,
  reason: Failure,
  product?: Product,
  issues: readonly Issue[] = [],
): void {
  const { model, turn } = decider;
  if (product !== undefined) storeArtifacts(decider, run, product.artifacts, 'rejected');
  const state = decider.stateOf(run);
  const isStopping = state === 'stopping';
  const answer = model.work.held.get(run.path)?.answer;
  if (answer !== undefined && product !== undefined && !isStopping) {
    refuseHeld(run, answer, product, issues);
  }
  model.work.letGo(run);
  const { attempt } = run;
  decider.closeAttempt(run, {
    outcome: isStopping ? 'cancelled' : 'failed',
    errorJson: JSON.stringify(reason),
    ...(product !== undefined && productsOf(product, issues)),
  });
  if (attempt > 0) {
    turn.event(isStopping ? 'attempt.cancelled' : 'attempt.failed', run.path, attempt, {
      ...reason,
    });
  }
  const handling = failureHandling(model.version.plan, run, reason.class, state);
  // A review that it leads to shows it.
  run.refused = product && { product, issues };
  decider.step(run, { type: 'attempt.failed', failure: reason, handling });
  run.refused = undefined;
  if (decider.stateOf(run) === 'due') decider.begin(run);
}

/** What a result leaves on the row of its attempt. */
export function productsOf(product: Product, issues: readonly Issue[]): Partial<AttemptRecord> {
  return {
    outputJson: product.outputJson,
    issuesJson: issues.length === 0 ? null : JSON.stringify(issues),
    notesJson: product.notes === undefined ? null : JSON.stringify(product.notes),
  };
}

export function armRetryTimer(decider: Decider, run: NodeRun): void {
  const { turn, services } = decider;
  const delayMs = retryDelayMs(run.node.retry, run.tries, services.environment.random());
  armWait(decider, 'retry', run, turn.at + delayMs);
}
