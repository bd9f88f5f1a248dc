/**
 * What each message means to a run. Every function checks first and changes after: a refusal leaves
 * the run as it was, and at most an audit event behind.
 */
import { RunchartError } from '../../errors.js';
import { isFinal } from '../../machines/statuses.js';
import type { JsonObject } from '../../plan/json.js';
import type {
  AnnotateMessage,
  CancelMessage,
  RecoverMessage,
  RetryNodeMessage,
  RunMessage,
} from '../messages.js';
import { MAX_METADATA_LENGTH } from '../metadata-limit.js';
import { beginAgain } from './begin-node.js';
import { onClaim } from './claiming.js';
import type { Decider } from './decider.js';
import { onDowntime } from './downtime.js';
import { refuseEnding } from './ending.js';
import { rests } from './held-product.js';
import { interruptAttempt } from './interruptions.js';
import {
  onWorkHeartbeat,
  onWorkProgress,
  onWorkRelease,
  onWorkResult,
  onWorkStream,
  outlivesProcess,
} from './leases.js';
import { interruptCheck, onCheckResult } from './on-check.js';
import { onFork } from './on-fork.js';
import { onCompleteNode, onPatchInput, onRollback, onSkipNode } from './on-operator.js';
import { onResponse } from './on-response.js';
import { onHeartbeat, onProgress, onResult } from './on-result.js';
import { onTaskChange } from './on-task.js';
import { onTimer } from './on-timer.js';
import { onPause, onResume, onStep } from './pauses.js';
import { onReplan } from './replan.js';
import { renewFrom } from './restart.js';
import type { NodeRun } from './scope.js';
import { allowStart } from './start-deadline.js';
import { onChild } from './subplans.js';
import { startChild } from './tell-child.js';
import { onSignal } from './waits.js';

export function onMessage(decider: Decider, message: RunMessage): void {
  switch (message.type) {
    case 'run.start':
      return onStart(decider);
    case 'attempt.result':
      return onResult(decider, message);
    case 'check.result':
      return onCheckResult(decider, message);
    case 'attempt.progress':
      return onProgress(decider, message);
    case 'attempt.heartbeat':
      return onHeartbeat(decider, message);
    case 'work.claim':
      return onClaim(decider, message);
    case 'work.heartbeat':
      return onWorkHeartbeat(decider, message);
    case 'work.progress':
      return onWorkProgress(decider, message);
    case 'work.stream':
      return onWorkStream(decider, message);
    case 'work.result':
      return onWorkResult(decider, message);
    case 'work.release':
      return onWorkRelease(decider, message);
    case 'task.respond':
      return onResponse(decider, message);
    case 'task.change':
      return onTaskChange(decider, message);
    case 'signal.send':
      return onSignal(decider, message);
    case 'child.changed':
      return onChild(decider, message);
    case 'node.retry':
      return onRetryNode(decider, message);
    case 'run.fork':
      return onFork(decider, message);
    case 'node.complete':
      return onCompleteNode(decider, message);
    case 'node.skip':
      return onSkipNode(decider, message);
    case 'node.patch':
      return onPatchInput(decider, message);
    case 'run.rollback':
      return onRollback(decider, message);
    case 'run.replan':
      return onReplan(decider, message);
    case 'run.cancel':
      return onCancel(decider, message);
    case 'run.annotate':
      return onAnnotate(decider, message);
    case 'run.pause':
      return onPause(decider, message);
    case 'run.step':
      return onStep(decider);
    case 'run.resume':
      return onResume(decider, message);
    case 'run.recover':
      return onRecover(decider, message);
    case 'timer.fire':
      return onTimer(decider, message);
    case 'slot.offer':
    case 'turn.continue':
      // Nothing of their own: finishing the turn takes the slot, or goes on deciding.
      return;
  }
}

function onStart(decider: Decider): void {
  const { model, turn } = decider;
  const { startAt } = model.settings;
  turn.createRun(model.record);
  decider.recordRunStatus();
  turn.reply = { created: true };
  if (startAt === undefined || startAt <= turn.at) return decider.admit();
  decider.schedule(startAt);
}

function onCancel(decider: Decider, message: CancelMessage): void {
  const { model, turn, tree } = decider;
  const { id, status } = model.record;
  if (status === 'cancelled' || tree.ending === 'cancelling') {
    turn.reply = { run: id, cancelled: true };
    return;
  }
  if (isFinal(status)) {
    turn.refusal = new RunchartError('run-ended', `run ${id} has ended as ${status}`);
    return;
  }
  if (tree.ending === 'failing') {
    turn.refusal = new RunchartError('run-ending', `run ${id} is failing already`);
    return;
  }
  const { by, reason, replacedBy } = message;
  turn.event('run.cancel-requested', null, null, { by, reason, replacedBy });
  decider.stepRun({
    type: 'cancel.requested',
    reason:
      replacedBy === undefined
        ? { code: 'cancelled', message: reason ?? 'cancelled on request' }
        : {
            code: 'replaced',
            message: reason ?? `run ${replacedBy} takes its place`,
            detail: { replacedBy },
          },
  });
  turn.reply = { run: id, cancelled: true };
}

