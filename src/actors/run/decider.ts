/**
 * Decides one turn of a run: takes events to the statecharts, and goes on until nothing more
 * happens without the outside world. Invariants: among nodes that can be decided the lowest
 * position goes first; slots are granted in the order of readiness; a run that is ending starts
 * nothing; a run's status changes once per turn at most, after all that caused it.
 */
import type { NodeRunEvent, Reason } from '../../machines/node-run-events.js';
import { isFinal, type NodeStatus, type RunStatus } from '../../machines/statuses.js';
import { resolveInput } from '../../plan/inputs.js';
import { blockingIssues } from '../../plan/issue.js';
import type { JsonValue } from '../../plan/json.js';
import type { CompiledNode } from '../../plan/plan-version.js';
import type { Environment } from '../environment.js';
import type { AttemptRecord } from '../records.js';
import type { Turn } from '../turn.js';
import type { ActorTree, NodeStep } from './actor-tree.js';
import { retryDelayMs } from './failure-policy.js';
import { closeTask, openTask } from './human-tasks.js';
import { decideReadiness } from './readiness.js';
import { outgoingEdges, routeFrom } from './routing.js';
import type { RunModel } from './run-model.js';

/** Slots of the process, as one run sees them. */
export interface Slots {
  /** False where none is free, or other runs wait in front. */
  tryTake(): boolean;
  release(): void;
}

export interface DeciderServices {
  readonly environment: Environment;
  readonly slots: Slots;
  /** Names this process in the attempts that it starts. */
  readonly worker: string;
  /** Number of node runs that one turn may change before it goes on in another. */
  readonly maxTurnSize: number;
  /** How long running handlers may go on once their run is ending, in milliseconds. */
  readonly graceMs: number;
}

const NODE_EVENT_TYPES: Readonly<Record<NodeStatus, string>> = {
  pending: 'node.pending',
  ready: 'node.ready',
  running: 'node.started',
  'awaiting-human': 'node.awaiting-human',
  blocked: 'node.blocked',
  completed: 'node.completed',
  partial: 'node.partial',
  skipped: 'node.skipped',
  failed: 'node.failed',
  cancelled: 'node.cancelled',
};

const GRACE_TIMER = 'grace';

export class Decider {
  readonly model: RunModel;
  readonly tree: ActorTree;
  readonly turn: Turn;
  readonly services: DeciderServices;
  readonly #touched = new Set<CompiledNode>();
  #runStatus: RunStatus | null;

  constructor(model: RunModel, tree: ActorTree, turn: Turn, services: DeciderServices) {
    this.model = model;
    this.tree = tree;
    this.turn = turn;
    this.services = services;
    this.#runStatus = model.seq === 0 ? null : model.record.status;
  }

  get isEnding(): boolean {
    return this.tree.ending !== undefined;
  }

  status(node: CompiledNode): NodeStatus {
    return this.model.progress.status(node.position);
  }

  /** Takes an event to a node run's statechart, and records what it decided. */
  step(node: CompiledNode, event: NodeRunEvent): NodeStatus {
    const { progress } = this.model;
    const from = this.status(node);
    const step = this.tree.send(node.id, event);
    const state = this.model.state(node);
    state.attempt = step.context.attempt;
    state.reason = step.context.reason;
    this.#touched.add(node);
    if (from !== step.to) progress.change(node.position, step.to);
    if (from === 'running' && step.to !== 'running') this.services.slots.release();
    if (step.to === 'partial' && !isSuccess(event)) state.setDefaultOutput(node);
    if (step.intentions.includes('closeTask')) closeTask(this, node, event);
    this.#recordStep(node, from, step, event);
    for (const intention of step.intentions) this.#carryOut(intention, node, step);
    if (isFinal(step.to)) this.#settleFinal(node, step.to);
    return step.to;
  }

