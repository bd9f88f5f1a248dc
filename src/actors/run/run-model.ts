/**
 * All that a resident run knows beside its statecharts: the pinned plan, the scopes at work with
 * their node runs, open tasks, timers and signals, and what is left to decide. Rebuilt from rows;
 * asks nothing.
 */
import type { Reason } from '../../machines/node-run-events.js';
import type { ProgressSummary } from '../../machines/run-events.js';
import { isFinal, type NodeStatus, type RunStatus } from '../../machines/statuses.js';
import type { JsonObject, JsonValue } from '../../plan/json.js';
import type { CompiledEdge, EdgeScope, PlanGraph, PlanVersion } from '../../plan/plan-version.js';
import { ReadyLanes } from '../admission/ready-lanes.js';
import { Fifo } from '../fifo.js';
import {
  type AttemptRecord,
  COMPENSATIONS,
  type RunRecord,
  type RunSettings,
  type RunUsage,
  type SignalRecord,
  type StoredRun,
  type TaskRecord,
  type TimerRecord,
} from '../records.js';
import { childOf } from './child.js';
import { compensationGraph } from './compensation-graph.js';
import { failureActionOf } from './failure-policy.js';
import { concurrencyKeyOf, laneOf } from './permits.js';
import { Tally } from './progress.js';
import { decideReadiness } from './readiness.js';
import { type NodeRun, Scope, scopePathOf } from './scope.js';
import { scopeOfHost } from './scope-of-host.js';

const NOTHING_USED: RunUsage = { steps: 0, attempts: 0, restarts: 0, cost: 0, tokens: 0 };

/** A place in line. One that was ready, was renewed and is ready again waits in its new place. */
interface Ticket {
  readonly run: NodeRun;
  readonly number: number;
}

export class RunModel {
  readonly inputs: JsonValue;
  readonly settings: RunSettings;
  readonly tally = new Tally();
  version: PlanVersion;
  root: Scope;
  record: RunRecord;
  usage: RunUsage;
  /** Number of the newest event. */
  seq = 0;
  /** Ready node runs that wait for a slot, in the order in which they became ready. */
  readonly waiting = new ReadyLanes<Ticket>();
  #tickets = 0;
  /** Node runs that have to be withdrawn. */
  readonly withdrawing = new Fifo<NodeRun>();
  /** Open tasks by the path of their node run; the run's own is under the empty path. */
  readonly tasks = new Map<string, TaskRecord>();
  readonly timers = new Map<string, TimerRecord>();
  readonly openAttempts = new Map<string, AttemptRecord>();
  readonly artifactVersions = new Map<string, number>();
  /** By id, in the order in which they came. */
  readonly signals = new Map<string, SignalRecord>();
  /** Number of node runs that hold a slot. */
  working = 0;
  /** Running composites: what they amount to is counted inside them. */
  hosting = 0;
  /** Subplans whose run awaits a person. */
  awaitingInside = 0;
  readonly #scopes = new Map<string, Scope>();
  readonly #agitated = new Set<Scope>();
  readonly #settled = new Set<Scope>();

  constructor(record: RunRecord, version: PlanVersion) {
    this.record = record;
    this.version = version;
    this.inputs = JSON.parse(record.inputJson) as JsonValue;
    this.settings = parse<RunSettings>(record.settingsJson) ?? {};
    this.usage = parse<RunUsage>(record.usageJson) ?? NOTHING_USED;
    this.root = this.addScope({ path: '', graph: version.graph });
  }

  static fromStored(stored: StoredRun, version: PlanVersion): RunModel {
    const model = new RunModel(stored.record, version);
    model.seq = stored.seq;
    model.#restoreNodeRuns(stored);
    for (const task of stored.openTasks) model.tasks.set(task.node, task);
    for (const timer of stored.timers) model.keepTimer(timer);
    for (const attempt of stored.openAttempts) model.openAttempts.set(attempt.node, attempt);
    for (const signal of stored.signals) model.signals.set(signal.id, signal);
    for (const artifact of stored.artifacts) {
      model.artifactVersions.set(artifact.name, artifact.version);
      model.keepArtifact(artifact);
    }
    for (const path of model.openAttempts.keys()) model.takeSlot(model.nodeRun(path));
    for (const scope of model.#scopes.values()) {
      for (const run of scope.touchedRuns()) model.#countHost(run);
    }
    return model;
  }

  // Scopes and node runs ---------------------------------------------------------------------

