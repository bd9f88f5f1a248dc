/**
 * What comes of asking the handler of a check: a judgement, a failure, a time that is over, a process that
 * stopped. Invariant: a check is tried a bounded number of times.
 */
import { RunchartError } from '../../errors.js';
import type { Issue } from '../../plan/issue.js';
import type { HandlerCheck } from '../../plan/plan-version.js';
import type { CheckResultMessage } from '../messages.js';
import { CHECK_TRIES, checkKey } from './ask-handler.js';
import { checkErrored } from './assess-completion.js';
import { productsOf } from './attempts.js';
import { endHeld, goOnChecking, noteFindings } from './checks.js';
import type { Decider } from './decider.js';
import { forgetStream } from './end-stream.js';
import { failureHandling } from './failure-policy.js';
import { type HeldProduct, underCheck } from './held-product.js';
import { judgeCheck } from './judge-check.js';
import { refuseOver } from './refuse-over.js';
import type { NodeRun } from './scope.js';
import { clearTimer } from './timers.js';

export function onCheckResult(decider: Decider, message: CheckResultMessage): void {
  const { model, turn } = decider;
  const run = model.find(message.node);
  const stale = refuseOver(model, run, message.node) ?? refuseCheck(decider, run, message);
  if (run === undefined || stale !== undefined) {
    forgetStream(decider, message);
    turn.refusal = stale;
    return;
  }
  clearTimer(decider, 'timeout', run);
  if (decider.stateOf(run) === 'stopping') return endHeld(decider, run);
  const { check } = byHandler(decider, run);
  const judgement = judgeCheck(run.node, check, message.result);
  if (judgement.is === 'undecided') return onUndecided(decider, run, judgement.why);
  turn.event('check.evaluated', run.path, run.attempt, {
    check: check.name,
    result: judgement.fulfilled,
    score: judgement.score,
    threshold: check.threshold,
  });
  settle(decider, run, judgement.issues);
}

/** A check that takes too long is told to stop, and has failed. */
export function failCheck(decider: Decider, run: NodeRun, why: string): void {
  const key = checkKey(decider, run);
  decider.turn.effects.push({ type: 'attempt.abort', node: run.path, key });
  onUndecided(decider, run, why);
}

/** The process that was at work on a check has stopped: it is asked again, and the work is not done again. */
export function interruptCheck(decider: Decider, run: NodeRun): void {
  const { model, turn } = decider;
  if (decider.stateOf(run) === 'stopping') return endHeld(decider, run);
  const { held, check } = byHandler(decider, run);
  const open = model.work.openAttempts.get(run.path);
  const { attempt } = run;
  const message = `the process that worked on the check "${check.name}" stopped`;
  const reason = { code: 'interrupted', message, class: 'interrupted' };
  turn.event('check.interrupted', run.path, attempt, { check: check.name });
  clearTimer(decider, 'timeout', run);
  const handling = failureHandling(model.version.plan, run, 'interrupted', decider.stateOf(run));
  // A review that it leads to shows what could not be checked.
  run.refused = { product: held.product, issues: held.issues };
  decider.step(run, { type: 'attempt.interrupted', reason, handling });
  run.refused = undefined;
  if (model.work.held.has(run.path) || open === undefined) return;
  // It has stopped its process too often: the attempt ends as that of work would.
  turn.putAttempt({
    ...open,
    ...productsOf(held.product, held.issues),
    endedAt: turn.at,
    outcome: 'interrupted',
    errorJson: JSON.stringify(reason),
  });
}

function onUndecided(decider: Decider, run: NodeRun, why: string): void {
  const { model, turn } = decider;
  if (decider.stateOf(run) === 'stopping') return endHeld(decider, run);
  const { held, check } = byHandler(decider, run);
  turn.event('check.failed', run.path, run.attempt, {
    check: check.name,
    number: held.number,
    message: why,
  });
  if (held.number >= CHECK_TRIES) return settle(decider, run, [checkErrored(run.node, check, why)]);
  model.work.hold(run, { ...held, number: held.number + 1 });
  goOnChecking(decider, run);
}

function settle(decider: Decider, run: NodeRun, found: readonly Issue[]): void {
  noteFindings(decider, run, found);
  goOnChecking(decider, run);
}

function refuseCheck(
  { model }: Decider,
  run: NodeRun | undefined,
  { node, generation, attempt, check, number }: CheckResultMessage,
): RunchartError | undefined {
  const held = model.work.held.get(node);
  const current = run?.node.checks.judges[held?.done ?? 0];
  const isCurrent =
    current !== undefined &&
    'handler' in current &&
    current.name === check &&
    held?.number === number &&
    run?.generation === generation &&
    run.attempt === attempt;
  if (isCurrent) return undefined;
  return new RunchartError('attempt-stale', `the check "${check}" of "${node}" is over`);
}

function byHandler(
  { model }: Decider,
  run: NodeRun,
): { readonly held: HeldProduct; readonly check: HandlerCheck } {
  const { held, check } = underCheck(model.work, run);
  if ('handler' in check) return { held, check };
  throw new Error(`people judge what node run "${run.path}" has given`);
}
