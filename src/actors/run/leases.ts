/**
 * What a worker says of an attempt that it has claimed. Invariants: only whoever has the lease is believed;
 * one result ends it, and the same result again gets the same answer; what comes without the lease is
 * refused and changes nothing but the log.
 */
import { RunchartError } from '../../errors.js';
import { isFinal } from '../../machines/statuses.js';
import type {
  LeaseName,
  RunMessage,
  WorkHeartbeatMessage,
  WorkProgressMessage,
  WorkReleaseMessage,
  WorkResultMessage,
  WorkStreamMessage,
} from '../messages.js';
import { COMPENSATIONS } from '../records.js';
import { leaseOf } from './claiming.js';
import type { Decider } from './decider.js';
import { closeInterrupted, interruptAttempt } from './interruptions.js';
import { keepHeartbeat, recordProgress, refuseAttempt, settleResult } from './on-result.js';
import type { NodeRun } from './scope.js';
import { armTimer } from './timers.js';

/** The answer to a sign of life. */
export interface LeaseState {
  /** When the lease ends unless it is extended again, in milliseconds since the epoch. */
  readonly expiresAt: number;
  /** The worker is to stop: nobody waits for its result any more. */
  readonly isCancelled: boolean;
}

/** The answer to a result that was taken, told once or again. */
export interface AcceptedResult {
  readonly run: string;
  readonly node: string;
  readonly generation: number;
  readonly attempt: number;
  readonly accepted: true;
}

export function onWorkHeartbeat(decider: Decider, message: WorkHeartbeatMessage): void {
  const run = holder(decider, message);
  if (run === undefined) return;
  keepHeartbeat(decider, run, message.payload);
  replyToLiving(decider, run);
}

export function onWorkProgress(decider: Decider, message: WorkProgressMessage): void {
  const run = holder(decider, message);
  if (run === undefined) return;
  recordProgress(decider, run, message.progress);
  replyToLiving(decider, run);
}

/** Output goes past the log: nothing changes, and the lease is not extended. */
export function onWorkStream(decider: Decider, message: WorkStreamMessage): void {
  const run = holder(decider, message);
  if (run === undefined) return;
  const { node, generation, attempt, chunks, number } = message;
  const name = { node, generation, attempt };
  decider.turn.effects.push({ type: 'stream.push', name, chunks, number });
  decider.turn.reply = acceptedAs(decider.model.record.id, message);
}

/** Whatever a worker says of its work is a sign of life: it has the whole of a lease again. */
function replyToLiving(decider: Decider, run: NodeRun): void {
  const expiresAt = extend(decider, run);
  const isCancelled = decider.stateOf(run) === 'stopping';
  decider.turn.reply = { expiresAt, isCancelled } satisfies LeaseState;
}

export function onWorkResult(decider: Decider, message: WorkResultMessage): void {
  const { model, turn } = decider;
  if (isRepeated(decider, message)) {
    turn.reply = acceptedAs(model.record.id, message);
    return;
  }
  const run = holder(decider, message);
  const open = run && model.work.openAttempts.get(run.path);
  if (run === undefined || open === undefined) return;
  const { lease, digest } = message;
  const ended = { ...leaseOf(decider, run), result: digest };
  model.work.openAttempt(run, { ...open, leaseJson: JSON.stringify(ended) });
  run.submitted = { lease, digest };
  settleResult(decider, run, message.result);
  turn.reply = acceptedAs(model.record.id, message);
}

/** Given back: the attempt ends, and another worker gets the next. */
export function onWorkRelease(decider: Decider, message: WorkReleaseMessage): void {
  const run = holder(decider, message);
  if (run === undefined) return;
  const worker = decider.model.work.openAttempts.get(run.path)?.worker ?? '';
  const text = `worker "${worker}" gave it back`;
  const reason = { code: 'released', message: text, class: 'lease' };
  // A run that ends must not wait for workers that give back for ever; else it uses up nothing.
  if (run.scope.path === COMPENSATIONS) interruptAttempt(decider, run, reason);
  else {
    closeInterrupted(decider, run, reason);
    decider.step(run, { type: 'attempt.released', reason });
    if (decider.stateOf(run) === 'due') decider.begin(run);
  }
  decider.turn.reply = acceptedAs(decider.model.record.id, message);
}

