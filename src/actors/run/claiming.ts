/**
 * Attempts that are done outside: let in when a worker claims them, not before. Invariants: what waits
 * unclaimed holds no slot; an attempt has one lease at most; a call that is made again under its name is given
 * again what it holds; what a worker's version does not fit is refused with an event, and stays for another.
 */
import { parseHandlerReference } from '../../plan/handler-reference.js';
import type { ExternalHandler } from '../external-handler.js';
import type { WorkClaimMessage } from '../messages.js';
import type { AttemptLease } from '../records.js';
import type { SaidOnce } from '../said-once.js';
import { armLimits, isLastTry, openWork } from './attempt-work.js';
import { Claim } from './claim.js';
import type { Decider } from './decider.js';
import { roundsOf } from './feedback.js';
import { checkDue } from './held-product.js';
import type { RunModel } from './run-model.js';
import type { NodeRun } from './scope.js';
import { armTimer } from './timers.js';

/** What is due is let in at the end of the turn. */
export function onClaim(decider: Decider, message: WorkClaimMessage): void {
  if (message.isRepeated === true) return giveAgain(decider, message);
  decider.claim = new Claim(message);
  decider.turn.reply = decider.claim.granted;
}

/** The answer to the call was lost: whoever makes it again has the same leases, each with all of its time. */
function giveAgain(decider: Decider, message: WorkClaimMessage): void {
  const claim = new Claim(message);
  for (const path of decider.model.work.openAttempts.keys()) {
    // Whose result is being checked is with its worker no more.
    if (decider.model.work.held.has(path)) continue;
    const run = decider.model.nodeRun(path);
    const held = leaseOf(decider, run);
    if (held.claim === undefined || held.claim !== claim.name || held.id === undefined) continue;
    if (decider.stateOf(run) !== 'stopping') grant(decider, claim, run, { ...held, id: held.id });
  }
  decider.turn.reply = claim.granted;
}

/** Whether the worker that asks takes this work. */
export function takesWork(decider: Decider, claim: Claim, run: NodeRun): boolean {
  const { handler } = run;
  const external = decider.services.external(handler);
  if (external === undefined || claim.isSatisfied) return false;
  const fit = claim.fitOf(handler, external);
  if (fit === 'other-version') refuseVersion(decider, claim, run, handler, external);
  return fit === 'fits';
}

/** Gives an attempt that has just begun to the worker that asks; its time begins to run. */
export function lease(decider: Decider, claim: Claim, run: NodeRun): void {
  const { model, turn, services } = decider;
  const open = model.work.openAttempts.get(run.path);
  const { handler } = leaseOf(decider, run);
  const external = services.external(handler);
  if (open === undefined || external === undefined) return;
  const work = openWork(decider, run);
  const held = {
    handler,
    id: services.environment.id(),
    ...(claim.name !== undefined && { claim: claim.name }),
    ...(work.timeoutMs !== undefined && { deadlineAt: turn.at + work.timeoutMs }),
  };
  const leased = { ...open, worker: claim.worker, leaseJson: JSON.stringify(held) };
  model.work.openAttempt(run, leased);
  turn.putAttempt(leased);
  grant(decider, claim, run, held);
  armLimits(decider, run, work);
}

/** Tells the worker what it has, and for how long. */
function grant(
  decider: Decider,
  claim: Claim,
  run: NodeRun,
  { handler, id, deadlineAt }: AttemptLease & { readonly id: string },
): void {
  const { model, turn, services } = decider;
  const external = services.external(handler);
  if (external === undefined) return;
  const work = openWork(decider, run);
  // Whoever keeps his lease gives the signs of life that his node asks for.
  const leaseMs = Math.min(external.leaseMs, work.heartbeatMs ?? external.leaseMs);
  const { worker } = claim;
  const { attempt, generation } = run;
  turn.event('attempt.claimed', run.path, attempt, { worker, leaseMs });
  armTimer(decider, 'lease', run, turn.at + external.leaseMs);
  claim.granted.push({
    run: model.record.id,
    node: run.path,
    generation,
    attempt,
    lease: id,
    key: decider.attemptKey(run),
    handler,
    capability: external.capability ?? parseHandlerReference(handler).key,
    input: work.input,
    isLastTry: isLastTry(run),
    lastHeartbeat: run.lastHeartbeat,
    feedback: roundsOf(run),
    ...(model.settings.trace !== undefined && { trace: model.settings.trace }),
    leaseMs,
    expiresAt: turn.at + leaseMs,
    deadlineAt: deadlineAt ?? null,
  });
}

/** The lease of a node run's open attempt, which is done outside. */
export function leaseOf({ model }: Pick<Decider, 'model'>, run: NodeRun): AttemptLease {
  const json = model.work.openAttempts.get(run.path)?.leaseJson ?? '{"handler":""}';
  return JSON.parse(json) as AttemptLease;
}

function refuseVersion(
  decider: Decider,
  claim: Claim,
  run: NodeRun,
  handler: string,
  { capability }: ExternalHandler,
): void {
  const { worker } = claim;
  const versions = claim.versionsOf(capability ?? parseHandlerReference(handler).key);
  const what = `${decider.attemptKey(run)} ${handler} ${versions.join(' ')}`;
  if (!decider.services.refused.isNew(decider.model.record.id, what)) return;
  decider.turn.event('attempt.refused', run.path, null, {
    handler,
    worker,
    versions: [...versions],
  });
}

/** Node runs, and checks, that this process cannot start, for want of a version, are told of as they come to wait. */
export function reportLacking({ model, turn, services }: Decider): void {
  const { worker, refused } = services;
  for (const run of model.lacking) {
    const { handler, path, status } = run;
    const isDue = status === 'ready' || checkDue(model.work, run) !== undefined;
    if (isDue) turn.event('attempt.refused', path, null, { handler, worker });
  }
  model.lacking.clear();
  refused.isNew(model.record.id, LACKED);
}

/** All that waited when a run was brought into memory was told of before, as far as this process knows the run. */
export function forgetLackingIfTold(model: RunModel, refused: SaidOnce): void {
  if (refused.has(model.record.id, LACKED)) model.lacking.clear();
}

const LACKED = 'what the process lacks';
