/**
 * Decides one turn of a run: takes events to the statecharts, and goes on until nothing more
 * happens without the outside world. Invariants: among node runs that can be decided the outer
 * scope goes first, then the lowest position; slots are granted in the order of readiness; a run
 * that is ending starts nothing but compensations; a run's status changes once per turn at most,
 * after all that caused it.
 */
import type { NodeRunEvent } from '../../machines/node-run-events.js';
import { isFinal, type NodeStatus, type RunStatus } from '../../machines/statuses.js';
import type { ReadyLanes } from '../admission/ready-lanes.js';
import { type AttemptRecord, COMPENSATIONS } from '../records.js';
import type { Turn } from '../turn.js';
import type { ActorTree, NodeStep } from './actor-tree.js';
import { storeArtifacts } from './artifacts.js';
import { beginDueCheck, checkKey } from './ask-handler.js';
import { handlerIn } from './attempt-work.js';
import { armRetryTimer, startAttempt, startFallback } from './attempts.js';
import { beginNode } from './begin-node.js';
import { armLimits, exhaustBudget, exhaustedFor, spendStep } from './budget.js';
import { abortionBy, isFatalItem } from './calling-off.js';
import { endHeld, goOnChecking } from './checks.js';
import { childOf } from './child.js';
import { pauseChildren, resumeChildren } from './child-pauses.js';
import type { Claim } from './claim.js';
import { lease, reportLacking, takesWork } from './claiming.js';
import { afterSettled } from './composites.js';
import type { Decider, DeciderServices } from './decider.js';
import { endStream } from './end-stream.js';
import {
  abandonScope,
  compensate,
  endEarly,
  expireGrace,
  settleStopped,
  withdraw,
} from './ending.js';
import { beginLevel } from './escalation.js';
import { failureActionOf } from './failure-policy.js';
import { checkDue, rests } from './held-product.js';
import { recordNodeStep, recordRunStatus } from './history.js';
import { closeTask, coverWithDefault, openTask } from './human-tasks.js';
import { refuseInputs, resolveNodeInput } from './node-input.js';
import { permitOf } from './permits.js';
import { decideReadiness } from './readiness.js';
import { restartFrom } from './restart.js';
import { reworkFrom } from './rework.js';
import { routeOnwards } from './route-onwards.js';
import type { RunModel, Ticket } from './run-model.js';
import type { NodeRun, Scope } from './scope.js';
import { boundStart } from './start-deadline.js';
import { cancelChild, startChild } from './tell-child.js';
import { armTimer, clearTimersOf } from './timers.js';

export class TurnDecider implements Decider {
  readonly model: RunModel;
  readonly tree: ActorTree;
  readonly turn: Turn;
  readonly services: DeciderServices;
  /** Status of the run as the log has it. */
  recordedStatus: RunStatus | null;
  /** A paused run takes the one step that it was asked for. */
  isStepping = false;
  claim: Claim | undefined;
  readonly #touched = new Set<NodeRun>();

  constructor(model: RunModel, tree: ActorTree, turn: Turn, services: DeciderServices) {
    this.model = model;
    this.tree = tree;
    this.turn = turn;
    this.services = services;
    this.recordedStatus = model.seq === 0 ? null : model.record.status;
  }

  get isEnding(): boolean {
    return this.tree.ending !== undefined;
  }

  /** Nothing that is due may start: an operator paused the run, or a person is asked about its budget. */
  get isHeld(): boolean {
    return this.isPaused || this.model.tasks.has('');
  }

  get isPaused(): boolean {
    return this.tree.runStatus === 'paused' && !this.isStepping;
  }

  /** The turn has changed as much as one turn may. */
  get isFull(): boolean {
    return this.#touched.size >= this.services.maxTurnSize;
  }

  /** Node runs that this turn has changed. */
  get touched(): ReadonlySet<NodeRun> {
    return this.#touched;
  }

  stateOf(run: NodeRun): string {
    return this.tree.stateOf(run.path);
  }