/** Nothing was heard of a worker for as long as its lease is. */
export function expireLease(decider: Decider, run: NodeRun): void {
  const { model, turn } = decider;
  const worker = model.work.openAttempts.get(run.path)?.worker;
  if (worker === undefined) return;
  turn.effects.push({ type: 'attempt.abort', node: run.path, key: decider.attemptKey(run) });
  const message = `worker "${worker}" gave no sign of life`;
  interruptAttempt(decider, run, { code: 'lease-expired', message, class: 'lease' });
}

/**
 * Whether an open attempt goes on although its process stopped: it is not done there. Its worker has the
 * whole of a lease to say that it is still alive, since it could not meanwhile.
 */
export function outlivesProcess(decider: Decider, run: NodeRun): boolean {
  const { model, services } = decider;
  const open = model.work.openAttempts.get(run.path);
  if (open === undefined || open.leaseJson === null || model.work.held.has(run.path)) return false;
  const { handler, id } = leaseOf(decider, run);
  if (services.external(handler) === undefined || id === undefined) return false;
  extend(decider, run);
  return true;
}

export function acceptedAs(
  run: string,
  { node, generation, attempt }: Omit<LeaseName, 'lease'>,
): AcceptedResult {
  return { run, node, generation, attempt, accepted: true };
}

function extend(decider: Decider, run: NodeRun): number {
  const { handler } = leaseOf(decider, run);
  const leaseMs = decider.services.external(handler)?.leaseMs ?? 0;
  const expiresAt = decider.turn.at + leaseMs;
  armTimer(decider, 'lease', run, expiresAt);
  return expiresAt;
}

function isRepeated({ model }: Decider, { node, lease, digest }: WorkResultMessage): boolean {
  const submitted = model.find(node)?.submitted;
  return submitted?.lease === lease && submitted.digest === digest;
}

/** The node run of a lease, where it is the one that counts; else the refusal is told, and recorded. */
function holder(decider: Decider, message: LeaseName & RunMessage): NodeRun | undefined {
  const { model, turn } = decider;
  const run = model.find(message.node);
  const refusal = refuse(decider, run, message);
  if (refusal === undefined) return run;
  turn.refusal = refusal;
  // Nothing is recorded after the terminal event, nor about what never was.
  const isKnown = run !== undefined || message.isGenuine === true;
  if (!isKnown || isFinal(model.record.status)) return undefined;
  const { type, node, attempt } = message;
  const { code } = refusal;
  if (type === 'work.result') turn.event('attempt.result-refused', node, attempt, { code });
  else turn.event('attempt.call-refused', node, attempt, { call: type, code });
  return undefined;
}

function refuse(
  decider: Decider,
  run: NodeRun | undefined,
  message: LeaseName,
): RunchartError | undefined {
  const refusal = refuseAttempt(decider, run, message);
  const isOver = refusal !== undefined && OVER.has(refusal.code);
  const isHistory = run === undefined && message.isGenuine === true;
  if (refusal !== undefined && !isOver && !isHistory) return refusal;
  if (refusal === undefined && run !== undefined) {
    if (leaseOf(decider, run).id === message.lease) return undefined;
  }
  const { node, attempt } = message;
  const text = refusal?.message ?? `attempt ${attempt} of "${node}" has another lease`;
  return new RunchartError('lease-lost', text, {
    hint: 'stop the work: its result would not count',
  });
}

/** Refusals of an attempt that is not at work any more. */
const OVER: ReadonlySet<string> = new Set(['attempt-stale', 'node-not-running']);
