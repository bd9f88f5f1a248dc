/**
 * All that a resident run knows beside its statecharts: the pinned plan, the scopes at work with
 * their node runs, open tasks, timers and signals, and what is left to decide. Asks nothing;
 * restore-model.ts makes it again from rows.
 */
import type { ProgressSummary } from '../../machines/run-events.js';
import { isFinal, type NodeStatus } from '../../machines/statuses.js';
import type { JsonObject, JsonValue } from '../../plan/json.js';
import type { EdgeScope, PlanGraph, PlanVersion } from '../../plan/plan-version.js';
import { RecentMap } from '../../recent-map.js';
import { ReadyLanes } from '../admission/ready-lanes.js';
import { Fifo } from '../fifo.js';
import type { PlaceOfWork } from '../handlers.js';
import { pastPlans } from '../past-plans.js';
import {
  type ArtifactRecord,
  type IdempotencyKeyRecord,
  MAX_IDEMPOTENCY_KEYS,
  type NodeRunRecord,
  type ResponseRecord,
  type RunRecord,
  type RunSettings,
  type RunUsage,
  type SignalRecord,
  type TaskRecord,
  type TimerRecord,
} from '../records.js';
import type { Child } from './child.js';
import { checkDue } from './held-product.js';
import { OfferedLanes } from './offered-lanes.js';
import { concurrencyKeyOf, laneOf } from './permits.js';
import { Tally } from './progress.js';
import { type NodeRun, Scope, scopePathOf } from './scope.js';
import { WorkUnderWay } from './work-under-way.js';

const NOTHING_USED: RunUsage = { steps: 0, attempts: 0, restarts: 0, cost: 0, tokens: 0 };

/** A place in line. One that was ready, was renewed and is ready again waits in its new place. */
export interface Ticket {
  readonly run: NodeRun;
  readonly number: number;
  /** Key of the handler that is to work for it. */
  readonly handler: string;
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
  /** Ready node runs, and checks of answers, that wait for a slot, in the order in which they came to. */
  readonly waiting = new ReadyLanes<Ticket>();
  /** Those that wait for a worker outside, likewise. */
  readonly offered = new OfferedLanes<Ticket>(({ handler }) => handler);
  /** Those that have come to wait for a process with the version of the handler that they need: to be told of. */
  readonly lacking = new Set<NodeRun>();
  readonly #place: (handler: string) => PlaceOfWork;
  #tickets = 0;
  /** Node runs that have to be withdrawn. */
  readonly withdrawing = new Fifo<NodeRun>();
  /** Open tasks by the path of their node run; the run's own is under the empty path. */
  readonly tasks = new Map<string, TaskRecord>();
  /** Answers to open tasks that have not decided them, by task. */
  readonly votes = new Map<string, ResponseRecord[]>();
  readonly timers = new Map<string, TimerRecord>();
  readonly work = new WorkUnderWay();
  /** Newest version of each artifact's name, whoever made it. */
  readonly artifactVersions = new Map<string, number>();
  /** Newest rows of nodes that a plan of the run once had: their generations are not used again. */
  readonly removed = new Map<string, NodeRunRecord>();
  /** By id, in the order in which they came. */
  readonly signals = new Map<string, SignalRecord>();
  /** What calls were answered, by their idempotency keys, oldest first. */
  readonly answers = new RecentMap<string, IdempotencyKeyRecord>(MAX_IDEMPOTENCY_KEYS);
  /** Running composites: what they amount to is counted inside them. */
  hosting = 0;
  /** Subplans whose run awaits a person. */
  awaitingInside = 0;
  readonly #scopes = new Map<string, Scope>();
  readonly #agitated = new Set<Scope>();
  readonly #settled = new Set<Scope>();

  /** `place` says where the work of a handler is done; here unless given. */
  constructor(
    record: RunRecord,
    version: PlanVersion,
    place: (handler: string) => PlaceOfWork = () => 'here',
  ) {
    this.#place = place;
    this.record = record;
    this.version = version;
    this.inputs = JSON.parse(record.inputJson) as JsonValue;
    this.settings = parse<RunSettings>(record.settingsJson) ?? {};
    this.usage = parse<RunUsage>(record.usageJson) ?? NOTHING_USED;
    this.root = this.addScope({ path: '', graph: version.graph });
  }

