/**
 * How long what undoes work may wait to begin, for a worker outside, a slot or a process that has its handler: a run
 * that is called off has to end. Invariants: the time is a timer while it waits, and only then; a restart does not
 * prolong it, but leaves those that may begin it a moment to do so.
 */
import { startWithinMsOf } from '../../plan/node-settings.js';
import { COMPENSATIONS } from '../records.js';
import type { Decider } from './decider.js';
import type { NodeRun } from './scope.js';
import { armTimer, clearTimer, timerOf } from './timers.js';

const KIND = 'start-deadline';

/** How long workers have after a restart at least, in milliseconds: while no process was there they could not ask. */
const AFTER_RESTART_MS = 60_000;

/** At the end of a turn: its time begins where it begins to wait, and is over where it has begun. */
export function boundStart(decider: Decider): void {
  const run = beingUndone(decider);
  const limitMs = run && startWithinMsOf(run.node.source);
  if (run === undefined || limitMs === undefined) return;
  const waits = run.status === 'ready' && decider.stateOf(run) === 'due';
  const isTimed = timerOf(decider, KIND, run) !== undefined;
  if (waits && !isTimed) armTimer(decider, KIND, run, decider.turn.at + limitMs);
  if (!waits && isTimed) clearTimer(decider, KIND, run);
}

/** A process takes the run up. */
export function allowStart(decider: Decider): void {
  const run = beingUndone(decider);
  const timer = run && timerOf(decider, KIND, run);
  if (run === undefined || timer === undefined) return;
  const atLeast = decider.turn.at + Math.min(AFTER_RESTART_MS, timer.dueAt - timer.armedAt);
  if (timer.dueAt < atLeast) armTimer(decider, KIND, run, atLeast);
}

/** Nobody began it in time: it fails, and the run goes on ending. */
export function refuseStart(decider: Decider, run: NodeRun): void {
  if (run.status !== 'ready') return;
  const message = `nobody began it within ${startWithinMsOf(run.node.source)} ms`;
  decider.step(run, {
    type: 'start.refused',
    reason: { code: 'not-begun', message, class: 'deadline' },
  });
}

/** The compensation whose turn it is: they go one after another. */
function beingUndone({ model }: Decider): NodeRun | undefined {
  const scope = model.scope(COMPENSATIONS);
  if (scope === undefined) return undefined;
  const begun = scope.graph.nodes.length - scope.progress.count('pending');
  return begun === 0 ? undefined : scope.at(begun - 1);
}
