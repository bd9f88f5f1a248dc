/**
 * A scheduler as simple as can be, to compare the kernel with. It knows no queues of undecided
 * nodes, no counters and no turns: after each thing that happens it looks at the whole again, until
 * nothing changes. Conditions, expressions and schemas are taken from the compiled plan.
 */
import type { NodeStatus, RunStatus } from '../../src/machines/statuses.js';
import { compilePlanOrThrow } from '../../src/plan/compile.js';
import type { JsonObject, JsonValue } from '../../src/plan/json.js';
import type {
  CompiledEdge,
  FailureAction,
  PersonCheck,
  PlanVersion,
} from '../../src/plan/plan-version.js';
import { draftOfSubplan } from '../../src/plan/subplans.js';
import { afterInside, beginLoop, beginMap, isInsideDue } from './reference-composites.js';
import {
  type Held,
  lastOutputs,
  lookup,
  ModelRun,
  ModelScope,
  type ReferenceEdge,
  resolveFrom,
  valuesFor,
} from './reference-scopes.js';

/** How one try of an action ends. */
export type Ending =
  | {
      readonly ok: true;
      readonly output: JsonValue | undefined;
      readonly action?: string;
      readonly adds?: Additions;
    }
  | { readonly ok: false; readonly class: string; readonly retryable: boolean };

/** What a node adds to the plan of its run. */
export interface Additions {
  readonly isBehind: boolean;
  readonly nodes: readonly JsonValue[];
  readonly edges: readonly JsonValue[];
}

export type Failure = Ending & { ok: false };

/** Of several edges from one node to another. */
const WEIGHTIEST_FIRST: readonly (ReferenceEdge | undefined)[] = [
  'error',
  'taken',
  undefined,
  'failed',
  'dead',
];

/** How long what was told to stop may go on, in milliseconds. */
const GRACE_MS = 1_000;

interface Timer {
  readonly owner: Reference;
  /** Undefined for the grace of the whole run. */
  readonly run: ModelRun | undefined;
  readonly kind:
    | 'retry'
    | 'timeout'
    | 'sleep'
    | 'signal'
    | 'task'
    | 'grace'
    | 'escalation'
    | 'deadline';
  readonly due: number;
}

/** What a run shares with the runs of its subplans. */
class World {
  now = 0;
  readonly runs: Reference[] = [];
  timers: Timer[] = [];
  /** What runs tell each other, in order. */
  readonly #mail: (() => void)[] = [];
  #isDelivering = false;

  post(letter: () => void): void {
    this.#mail.push(letter);
  }

