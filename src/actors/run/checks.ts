/**
 * Checks by handlers: asked one after another about a product that was found valid, while its attempt
 * stays open. Invariants: the product is durable before the first of them is asked, so that a stop
 * repeats a check and never the work; a check is tried a bounded number of times; the first blocking
 * one that does not hold ends it.
 */
import { RunchartError } from '../../errors.js';
import { isFinal } from '../../machines/statuses.js';
import { blockingIssues, type Issue } from '../../plan/issue.js';
import type { HandlerCheck } from '../../plan/plan-version.js';
import type { CheckResultMessage } from '../messages.js';
import { byName, checkErrored, checkSkipped } from './assess-completion.js';
import { judge, type Product } from './assess-result.js';
import { endInFailure, endInSuccess, productsOf } from './attempts.js';
import type { Decider } from './decider.js';
import { failureHandling } from './failure-policy.js';
import { type HeldProduct, holding } from './held-product.js';
import { judgeCheck } from './judge-check.js';
import { reportIssues } from './report-issues.js';
import type { NodeRun } from './scope.js';
import { armTimer, clearTimer, clearTimersOf } from './timers.js';

/** How often a check is tried whose handler fails. */
const CHECK_TRIES = 3;

/** An attempt has given a valid product: its checks begin, or it is over where there are none. */
export function acceptProduct(
  decider: Decider,
  run: NodeRun,
  product: Product,
  issues: readonly Issue[],
): void {
  if (run.node.checks.handlers.length === 0) endInSuccess(decider, run, product, issues);
  else if (decider.stateOf(run) === 'stopping') endUnchecked(decider, run, product, issues, 0);
  else beginChecks(decider, run, product, issues);
}

/** Nothing is asked any more of what was told to stop: what it has done counts, with a warning each. */
function endUnchecked(
  decider: Decider,
  run: NodeRun,
  product: Product,
  issues: readonly Issue[],
  done: number,
): void {
  const skipped = run.node.checks.handlers
    .slice(done)
    .map((check) => checkSkipped(run.node, check));
  reportIssues(decider, run, skipped);
  endInSuccess(decider, run, product, [...issues, ...skipped]);
}

function endHeld(decider: Decider, run: NodeRun, { product, issues, done }: HeldProduct): void {
  endUnchecked(decider, run, product, issues, done);
}

/** Holds the product, and asks the first check. */
function beginChecks(
  decider: Decider,
  run: NodeRun,
  product: Product,
  issues: readonly Issue[],
): void {
  const { model } = decider;
  const open = model.openAttempts.get(run.path);
  if (open === undefined) return;
  // Nothing of it lives on in memory that a restart would not find again.
  const artifacts = product.artifacts.map((artifact) =>
    artifact.spilled === undefined ? artifact : { ...artifact, payload: undefined },
  );
  model.held.set(run.path, { product: { ...product, artifacts }, issues, done: 0, number: 1 });
  model.openAttempts.set(run.path, { ...open, ...productsOf(product, issues) });
  clearTimersOf(decider, run, ['timeout', 'heartbeat']);
  decider.step(run, { type: 'attempt.produced' });
}

/** Asks the check whose turn it is, for the first time or again. */
export function startCheck(decider: Decider, run: NodeRun): void {
  const { model, turn } = decider;
  const { held, check } = underCheck(decider, run);
  const { output, artifacts } = held.product;
  const open = model.openAttempts.get(run.path);
  if (open !== undefined) turn.putAttempt(holding(open, held));
  turn.effects.push({
    type: 'check.start',
    node: run.path,
    handler: check.handler,
    generation: run.generation,
    attempt: run.attempt,
    check: check.name,
    number: held.number,
    isLastTry: held.number >= CHECK_TRIES,
    key: checkKey(decider, run),
    input: { output: output ?? null, input: run.copyInput() ?? null, artifacts: byName(artifacts) },
  });
  if (check.timeoutMs !== undefined) armTimer(decider, 'timeout', run, turn.at + check.timeoutMs);
}

/** Key of the try of a check that is under way: stable over crashes. */
export function checkKey(decider: Decider, run: NodeRun): string {
  const { held, check } = underCheck(decider, run);
  return `${decider.attemptKey(run)}/checks/${check.name}/${held.number}`;
}

