/**
 * What each message means to a run. Every function checks first and changes after: a refusal leaves
 * the run as it was, and at most an audit event behind.
 */
import { RunchartError } from '../../errors.js';
import { isFinal } from '../../machines/statuses.js';
import type { Issue } from '../../plan/issue.js';
import type { CompiledNode } from '../../plan/plan-version.js';
import type {
  AttemptProgressMessage,
  AttemptResultMessage,
  CancelMessage,
  RunMessage,
  TaskResponseMessage,
  TimerMessage,
} from '../messages.js';
import type { AttemptRecord } from '../records.js';
import { assessResult, type Product, type Verdict } from './assess-result.js';
import type { Decider } from './decider.js';
import { deadlineHandling, failureHandling } from './failure-policy.js';
import { approvalOutcome, refuseResponse } from './human-tasks.js';

export function onMessage(decider: Decider, message: RunMessage): void {
  switch (message.type) {
    case 'run.start':
      return onStart(decider);
    case 'attempt.result':
      return onResult(decider, message);
    case 'attempt.progress':
      return onProgress(decider, message);
    case 'task.respond':
      return onResponse(decider, message);
    case 'run.cancel':
      return onCancel(decider, message);
    case 'run.pause':
      return onPause(decider);
    case 'run.resume':
      return onResume(decider);
    case 'run.recover':
      return onRecover(decider);
    case 'timer.fire':
      return onTimer(decider, message);
    case 'slot.offer':
    case 'turn.continue':
      // Nothing of their own: finishing the turn takes the slot, or goes on deciding.
      return;
  }
}

function onStart(decider: Decider): void {
  const { model, turn, tree } = decider;
  turn.createRun(model.record);
  decider.recordRunStatus();
  tree.sendRun({ type: 'run.admitted' });
  decider.recordRunStatus();
  tree.sendRun({ type: 'run.started' });
  decider.recordRunStatus();
  for (const position of model.graph.entries) model.undecided.push(position);
  turn.reply = { created: true };
}

function onResult(decider: Decider, message: AttemptResultMessage): void {
  const { model, turn } = decider;
  const position = model.graph.positionOf.get(message.node);
  if (position === undefined) {
    turn.refusal = new RunchartError('node-unknown', `the plan has no node "${message.node}"`);
    return;
  }
  const node = model.nodeAt(position);
  const stale = refuseResult(decider, node, message.attempt);
  if (stale !== undefined) {
    turn.refusal = stale;
    // Nothing is recorded after the terminal event.
    if (!isFinal(model.record.status)) {
      turn.event('attempt.result-refused', node.id, message.attempt, { code: stale.code });
    }
    return;
  }
  const verdict = assessResult(node, message.result);
  const attempt = model.state(node).attempt;
  reportIssues(decider, node, attempt, verdict.issues);
  for (const { name, detail } of verdict.product.reports) {
    turn.event('node.reported', node.id, attempt, { name, detail });
  }
  if (verdict.ok) succeed(decider, node, verdict);
  else fail(decider, node, verdict);
}

/** Says why a result is refused, or nothing. */
function refuseResult(
  decider: Decider,
  node: CompiledNode,
  attempt: number,
): RunchartError | undefined {
  const { model } = decider;
  if (node.kind !== 'action') {
    return new RunchartError(
      'node-not-work',
      `node "${node.id}" takes no results: it is a ${node.kind}`,
    );
  }
  if (isFinal(model.record.status)) {
    return new RunchartError('run-ended', `run ${model.record.id} has ended`);
  }
  if (decider.status(node) !== 'running') {
    return new RunchartError('node-not-running', `node "${node.id}" is ${decider.status(node)}`);
  }
  const current = model.state(node).attempt;
  if (attempt === current) return undefined;
  return new RunchartError(
    'attempt-stale',
    `attempt ${attempt} of "${node.id}" is over; ${current} is current`,
  );
}

