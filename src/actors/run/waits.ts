/** Nodes that wait for time to pass, or for something to be told from outside. */
import { RunchartError } from '../../errors.js';
import { blockingIssues } from '../../plan/issue.js';
import type { JsonValue } from '../../plan/json.js';
import type { SignalMessage } from '../messages.js';
import type { SignalRecord } from '../records.js';
import { endInFailure } from './attempts.js';
import type { Decider } from './decider.js';
import { refuseEnding } from './ending.js';
import { failure } from './failure.js';
import type { NodeRun } from './scope.js';
import { armTimer, armWait, clearTimer } from './timers.js';

/** Signals of a run that may wait for a node to take them. */
const MAX_KEPT_SIGNALS = 1_000;
/** Longest sleep: ten years. */
const MAX_SLEEP_MS = 10 * 366 * 86_400_000;

export function beginSleep(decider: Decider, run: NodeRun): void {
  decider.step(run, { type: 'wait.begun' });
  const due = dueTime(decider, run);
  if (typeof due !== 'number') return endInFailure(decider, run, due);
  run.setOutput(run.input);
  armWait(decider, 'sleep', run, due);
}

function dueTime({ model, turn }: Decider, run: NodeRun) {
  const { durationMs, until } = run.node.sleep ?? { durationMs: 0, until: undefined };
  if (until === undefined) return turn.at + durationMs;
  const result = until.evaluate(model.scopeOf(run));
  if (!result.ok) return failure('condition', result.code, result.message, false);
  const due = typeof result.value === 'string' ? Date.parse(result.value) : result.value;
  if (typeof due !== 'number' || !Number.isFinite(due)) {
    return failure('input', 'time-invalid', `"${until.text}" gives no time`, false);
  }
  if (due - turn.at > MAX_SLEEP_MS) {
    return failure('input', 'time-invalid', 'the time is more than ten years away', false);
  }
  return Math.max(turn.at, Math.round(due));
}

/** Name of the signal that a node waits for. */
function signalName({ node }: NodeRun): string {
  return (node.source.kind === 'signal' ? node.source.signal : undefined) ?? node.id;
}

export function beginSignal(decider: Decider, run: NodeRun): void {
  const { model, turn } = decider;
  decider.step(run, { type: 'wait.begun' });
  const { source } = run.node;
  const deadlineMs = source.kind === 'signal' ? source.deadlineMs : undefined;
  if (deadlineMs !== undefined) armTimer(decider, 'signal-deadline', run, turn.at + deadlineMs);
  for (const signal of model.signals.values()) {
    if (signal.deliveredTo !== null || signal.name !== signalName(run)) continue;
    const payload = JSON.parse(signal.payloadJson ?? 'null') as JsonValue;
    if (payloadIssues(run, payload).length > 0) discard(decider, run, signal);
    else return deliver(decider, run, signal, payload);
  }
}

/** The deadline of a signal passed: the node's policy decides. */
export function failWait(decider: Decider, run: NodeRun): void {
  const message = `the signal "${signalName(run)}" did not come before the deadline`;
  endInFailure(decider, run, failure('deadline', 'deadline-passed', message, false));
}

/** A signal came: for the node run that has waited longest for it, or to be kept. */
export function onSignal(decider: Decider, message: SignalMessage): void {
  const { model, turn } = decider;
  const { id, name, payload } = message;
  const known = model.signals.get(id);
  turn.reply = { run: model.record.id, signal: id, isNew: known === undefined };
  if (known !== undefined) return;
  turn.refusal = refuseEnding(decider);
  if (turn.refusal !== undefined) return;
  const waiters = waitersFor(decider, name);
  const [waiter] = waiters;
  const issues = waiter === undefined ? [] : payloadIssues(waiter, payload);
  if (issues.length > 0) {
    const hint = 'correct the payload and send it again; the node still waits';
    const text = `the payload does not fit the signal "${name}"`;
    turn.refusal = new RunchartError('signal-invalid', text, { issues, hint });
    return;
  }
  if (isCrowded(decider)) return;
  const seq = turn.event('signal.received', null, null, { signal: id, name });
  const signal = newSignal(decider, message, seq);
  if (waiter === undefined) keep(decider, signal);
  else deliver(decider, waiter, signal, payload);
}

/** Refuses a signal where too many wait for a node to take them. */
function isCrowded({ model, turn }: Decider): boolean {
  let kept = 0;
  for (const { deliveredTo } of model.signals.values()) if (deliveredTo === null) kept += 1;
  if (kept < MAX_KEPT_SIGNALS) return false;
  const hint = 'no node of the run has taken those that came before';
  turn.refusal = new RunchartError('overloaded', 'too many signals wait in the run', { hint });
  return true;
}

function newSignal({ model, turn }: Decider, message: SignalMessage, seq: number): SignalRecord {
  return {
    run: model.record.run,
    id: message.id,
    name: message.name,
    payloadJson: JSON.stringify(message.payload),
    sentAt: turn.at,
    seq,
    deliveredTo: null,
  };
}

function keep({ model, turn }: Decider, signal: SignalRecord): void {
  model.signals.set(signal.id, signal);
  turn.putSignal(signal);
}

function waitersFor(decider: Decider, name: string): NodeRun[] {
  const waiters: NodeRun[] = [];
  for (const path of decider.tree.openNodes()) {
    const run = decider.model.nodeRun(path);
    const isWaiting = run.node.kind === 'signal' && decider.stateOf(run) === 'waiting';
    if (isWaiting && signalName(run) === name) waiters.push(run);
  }
  return waiters.sort((a, b) => a.seq - b.seq);
}

function payloadIssues({ node }: NodeRun, payload: JsonValue) {
  return blockingIssues(node.validateOutput?.(payload) ?? []);
}

function deliver(decider: Decider, run: NodeRun, signal: SignalRecord, payload: JsonValue): void {
  keep(decider, { ...signal, payloadJson: null, deliveredTo: run.path });
  clearTimer(decider, 'signal-deadline', run);
  run.setOutput(payload);
  decider.turn.event('signal.delivered', run.path, null, { signal: signal.id, name: signal.name });
  decider.step(run, { type: 'wait.over' });
}

/** A kept signal that does not fit the node it was for is taken out of the way, for all to see. */
function discard(decider: Decider, run: NodeRun, signal: SignalRecord): void {
  keep(decider, { ...signal, deliveredTo: '' });
  const { id, name } = signal;
  decider.turn.event('signal.discarded', run.path, null, { signal: id, name });
}