  /** Takes an event to a node run's statechart, and records what it decided. */
  step(run: NodeRun, event: NodeRunEvent): NodeStatus {
    const from = run.status;
    const step = this.tree.send(run.path, event);
    const given = HOLDS.has(step.state) ? undefined : this.model.work.held.get(run.path);
    // Given up in the middle of its checks: what it produced is kept all the same.
    if (given !== undefined) storeArtifacts(this, run, given.product.artifacts, 'rejected');
    run.takeContext(step.context);
    this.touch(run);
    if (from !== step.to) run.scope.progress.change(run.position, step.to);
    if (!WORKS.has(step.state) && this.model.work.freeSlot(run)) {
      this.services.slots.release(run.path, blameOf(event));
    }
    this.#countHosting(run, from, step);
    if (step.to === 'partial' && fails(event)) coverWithDefault(this, run);
    // What a loop kept of its iterations is nobody's output when it comes to nothing.
    if (GIVES_NOTHING.has(step.to)) run.setOutput(undefined);
    if (step.intentions.includes('closeTask')) closeTask(this, run, event);
    const isOpen = WORKS.has(step.state) || HOLDS.has(step.state);
    if (!isOpen) this.closeAttempt(run, { outcome: 'cancelled' });
    recordNodeStep(this, run, from, step, event);
    for (const intention of step.intentions) this.#carryOut(intention, run);
    if (given !== undefined) this.model.work.letGo(run);
    if (isFinal(step.to)) this.#settleFinal(run, step.to, event);
    return step.to;
  }

  /** The row of a node run has to be stored again. */
  touch(run: NodeRun): void {
    this.#touched.add(run);
  }

  /** Starts a ready node run: what needs a slot is put in line. */
  begin(run: NodeRun): void {
    beginNode(this, run);
  }

  /** Takes an event to the run's statechart. */
  stepRun(event: Parameters<ActorTree['sendRun']>[0]): void {
    const intentions = this.tree.sendRun(event);
    if (intentions.includes('pauseChildren')) pauseChildren(this);
    if (intentions.includes('resumeChildren')) resumeChildren(this);
    if (intentions.includes('withdrawWork')) endEarly(this);
    if (intentions.includes('expireGrace')) expireGrace(this);
  }

  /** Decides all that can be decided, grants slots, and settles the run's status. */
  finish(): void {
    // What the turn before this one had no room to call off must not go on.
    withdraw(this);
    this.#decide();
    this.#stopAndStart();
    // Starting work may have used up the budget: then only what undoes it may start.
    if (this.isEnding) this.#stopAndStart();
    if (this.isEnding) boundStart(this);
    const goesOn = this.#hasMoreToDecide();
    if (goesOn) this.turn.effects.push({ type: 'turn.continue' });
    if (this.model.lacking.size > 0) reportLacking(this);
    this.#settleProgress(goesOn);
    this.recordRunStatus();
    this.#storeChanges();
  }