function reportIssues(
  decider: Decider,
  node: CompiledNode,
  attempt: number,
  issues: readonly Issue[],
): void {
  if (issues.length === 0) return;
  const findings = issues
    .slice(0, 100)
    .map(({ severity, code, message, path }) => ({ severity, code, message, path }));
  decider.turn.event('validation.reported', node.id, attempt, { issues: findings });
}

function succeed(decider: Decider, node: CompiledNode, verdict: Verdict & { ok: true }): void {
  const { product, issues } = verdict;
  const state = decider.model.state(node);
  state.setOutput(product.output, product.outputJson);
  state.action = product.action;
  storeArtifacts(decider, node, product);
  const warnings = issues.length;
  const outcome = warnings > 0 ? 'partial' : 'completed';
  decider.closeAttempt(node, { outcome, ...attemptProducts(product, issues) });
  decider.step(node, { type: 'attempt.succeeded', warnings });
}

function fail(decider: Decider, node: CompiledNode, verdict: Verdict & { ok: false }): void {
  const { failure, product, issues } = verdict;
  const { model, turn } = decider;
  const stopping = decider.tree.stateOf(node.id) === 'stopping';
  const handling = failureHandling(node);
  const attempt = model.state(node).attempt;
  decider.closeAttempt(node, {
    outcome: stopping ? 'cancelled' : 'failed',
    errorJson: JSON.stringify(failure),
    ...attemptProducts(product, issues),
  });
  turn.event(stopping ? 'attempt.cancelled' : 'attempt.failed', node.id, attempt, { ...failure });
  const status = decider.step(node, { type: 'attempt.failed', failure, handling });
  if (status === 'ready' && decider.tree.stateOf(node.id) === 'due') model.waiting.push(node);
}

function attemptProducts(product: Product, issues: readonly Issue[]): Partial<AttemptRecord> {
  return {
    outputJson: product.outputJson,
    issuesJson: issues.length === 0 ? null : JSON.stringify(issues),
    notesJson: product.notes === undefined ? null : JSON.stringify(product.notes),
  };
}

function storeArtifacts(decider: Decider, node: CompiledNode, product: Product): void {
  const { model, turn } = decider;
  const attempt = model.state(node).attempt;
  for (const { name, kind, pointer, payload } of product.artifacts) {
    const version = (model.artifactVersions.get(name) ?? 0) + 1;
    const payloadJson = payload === undefined ? null : JSON.stringify(payload);
    const artifact = {
      run: model.record.run,
      name,
      version,
      kind,
      node: node.id,
      attempt,
      pointer,
      payloadJson,
      at: turn.at,
    };
    model.artifactVersions.set(name, version);
    model.keepArtifact(artifact);
    turn.addArtifact(artifact);
    turn.event('artifact.stored', node.id, attempt, { name, kind, version });
  }
}

function onProgress(decider: Decider, message: AttemptProgressMessage): void {
  const node = decider.model.node(message.node);
  if (refuseResult(decider, node, message.attempt) !== undefined) return;
  decider.turn.event('attempt.progressed', node.id, message.attempt, {
    progress: message.progress,
  });
}

function onResponse(decider: Decider, message: TaskResponseMessage): void {
  const { model, turn, services } = decider;
  const task = [...model.tasks.values()].find(({ id }) => id === message.task);
  if (task === undefined) {
    turn.refusal = new RunchartError('task-closed', `task ${message.task} is not open any more`);
    if (!isFinal(model.record.status)) auditRefusal(decider, null, message, turn.refusal);
    return;
  }
  const node = model.node(task.node);
  const refusal = refuseResponse(task, node, { ...message, at: turn.at });
  if (refusal !== undefined) {
    turn.refusal = refusal;
    auditRefusal(decider, node, message, refusal);
    return;
  }
  const outcome = approvalOutcome(message.response);
  const responseJson = JSON.stringify(message.response);
  const { responder } = message;
  const id = services.environment.id();
  turn.addResponse({
    id,
    task: task.id,
    run: task.run,
    responder,
    responseJson,
    outcome,
    at: turn.at,
  });
  turn.event('task.responded', node.id, null, { task: task.id, response: id, responder, outcome });
  const state = model.state(node);
  state.setOutput(message.response, responseJson);
  state.outcome = outcome;
  decider.step(node, { type: 'response.accepted', warnings: 0 });
  turn.reply = { run: model.record.id, node: node.id, task: task.id, outcome };
}