  /** Decides all that can be decided, grants slots, and settles the run's status. */
  finish(): void {
    this.#decidePending();
    this.#withdraw();
    this.#grantSlots();
    if (this.#hasMoreToDecide()) this.turn.effects.push({ type: 'turn.continue' });
    else this.tree.sendRun({ type: 'progress.settled', ...this.model.progress.summary() });
    this.recordRunStatus();
    this.#storeChanges();
  }

  /** Records a change of the run's status since it was last recorded. */
  recordRunStatus(): void {
    const { model, turn } = this;
    const from = this.#runStatus;
    const to = this.tree.runStatus;
    if (from === to) return;
    const reason = this.tree.runContext.reason ?? undefined;
    const detail = to === 'blocked' ? { nodes: this.#blockingNodes() } : {};
    turn.event(runEventType(from, to), null, null, {
      from,
      to,
      ...(reason && { reason: { ...reason } }),
      ...detail,
    });
    this.#runStatus = to;
    if (isFinal(to)) {
      for (const id of model.timers.keys()) turn.clearTimer(id);
      model.timers.clear();
    }
    model.record = {
      ...model.record,
      status: to,
      updatedAt: turn.at,
      endedAt: isFinal(to) ? turn.at : null,
      reasonJson: reason === undefined ? null : JSON.stringify(reason),
    };
    turn.changeRun(model.record);
  }

  /** Closes the open attempt of a node run. */
  closeAttempt(
    node: CompiledNode,
    end: Partial<AttemptRecord> & Pick<AttemptRecord, 'outcome'>,
  ): void {
    const open = this.model.openAttempts.get(node.id);
    if (open === undefined) return;
    this.model.openAttempts.delete(node.id);
    this.turn.putAttempt({ ...open, endedAt: this.turn.at, ...end });
  }

  /** Key of a node run's current attempt, for whatever it does outside: stable over crashes, never reused. */
  attemptKey(node: CompiledNode): string {
    const { generation, attempt } = this.model.state(node);
    return `${this.model.record.id}/${node.id}/${generation}/${attempt}`;
  }

  armTimer(
    kind: 'retry' | 'task-deadline' | 'grace',
    node: CompiledNode | undefined,
    dueAt: number,
  ): void {
    const run = this.model.record.run;
    const id = `${run}/${node?.id ?? ''}/${kind}`;
    const timer = { id, run, node: node?.id ?? '', kind, dueAt };
    this.model.timers.set(id, timer);
    this.turn.armTimer(timer);
  }

  clearTimer(kind: 'retry' | 'task-deadline' | 'grace', node: CompiledNode | undefined): void {
    const id = `${this.model.record.run}/${node?.id ?? ''}/${kind}`;
    if (this.model.timers.delete(id)) this.turn.clearTimer(id);
  }

  #recordStep(node: CompiledNode, from: NodeStatus, step: NodeStep, event: NodeRunEvent): void {
    const state = this.model.state(node);
    const attempt = state.attempt === 0 ? null : state.attempt;
    state.seq = this.turn.event(nodeEventType(from, step), node.id, attempt, {
      from,
      to: step.to,
      reason: state.reason === null ? undefined : { ...state.reason },
      class: 'failure' in event ? event.failure.class : undefined,
      warnings: 'warnings' in event && event.warnings > 0 ? event.warnings : undefined,
      action: state.action ?? undefined,
      outcome: state.outcome ?? undefined,
    });
  }

  #carryOut(intention: string, node: CompiledNode, step: NodeStep): void {
    switch (intention) {
      case 'startAttempt':
        return this.#startAttempt(node, step.context.attempt);
      case 'abortAttempt':
        this.turn.effects.push({
          type: 'attempt.abort',
          node: node.id,
          key: this.attemptKey(node),
        });
        return;
      case 'armRetryTimer':
        return this.#armRetryTimer(node, step.context.tries);
      case 'openTask':
        return openTask(this, node);
      default:
        return;
    }
  }