  #stopAndStart(): void {
    withdraw(this);
    settleStopped(this);
    compensate(this);
    if (this.model.withdrawing.size > 0) return;
    this.#grant(this.model.waiting, () => true);
    if (this.claim !== undefined) this.#grantClaim(this.claim);
  }

  /** A run that goes on deciding is at work whatever it waits for: a process that stops now leaves it in motion. */
  #settleProgress(goesOn: boolean): void {
    // A run that was cancelled before it began has nothing to settle.
    if (isFinal(this.tree.runStatus) || (goesOn && this.isEnding)) return;
    const isHeldByTask = this.model.tasks.has('');
    const summary = this.model.summary(isHeldByTask);
    const going = goesOn ? { active: 1, unfinished: Math.max(1, summary.unfinished) } : {};
    this.tree.sendRun({ type: 'progress.settled', ...summary, ...going });
  }

  /** Records a change of the run's status since it was last recorded. */
  recordRunStatus(): void {
    recordRunStatus(this);
  }

  /** Closes the open attempt of a node run, if it has one. */
  closeAttempt(run: NodeRun, end: Partial<AttemptRecord> & Pick<AttemptRecord, 'outcome'>): void {
    const open = this.model.work.openAttempts.get(run.path);
    if (open === undefined) return;
    this.model.work.closeAttempt(run);
    this.turn.putAttempt({ ...open, endedAt: this.turn.at, ...end });
    endStream(this, open);
    clearTimersOf(this, run, ATTEMPT_TIMERS);
  }

  /** Key of a node run's current attempt, for whatever it does outside: stable over crashes, never reused. */
  attemptKey({ path, generation, attempt }: NodeRun): string {
    return `${this.model.record.id}/${path}/${generation}/${attempt}`;
  }

  #carryOut(intention: string, run: NodeRun): void {
    switch (intention) {
      case 'startAttempt':
        return startAttempt(this, run);
      case 'startFallback':
        return startFallback(this, run);
      case 'startChild':
        return startChild(this, run);
      case 'awaitSlot':
        return this.model.enqueue(run, handlerIn(this.stateOf(run), run));
      case 'abortAttempt':
        return this.abortWork(run);
      case 'armRetryTimer':
        return armRetryTimer(this, run);
      case 'startCheck':
        return goOnChecking(this, run);
      case 'beginLevel':
        return beginLevel(this, run);
      case 'openTask':
        return openTask(this, run);
      default:
        return;
    }
  }

  /** The run may start: now, and no sooner. */
  admit(): void {
    const { model } = this;
    this.tree.sendRun({ type: 'run.admitted' });
    this.recordRunStatus();
    this.tree.sendRun({ type: 'run.started' });
    this.recordRunStatus();
    armLimits(this);
    for (const position of model.root.graph.entries) model.noteUndecided(model.root, position);
    if (model.settings.isStepwise === true) this.stepRun({ type: 'pause.requested' });
  }

  /** The run starts at a later time. */
  schedule(startAt: number): void {
    armTimer(this, 'start', undefined, startAt);
    this.turn.event('run.scheduled', null, null, { startAt });
  }

  /** Tells what works for a node run to stop; where what it gave rests, nothing does. */
  abortWork(run: NodeRun): void {
    if (run.node.kind === 'subplan') {
      const child = childOf(run);
      return child && cancelChild(this, run, child);
    }
    if (rests(this.model.work, run)) {
      if (this.stateOf(run) === 'stopping') endHeld(this, run);
      return;
    }
    const key = this.model.work.held.has(run.path) ? checkKey(this, run) : this.attemptKey(run);
    this.turn.effects.push({ type: 'attempt.abort', node: run.path, key });
  }

  /** A composite at work is counted by what goes on inside it. */
  #countHosting(run: NodeRun, from: NodeStatus, step: NodeStep): void {
    if ((from === 'running') === (step.to === 'running')) return;
    const { kind } = run.node;
    const change = step.to === 'running' ? 1 : -1;
    if (kind === 'loop' || kind === 'map') this.model.hosting += change;
    const child = childOf(run);
    // A child that is called off while it waits is waited for no longer.
    if (child !== undefined && change === -1) this.model.countChild(child, change);
  }

  /** What a final node run means for those after it, for its scope, and for the run. */
  #settleFinal(run: NodeRun, status: NodeStatus, event: NodeRunEvent): void {
    const { model } = this;
    const { scope } = run;
    clearTimersOf(this, run);
    model.noteSettled(scope);
    if (this.isEnding || scope.aborted !== undefined) return;
    if (scope.isItems && isFatalItem(run)) return abandonScope(this, scope, run);
    if (scope.isList) return;
    if (status !== 'failed' && reworkFrom(this, run)) return;
    // What is superseded begins again, or is gone.
    if (event.type !== 'work.superseded') this.#pauseAtTarget(run);
    if (status !== 'failed') return routeOnwards(this, run, status);
    switch (failureActionOf(model.version.plan, run.node, run.reason?.class)) {
      case 'continue':
        return routeOnwards(this, run, status);
      case 'backtrack':
        if (restartFrom(this, run)) return;
        break;
      default:
    }
    this.abortScope(scope, run);
  }

  /** A node run that must not fail has failed: the run ends, or what its scope lies inside of fails. */
  abortScope(scope: Scope, run: NodeRun): void {
    if (scope.host !== undefined) return abandonScope(this, scope, run);
    this.stepRun({ type: 'node.aborted', reason: abortionBy(run) });
  }

  #decide(): void {
    const { model } = this;
    while (!this.isEnding && !this.isHeld && !this.isFull) {
      const run = model.nextUndecided();
      if (run !== undefined) {
        if (run.status === 'pending' && run.scope.aborted === undefined) this.#decideNode(run);
        continue;
      }
      const scope = model.nextSettled();
      if (scope === undefined) return;
      afterSettled(this, scope);
    }
  }

  #decideNode(run: NodeRun): void {
    const readiness = decideReadiness(run.scope.progress.arrivals(run.position), run.node.join);
    switch (readiness.is) {
      case 'waiting':
        return;
      case 'skipped':
        this.step(run, { type: 'branch.died', reason: readiness.reason });
        return;
      case 'failed':
        return refuseInputs(this, run, readiness.reason);
      case 'ready':
        if (resolveNodeInput(this, run)) this.begin(run);
    }
  }

  /** Gives the worker that asks what it can do. */
  #grantClaim(claim: Claim): void {
    this.#grant(
      this.model.offered,
      (run) => takesWork(this, claim, run),
      (run) => lease(this, claim, run),
    );
  }

  /**
   * Lets in what waits, in the order of readiness; what is not wanted, or has to wait for its handler, is
   * passed over.
   */
  #grant(
    lanes: ReadyLanes<Ticket>,
    isWanted: (run: NodeRun) => boolean,
    onStarted?: (run: NodeRun) => void,
  ): void {
    const { model, services } = this;
    lanes.openAll();
    while (!this.isHeld && model.work.slots < model.record.concurrency) {
      const run = model.nextIn(lanes);
      if (run === undefined || (this.isEnding && run.scope.path !== COMPENSATIONS)) return;
      if (!isWanted(run)) {
        lanes.shut();
        continue;
      }
      const isCheck = checkDue(model.work, run) !== undefined;
      const exhausted = isCheck ? undefined : exhaustedFor(this, run);
      if (exhausted !== undefined) return exhaustBudget(this, exhausted);
      const answer = services.slots.tryTake(permitOf(run));
      if (answer === 'busy') return;
      if (answer === 'shut') {
        lanes.shut();
        continue;
      }
      lanes.shift();
      model.work.takeSlot(run);
      if (isCheck) {
        beginDueCheck(this, run);
        continue;
      }
      spendStep(this, run);
      this.step(run, { type: 'slot.granted' });
      onStarted?.(run);
    }
  }

  /** A run that was to go on until certain nodes are final pauses when the last of them is. */
  #pauseAtTarget(run: NodeRun): void {
    const { until } = this.model.settings;
    if (until === undefined || run.scope !== this.model.root || !until.includes(run.path)) return;
    // A replan may have removed some of them.
    if (!until.every((id) => isFinal(this.model.find(id)?.status ?? 'cancelled'))) return;
    this.turn.event('run.target-reached', null, null, { nodes: [...until] });
    this.stepRun({ type: 'pause.requested' });
  }

  #hasMoreToDecide(): boolean {
    const { model } = this;
    if (model.withdrawing.size > 0) return true;
    return !this.isEnding && !this.isHeld && model.hasUndecided;
  }

  #storeChanges(): void {
    const { model, turn, tree } = this;
    const { run: number } = model.record;
    for (const run of this.#touched) {
      turn.putNodeRun(run.toRecord(number, turn.at));
      const version = tree.settleNode(number, run.path, run.seq);
      if (version !== undefined) turn.putVersion(version);
    }
    const version = tree.settleRun(number, turn.seq);
    if (version !== undefined) turn.putVersion(version);
    model.seq = turn.seq;
  }
}

