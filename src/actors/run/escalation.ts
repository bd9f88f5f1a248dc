/** Escalation: one level after another is turned to, a handler or people, each after its delay. */
import type { Reason } from '../../machines/node-run-events.js';
import type { JsonObject } from '../../plan/json.js';
import type { EscalationLevel } from '../../plan/plan-version.js';
import type { TimerRecord } from '../records.js';
import type { Decider } from './decider.js';
import { failure } from './failure.js';
import { failureHandling } from './failure-policy.js';
import { questionOf } from './questions.js';
import { presentRefused, readRefused } from './review.js';
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
  armTimer(decider, 'escalation', run, turn.at + level.delayMs, refusedFor(run, level));
}

/** People who are asked later look at what was refused now: the timer brings it, over a restart too. */
function refusedFor(run: NodeRun, level: EscalationLevel): string | null {
  if (run.refused === undefined || level.handler !== undefined) return null;
  return JSON.stringify(presentRefused(run));
}

/** The level has its turn; `timer` is that of its delay, where it had one. */
export function enterLevel(decider: Decider, run: NodeRun, timer?: TimerRecord): void {
  if (levelOf(run).handler !== undefined) {
    decider.step(run, { type: 'level.worked' });
    return;
  }
  const brought = timer?.refusedJson ?? null;
  if (brought !== null) run.refused = readRefused(JSON.parse(brought) as JsonObject);
  // What its question rests on may not be there any more: the run has gone back meanwhile.
  const asked = questionOf(decider.model, run);
  if (asked.ok) decider.step(run, { type: 'level.asked' });
  else refuseLevel(decider, run, asked.reason);
  if (brought !== null) run.refused = undefined;
}

function refuseLevel(decider: Decider, run: NodeRun, { code, message }: Reason): void {
  const found = failure('policy', code, message, false);
  const handling = failureHandling(decider.model.version.plan, run, found.class, 'escalating');
  decider.step(run, { type: 'attempt.failed', failure: found, handling });
}

export function levelOf({ node, level, path }: NodeRun) {
  const found = node.escalation[level - 1];
  if (found === undefined) throw new Error(`"${path}" has no escalation level ${level}`);
  return found;
}
