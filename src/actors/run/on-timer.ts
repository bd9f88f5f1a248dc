/** What each kind of timer means when it fires. */
import type { TimerMessage } from '../messages.js';
import type { TimerRecord } from '../records.js';
import { failAttempt } from './attempts.js';
import { exhaustBudget } from './budget.js';
import type { Decider } from './decider.js';
import { enterLevel } from './escalation.js';
import { remind } from './human-tasks.js';
import { expireLease } from './leases.js';
import { failCheck } from './on-check.js';
import { onDeadline } from './on-deadline.js';
import { enterJudgingLevel, expireJudgement } from './on-judgement.js';
import type { NodeRun } from './scope.js';
import { refuseStart } from './start-deadline.js';
import { failWait } from './waits.js';

export function onTimer(decider: Decider, message: TimerMessage): void {
  const { model, turn } = decider;
  const timer = model.timers.get(message.timer);
  // Cleared by a turn that was not durable yet when the timer fired.
  if (timer === undefined) return;
  // The clock was set back meanwhile: never early, so wait again.
  if (timer.dueAt > turn.at) {
    turn.effects.push({ type: 'timer.arm', dueAt: timer.dueAt });
    return;
  }
  model.dropTimer(timer);
  turn.clearTimer(timer.id);
  const { kind, dueAt } = timer;
  turn.event('timer.fired', timer.node === '' ? null : timer.node, null, { kind, dueAt });
  if (timer.node === '') fireRunTimer(decider, timer);
  else fireNodeTimer(decider, model.nodeRun(timer.node), timer);
}

function fireRunTimer(decider: Decider, { kind }: TimerRecord): void {
  switch (kind) {
    case 'start':
      return decider.admit();
    case 'run-deadline':
      return exhaustBudget(decider, 'deadline');
    case 'budget-time':
      return exhaustBudget(decider, 'wallMs');
    default:
      return decider.stepRun({ type: 'grace.over' });
  }
}

function fireNodeTimer(decider: Decider, run: NodeRun, timer: TimerRecord): void {
  switch (timer.kind) {
    case 'retry':
      decider.step(run, { type: 'retry.due' });
      decider.begin(run);
      return;
    case 'timeout':
      if (decider.model.work.held.has(run.path)) return failCheck(decider, run, 'it took too long');
      return failAttempt(decider, run, 'timeout', 'the attempt took too long');
    case 'heartbeat':
      return failAttempt(decider, run, 'heartbeat', 'the attempt gave no sign of life');
    case 'lease':
      return expireLease(decider, run);
    case 'sleep':
      decider.step(run, { type: 'wait.over' });
      return;
    case 'start-deadline':
      return refuseStart(decider, run);
    case 'signal-deadline':
      return failWait(decider, run);
    case 'escalation':
      if (decider.model.work.held.has(run.path)) return enterJudgingLevel(decider, run);
      return enterLevel(decider, run, timer);
    case 'reminder':
      return remind(decider, run);
    case 'grace':
      if (decider.stateOf(run) === 'stopping') decider.step(run, { type: 'grace.over' });
      return;
    default:
      if (decider.model.work.held.has(run.path)) return expireJudgement(decider, run);
      return onDeadline(decider, run);
  }
}
