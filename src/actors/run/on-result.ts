/** What comes back from an attempt: a result, progress, a sign of life. Believed only from the current one. */
import { RunchartError } from '../../errors.js';
import { isFinal } from '../../machines/statuses.js';
import type { JsonValue } from '../../plan/json.js';
import type {
  AttemptHeartbeatMessage,
  AttemptName,
  AttemptProgressMessage,
  AttemptResultMessage,
  HandlerReturn,
} from '../messages.js';
import { assessResult, type Verdict } from './assess-result.js';
import { endInFailure } from './attempts.js';
import { spendReported } from './budget.js';
import { acceptProduct } from './checks.js';
import type { Decider } from './decider.js';
import { forgetStream } from './end-stream.js';
import { failure } from './failure.js';
import { refuseOver } from './refuse-over.js';
import { reportIssues } from './report-issues.js';
import type { NodeRun } from './scope.js';
import { surroundingsOf } from './surroundings.js';
import { armTimer } from './timers.js';

export function onResult(decider: Decider, message: AttemptResultMessage): void {
  const { model, turn } = decider;
  const run = model.find(message.node);
  const stale = refuseAttempt(decider, run, message);
  if (run === undefined || stale !== undefined) {
    turn.refusal = stale;
    forgetStream(decider, message);
    // Nothing is recorded after the terminal event, nor about what is no node.
    if (stale !== undefined && stale.code !== 'node-unknown' && !isFinal(model.record.status)) {
      turn.event('attempt.result-refused', message.node, message.attempt, { code: stale.code });
    }
    return;
  }
  settleResult(decider, run, message.result);
}

/** Takes what an attempt came to for its result. */
export function settleResult(decider: Decider, run: NodeRun, result: HandlerReturn): void {
  const { model, turn } = decider;
  const hasChecks = run.node.checks.expressions.length > 0;
  const around = hasChecks ? surroundingsOf(model, run) : undefined;
  const assessed = assessResult(run.node, result, around);
  const verdict = withChunkChecked(run, assessed);
  reportIssues(decider, run, verdict.issues);
  for (const { name, detail } of verdict.product.reports) {
    turn.event('node.reported', run.path, run.attempt, { name, detail });
  }
  const { product, issues } = verdict;
  if (!verdict.ok) endInFailure(decider, run, verdict.failure, product, issues);
  else acceptProduct(decider, run, product, issues);
  spendReported(decider, product.usage);
}

/** Says why nothing of this attempt is believed, or nothing. */
export function refuseAttempt(
  decider: Decider,
  run: NodeRun | undefined,
  { node, generation, attempt }: AttemptName,
): RunchartError | undefined {
  const { model } = decider;
  const over = refuseOver(model, run, node);
  if (run === undefined || over !== undefined) return over;
  if (run.node.kind !== 'action') {
    return new RunchartError(
      'node-not-work',
      `node "${node}" takes no results: it is a ${run.node.kind}`,
    );
  }
  const isCurrent = run.generation === generation && run.attempt === attempt;
  if (!isCurrent && run.attempt > 0) {
    return new RunchartError(
      'attempt-stale',
      `attempt ${attempt} of "${node}" is over; ${run.attempt} is current`,
    );
  }
  if (model.work.held.has(run.path)) {
    return new RunchartError(
      'attempt-stale',
      `attempt ${attempt} of "${node}" has given its result`,
    );
  }
  if (model.work.openAttempts.has(run.path)) return undefined;
  return new RunchartError('node-not-running', `node "${node}" is ${run.status}`);
}

/** A chunk of items has as many results. */
function withChunkChecked(run: NodeRun, verdict: Verdict): Verdict {
  const chunked = run.scope.host?.node.map?.chunkSize !== undefined && run.scope.isItems;
  if (!verdict.ok || !chunked) return verdict;
  const { product, issues } = verdict;
  const expected = Array.isArray(run.input) ? run.input.length : 0;
  if (Array.isArray(product.output) && product.output.length === expected) return verdict;
  const message = `the result of a chunk of ${expected} items is a list of ${expected} results`;
  return {
    ok: false,
    failure: failure('schema', 'chunk-mismatch', message, true),
    product,
    issues,
  };
}

export function onProgress(decider: Decider, message: AttemptProgressMessage): void {
  const run = decider.model.find(message.node);
  if (run === undefined || refuseAttempt(decider, run, message) !== undefined) return;
  recordProgress(decider, run, message.progress);
}

export function recordProgress(decider: Decider, run: NodeRun, progress: JsonValue): void {
  decider.turn.event('attempt.progressed', run.path, run.attempt, { progress });
  postponeHeartbeat(decider, run);
}

export function onHeartbeat(decider: Decider, message: AttemptHeartbeatMessage): void {
  const run = decider.model.find(message.node);
  if (run === undefined || refuseAttempt(decider, run, message) !== undefined) return;
  keepHeartbeat(decider, run, message.payload);
}

/** Kept with the attempt: the next one receives it. */
export function keepHeartbeat(
  decider: Decider,
  run: NodeRun,
  payload: JsonValue | undefined,
): void {
  const { model, turn } = decider;
  const open = model.work.openAttempts.get(run.path);
  if (open !== undefined && payload !== undefined) {
    const beaten = { ...open, heartbeatJson: JSON.stringify(payload) };
    model.work.openAttempt(run, beaten);
    turn.putAttempt(beaten);
    run.lastHeartbeat = payload;
  }
  turn.event('attempt.heartbeat', run.path, run.attempt, { hasPayload: payload !== undefined });
  postponeHeartbeat(decider, run);
}

function postponeHeartbeat(decider: Decider, run: NodeRun): void {
  const { heartbeatMs } = run.node;
  if (heartbeatMs === undefined || run.timers?.has('heartbeat') !== true) return;
  armTimer(decider, 'heartbeat', run, decider.turn.at + heartbeatMs);
}