  /** Remembers what a call was answered. */
  keepAnswer(record: IdempotencyKeyRecord): void {
    this.answers.set(record.key, record);
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

  /** Puts the scopes at work in the order in which they began. */
  arrangeScopes(order: readonly Scope[]): void {
    this.#scopes.clear();
    for (const scope of order) this.#scopes.set(scope.path, scope);
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

  // Plans and children -----------------------------------------------------------------------

  /** A child that does not go on by itself makes its parent wait for the same. */
  countChild({ status, pause }: Child, number: 1 | -1): void {
    if (status !== 'awaiting-human' && status !== 'blocked' && status !== 'paused') return;
    if (pause === 'ending') return;
    this.hosting += number;
    if (status === 'awaiting-human') this.awaitingInside += number;
  }

  /** Goes on with a plan version that has more nodes and edges; what is decided stays decided. */
  extend(version: PlanVersion): void {
    const before = this.root;
    before.progress.retire();
    this.#agitated.delete(before);
    // All that the version before has is in this one too.
    this.version = version;
    this.record = { ...this.record, planHash: version.hash };
    before.extend(version.graph, this.tally);
    if (!before.undecided.isEmpty) this.#agitated.add(before);
  }

  /** Goes on with another plan version; the node runs that it has no place for leave, and are returned. */
  adopt(version: PlanVersion): NodeRun[] {
    const { root } = this;
    root.progress.retire();
    this.#agitated.delete(root);
    // What the version before calls secret stays so.
    const pastPlansJson = pastPlans(this.record, this.version.plan);
    this.version = version;
    this.record = { ...this.record, planHash: version.hash, pastPlansJson };
    return root.adopt(version.graph, this.tally);
  }

  // What is left to decide -------------------------------------------------------------------

  /** An open task by its id. */
  taskById(id: string): TaskRecord | undefined {
    return [...this.tasks.values()].find((task) => task.id === id);
  }

  /** Answers to an open task that have not decided it, oldest first. */
  votesOn(task: string): readonly ResponseRecord[] {
    return this.votes.get(task) ?? [];
  }

  /** An answer that decides nothing yet. */
  keepVote(vote: ResponseRecord): void {
    this.votes.set(vote.task, [...this.votesOn(vote.task), vote]);
  }

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

  /** A ready node run waits to be let in; `handler` is to work for it. */
  enqueue(run: NodeRun, handler: string): void {
    const ticket = this.#ticketFor(run, handler);
    const place = this.#place(handler);
    if (place === 'nowhere') return void this.lacking.add(run);
    const lanes = place === 'outside' ? this.offered : this.waiting;
    lanes.push(laneOf(run), ticket);
  }

  /** What people have answered waits for a handler that judges it; checks are made here. */
  enqueueCheck(run: NodeRun, handler: string): void {
    const ticket = this.#ticketFor(run, handler);
    if (this.#place(handler) !== 'here') return void this.lacking.add(run);
    this.waiting.push(laneOf(run), ticket);
  }

  #ticketFor(run: NodeRun, handler: string): Ticket {
    run.handler = handler;
    const key = concurrencyKeyOf(run, (one) => this.scopeOf(one));
    run.key = key?.ok ? key.value : undefined;
    this.#tickets += 1;
    run.ticket = this.#tickets;
    return { run, number: run.ticket, handler };
  }

  /** The longest waiting node run that is not to be passed over; those that wait no longer are dropped. */
  nextIn(lanes: ReadyLanes<Ticket>): NodeRun | undefined {
    for (;;) {
      const ticket = lanes.peek();
      if (ticket === undefined) return undefined;
      const { run, number } = ticket;
      const isDue = run.status === 'ready' || checkDue(this.work, run) !== undefined;
      if (run.ticket === number && isDue && !run.hasSlot) return run;
      lanes.shift();
    }
  }

  /** Puts node runs that have to be withdrawn in line, in plan order. */
  beginWithdrawal(runs: readonly NodeRun[]): void {
    for (const run of this.inPlanOrder(runs)) this.withdrawing.push(run);
  }

  // Values -----------------------------------------------------------------------------------

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

  /** What downstream sees of artifacts: the newest accepted one of each name, of the node run as it is now. */
  keepArtifact(artifact: Omit<ArtifactRecord, 'run' | 'at' | 'attempt' | 'schemaJson'>): void {
    const { node, name, kind, version, pointer, payloadJson, generation, standing } = artifact;
    const run = this.find(node);
    // Of an iteration or a generation that is history.
    if (run === undefined || run.generation !== generation || standing === 'rejected') return;
    run.artifacts ??= Object.create(null) as { [name: string]: JsonValue };
    const payload = payloadJson === null ? null : (JSON.parse(payloadJson) as JsonValue);
    run.artifacts[name] = { name, kind, version, pointer, payload };
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