export function onCheckResult(decider: Decider, message: CheckResultMessage): void {
  const { model, turn } = decider;
  const run = model.find(message.node);
  const stale = refuseCheck(decider, run, message);
  if (run === undefined || stale !== undefined) {
    turn.refusal = stale;
    return;
  }
  clearTimer(decider, 'timeout', run);
  const { held, check } = underCheck(decider, run);
  if (decider.stateOf(run) === 'stopping') return endHeld(decider, run, held);
  const judgement = judgeCheck(run.node, check, message.result);
  if (judgement.is === 'undecided') return onUndecided(decider, run, judgement.why);
  turn.event('check.evaluated', run.path, run.attempt, {
    check: check.name,
    result: judgement.fulfilled,
    score: judgement.score,
    threshold: check.threshold,
  });
  settleCheck(decider, run, judgement.issues);
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
  const { held, check } = underCheck(decider, run);
  if (decider.stateOf(run) === 'stopping') return endHeld(decider, run, held);
  const open = model.openAttempts.get(run.path);
  const { attempt } = run;
  const message = `the process that worked on the check "${check.name}" stopped`;
  const reason = { code: 'interrupted', message, class: 'interrupted' };
  turn.event('check.interrupted', run.path, attempt, { check: check.name });
  const handling = failureHandling(model.version.plan, run, 'interrupted', decider.stateOf(run));
  const status = decider.step(run, { type: 'attempt.interrupted', reason, handling });
  if (status === 'running' || open === undefined) return;
  // It has stopped its process too often: the attempt ends as that of work would.
  turn.putAttempt({
    ...open,
    endedAt: turn.at,
    outcome: 'interrupted',
    errorJson: JSON.stringify(reason),
  });
}

function onUndecided(decider: Decider, run: NodeRun, why: string): void {
  const { model, turn } = decider;
  const { held, check } = underCheck(decider, run);
  if (decider.stateOf(run) === 'stopping') return endHeld(decider, run, held);
  turn.event('check.failed', run.path, run.attempt, {
    check: check.name,
    number: held.number,
    message: why,
  });
  if (held.number >= CHECK_TRIES) {
    return settleCheck(decider, run, [checkErrored(run.node, check, why)]);
  }
  model.held.set(run.path, { ...held, number: held.number + 1 });
  startCheck(decider, run);
}

/** A check is over: the next one has its turn, or the attempt comes to its end. */
function settleCheck(decider: Decider, run: NodeRun, found: readonly Issue[]): void {
  const { model } = decider;
  const { held } = underCheck(decider, run);
  reportIssues(decider, run, found);
  const issues = [...held.issues, ...found];
  const done = held.done + 1;
  const isBlocked = blockingIssues(found).length > 0;
  if (!isBlocked && done < run.node.checks.handlers.length) {
    const open = model.openAttempts.get(run.path);
    if (open !== undefined) {
      model.openAttempts.set(run.path, { ...open, ...productsOf(held.product, issues) });
    }
    model.held.set(run.path, { ...held, issues, done, number: 1 });
    return startCheck(decider, run);
  }
  const verdict = judge(held.product, issues);
  if (verdict.ok) endInSuccess(decider, run, verdict.product, issues);
  else endInFailure(decider, run, verdict.failure, verdict.product, issues);
}

function refuseCheck(
  { model }: Decider,
  run: NodeRun | undefined,
  { node, generation, attempt, check, number }: CheckResultMessage,
): RunchartError | undefined {
  if (run === undefined) {
    return new RunchartError('node-unknown', `run ${model.record.id} has no node "${node}"`);
  }
  if (isFinal(model.record.status)) {
    return new RunchartError('run-ended', `run ${model.record.id} has ended`);
  }
  const held = model.held.get(node);
  const isCurrent =
    held?.number === number &&
    run.node.checks.handlers[held.done]?.name === check &&
    run.generation === generation &&
    run.attempt === attempt;
  if (isCurrent) return undefined;
  return new RunchartError('attempt-stale', `the check "${check}" of "${node}" is over`);
}

function underCheck({ model }: Decider, run: NodeRun): { held: HeldProduct; check: HandlerCheck } {
  const held = model.held.get(run.path);
  const check = run.node.checks.handlers[held?.done ?? 0];
  if (held === undefined || check === undefined) {
    throw new Error(`node run "${run.path}" has no product under check`);
  }
  return { held, check };
}
