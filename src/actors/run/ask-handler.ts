/** Asks the handler of a check about a product that is held. */
import type { HandlerCheck } from '../../plan/plan-version.js';
import { byName } from './assess-completion.js';
import type { Decider } from './decider.js';
import { underCheck } from './held-product.js';
import type { NodeRun } from './scope.js';
import { armTimer } from './timers.js';

/** How often a check is tried whose handler fails. */
export const CHECK_TRIES = 3;

export function askHandler(decider: Decider, run: NodeRun, check: HandlerCheck): void {
  const { turn } = decider;
  const { held } = underCheck(decider.model, run);
  const { output, artifacts } = held.product;
  const outcome = held.answer?.outcome;
  // A person who has answered had none.
  decider.model.takeSlot(run);
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
  const { held, check } = underCheck(decider.model, run);
  return `${decider.attemptKey(run)}/checks/${check.name}/${held.number}`;
}