/** More is known of a run: nothing that was known is forgotten. */
function onAnnotate(decider: Decider, { metadata, by }: AnnotateMessage): void {
  const { model, turn } = decider;
  const { id, status, metadataJson } = model.record;
  if (isFinal(status)) {
    turn.refusal = new RunchartError('run-ended', `run ${id} has ended as ${status}`);
    return;
  }
  const before = JSON.parse(metadataJson ?? '{}') as JsonObject;
  const isOfSchedule = model.settings.requestedBy?.startsWith('schedule/') === true;
  const lost = Object.keys(metadata).find((key) => isOfSchedule && OF_SCHEDULES.has(key));
  if (lost !== undefined) {
    const message = `"${lost}" says which occurrence of a schedule run ${id} is`;
    turn.refusal = new RunchartError('argument-invalid', message);
    return;
  }
  const known = { ...before, ...metadata };
  const json = JSON.stringify(known);
  if (json.length > MAX_METADATA_LENGTH) {
    const message = `the metadata of run ${id} would have ${json.length} characters`;
    const hint = `it has ${MAX_METADATA_LENGTH} at most`;
    turn.refusal = new RunchartError('argument-invalid', message, { hint });
    return;
  }
  model.record = { ...model.record, metadataJson: json, updatedAt: turn.at };
  turn.changeRun(model.record);
  turn.event('run.annotated', null, null, { keys: Object.keys(metadata), by });
  turn.reply = { run: id, metadata: known };
}

/** What a schedule says of the runs that it starts. */
const OF_SCHEDULES: ReadonlySet<string> = new Set([
  'schedule',
  'occurrence',
  'plan',
  'version',
  'manual',
]);

/** Sets a node run going again: a blocked one goes on, a failed one begins another generation. */
function onRetryNode(decider: Decider, { node, by }: RetryNodeMessage): void {
  const { model, turn } = decider;
  const run = model.find(node);
  if (run === undefined) {
    turn.refusal = new RunchartError(
      'node-unknown',
      `run ${model.record.id} has no node "${node}"`,
    );
    return;
  }
  turn.refusal = refuseEnding(decider);
  if (turn.refusal !== undefined) return;
  const { scope } = run;
  const isOver = run.status !== 'blocked' && run.status !== 'failed';
  if (isOver || scope.isList || scope.aborted !== undefined) {
    const hint = 'nodes that are blocked or have failed, and no items, can be tried again';
    const message = `node "${node}" is ${run.status}`;
    turn.refusal = new RunchartError('node-not-retryable', message, { hint });
    return;
  }
  turn.event('operator.retried', run.path, null, { by });
  if (run.status === 'failed') renewFrom(decider, run.scope, run.position);
  else {
    decider.step(run, { type: 'operator.retried' });
    beginAgain(decider, run);
  }
  turn.reply = { run: model.record.id, node };
}

/** Closes what a stopped process was working on. Nothing is decided again: rows say what was. */
function onRecover(decider: Decider, { downSince }: RecoverMessage): void {
  const { model, turn } = decider;
  if (isFinal(model.record.status)) return;
  const open = [...model.work.openAttempts.keys()].map((path) => model.nodeRun(path));
  // Where what was given rests, or workers outside do it, no process was at work.
  const lost = open.filter((run) => !rests(model.work, run) && !outlivesProcess(decider, run));
  const runs = model.inPlanOrder(lost);
  turn.event('run.recovered', null, null, { interrupted: runs.length });
  if (downSince !== null) onDowntime(decider, downSince);
  allowStart(decider);
  for (const run of runs) interrupt(decider, run);
  // Whether these were started nobody knows; starting them again is the same run.
  const begun = decider.tree.openNodes().map((path) => model.nodeRun(path));
  for (const run of model.inPlanOrder(begun)) {
    const state = decider.stateOf(run);
    if (state === 'hosting') startChild(decider, run);
    else if (state === 'stopping') decider.abortWork(run);
  }
}

function interrupt(decider: Decider, run: NodeRun): void {
  if (decider.model.work.held.has(run.path)) return interruptCheck(decider, run);
  const message = 'the process that worked on it stopped';
  interruptAttempt(decider, run, { code: 'interrupted', message, class: 'interrupted' });
}
