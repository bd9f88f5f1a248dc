/** Escalation: one level after another is turned to, a handler or people, each after its delay. */
import type { Decider } from './decider.js';
import type { NodeRun } from './scope.js';
import { armTimer } from './timers.js';

/** The next level of a node run's escalation has its turn. */
export function beginLevel(decider: Decider, run: NodeRun): void {
  const { turn } = decider;
  const level = levelOf(run);
  turn.event('escalation.raised', run.path, null, {
    level: run.level,
    handler: level.handler,
    responders: level.responders && [...level.responders],
    reason: run.reason === null ? undefined : { ...run.reason },
  });
  if (level.delayMs === 0) return enterLevel(decider, run);
  armTimer(decider, 'escalation', run, turn.at + level.delayMs);
}

/** The delay of the level is over. */
export function enterLevel(decider: Decider, run: NodeRun): void {
  const isWork = levelOf(run).handler !== undefined;
  decider.step(run, { type: isWork ? 'level.worked' : 'level.asked' });
}

export function levelOf({ node, level, path }: NodeRun) {
  const found = node.escalation[level - 1];
  if (found === undefined) throw new Error(`"${path}" has no escalation level ${level}`);
  return found;
}
