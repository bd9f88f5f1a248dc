/** Asks people about a product that is held, or the level of an escalation whose turn it is. */
import type { Issue } from '../../plan/issue.js';
import type { PersonCheck } from '../../plan/plan-version.js';
import { checkErrored } from './assess-completion.js';
import type { Decider } from './decider.js';
import { underCheck } from './held-product.js';
import { questionOf } from './questions.js';
import type { NodeRun } from './scope.js';
import { armTimer } from './timers.js';

/** What is found where nobody can be asked. */
export function askJudge(
  decider: Decider,
  run: NodeRun,
  check: PersonCheck,
): readonly Issue[] | undefined {
  const { turn, model } = decider;
  const { held } = underCheck(model.work, run);
  const level = check.ask.escalation[held.level - 1];
  if (level !== undefined) {
    turn.event('escalation.raised', run.path, null, {
      level: held.level,
      check: check.name,
      responders: level.responders && [...level.responders],
    });
    if (level.delayMs > 0) {
      armTimer(decider, 'escalation', run, turn.at + level.delayMs);
      return undefined;
    }
  }
  return putQuestion(decider, run, check);
}

/** The delay of the level is over, where there was one. */
export function putQuestion(
  decider: Decider,
  run: NodeRun,
  check: PersonCheck,
): readonly Issue[] | undefined {
  const asked = questionOf(decider.model, run);
  if (asked.ok) {
    decider.step(run, { type: 'person.asked' });
    return undefined;
  }
  const { code, message } = asked.reason;
  decider.turn.event('check.failed', run.path, run.attempt, { check: check.name, message });
  return [checkErrored(run.node, check, `nobody can be asked: ${code}: ${message}`)];
}