  deliver(): void {
    if (this.#isDelivering) return;
    this.#isDelivering = true;
    for (let next = this.#mail.shift(); next; next = this.#mail.shift()) next();
    this.#isDelivering = false;
  }
}

export class Reference {
  /** Where it lies among the runs of its subplans: empty for the first, `a>b` for a run inside a run. */
  readonly address: string;
  version: PlanVersion;
  readonly root: ModelScope;
  /** Those at work, in order of creation. */
  scopes: ModelScope[];
  /** Newest node run with each path, those of earlier iterations too. */
  readonly touched = new Map<string, ModelRun>();
  /** Attempts that came to an end, by path. */
  readonly ends = new Map<string, number>();
  /** Answers to tasks, by path. */
  readonly answers = new Map<string, number>();
  /** What happened to nodes and edges, in order. */
  readonly log: string[] = [];
  isStarted = false;
  /** Somebody paused it, or the run that it works for took it along. */
  paused: 'byItself' | 'withParent' | undefined;
  /** What a person is asked about: whether the run may have once more what it has used up. */
  asked: Limit | undefined;
  ending: 'failed' | 'cancelled' | undefined;
  readonly inputs: JsonValue;
  readonly concurrency: number;
  readonly world: World;
  readonly #parent: { readonly run: ModelRun; readonly reference: Reference } | undefined;
  #reported: RunStatus = 'pending';
  #steps = 0;
  #attempts = 0;
  #grants = 0;
  /** The deadline passed while a person was asked about something else. */
  #isOverdue = false;
  #moments = 0;
  #keptSignals: { readonly name: string; readonly payload: JsonValue }[] = [];
  readonly #signalIds = new Set<string>();
  /** When each node run became ready, or began to wait. */
  readonly #since = new Map<ModelRun, number>();
  /** Work that begins when all is decided. */
  readonly #fresh = new Set<ModelRun>();
  /** Node runs that are to be called off. */
  #pointless: ModelRun[] = [];

  constructor(
    version: PlanVersion,
    inputs: JsonValue,
    concurrency: number,
    parent?: { readonly run: ModelRun; readonly reference: Reference },
  ) {
    const { nodes, edges } = version.graph;
    this.version = version;
    this.inputs = inputs;
    this.concurrency = concurrency;
    this.#parent = parent;
    const around = parent?.reference.address;
    this.address = parent === undefined ? '' : `${around ? `${around}>` : ''}${parent.run.path}`;
    this.world = parent?.reference.world ?? new World();
    this.world.runs.push(this);
    this.root = new ModelScope({ path: '', kind: 'plan', nodes, edges });
    this.scopes = [this.root];
  }

  // What happens -----------------------------------------------------------------------------

  start(): void {
    this.isStarted = true;
    this.#armDeadline();
    this.#happen(() => {});
  }

  pause(by: 'byItself' | 'withParent' = 'byItself'): void {
    if (!this.isLive) return;
    this.#happen(() => {
      if (this.paused !== 'byItself') this.paused = by;
      for (const child of this.#children()) this.world.post(() => child.pause('withParent'));
    });
  }

  resume(): void {
    this.#happen(() => {
      this.paused = undefined;
      for (const child of this.#children()) {
        if (!child.isStarted) this.world.post(() => child.start());
        else if (child.paused === 'withParent') this.world.post(() => child.resume());
      }
    });
  }

  /** Runs that are at work for it, or will be. */
  #children(): Reference[] {
    return this.all().flatMap(({ phase, child }) => {
      return phase === 'hosting' && child !== undefined && child.ending === undefined
        ? [child]
        : [];
    });
  }

  /** A person says whether the run may go on. */
  grant(isGranted: boolean): void {
    this.#happen(() => {
      const limit = this.asked;
      this.asked = undefined;
      if (!isGranted) return this.#endEarly('failed');
      if (limit === 'deadline') this.#armDeadline();
      else this.#grants += 1;
      if (this.#isOverdue) this.#exhaust('deadline');
      this.#isOverdue = false;
    });
  }

  #armDeadline(): void {
    const { deadlineMs } = this.version.plan;
    if (deadlineMs !== undefined) this.#arm('deadline', undefined, deadlineMs);
  }

  /** Fails, or asks a person: about one thing at a time. */
  #exhaust(limit: Limit): void {
    if (this.ending !== undefined) return;
    const { budget, onDeadline } = this.version.plan;
    const asks = (limit === 'deadline' ? onDeadline : budget?.onExhausted) === 'ask';
    if (!asks) this.#endEarly('failed');
    else if (this.asked === undefined) this.asked = limit;
    else this.#isOverdue ||= limit === 'deadline';
  }

  /** What keeps a node run from working because it is used up. */
  #exhausted(run: ModelRun): Limit | undefined {
    const { maxSteps, maxAttempts } = this.version.plan.budget ?? {};
    const times = this.#grants + 1;
    if (run.attempt === 0 && this.#steps >= (maxSteps ?? Number.POSITIVE_INFINITY) * times) {
      return 'steps';
    }
    const isUsedUp = this.#attempts >= (maxAttempts ?? Number.POSITIVE_INFINITY) * times;
    return isUsedUp ? 'attempts' : undefined;
  }

  /** Nothing that is due may start. */
  get #isHeld(): boolean {
    return this.ending === undefined && (this.paused !== undefined || this.asked !== undefined);
  }

  /** It was called off before it could begin: there is no such run. */
  #refuseStart(): void {
    this.ending = 'cancelled';
    for (const run of this.root.runs) run.status = 'cancelled';
    this.#report();
  }

  finish(path: string, ending: Ending): void {
    const run = this.run(path);
    this.#happen(() => (ending.ok ? this.#succeed(run, ending) : this.fail(run, ending)));
  }

  respond(path: string, response: JsonObject, outcome: string): void {
    const run = this.run(path);
    this.answers.set(path, (this.answers.get(path) ?? 0) + 1);
    this.#happen(() => {
      if (run.phase === 'judging') this.#judge(run, outcome === 'approved');
      else if (run.node.kind === 'human-review-edit') this.#edit(run, response, outcome);
      else if (run.node.human !== undefined) this.#answer(run, response, outcome);
      else if (outcome === 'accept') this.end(run, 'completed', response.output);
      else if (outcome === 'retry') this.#anew(run);
      else this.end(run, 'failed');
    });
  }

  /** What is accepted is the draft as it was edited last, unless something else is given. */
  #edit(run: ModelRun, response: JsonObject, outcome: string): void {
    if (outcome === 'edited') {
      run.edited = response.output;
      this.#release(run);
      return this.#ask(run);
    }
    const draft = run.edited ?? run.input ?? null;
    this.#answer(run, outcome === 'approved' ? (response.output ?? draft) : response, outcome);
  }

  #answer(run: ModelRun, response: JsonValue, outcome: string): void {
    run.outcome = outcome;
    if (run.node.kind === 'human-decision') run.action = outcome;
    this.end(run, 'completed', response);
  }

  signal(id: string, name: string, payload: JsonValue): void {
    this.#happen(() => {
      if (this.#signalIds.has(id) || this.isOver || this.ending !== undefined) return;
      this.#signalIds.add(id);
      const waiting = this.all().filter((run) => run.phase === 'waiting' && signalOf(run) === name);
      const longest = waiting.sort((a, b) => this.#age(a) - this.#age(b))[0];
      if (longest === undefined) this.#keptSignals.push({ name, payload });
      else this.end(longest, 'completed', payload);
    });
  }

  /** An operator wants a node run tried again. */
  retry(path: string): void {
    const run = this.run(path);
    this.#happen(() => {
      if (run.status === 'blocked') this.#anew(run);
      else this.#renewFrom(run.scope, run);
    });
  }

  cancel(): void {
    if (!this.isStarted) return this.#refuseStart();
    this.#happen(() => {
      if (!this.isOver) this.#endEarly('cancelled');
    });
  }

  /** Time passes until the next timer is due. */
  passTime(): number {
    const { world } = this;
    const before = world.now;
    world.now = Math.min(...world.timers.map(({ due }) => due));
    const due = world.timers.filter((timer) => timer.due <= world.now);
    const order = ({ owner }: Timer) => world.runs.indexOf(owner);
    // All that is due at the same time fires before anything that follows from it can begin.
    for (const timer of due.sort((a, b) => order(a) - order(b))) {
      if (!world.timers.includes(timer)) continue;
      world.timers = world.timers.filter((other) => other !== timer);
      timer.owner.#fire(timer);
      timer.owner.#decideOnce();
    }
    // What the runs tell each other of it is said by all before any of them hears it.
    for (const owner of new Set(due.map((timer) => timer.owner))) owner.#conclude();
    world.deliver();
    return world.now - before;
  }

  #happen(what: () => void): void {
    what();
    this.#conclude();
    this.world.deliver();
  }

  #conclude(): void {
    this.#settle();
    const { world } = this;
    if (this.isOver) world.timers = world.timers.filter(({ owner }) => owner !== this);
    this.#report();
  }

  // What there is to see ---------------------------------------------------------------------

  /** Node runs of all scopes at work. */
  all(): ModelRun[] {
    return this.scopes.flatMap((scope) => scope.runs);
  }

  run(path: string): ModelRun {
    const found = this.all().find((run) => run.path === path);
    if (found === undefined) throw new Error(`no node run ${path}`);
    return found;
  }

  get isOver(): boolean {
    return this.all().every((run) => run.isFinal) && this.#toUndo() === 0;
  }

  /** It has begun, and goes on. */
  get isLive(): boolean {
    return this.isStarted && this.ending === undefined && !this.isOver;
  }

  /** The run that it works for still counts on it. */
  get isWanted(): boolean {
    if (this.#parent === undefined) return true;
    const { run, reference } = this.#parent;
    return run.child === this && reference.isWanted;
  }

  get hasTimers(): boolean {
    return this.world.timers.length > 0;
  }

  runStatus(): RunStatus {
    const runs = this.all();
    if (this.ending !== undefined) return this.isOver ? this.ending : 'running';
    if (!this.isStarted) return 'pending';
    if (this.paused !== undefined && !runs.every((run) => run.isFinal)) return 'paused';
    const isHeld = this.asked !== undefined && !runs.every((run) => run.isFinal);
    if (isHeld && !runs.some((run) => isActive(run) && run.status !== 'ready')) {
      return 'awaiting-human';
    }
    if (runs.some((run) => isActive(run))) return 'running';
    if (runs.some((run) => isAwaiting(run))) return 'awaiting-human';
    if (!runs.every((run) => run.isFinal)) return 'blocked';
    const count = (status: NodeStatus) => this.root.count(status);
    const tolerated = count('partial') + count('failed');
    if (tolerated === 0) return 'completed';
    const succeeded = count('completed') + count('partial');
    const { minShare = 0 } = this.version.plan.completion ?? {};
    return succeeded < minShare * (succeeded + count('failed')) ? 'failed' : 'partial';
  }

  // Settling ---------------------------------------------------------------------------------

  #settle(): void {
    do {
      this.#decideOnce();
      this.#drop();
    } while (this.#next() !== undefined);
  }

  #decideOnce(): void {
    this.#callOffPointless();
    this.#decideAll();
    for (let again = 0; again < 2; again++) {
      this.#callOffPointless();
      this.#undo();
      this.#grant();
    }
  }

  /** Work that is called off before it could begin is dropped. */
  #drop(): void {
    const dropped = [...this.#fresh].filter(({ phase }) => phase === 'stopping');
    this.#fresh.clear();
    if (dropped.length === 0) return;
    for (const run of dropped) this.end(run, 'cancelled');
    this.#decideOnce();
  }

  #decideAll(): void {
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      if (next instanceof ModelRun) this.#decide(next);
      else afterInside(this, next);
    }
  }

  /** What can be decided: outer scopes first, those of the same depth in order, then by position. */
  #next(): ModelRun | ModelScope | undefined {
    if (this.ending !== undefined || this.#isHeld) return undefined;
    const graphs = this.scopes.filter(({ kind, aborted }) => {
      return (kind === 'plan' || kind === 'iteration') && aborted === undefined;
    });
    const pending = graphs.flatMap(({ runs }) => runs.filter(({ status }) => status === 'pending'));
    const run = pending.find((candidate) => this.#verdict(candidate).is !== 'wait');
    return run ?? this.scopes.find((scope) => isInsideDue(this, scope));
  }

  #decide(run: ModelRun): void {
    const verdict = this.#verdict(run);
    if (verdict.is === 'skip') return this.end(run, 'skipped');
    if (verdict.is === 'fail') return this.#refuse(run, verdict.class);
    const resolved = resolveFrom(run, this.inputs);
    if (!resolved.ok) return this.#refuse(run, 'input');
    if ((run.node.validateInput?.(resolved.value) ?? []).length > 0) {
      return this.#refuse(run, 'input');
    }
    run.input = resolved.value;
    this.#again(run);
  }

  #refuse(run: ModelRun, failureClass: string): void {
    run.failure = failureClass;
    this.end(run, this.policyOf(run, failureClass) === 'skip' ? 'skipped' : 'failed');
  }

  #verdict({ scope, node }: ModelRun): Verdict {
    const inbound = scope.edges.filter((edge) => edge.targetId === node.id);
    const sources = [...new Set(inbound.map((edge) => edge.sourceId))];
    const arrived = sources.map((source) => {
      const edges = inbound.filter((edge) => edge.sourceId === source);
      const outcomes = edges.map((edge) => scope.decided.get(edge));
      return WEIGHTIEST_FIRST.find((outcome) => outcomes.includes(outcome));
    });
    const count = (outcome: ReferenceEdge | undefined) =>
      arrived.filter((each) => each === outcome).length;
    const taken = count('taken');
    if (arrived.length === 0) return { is: 'go' };
    if (count('error') > 0) return { is: 'fail', class: 'condition' };
    if (node.join === undefined) {
      if (count('failed') > 0) return { is: 'skip' };
      if (count(undefined) > 0) return { is: 'wait' };
      return { is: taken > 0 ? 'go' : 'skip' };
    }
    const { rule, onFailure } = node.join;
    const open = count(undefined) + (onFailure === 'wait' ? count('failed') : 0);
    const failures = onFailure === 'fail' ? count('failed') : 0;
    const isNothingLeft = taken === 0 && failures === 0;
    if (rule.type === 'all') {
      if (failures > 0) return { is: 'fail', class: 'join' };
      if (open > 0) return { is: 'wait' };
      return { is: taken > 0 ? 'go' : 'skip' };
    }
    if (rule.type === 'when') {
      const failed = count('failed');
      const counts = { taken, dead: count('dead'), failed, open, total: arrived.length };
      const answer = rule.condition.evaluate(counts);
      if (!answer.ok) return { is: 'fail', class: 'condition' };
      if (answer.value) return { is: 'go' };
      if (open > 0) return { is: 'wait' };
      return isNothingLeft ? { is: 'skip' } : { is: 'fail', class: 'join' };
    }
    const needed = rule.type === 'count' ? rule.count : 1;
    if (taken >= needed) return { is: 'go' };
    if (taken + open >= needed) return { is: 'wait' };
    if (!isNothingLeft) return { is: 'fail', class: 'join' };
    return open > 0 ? { is: 'wait' } : { is: 'skip' };
  }

  /** Ready: what works gets in line, everything else begins. */
  #again(run: ModelRun): void {
    this.set(run, 'ready');
    this.begin(run);
  }

  /** Somebody wants it tried again: what lies inside it is another generation. */
  #anew(run: ModelRun): void {
    this.#release(run);
    if (run.node.kind === 'loop' || run.node.kind === 'map') run.generation += 1;
    this.#again(run);
  }

  begin(run: ModelRun): void {
    run.phase = 'due';
    this.#since.set(run, ++this.#moments);
    switch (run.node.kind) {
      case 'human-approval':
      case 'human-input':
      case 'human-decision':
      case 'human-review-edit':
        return this.#ask(run);
      case 'switch':
        return this.end(run, 'completed', run.input);
      case 'join':
        this.end(run, 'completed', run.input);
        return this.#cancelRest(run);
      case 'map':
        return beginMap(this, run);
      case 'loop':
        return beginLoop(this, run);
      case 'subplan':
        return this.#beginSubplan(run);
      case 'sleep':
        this.#wait(run);
        return this.#arm('sleep', run, run.node.sleep?.durationMs ?? 0);
      case 'signal':
        return this.#beginSignal(run);
      default:
    }
  }

  #ask(run: ModelRun): void {
    run.phase = undefined;
    this.set(run, 'awaiting-human');
    const { deadlineMs } = run.node.human ?? {};
    if (deadlineMs !== undefined) this.#arm('task', run, deadlineMs);
  }

  #wait(run: ModelRun): void {
    run.phase = 'waiting';
    this.set(run, 'running');
  }

  #beginSignal(run: ModelRun): void {
    this.#wait(run);
    const kept = this.#keptSignals.find(({ name }) => name === signalOf(run));
    const { source } = run.node;
    const deadlineMs = source.kind === 'signal' ? source.deadlineMs : undefined;
    if (kept === undefined) {
      if (deadlineMs !== undefined) this.#arm('signal', run, deadlineMs);
      return;
    }
    this.#keptSignals = this.#keptSignals.filter((other) => other !== kept);
    this.end(run, 'completed', kept.payload);
  }

  /** Slots go to those that have been ready for longest. */
  #grant(): void {
    while (!this.#isHeld) {
      const runs = this.all();
      if (runs.filter(({ hasSlot }) => hasSlot).length >= this.concurrency) return;
      const [next] = runs
        .filter(({ status, phase, node, scope }) => {
          const mayStart = this.ending === undefined || scope.kind === 'compensations';
          const isDue = phase === 'due' || phase === 'fallback-due';
          return status === 'ready' && isDue && node.kind === 'action' && mayStart;
        })
        .sort((a, b) => this.#age(a) - this.#age(b));
      if (next === undefined) return;
      if (this.ending === undefined) {
        const exhausted = this.#exhausted(next);
        if (exhausted !== undefined) return this.#exhaust(exhausted);
        if (next.attempt === 0) this.#steps += 1;
        this.#attempts += 1;
      }
      next.hasSlot = true;
      if (next.phase === 'fallback-due') this.#work(next, 'fallback', 'fallback');
      else this.#work(next, 'working', 'running');
    }
  }

  #work(run: ModelRun, phase: 'working' | 'fallback', word: string): void {
    const { timeoutMs, fallback } = run.node;
    const limitMs = phase === 'fallback' ? (fallback?.timeoutMs ?? timeoutMs) : timeoutMs;
    run.phase = phase;
    run.attempt += 1;
    this.#fresh.add(run);
    this.set(run, 'running', word);
    if (limitMs !== undefined) this.#arm('timeout', run, limitMs);
  }

  #age(run: ModelRun): number {
    return this.#since.get(run) ?? 0;
  }

  // Ends of nodes ----------------------------------------------------------------------------

  #succeed(run: ModelRun, { output, action, adds }: Ending & { ok: true }): void {
    const isHeld = run.node.checks.judges.length > 0 && run.phase !== 'stopping';
    if (isHeld) return this.#hold(run, output, action, adds);
    const chunk = run.scope.host?.node.map?.chunkSize;
    const size = Array.isArray(run.input) ? run.input.length : 0;
    const isWrong = chunk !== undefined && !(Array.isArray(output) && output.length === size);
    if (run.scope.kind === 'items' && isWrong) {
      return this.fail(run, { ok: false, class: 'schema', retryable: true });
    }
    if (!this.#extend(run, adds)) return;
    run.action = action;
    // What was told to stop is not judged: that is worth a warning.
    const isUnjudged = run.node.checks.judges.length > 0;
    this.end(run, isUnjudged ? 'partial' : 'completed', output);
  }

  /** A person judges what was given before it counts. */
  #hold(
    run: ModelRun,
    output: JsonValue | undefined,
    action: string | undefined,
    adds: Additions | undefined,
  ): void {
    const by = run.phase === 'fallback' ? 'fallback' : 'working';
    this.#release(run);
    run.held = { by, output, action, adds };
    run.phase = 'judging';
    this.set(run, 'running');
    this.set(run, 'awaiting-human');
    const { deadlineMs } = checkOf(run).ask;
    if (deadlineMs !== undefined) this.#arm('task', run, deadlineMs);
  }

  /** Nobody's answer in time weighs as much as a refusal. */
  #judge(run: ModelRun, isFulfilled: boolean): void {
    const { by, output, action, adds } = run.held as Held;
    this.#release(run);
    run.phase = by;
    run.held = undefined;
    this.set(run, 'running');
    if (!isFulfilled && checkOf(run).severity === 'blocking') {
      return this.fail(run, { ok: false, class: 'check', retryable: true });
    }
    if (!this.#extend(run, adds)) return;
    run.action = action;
    this.end(run, isFulfilled ? 'completed' : 'partial', output);
  }

  /** Nodes of the plan itself add others, unless the run is ending; false where they may not, and have failed. */
  #extend(run: ModelRun, adds: Additions | undefined): boolean {
    if (adds === undefined || this.ending !== undefined) return true;
    if (run.scope !== this.root) {
      this.fail(run, { ok: false, class: 'schema', retryable: false });
      return false;
    }
    const { plan } = this.version;
    const nodes = [...plan.nodes, ...adds.nodes];
    const edges = [...plan.edges, ...adds.edges];
    this.version = compilePlanOrThrow({ ...plan, nodes, edges });
    this.root.extend(this.version.graph);
    return true;
  }

  /** What works, waits or lies inside a node run has failed. */
  fail(run: ModelRun, failure: Failure): void {
    const { node } = run;
    const isFallback = run.phase === 'fallback';
    const mayRepeat = run.phase === 'working' || run.phase === 'hosting';
    if (run.phase === 'stopping') return this.end(run, 'cancelled');
    const { maxAttempts, retryOn, backoff, delayMs } = node.retry;
    const isListed = retryOn.length === 0 || retryOn.includes(failure.class);
    const isWanted = isListed || node.onFailure.byClass[failure.class] === 'retry';
    run.failure = failure.class;
    this.#release(run);
    if (mayRepeat && failure.retryable && isWanted && run.retries + 1 < maxAttempts) {
      run.retries += 1;
      if (backoff === 'none' || delayMs === 0) return this.#again(run);
      run.phase = 'backing-off';
      this.set(run, 'ready');
      return this.#arm('retry', run, delayMs);
    }
    const policy = this.policyOf(run, failure.class);
    // Once it has begun, an escalation goes on to its end.
    if (run.level > 0 || policy === 'escalate') return this.#escalate(run);
    switch (policy) {
      case 'fallback':
        if (isFallback) return this.end(run, 'failed');
        return this.#fallBack(run);
      case 'human-review':
        return this.set(run, 'awaiting-human');
      case 'replan':
        return this.set(run, 'blocked');
      case 'skip':
        return this.end(run, 'skipped');
      case 'continue':
        if (node.defaultOutput === undefined) return this.end(run, 'failed');
        if (judges(node)) run.outcome = 'rejected';
        return this.end(run, 'partial', node.defaultOutput);
      default:
        return this.end(run, 'failed');
    }
  }

  /** The fallback, or a level of the escalation, waits for a slot. */
  #fallBack(run: ModelRun): void {
    run.phase = 'fallback-due';
    this.#since.set(run, ++this.#moments);
    this.set(run, 'ready', 'fallback-due');
  }

  #escalate(run: ModelRun): void {
    const level = run.node.escalation[run.level];
    if (level === undefined) return this.end(run, 'failed');
    run.level += 1;
    run.phase = 'escalating';
    this.set(run, 'running');
    if (level.delayMs === 0) this.#enterLevel(run);
    else this.#arm('escalation', run, level.delayMs);
  }

  #enterLevel(run: ModelRun): void {
    const level = run.node.escalation[run.level - 1];
    if (level?.handler !== undefined) return this.#fallBack(run);
    run.phase = undefined;
    this.set(run, 'awaiting-human');
    if (level?.deadlineMs !== undefined) this.#arm('task', run, level.deadlineMs);
  }

  /** What the plan wants done about a failure of this class when no retry is left. */
  policyOf({ node }: ModelRun, failureClass: string | undefined): FailureAction {
    const { byClass, otherwise } = node.onFailure;
    const declared = byClass[failureClass ?? ''] ?? otherwise;
    const isTolerated = this.version.plan.completion?.tolerate?.includes(failureClass ?? '');
    const isAbortion = declared === 'abort' || declared === 'retry';
    if (isAbortion) return isTolerated ? 'continue' : 'abort';
    return declared;
  }

  end(run: ModelRun, status: NodeStatus, output?: JsonValue): void {
    const { scope } = run;
    run.output = output;
    this.#release(run);
    this.set(run, status);
    if (this.ending !== undefined || scope.aborted !== undefined) return;
    if (scope.kind === 'items') {
      const isFatal = status === 'failed' && scope.host?.node.map?.policy === 'fail-fast';
      if (isFatal) this.abandon(scope, 'item');
      return;
    }
    if (scope.kind === 'compensations') return;
    if (status !== 'failed') return this.#rework(run) ? undefined : this.#route(run);
    const policy = this.policyOf(run, run.failure);
    if (policy === 'continue') return this.#route(run);
    if (policy === 'backtrack' && this.#goBack(run)) return;
    if (scope.host === undefined) this.#endEarly('failed');
    else this.abandon(scope, run.failure ?? 'policy');
  }

  /** It works and waits no more. */
  #release(run: ModelRun): void {
    if (run.hasSlot) this.ends.set(run.path, (this.ends.get(run.path) ?? 0) + 1);
    run.hasSlot = false;
    run.phase = undefined;
    this.world.timers = this.world.timers.filter((timer) => timer.run !== run);
  }

  #route(run: ModelRun): void {
    const { scope, node, status } = run;
    const outgoing = scope.edges.filter((edge) => edge.sourceId === node.id);
    const isGood = status === 'completed' || status === 'partial';
    if (!isGood) {
      for (const edge of outgoing) scope.decided.set(edge, status === 'failed' ? 'failed' : 'dead');
      return;
    }
    const fired = () =>
      outgoing.some((edge) => ['taken', 'error'].includes(scope.decided.get(edge) ?? ''));
    const outdone = new Set<CompiledEdge>();
    for (const edge of outgoing.filter((candidate) => !candidate.isDefault)) {
      if (node.switchMode === 'exclusive' && fired()) outdone.add(edge);
      scope.decided.set(edge, outdone.has(edge) ? 'dead' : this.#evaluate(run, edge));
    }
    const isDefaultTaken = !fired();
    const isApproval = judges(node);
    for (const edge of outgoing) {
      if (edge.isDefault) scope.decided.set(edge, isDefaultTaken ? 'taken' : 'dead');
      const isAsked = edge.isDefault || edge.on !== undefined || edge.when !== undefined;
      if ((isAsked || isApproval) && !outdone.has(edge)) {
        this.log.push(`${scope.path}:${edge.id} ${scope.decided.get(edge)}`);
      }
    }
  }

  #evaluate(run: ModelRun, edge: CompiledEdge): ReferenceEdge {
    if (edge.on !== undefined && edge.on !== run.action) return 'dead';
    if (edge.when !== undefined) {
      const evaluation = edge.when.evaluate(valuesFor(run, this.inputs));
      if (!evaluation.ok) return edge.onError === 'dead' ? 'dead' : 'error';
      return evaluation.value ? 'taken' : 'dead';
    }
    if (edge.on !== undefined || !judges(run.node)) return 'taken';
    return run.outcome === 'approved' ? 'taken' : 'dead';
  }

  // Going back -------------------------------------------------------------------------------

  /** Requested changes send the run back, so often; it is forgotten of nobody how often he did. */
  #rework(run: ModelRun): boolean {
    const { human } = run.node;
    const { rounds } = run;
    if (human?.rework === undefined || run.outcome !== 'changes-requested') return false;
    if (run.status !== 'completed' || rounds >= human.rework.maxRounds) return false;
    const known = run.scope.runs.map((asked) => [asked, asked.rounds] as const);
    this.#renewFrom(run.scope, run.scope.byId(human.rework.to) as ModelRun);
    for (const [asked, before] of known) asked.rounds = before;
    run.rounds = rounds + 1;
    return true;
  }

  #goBack(run: ModelRun): boolean {
    const { backtrack } = run.node;
    if (backtrack === undefined) return false;
    if (run.generation > backtrack.maxRestarts) {
      run.failure = undefined;
      return false;
    }
    this.#renewFrom(run.scope, run.scope.byId(backtrack.to) as ModelRun);
    return true;
  }

  /** The node and all that follows from it begin another generation; what is at work is left behind. */
  #renewFrom(scope: ModelScope, from: ModelRun): void {
    const ids = new Set([from.node.id]);
    for (let size = 0; size < ids.size; ) {
      size = ids.size;
      for (const edge of scope.edges) if (ids.has(edge.sourceId)) ids.add(edge.targetId);
    }
    const renewed = scope.runs.filter(({ node }) => ids.has(node.id));
    for (const run of renewed) {
      if (run.status !== 'pending' && !run.isFinal) this.#supersede(run);
    }
    for (const edge of scope.edges) if (ids.has(edge.sourceId)) scope.decided.delete(edge);
    this.#pointless = this.#pointless.filter((run) => !renewed.includes(run));
    for (const run of renewed) if (run.status !== 'pending') run.renew();
  }

  #supersede(run: ModelRun): void {
    const { inside, child } = run;
    this.#release(run);
    this.set(run, 'cancelled');
    if (child !== undefined) this.#cancelChild(child);
    if (inside === undefined) return;
    run.inside = undefined;
    this.scopes = this.scopes.filter((scope) => scope !== inside);
    for (const inner of inside.runs) {
      if (inner.status === 'pending') inner.status = 'cancelled';
      else if (!inner.isFinal) this.#supersede(inner);
    }
  }

  // Calling off ------------------------------------------------------------------------------

  #endEarly(ending: 'failed' | 'cancelled'): void {
    if (this.ending !== undefined) return;
    this.ending = ending;
    this.asked = undefined;
    this.paused = undefined;
    this.#arm('grace', undefined, this.version.plan.graceMs ?? GRACE_MS);
    for (const scope of this.scopes) this.#callOffAll(scope);
  }

  /** Everything in a scope is called off: its host fails when all of it is final. */
  abandon(scope: ModelScope, failureClass: string): void {
    scope.aborted = failureClass;
    this.#callOffAll(scope);
  }

  #callOffAll(scope: ModelScope): void {
    for (const run of scope.runs) {
      if (run.status === 'pending' && run.generation === 1) run.status = 'cancelled';
      else if (!run.isFinal) this.#pointless.push(run);
      if (run.inside !== undefined) this.#callOffAll(run.inside);
    }
  }

  #cancelRest(join: ModelRun): void {
    for (const position of join.node.join?.rest ?? []) {
      const run = join.scope.runs[position] as ModelRun;
      if (!run.isFinal) this.#pointless.push(run);
    }
  }

  #callOffPointless(): void {
    for (let run = this.#pointless.shift(); run; run = this.#pointless.shift()) this.#callOff(run);
    if (this.ending === undefined) return;
    for (;;) {
      const over = this.scopes.find((scope) => scope.host !== undefined && scope.isOver);
      if (over === undefined) return;
      this.close(over);
    }
  }

  #callOff(run: ModelRun): void {
    if (run.isFinal || run.phase === 'stopping') return;
    if (run.phase === 'judging') return this.#endUnjudged(run);
    const isAtWork = run.hasSlot || run.phase === 'hosting';
    if (!isAtWork) return this.end(run, 'cancelled');
    run.phase = 'stopping';
    this.set(run, 'running', 'stopping');
    if (this.ending === undefined) this.#arm('grace', run, GRACE_MS);
    if (run.inside !== undefined) this.#callOffAll(run.inside);
    if (run.child !== undefined) this.#cancelChild(run.child);
  }

  /** Nobody is asked any more: what it has done counts. */
  #endUnjudged(run: ModelRun): void {
    const { output, action, adds } = run.held as Held;
    run.held = undefined;
    this.set(run, 'running', 'unjudged');
    if (!this.#extend(run, adds)) return;
    run.action = action;
    this.end(run, 'partial', output);
  }

  /** What lay inside a composite is over, and has no meaning any more. */
  close(scope: ModelScope): void {
    const { host } = scope;
    this.scopes = this.scopes.filter((other) => other !== scope);
    if (host === undefined) return;
    host.inside = undefined;
    if (host.phase === 'stopping') this.end(host, 'cancelled');
  }

  // Undoing ----------------------------------------------------------------------------------

  /** What can be undone, the newest first. */
  #undoable(): ModelRun[] {
    const order = (run: ModelRun) => this.log.lastIndexOf(`${run.path} ${run.status}`);
    return this.root.runs
      .filter(({ node, status }) => {
        return node.compensation !== undefined && ['completed', 'partial'].includes(status);
      })
      .sort((a, b) => order(b) - order(a));
  }

  #toUndo(): number {
    if (this.ending === undefined) return 0;
    const isBegun = this.scopes.some(({ kind }) => kind === 'compensations');
    return isBegun ? 0 : this.#undoable().length;
  }

  #undo(): void {
    if (this.ending === undefined) return;
    const undoable = this.#undoable();
    if (this.#toUndo() > 0 && this.all().every((run) => run.isFinal)) {
      const nodes = undoable.map(({ node }) => node.compensation ?? node);
      this.scopes.push(new ModelScope({ path: '~', kind: 'compensations', nodes }));
    }
    const scope = this.scopes.find(({ kind }) => kind === 'compensations');
    const next = scope?.runs.find((run) => !run.isFinal);
    if (next === undefined || next.status !== 'pending') return;
    const { input = null, output = null } = undoable[next.position] as ModelRun;
    next.input = { input, output };
    this.#again(next);
  }

  // Time -------------------------------------------------------------------------------------

  #arm(kind: Timer['kind'], run: ModelRun | undefined, afterMs: number): void {
    this.world.timers.push({ owner: this, run, kind, due: this.world.now + afterMs });
  }

  #fire({ kind, run }: Timer): void {
    if (run === undefined && kind === 'deadline') this.#exhaust('deadline');
    else if (run === undefined) {
      for (const one of this.all()) if (one.phase === 'stopping') this.end(one, 'cancelled');
    } else if (kind === 'retry') {
      this.log.push(`${run.path} due`);
      this.begin(run);
    } else if (kind === 'sleep') this.end(run, 'completed', run.input);
    else if (kind === 'grace') this.end(run, 'cancelled');
    else if (kind === 'escalation') this.#enterLevel(run);
    else if (run.phase === 'judging') this.#judge(run, false);
    else if (kind === 'task' && run.node.human?.defaultResponse !== undefined) {
      const approved = run.node.human.defaultResponse as { readonly approved: boolean };
      this.#answer(run, approved, approved.approved ? 'approved' : 'rejected');
    } else if (kind === 'timeout') this.fail(run, { ok: false, class: 'timeout', retryable: true });
    else this.fail(run, { ok: false, class: 'deadline', retryable: false });
  }

  // Runs inside ------------------------------------------------------------------------------

  #beginSubplan(run: ModelRun): void {
    const { source } = run.node;
    const name = source.kind === 'subplan' ? source.plan : '';
    const version = compilePlanOrThrow(draftOfSubplan(this.version.plan, name));
    this.host(run);
    const parent = { run, reference: this };
    const child = new Reference(version, run.input ?? {}, this.concurrency, parent);
    run.child = child;
    this.world.post(() => {
      if (run.child !== child || run.phase !== 'hosting') child.#refuseStart();
      // It begins when this run goes on.
      else if (this.paused === undefined) child.start();
    });
  }

  #cancelChild(child: Reference): void {
    this.world.post(() => child.cancel());
  }

  /** The run that this one works for is told of what it amounts to. */
  #report(): void {
    const status = this.runStatus();
    if (this.#parent === undefined || status === this.#reported) return;
    this.#reported = status;
    const { run, reference } = this.#parent;
    this.world.post(() => {
      if (run.child === this) reference.#happen(() => reference.#onChild(run, status));
    });
  }

  #onChild(run: ModelRun, status: RunStatus): void {
    if (run.status !== 'running') return;
    const output = this.#outputOf(run.child as Reference);
    if (status === 'completed' || status === 'partial') this.end(run, status, output);
    else if (status === 'failed' || status === 'cancelled') {
      this.fail(run, { ok: false, class: 'child', retryable: true });
    }
  }

  #outputOf({ version, root, inputs }: Reference): JsonValue | undefined {
    if (version.result === undefined) return lastOutputs(root);
    const values = { inputs, input: inputs, output: undefined, outcome: undefined };
    const result = version.result.evaluate({ ...values, node: lookup(root) });
    return result.ok ? result.value : undefined;
  }

  // Odds and ends ----------------------------------------------------------------------------

  /** A composite is at work: what it amounts to happens inside. */
  host(run: ModelRun): void {
    run.phase = 'hosting';
    this.set(run, 'running');
  }

  set(run: ModelRun, status: NodeStatus, word: string = status): void {
    run.status = status;
    this.touched.set(run.path, run);
    this.log.push(`${run.path} ${word}`);
  }
}

type Verdict =
  | { readonly is: 'wait' | 'skip' | 'go' }
  | { readonly is: 'fail'; readonly class: string };

type Limit = 'steps' | 'attempts' | 'deadline';

/** Whether what people say about it is approved or not. */
function judges({ kind }: ModelRun['node']): boolean {
  return kind === 'human-approval' || kind === 'human-review-edit';
}

function signalOf({ node }: ModelRun): string {
  return (node.source.kind === 'signal' ? node.source.signal : undefined) ?? node.id;
}

/** The one check by a person that a node has. */
function checkOf({ node }: ModelRun): PersonCheck {
  return node.checks.judges[0] as PersonCheck;
}

function isActive({ status, node, child }: ModelRun): boolean {
  if (status === 'ready') return true;
  if (status !== 'running' || node.kind === 'map' || node.kind === 'loop') return false;
  return !['awaiting-human', 'blocked', 'paused'].includes(child?.runStatus() ?? 'running');
}

function isAwaiting({ status, child }: ModelRun): boolean {
  if (status === 'awaiting-human') return true;
  return status === 'running' && child?.runStatus() === 'awaiting-human';
}