function auditRefusal(
  decider: Decider,
  node: CompiledNode | null,
  message: TaskResponseMessage,
  refusal: RunchartError,
): void {
  const { task, responder } = message;
  decider.turn.event('task.response-refused', node?.id ?? null, null, {
    task,
    responder,
    code: refusal.code,
  });
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
  const { by, reason } = message;
  turn.event('run.cancel-requested', null, null, { by, reason });
  decider.stepRun({
    type: 'cancel.requested',
    reason: { code: 'cancelled', message: reason ?? 'cancelled on request' },
  });
  turn.reply = { run: id, cancelled: true };
}

function onPause(decider: Decider): void {
  const { model, turn, tree } = decider;
  const { id, status } = model.record;
  turn.reply = { run: id, status: 'paused' };
  if (status === 'paused') return;
  if (isFinal(status) || tree.ending !== undefined) {
    turn.refusal = new RunchartError('run-ended', `run ${id} has ended or is ending`);
    return;
  }
  decider.stepRun({ type: 'pause.requested' });
}

function onResume(decider: Decider): void {
  const { model, turn } = decider;
  const { id, status } = model.record;
  if (isFinal(status)) {
    turn.refusal = new RunchartError('run-ended', `run ${id} has ended as ${status}`);
    return;
  }
  if (status === 'paused') decider.stepRun({ type: 'resume.requested' });
  turn.reply = { run: id };
}

/** Closes what a stopped process was working on. Nothing is decided again: rows say what was. */
function onRecover(decider: Decider): void {
  const { model, turn } = decider;
  if (isFinal(model.record.status)) return;
  const interrupted = [...model.openAttempts.values()].sort(
    (a, b) => model.node(a.node).position - model.node(b.node).position,
  );
  turn.event('run.recovered', null, null, { interrupted: interrupted.length });
  const reason = { code: 'interrupted', message: 'the process that worked on it stopped' };
  for (const attempt of interrupted) {
    const node = model.node(attempt.node);
    decider.closeAttempt(node, { outcome: 'interrupted', errorJson: JSON.stringify(reason) });
    turn.event('attempt.interrupted', node.id, attempt.attempt, reason);
    const handling = failureHandling(node);
    if (decider.step(node, { type: 'attempt.interrupted', reason, handling }) === 'ready') {
      model.waiting.push(node);
    }
  }
}

function onTimer(decider: Decider, message: TimerMessage): void {
  const { model, turn } = decider;
  const timer = model.timers.get(message.timer);
  // Cleared by a turn that was not durable yet when the timer fired.
  if (timer === undefined) return;
  // The clock was set back meanwhile: never early, so wait again.
  if (timer.dueAt > turn.at) {
    turn.effects.push({ type: 'timer.arm', dueAt: timer.dueAt });
    return;
  }
  const node = timer.node === '' ? undefined : model.node(timer.node);
  decider.clearTimer(timer.kind, node);
  turn.event('timer.fired', node?.id ?? null, null, { kind: timer.kind, dueAt: timer.dueAt });
  if (node === undefined) return decider.stepRun({ type: 'grace.over' });
  if (timer.kind === 'retry') {
    decider.step(node, { type: 'retry.due' });
    model.waiting.push(node);
    return;
  }
  const reason = { code: 'deadline-passed', message: 'nobody answered before the deadline' };
  const { otherwise } = deadlineHandling(node);
  decider.step(node, { type: 'deadline.passed', otherwise, reason });
}