  addScope(params: {
    readonly path: string;
    readonly graph: PlanGraph;
    readonly host?: NodeRun;
    readonly loop?: JsonObject;
  }): Scope {
    const scope = new Scope({ ...params, tally: this.tally });
    this.#scopes.set(scope.path, scope);
    if (params.host !== undefined) params.host.scope.children += 1;
    return scope;
  }

  /** Forgets a scope in which nothing goes on any more; its rows are history. */
  closeScope(scope: Scope): void {
    this.#scopes.delete(scope.path);
    this.#agitated.delete(scope);
    this.#settled.delete(scope);
    scope.progress.retire();
    if (scope.host === undefined) return;
    scope.host.scope.children -= 1;
    this.noteSettled(scope.host.scope);
  }

  scope(path: string): Scope | undefined {
    return this.#scopes.get(path);
  }

  /** All scopes at work, those around before those inside. */
  scopes(): IterableIterator<Scope> {
    return this.#scopes.values();
  }

  /** The scope itself, and all scopes inside it. */
  scopesWithin(scope: Scope): Scope[] {
    const isWithin = (inner: Scope | undefined): boolean =>
      inner !== undefined && (inner === scope || isWithin(inner.host?.scope));
    return [...this.#scopes.values()].filter(isWithin);
  }

  /** The node run with this path, touched or not; undefined where no scope at work has it. */
  find(path: string): NodeRun | undefined {
    const scope = this.#scopes.get(scopePathOf(path));
    const position = scope?.positionOf(path);
    if (scope === undefined || position === undefined) return undefined;
    return position < scope.graph.nodes.length ? scope.at(position) : undefined;
  }

  nodeRun(path: string): NodeRun {
    const run = this.find(path);
    if (run === undefined) throw new Error(`there is no node run "${path}"`);
    return run;
  }

  /** Outer scopes first, then by the positions of what they lie in, then by their own. */
  inPlanOrder(runs: readonly NodeRun[]): NodeRun[] {
    const scopes = [...new Set(runs.map((run) => run.scope))];
    const places = new Map(scopes.map((scope) => [scope, placeOf(scope)]));
    const order = new Map(
      scopes
        .sort((a, b) => comparePlaces(places.get(a) ?? [], places.get(b) ?? []))
        .map((scope, index) => [scope, index]),
    );
    const rank = (run: NodeRun) => order.get(run.scope) ?? order.size;
    return [...runs].sort((a, b) => rank(a) - rank(b) || a.position - b.position);
  }

  takeSlot(run: NodeRun): void {
    if (run.hasSlot) return;
    run.hasSlot = true;
    this.working += 1;
  }

  /** A child that does not go on by itself makes its parent wait for the same. */
  countChild(status: RunStatus, number: 1 | -1): void {
    if (status !== 'awaiting-human' && status !== 'blocked' && status !== 'paused') return;
    this.hosting += number;
    if (status === 'awaiting-human') this.awaitingInside += number;
  }

  /** Gives a slot back; false where it had none. */
  freeSlot(run: NodeRun): boolean {
    if (!run.hasSlot) return false;
    run.hasSlot = false;
    this.working -= 1;
    return true;
  }

  /** Goes on with a plan version that has more nodes and edges; what is decided stays decided. */
  extend(version: PlanVersion): void {
    const before = this.root;
    before.progress.retire();
    this.#agitated.delete(before);
    this.version = version;
    this.record = { ...this.record, planHash: version.hash };
    before.extend(version.graph, this.tally);
    if (!before.undecided.isEmpty) this.#agitated.add(before);
  }

  // What is left to decide -------------------------------------------------------------------

  /** A pending node's inbound edges may say enough to decide it. */
  noteUndecided(scope: Scope, position: number): void {
    scope.undecided.push(position);
    this.#agitated.add(scope);
  }

  /** A scope may have come to its end, or have room for more items. */
  noteSettled(scope: Scope): void {
    if (scope.isItems || (scope.host !== undefined && scope.isSettled)) this.#settled.add(scope);
  }

  get hasUndecided(): boolean {
    return this.#agitated.size > 0 || this.#settled.size > 0;
  }

  /** The pending node run to look at next: outer scopes first, then by position. */
  nextUndecided(): NodeRun | undefined {
    const scope = firstOf(this.#agitated, this.#scopes);
    const position = scope?.undecided.pop();
    if (scope === undefined || position === undefined) return undefined;
    if (scope.undecided.isEmpty) this.#agitated.delete(scope);
    return scope.at(position);
  }

  /** In the same order, so that a restart changes nothing. */
  nextSettled(): Scope | undefined {
    const scope = firstOf(this.#settled, this.#scopes);
    if (scope !== undefined) this.#settled.delete(scope);
    return scope;
  }

  /** A ready node run waits to be let in. */
  enqueue(run: NodeRun): void {
    const key = concurrencyKeyOf(run, this.scopeOf(run));
    run.key = key?.ok ? String(key.value) : undefined;
    this.#tickets += 1;
    run.ticket = this.#tickets;
    this.waiting.push(laneOf(run), { run, number: run.ticket });
  }

  /** The longest waiting ready node run that is not to be passed over; those that left ready are dropped. */
  nextWaiting(): NodeRun | undefined {
    for (;;) {
      const ticket = this.waiting.peek();
      if (ticket === undefined) return undefined;
      const { run, number } = ticket;
      if (run.ticket === number && run.status === 'ready' && !run.hasSlot) return run;
      this.waiting.shift();
    }
  }

  // Values -----------------------------------------------------------------------------------

  /** Edges that lead to a node run, in edge order. */
  inboundEdges({ scope, position }: NodeRun): readonly CompiledEdge[] {
    const { inStart, inEdges, edges } = scope.graph;
    const inbound: CompiledEdge[] = [];
    for (let i = inStart[position] ?? 0; i < (inStart[position + 1] ?? 0); i++) {
      const edge = edges[inEdges[i] ?? -1];
      if (edge !== undefined) inbound.push(edge);
    }
    return inbound;
  }

  /** What the expressions about a node run, and on its outgoing edges, may see. */
  scopeOf(run: NodeRun): EdgeScope {
    const { input, output, outcome, action } = run.view();
    return {
      inputs: this.inputs,
      loop: loopOf(run.scope),
      input,
      output,
      outcome,
      action,
      node: (id) => this.finishedView(run.scope, id),
    };
  }

  /** A finished node by id, looked for in the scope and then in those around it. */
  finishedView(scope: Scope, id: string) {
    for (let within: Scope | undefined = scope; within; within = within.host?.scope) {
      const position = within.graph.positionOf.get(id);
      if (position === undefined) continue;
      return isFinal(within.progress.status(position))
        ? within.touched(position)?.view()
        : undefined;
    }
    return undefined;
  }

  /** Outputs of the last nodes of a scope, by id. */
  outputsOf(scope: Scope): JsonObject {
    const outputs: JsonObject = Object.create(null) as JsonObject;
    for (const position of scope.graph.exits) {
      const run = scope.touched(position);
      if (run?.output !== undefined) outputs[scope.node(position).id] = run.output;
    }
    return outputs;
  }

  keepArtifact(artifact: {
    readonly node: string;
    readonly name: string;
    readonly kind: string;
    readonly version: number;
    readonly pointer: string | null;
    readonly payloadJson: string | null;
  }): void {
    const run = this.find(artifact.node);
    // Of an iteration that is history.
    if (run === undefined) return;
    run.artifacts ??= Object.create(null) as { [name: string]: JsonValue };
    run.artifacts[artifact.name] = {
      name: artifact.name,
      kind: artifact.kind,
      version: artifact.version,
      pointer: artifact.pointer,
      payload:
        artifact.payloadJson === null ? null : (JSON.parse(artifact.payloadJson) as JsonValue),
    };
  }

  keepTimer(timer: TimerRecord): void {
    this.timers.set(timer.id, timer);
    const run = timer.node === '' ? undefined : this.find(timer.node);
    if (run === undefined) return;
    run.timers ??= new Set();
    run.timers.add(timer.kind);
  }

  dropTimer(timer: TimerRecord): void {
    this.timers.delete(timer.id);
    if (timer.node !== '') this.find(timer.node)?.timers?.delete(timer.kind);
  }

  // What it amounts to -----------------------------------------------------------------------

  /** What all node runs amount to. While `isHeld` nothing that is ready goes on. */
  summary(isHeld: boolean): ProgressSummary {
    const { tally, root } = this;
    const ready = isHeld ? 0 : tally.count('ready');
    const tolerated = root.progress.count('partial') + root.progress.count('failed');
    return {
      active: ready + tally.count('running') - this.hosting,
      awaitingHuman: tally.count('awaiting-human') + this.awaitingInside + (isHeld ? 1 : 0),
      unfinished: tally.unfinished,
      tolerated,
      isShort: tolerated > 0 && this.#isShort(),
    };
  }

  /** Whether fewer of the nodes that ran succeeded than the plan asks for. */
  #isShort(): boolean {
    const minShare = this.version.plan.completion?.minShare ?? 0;
    const { progress } = this.root;
    const succeeded = progress.count('completed') + progress.count('partial');
    const ran = succeeded + progress.count('failed');
    return ran > 0 && succeeded < minShare * ran;
  }

  /** Number of node runs of the plan itself with each status. */
  counts(): Record<NodeStatus, number> {
    return this.root.progress.counts();
  }

  // After a restart --------------------------------------------------------------------------

  #restoreNodeRuns({ nodeRuns }: StoredRun): void {
    const byScope = groupByScope(nodeRuns);
    const open = [''];
    for (let path = open.shift(); path !== undefined; path = open.shift()) {
      const scope = this.#scopes.get(path);
      for (const row of byScope.get(path) ?? []) {
        const position = scope?.positionOf(row.node);
        if (scope === undefined || position === undefined) continue;
        const run = scope.at(position);
        run.restore(row);
        scope.progress.restore(position, row.status);
        scope.progress.restoreOutgoing(position, row.edges);
      }
      for (const run of scope?.touchedRuns() ?? []) {
        const inside = this.#restoreInside(run);
        if (inside !== undefined) open.push(inside.path);
      }
    }
    this.#restoreScopeOrder();
    const undone = byScope.get(COMPENSATIONS);
    if (undone !== undefined) this.#restoreCompensations(undone);
  }

  /** As they began: the newest event of a host is the one that began what is at work inside it. */
  #restoreScopeOrder(): void {
    const began = new Map<Scope, number>();
    for (const scope of this.#scopes.values()) {
      const around = scope.host && began.get(scope.host.scope);
      began.set(scope, Math.max(scope.host?.seq ?? 0, around ?? 0));
    }
    const sorted = [...began].sort(([, a], [, b]) => a - b);
    this.#scopes.clear();
    for (const [scope] of sorted) this.#scopes.set(scope.path, scope);
  }