  #armRetryTimer(node: CompiledNode, tries: number): void {
    const delayMs = retryDelayMs(node.retry, tries, this.services.environment.random());
    const dueAt = this.turn.at + delayMs;
    this.armTimer('retry', node, dueAt);
    this.turn.event('timer.armed', node.id, null, { kind: 'retry', delayMs, dueAt });
  }

  #startAttempt(node: CompiledNode, attempt: number): void {
    const { model, turn } = this;
    const state = model.state(node);
    const record: AttemptRecord = {
      run: model.record.run,
      node: node.id,
      generation: state.generation,
      attempt,
      worker: this.services.worker,
      startedAt: turn.at,
      endedAt: null,
      outcome: null,
      outputJson: null,
      errorJson: null,
      issuesJson: null,
      notesJson: null,
    };
    model.openAttempts.set(node.id, record);
    turn.putAttempt(record);
    turn.effects.push({
      type: 'attempt.start',
      node: node.id,
      handler: node.handler ?? '',
      attempt,
      key: this.attemptKey(node),
      input: state.copyInput(),
    });
  }

  /** A failed node ends its run unless its policy tolerates that; any other outcome is routed on. */
  #settleFinal(node: CompiledNode, status: NodeStatus): void {
    this.clearTimer('retry', node);
    if (this.isEnding) return;
    if (status === 'failed' && node.onFailure !== 'continue') {
      const { code, message } = this.model.state(node).reason ?? { code: 'failed', message: '' };
      const reason: Reason = { code, message, detail: { node: node.id } };
      this.#runIntentions(this.tree.sendRun({ type: 'node.aborted', reason }));
      return;
    }
    this.#route(node, status);
  }

  #route(node: CompiledNode, status: NodeStatus): void {
    const { model, turn } = this;
    const state = model.state(node);
    const succeeded = status === 'completed' || status === 'partial';
    const result = succeeded
      ? { action: state.action, outcome: state.outcome, scope: model.scopeOf(node) }
      : undefined;
    for (const decision of routeFrom(node, outgoingEdges(model.graph, node), status, result)) {
      const { edge, outcome, evaluated } = decision;
      model.progress.decideEdge(edge.index, outcome);
      if (evaluated !== undefined) {
        turn.event('edge.evaluated', node.id, null, {
          edge: edge.id,
          condition: evaluated.condition,
          result: evaluated.result,
          outcome,
          error: evaluated.error && { ...evaluated.error },
        });
      }
      const target = model.nodeAt(edge.target);
      if (this.status(target) === 'pending') model.undecided.push(edge.target);
      else if (outcome === 'taken' && target.kind === 'join') {
        turn.event('join.arrival-ignored', target.id, null, { edge: edge.id });
      }
    }
    state.edges = model.progress.outgoing(node.position);
  }

  #decidePending(): void {
    const { undecided } = this.model;
    while (!undecided.isEmpty && !this.isEnding && !this.#isPaused && !this.#isFull) {
      const node = this.model.nodeAt(undecided.pop() ?? 0);
      if (this.status(node) === 'pending') this.#decideNode(node);
    }
  }

  #decideNode(node: CompiledNode): void {
    const readiness = decideReadiness(this.model.progress.arrivals(node.position), node.join);
    switch (readiness.is) {
      case 'waiting':
        return;
      case 'skipped':
        this.step(node, { type: 'branch.died', reason: readiness.reason });
        return;
      case 'failed':
        return this.#refuseInputs(node, readiness.reason);
      case 'ready':
        return this.#makeReady(node);
    }
  }

  /** Resolves the input once, for good, and starts what needs no slot. */
  #makeReady(node: CompiledNode): void {
    const { model } = this;
    const inbound = model.inboundEdges(node);
    const taken = inbound
      .filter((edge) => model.progress.edge(edge.index) === 'taken')
      .map((edge) => ({ edge, scope: model.scopeOf(model.nodeAt(edge.source)) }));
    const resolved = resolveInput(node, taken, model.inputs, inbound.length);
    if (!resolved.ok) {
      return this.#refuseInputs(node, { code: resolved.code, message: resolved.message });
    }
    const issues = blockingIssues(node.validateInput?.(resolved.value) ?? []);
    if (issues.length > 0) {
      const message = issues.map((issue) => `${issue.path || '/'} ${issue.message}`).join('; ');
      return this.#refuseInputs(node, { code: 'input-invalid', message });
    }
    model.state(node).setInput(resolved.value);
    this.step(node, { type: 'inputs.resolved' });
    this.#begin(node, resolved.value);
  }

  #begin(node: CompiledNode, input: JsonValue | undefined): void {
    switch (node.kind) {
      case 'action':
        this.model.waiting.push(node);
        return;
      case 'switch':
      case 'join':
        this.model.state(node).setOutput(input, input === undefined ? null : JSON.stringify(input));
        this.step(node, { type: 'structure.decided' });
        return;
      case 'human-approval':
        this.step(node, { type: 'person.asked' });
        return;
    }
  }

  #refuseInputs(node: CompiledNode, reason: Reason): void {
    const type = node.onFailure === 'skip' ? 'branch.died' : 'inputs.refused';
    this.step(node, { type, reason });
  }

  #grantSlots(): void {
    const { model, services } = this;
    while (!this.isEnding && !this.#isPaused) {
      if (model.progress.count('running') >= model.record.concurrency) return;
      if (model.waiting.size === 0 || !services.slots.tryTake()) return;
      const node = model.nextWaiting();
      if (node === undefined) return services.slots.release();
      this.step(node, { type: 'slot.granted' });
    }
  }

  /** Interprets what the run's statechart wants. */
  #runIntentions(intentions: readonly string[]): void {
    if (intentions.includes('withdrawWork')) this.#beginWithdrawal();
    if (intentions.includes('expireGrace')) this.#expireGrace();
  }

  /** Takes an event to the run's statechart. */
  stepRun(event: Parameters<ActorTree['sendRun']>[0]): void {
    this.#runIntentions(this.tree.sendRun(event));
  }

  #beginWithdrawal(): void {
    const { model } = this;
    model.beginWithdrawal(this.tree.openNodes());
    this.#cancelUntouched();
    if (model.progress.count('running') > 0) {
      this.armTimer(GRACE_TIMER, undefined, this.turn.at + this.services.graceMs);
    }
  }

  /** Node runs that were never touched end together: one event, and no rows. */
  #cancelUntouched(): void {
    const { model, turn } = this;
    const untouched = model.graph.nodes.filter((node) => this.status(node) === 'pending');
    if (untouched.length === 0) return;
    for (const node of untouched) model.progress.change(node.position, 'cancelled');
    turn.event('nodes.cancelled', null, null, {
      from: 'pending',
      to: 'cancelled',
      count: untouched.length,
    });
  }

  #withdraw(): void {
    const { withdrawing } = this.model;
    const reason = { code: 'run-ending', message: 'the run is ending' };
    while (!this.#isFull) {
      const node = withdrawing.shift();
      if (node === undefined) return;
      if (isFinal(this.status(node)) || this.tree.stateOf(node.id) === 'stopping') continue;
      this.step(node, { type: 'work.withdrawn', reason });
    }
  }

  #expireGrace(): void {
    for (const id of this.tree.openNodes()) {
      const node = this.model.node(id);
      if (this.tree.stateOf(id) !== 'stopping') continue;
      this.closeAttempt(node, { outcome: 'cancelled' });
      this.step(node, { type: 'grace.over' });
    }
  }

  #hasMoreToDecide(): boolean {
    const { model } = this;
    if (model.withdrawing.size > 0) return true;
    return !this.isEnding && !this.#isPaused && !model.undecided.isEmpty;
  }

  get #isPaused(): boolean {
    return this.tree.runStatus === 'paused';
  }

  get #isFull(): boolean {
    return this.#touched.size >= this.services.maxTurnSize;
  }

  /** Names of node runs that keep the run from going on, with why; the first hundred. */
  #blockingNodes(): JsonValue {
    const { model } = this;
    return this.tree
      .openNodes()
      .slice(0, 100)
      .map(
        (id) =>
          ({ node: id, reason: { ...(model.state(model.node(id)).reason ?? {}) } }) as JsonValue,
      );
  }

  #storeChanges(): void {
    const { model, turn, tree } = this;
    const { run } = model.record;
    for (const node of this.#touched) {
      const state = model.state(node);
      turn.putNodeRun(state.toRecord(run, this.status(node), turn.at));
      const version = tree.settleNode(run, node.id, state.seq);
      if (version !== undefined) turn.putVersion(version);
    }
    const version = tree.settleRun(run, turn.seq);
    if (version !== undefined) turn.putVersion(version);
    model.seq = turn.seq;
  }
}

function isSuccess(event: NodeRunEvent): boolean {
  return event.type === 'attempt.succeeded' || event.type === 'response.accepted';
}

function nodeEventType(from: NodeStatus, step: NodeStep): string {
  if (step.state === 'backingOff') return 'node.retry-scheduled';
  if (step.state === 'stopping') return 'node.stopping';
  if (from === 'ready' && step.to === 'ready') return 'node.retry-due';
  return NODE_EVENT_TYPES[step.to];
}

function runEventType(from: RunStatus | null, to: RunStatus): string {
  if (from === null) return 'run.created';
  if (isFinal(to)) return `run.${to}`;
  if (to === 'ready') return 'run.admitted';
  return from === 'ready' && to === 'running' ? 'run.started' : 'run.status-changed';
}