/** Whether the handler is at fault for what ended its work. */
function blameOf(event: NodeRunEvent): 'ok' | 'failed' | 'other' {
  if (event.type === 'attempt.succeeded' || event.type === 'person.asked') return 'ok';
  return event.type === 'attempt.failed' && BLAMED.has(event.failure.class) ? 'failed' : 'other';
}

/** Classes of failure that a circuit breaker counts. */
const BLAMED: ReadonlySet<string> = new Set(['exception', 'timeout', 'heartbeat']);
/** States in which a product may be under check. */
const HOLDS: ReadonlySet<string> = new Set([
  'checking',
  'checkingFallback',
  'judging',
  'judgingFallback',
  'stopping',
]);
/** States in which a node run is at work, and keeps the slot that it was granted. */
const WORKS: ReadonlySet<string> = new Set([
  'working',
  'fallback',
  'checking',
  'checkingFallback',
  'stopping',
]);
const ATTEMPT_TIMERS = ['timeout', 'heartbeat', 'lease'] as const;
const GIVES_NOTHING: ReadonlySet<NodeStatus> = new Set(['failed', 'skipped', 'cancelled']);
/** Whether a node run that it makes partial has its default output. */
function fails(event: NodeRunEvent): boolean {
  if (event.type === 'deadline.passed') return event.otherwise !== 'default';
  return event.type === 'attempt.failed' || event.type === 'attempt.interrupted';
}