  #countHost(run: NodeRun): void {
    if (run.status !== 'running') return;
    if (run.node.kind === 'loop' || run.node.kind === 'map') this.hosting += 1;
    const child = childOf(run);
    if (child !== undefined) this.countChild(child.status, 1);
  }

  #restoreInside(run: NodeRun): Scope | undefined {
    if (run.status !== 'running' || run.inside === null) return undefined;
    const params = scopeOfHost(run, this.scopeOf(run));
    return params === undefined ? undefined : this.addScope({ ...params, host: run });
  }

  #restoreCompensations(rows: StoredRun['nodeRuns']): void {
    const scope = this.addScope({ path: COMPENSATIONS, graph: compensationGraph(this.root) });
    for (const row of rows) {
      const position = scope.positionOf(row.node);
      if (position === undefined) continue;
      scope.at(position).restore(row);
      scope.progress.restore(position, row.status);
    }
  }

  /**
   * Finds again what a stopped process had left to decide: pending nodes whose inbound edges say
   * enough, scopes that came to their end, and ready nodes in the order of their events. `stateOf`
   * tells the inner state of a node run.
   */
  resumeDecisions(stateOf: (run: NodeRun) => string): void {
    const ready: NodeRun[] = [];
    for (const scope of this.#scopes.values()) {
      for (const run of scope.touchedRuns()) {
        if (run.status === 'ready' && stateOf(run) === 'due') ready.push(run);
      }
      if (scope.host !== undefined && stateOf(scope.host) === 'stopping') this.#resumeStop(scope);
      this.#resumeAbortion(scope);
      this.#resumeRaces(scope);
      if (!scope.isList && scope.aborted === undefined) this.#resumePending(scope);
      this.noteSettled(scope);
    }
    ready.sort((a, b) => a.seq - b.seq);
    for (const run of ready) this.enqueue(run);
  }

  /** A node run that must not fail has failed: everything else in its scope was called off. */
  #resumeAbortion(scope: Scope): void {
    if (scope.host === undefined) return;
    const culprit = [...scope.touchedRuns()].find((run) => this.#isFatal(run));
    if (culprit === undefined) return;
    scope.aborted = scope.isItems ? abortionByItem(culprit) : abortionBy(culprit);
    const open = [...scope.touchedRuns()].filter((run) => !isFinal(run.status));
    this.beginWithdrawal(open);
    cancelUntouched(scope);
  }

  #isFatal(run: NodeRun): boolean {
    if (run.status !== 'failed') return false;
    if (run.scope.isItems) return isFatalItem(run);
    return failureActionOf(this.version.plan, run.node, run.reason?.class) !== 'continue';
  }

  /** What lies inside a composite that was told to stop goes with it. */
  #resumeStop(scope: Scope): void {
    cancelUntouched(scope);
    this.beginWithdrawal([...scope.touchedRuns()].filter(({ status }) => !isFinal(status)));
  }

  /** Branches that a join has made pointless, as far as they were not called off yet. */
  #resumeRaces(scope: Scope): void {
    for (const run of [...scope.touchedRuns()]) {
      if (run.status !== 'completed') continue;
      const rest = (run.node.join?.rest ?? []).map((position) => scope.at(position));
      this.beginWithdrawal(rest.filter((branch) => !isFinal(branch.status)));
    }
  }

  #resumePending(scope: Scope): void {
    const { nodes } = scope.graph;
    for (let position = 0; position < nodes.length; position++) {
      if (scope.progress.status(position) !== 'pending') continue;
      const arrivals = scope.progress.arrivals(position);
      const { join } = scope.node(position);
      if (decideReadiness(arrivals, join).is !== 'waiting') this.noteUndecided(scope, position);
    }
  }

  /** Puts node runs that have to be withdrawn in line, in plan order. */
  beginWithdrawal(runs: readonly NodeRun[]): void {
    for (const run of this.inPlanOrder(runs)) this.withdrawing.push(run);
  }

  /** Goes on withdrawing work from a run that was ending. Untouched nodes were cancelled when it began. */
  resumeEnding(open: readonly NodeRun[]): void {
    const scopes = [...this.#scopes.values()].filter(({ path }) => path !== COMPENSATIONS);
    const others = open.filter((run) => run.scope.path !== COMPENSATIONS);
    this.beginWithdrawal([...others, ...scopes.flatMap(pendingAgain)]);
    for (const scope of scopes) cancelUntouched(scope);
  }
}

