/**
 * Asks the handler of a check about a product that is held. Invariant: no handler is asked without a slot; a check
 * of work has that of the work, the check of an answer stands in line for its own, and so does one that this process
 * lacks the version for: it holds no slot until another process asks it.
 */
import type { HandlerCheck } from '../../plan/plan-version.js';
import { byName } from './assess-completion.js';
import type { Decider } from './decider.js';
import { type HeldProduct, holding, underCheck } from './held-product.js';
import type { NodeRun } from './scope.js';
import { armTimer } from './timers.js';

/** How often a check is tried whose handler fails. */
export const CHECK_TRIES = 3;

export function askHandler(decider: Decider, run: NodeRun, check: HandlerCheck): void {
  const { model, services } = decider;
  const isHere = services.place(check.handler) === 'here';
  if (run.hasSlot && isHere) return startCheck(decider, run, check);
  if (model.work.freeSlot(run)) services.slots.release(run.path, 'ok');
  standInLine(decider, run, check);
}

/** The check that stood in line is let in. */
export function beginDueCheck(decider: Decider, run: NodeRun): void {
  const { model, turn } = decider;
  const { held, check } = underCheck(model.work, run);
  if (!('handler' in check)) throw new Error(`no handler is to judge what "${run.path}" has given`);
  keepEntry(decider, run, { ...held, entry: { handler: check.handler, isDue: false } });
  turn.event('check.started', run.path, run.attempt, { check: check.name });
  startCheck(decider, run, check);
}

function standInLine(decider: Decider, run: NodeRun, { handler }: HandlerCheck): void {
  const { held } = underCheck(decider.model.work, run);
  keepEntry(decider, run, { ...held, entry: { handler, isDue: true } });
  decider.model.enqueueCheck(run, handler);
}

function keepEntry({ model, turn }: Decider, run: NodeRun, held: HeldProduct): void {
  const open = model.work.openAttempts.get(run.path);
  model.work.hold(run, held);
  if (open !== undefined) turn.putAttempt(holding(open, held));
}

function startCheck(decider: Decider, run: NodeRun, check: HandlerCheck): void {
  const { turn } = decider;
  const { held } = underCheck(decider.model.work, run);
  const { output, artifacts } = held.product;
  const outcome = held.answer?.outcome;
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
    input: {
      output: output ?? null,
      ...(outcome !== undefined && { outcome }),
      input: run.copyInput() ?? null,
      artifacts: byName(artifacts),
    },
  });
  if (check.timeoutMs !== undefined) armTimer(decider, 'timeout', run, turn.at + check.timeoutMs);
}

/** Key of the try of a check that is under way: stable over crashes. */
export function checkKey(decider: Decider, run: NodeRun): string {
  const { held, check } = underCheck(decider.model.work, run);
  return `${decider.attemptKey(run)}/checks/${check.name}/${held.number}`;
}
