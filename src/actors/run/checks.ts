/**
 * Checks by handlers and people: asked one after another about a product that was found valid, while its
 * attempt stays open. Invariants: the product is durable before the first of them is asked, so that a
 * stop repeats a check and never the work; the first blocking one that does not hold ends it.
 */
import { blockingIssues, type Issue } from '../../plan/issue.js';
import { askHandler } from './ask-handler.js';
import { askJudge } from './ask-judge.js';
import { checkSkipped } from './assess-completion.js';
import { judge, type Product } from './assess-result.js';
import { endInFailure, endInSuccess, productsOf } from './attempts.js';
import type { Decider } from './decider.js';
import { failure } from './failure.js';
import { failureOf } from './held-answer.js';
import { type HeldProduct, holding, underCheck } from './held-product.js';
import { reportIssues } from './report-issues.js';
import type { NodeRun } from './scope.js';
import { clearTimersOf } from './timers.js';

/** An attempt has given a valid product: its checks begin, or it is over where there are none. */
export function acceptProduct(
  decider: Decider,
  run: NodeRun,
  product: Product,
  issues: readonly Issue[],
): void {
  if (run.node.checks.judges.length === 0) endInSuccess(decider, run, product, issues);
  else if (decider.stateOf(run) === 'stopping') endUnchecked(decider, run, product, issues, 0);
  else beginChecks(decider, run, product, issues);
}

/** Nothing is asked any more of what was told to stop: what work has done counts, with a warning each. */
function endUnchecked(
  decider: Decider,
  run: NodeRun,
  product: Product,
  issues: readonly Issue[],
  done: number,
): void {
  const skipped = run.node.checks.judges.slice(done).map((check) => checkSkipped(run.node, check));
  reportIssues(decider, run, skipped);
  // There is nothing to undo of what people have said: it does not count.
  if (run.node.human !== undefined) return endInFailure(decider, run, STOPPED, product, issues);
  endInSuccess(decider, run, product, [...issues, ...skipped]);
}

const STOPPED = failure(
  'cancelled',
  'check-skipped',
  'it was told to stop while it was checked',
  false,
);

/** As above, of what is held. */
export function endHeld(decider: Decider, run: NodeRun): void {
  const { product, issues, done } = underCheck(decider.model.work, run).held;
  endUnchecked(decider, run, product, issues, done);
}

/** Holds the product, and asks the first check. */
function beginChecks(
  decider: Decider,
  run: NodeRun,
  product: Product,
  issues: readonly Issue[],
): void {
  if (!decider.model.work.openAttempts.has(run.path)) return;
  hold(decider, run, { product, issues });
  clearTimersOf(decider, run, ['timeout', 'heartbeat', 'lease']);
  decider.step(run, { type: 'attempt.produced' });
}

/** What the open attempt of a node run has given stands in its row until its checks are over. */
export function hold(
  { model }: Decider,
  run: NodeRun,
  { product, issues, answer }: Pick<HeldProduct, 'product' | 'issues' | 'answer'>,
): void {
  const open = model.work.openAttempts.get(run.path);
  if (open === undefined) return;
  // Nothing of it lives on in memory that a restart would not find again.
  const artifacts = product.artifacts.map((artifact) =>
    artifact.spilled === undefined ? artifact : { ...artifact, payload: undefined },
  );
  const held = { product: { ...product, artifacts }, issues, done: 0, number: 1, level: 0 };
  model.work.hold(run, { ...held, ...(answer !== undefined && { answer }) });
  model.work.openAttempt(run, { ...open, ...productsOf(product, issues) });
}

/** Asks the check whose turn it is, for the first time or again; where none is left the attempt ends. */
export function goOnChecking(decider: Decider, run: NodeRun): void {
  const { model } = decider;
  for (;;) {
    const held = model.work.held.get(run.path);
    if (held === undefined) throw new Error(`node run "${run.path}" has no product under check`);
    const isOver = held.done >= run.node.checks.judges.length;
    if (isOver || blockingIssues(held.issues).length > 0) return conclude(decider, run, held);
    const found = ask(decider, run, held);
    if (found === undefined) return;
    noteFindings(decider, run, found);
  }
}

/** What is found where it cannot be asked. */
function ask(decider: Decider, run: NodeRun, held: HeldProduct): readonly Issue[] | undefined {
  const { model, turn } = decider;
  const open = model.work.openAttempts.get(run.path);
  if (open !== undefined) turn.putAttempt(holding(open, held));
  const { check } = underCheck(model.work, run);
  if ('ask' in check) return askJudge(decider, run, check);
  askHandler(decider, run, check);
  return undefined;
}

/** A check is over: the next one has its turn. */
export function noteFindings(decider: Decider, run: NodeRun, found: readonly Issue[]): void {
  const { model } = decider;
  const { held } = underCheck(model.work, run);
  reportIssues(decider, run, found);
  const issues = [...held.issues, ...found];
  const open = model.work.openAttempts.get(run.path);
  if (open !== undefined) {
    model.work.openAttempt(run, { ...open, ...productsOf(held.product, issues) });
  }
  model.work.hold(run, { ...held, issues, done: held.done + 1, number: 1, level: 0 });
}

/** The attempt comes to its end. */
function conclude(decider: Decider, run: NodeRun, { product, issues, answer }: HeldProduct): void {
  const verdict = judge(product, issues);
  if (verdict.ok) return endInSuccess(decider, run, verdict.product, issues);
  const reason = answer === undefined ? verdict.failure : failureOf(answer, verdict.failure);
  endInFailure(decider, run, reason, verdict.product, issues);
}