/** Positions of the composites that a scope lies in, the outermost first. */
function placeOf({ host }: Scope): number[] {
  return host === undefined ? [] : [...placeOf(host.scope), host.position];
}

function comparePlaces(a: readonly number[], b: readonly number[]): number {
  if (a.length !== b.length) return a.length - b.length;
  const differing = a.findIndex((position, depth) => position !== b[depth]);
  return differing === -1 ? 0 : (a[differing] ?? 0) - (b[differing] ?? 0);
}

/** Why a scope is called off, from the node run that failed in it. */
export function abortionBy({ reason, path }: NodeRun): Reason {
  const { code, message, class: failureClass } = reason ?? { code: 'failed', message: 'it failed' };
  return {
    code,
    message,
    ...(failureClass !== undefined && { class: failureClass }),
    detail: { node: path },
  };
}

/** An item whose failure calls off all of its map. */
export function isFatalItem({ scope, status }: NodeRun): boolean {
  return status === 'failed' && scope.host?.node.map?.policy === 'fail-fast';
}

/** Why the items of a map are called off, from the one that failed. */
export function abortionByItem(item: NodeRun): Reason {
  return { ...abortionBy(item), class: 'item' };
}

/** Node runs of a scope that were never touched are cancelled; returns how many. */
export function cancelUntouched(scope: Scope): number {
  const { progress, graph } = scope;
  let count = 0;
  if (progress.count('pending') === 0) return count;
  for (let position = 0; position < graph.nodes.length; position++) {
    if (progress.status(position) !== 'pending' || isAgain(scope.touched(position))) continue;
    progress.change(position, 'cancelled');
    count += 1;
  }
  return count;
}

