/**
 * How a run is paused, takes one step, and goes on. Invariants: a run that was paused with the one that it works
 * for goes on with it; what somebody wants of the run by its own id counts more, and stays.
 */
import { RunchartError } from '../../errors.js';
import { isFinal } from '../../machines/statuses.js';
import type { PauseMessage, ResumeMessage } from '../messages.js';
import { PARENT_PAUSED } from '../records.js';
import { beginDueChildren } from './child-pauses.js';
import type { Decider } from './decider.js';
import { refuseEnding } from './ending.js';

/** One that is paused already pauses those inside it that go on all the same. */
export function onPause(decider: Decider, { isWithParent = false }: PauseMessage): void {
  const { model, turn } = decider;
  const { id, status, parentId: parent } = model.record;
  turn.reply = { run: id, status: 'paused' };
  turn.refusal = refuseEnding(decider);
  if (turn.refusal !== undefined) return;
  if (isWithParent) {
    const message = `run ${parent}, for which it works, is paused`;
    return decider.stepRun({ type: 'parent.paused', reason: { code: PARENT_PAUSED, message } });
  }
  const isPausedWithParent = status === 'paused' && decider.tree.runContext.reason !== null;
  decider.stepRun({ type: 'pause.requested' });
  if (isPausedWithParent) keepPaused(decider);
}

/** It stays paused when its parent goes on. */
function keepPaused({ model, turn }: Decider): void {
  turn.event('run.pause-requested', null, null, {});
  model.record = { ...model.record, updatedAt: turn.at, reasonJson: null };
  turn.changeRun(model.record);
}

export function onResume(decider: Decider, { isWithParent = false }: ResumeMessage): void {
  const { model, turn } = decider;
  const { id, status } = model.record;
  turn.reply = { run: id };
  if (isFinal(status)) {
    turn.refusal = new RunchartError('run-ended', `run ${id} has ended as ${status}`);
    return;
  }
  decider.stepRun({ type: isWithParent ? 'parent.resumed' : 'resume.requested' });
}

/** Takes one step of a paused run: what is due starts, and nothing after it. */
export function onStep(decider: Decider): void {
  const { model, turn } = decider;
  const { id, status } = model.record;
  if (status !== 'paused') {
    const hint = 'pause it first, or start it stepwise';
    turn.refusal = new RunchartError('run-not-paused', `run ${id} is ${status}`, { hint });
    return;
  }
  decider.isStepping = true;
  beginDueChildren(decider);
  turn.event('run.stepped', null, null, {});
  turn.reply = { run: id };
}