/** Pending node runs of a scope that have a row: they were reset to a further generation. */
export function pendingAgain(scope: Scope): NodeRun[] {
  return [...scope.touchedRuns()].filter((run) => run.status === 'pending' && isAgain(run));
}

function isAgain(run: NodeRun | undefined): boolean {
  return run !== undefined && run.generation > 1;
}

function groupByScope(rows: StoredRun['nodeRuns']): Map<string, StoredRun['nodeRuns'][number][]> {
  const groups = new Map<string, StoredRun['nodeRuns'][number][]>();
  for (const row of rows) {
    const group = groups.get(row.scope);
    if (group === undefined) groups.set(row.scope, [row]);
    else group.push(row);
  }
  return groups;
}

function loopOf(scope: Scope): JsonObject | undefined {
  for (let within: Scope | undefined = scope; within; within = within.host?.scope) {
    if (within.loop !== undefined) return within.loop;
  }
  return undefined;
}

/** The member of `set` that comes first in `order`. */
function firstOf(set: ReadonlySet<Scope>, order: ReadonlyMap<string, Scope>): Scope | undefined {
  if (set.size < 2) return set.values().next().value;
  for (const scope of order.values()) if (set.has(scope)) return scope;
  return undefined;
}

function parse<T>(json: string | null): T | undefined {
  return json === null ? undefined : (JSON.parse(json) as T);
}
