/**
 * A run made again from its log: give it the events in order, from the first, and it knows what the
 * run was after the newest of them. What it gives is a RunSnapshot: status of the run and why, plan
 * version, and by path each node run with status, generation, attempt, outcome, action, reason and the
 * outcome of each outgoing edge; generations that are over; attempts with how they ended; references to
 * artifacts; tasks; waits for retries and sleeps; signals. Invariants: 1. pure: no clock, no I/O, no
 * expression is evaluated: what `edge.evaluated` says is taken, and what no event says follows from
 * routing.ts with those results; 2. after the last event of a turn it equals the rows of that turn.
 */
import type { EventRecord } from '../actors/records.js';
import { failureActionOf } from '../actors/run/failure-policy.js';
import { scopePathOf } from '../actors/run/scope.js';
import type { Reason } from '../machines/node-run-events.js';
import { isFinal, type NodeStatus, type RunStatus } from '../machines/statuses.js';
import type { PlanVersion } from '../plan/plan-version.js';
import { AttemptFold } from './attempt-fold.js';
import { lettersOf, nodeAt, type ToldEdge } from './edge-letters.js';
import { FactFold } from './fact-fold.js';
import { type NodeRunPart, pastKey, type RunSnapshot } from './run-snapshot.js';
import type { ToldDetail } from './told-detail.js';

/** A node run that is final, and whose edges were decided. */
interface Routed {
  readonly version: PlanVersion;
  readonly told: Map<string, ToldEdge>;
}

type KnownNode = Omit<NodeRunPart, 'edges'>;

export class RunFold {
  readonly #planOf: (hash: string) => PlanVersion | undefined;
  readonly #nodes = new Map<string, KnownNode>();
  readonly #routed = new Map<string, Routed>();
  /** Edges of final node runs that an event has told outright. */
  readonly #edges = new Map<string, string>();
  readonly #past = new Map<string, NodeRunPart>();
  readonly #attempts = new AttemptFold();
  readonly #beside = new FactFold();
  /** Scopes in which nothing is routed any more: a node run that must not fail has. */
  readonly #aborted = new Set<string>();
  #isEnding = false;
  #version: PlanVersion | undefined;
  #plan = '';
  /** Of a replan whose endings are being told. */
  #nextPlan: string | undefined;
  #seq = 0;
  #status: RunStatus | null = null;
  #reason: Reason | null = null;

  /** `planOf` gives each plan version that the events name; one that it does not have is an error. */
  constructor(planOf: (hash: string) => PlanVersion | undefined) {
    this.#planOf = planOf;
  }

  get seq(): number {
    return this.#seq;
  }

  /** Takes the next event. Throws where a number is missing, or a plan version is. */
  take(event: EventRecord): void {
    if (event.seq !== this.#seq + 1) {
      throw new Error(`event ${event.seq} stands where ${this.#seq + 1} belongs`);
    }
    this.#seq = event.seq;
    const detail = JSON.parse(event.detailJson) as ToldDetail;
    const { type, node } = event;
    this.#takePlans(event, detail);
    if (node !== null && STATUS_OF_NODE.test(type) && detail.to !== undefined) {
      this.#takeNode(event, detail, node);
    } else if (node === null && STATUS_OF_RUN.test(type) && detail.to !== undefined) {
      this.#takeRun(detail);
    } else this.#takeFact(event, detail);
  }

  /** What the run amounts to now. Not changed by later events. */
  snapshot(): RunSnapshot {
    return {
      seq: this.#seq,
      status: this.#status,
      reason: this.#reason,
      plan: this.#nextPlan ?? this.#plan,
      nodes: new Map([...this.#nodes].map(([path, known]) => [path, this.#withEdges(known)])),
      past: new Map(this.#past),
      attempts: this.#attempts.parts(),
      ...this.#beside.parts(),
    };
  }

  /** What a replan calls off lies in the old plan still: the new one is that of what comes after. */
  #takePlans({ type }: EventRecord, { plan, to }: ToldDetail): void {
    const isCallingOff = to === 'cancelled' || CALLING_OFF.has(type);
    if (this.#nextPlan !== undefined && !isCallingOff) {
      this.#takePlan(this.#nextPlan);
      this.#nextPlan = undefined;
    }
    if (plan === undefined) return;
    if (type === 'run.replanned') this.#nextPlan = plan;
    else this.#takePlan(plan);
  }

  #takePlan(hash: string): void {
    const version = this.#planOf(hash);
    if (version === undefined) throw new Error(`plan version ${hash} is missing`);
    this.#plan = hash;
    this.#version = version;
  }

  #takeRun(detail: ToldDetail): void {
    this.#status = detail.to as RunStatus;
    this.#reason = detail.reason ?? null;
    if (isFinal(this.#status)) this.#beside.clearTimers();
  }

  #takeNode(event: EventRecord, detail: ToldDetail, path: string): void {
    const status = detail.to as NodeStatus;
    const generation = detail.generation ?? 1;
    const attempt = event.attempt ?? 0;
    this.#nodes.set(path, {
      node: path,
      status,
      generation,
      attempt,
      outcome: detail.outcome ?? null,
      action: detail.action ?? null,
      reason: detail.reason ?? null,
    });
    this.#attempts.takeNode(event, { generation, status, reason: detail.reason ?? null });
    this.#beside.clearTimers(path);
    if (!isFinal(status)) return;
    if (status === 'failed') this.#fail(path, detail.reason?.class);
    if (!this.#isCalledOff(path)) this.#route(path);
  }

  /** Facts that are no change of a status. */
  #takeFact(event: EventRecord, detail: ToldDetail): void {
    const path = event.node ?? '';
    switch (event.type) {
      case 'nodes.renewed':
        for (const renewed of detail.nodes ?? []) this.#renew(String(renewed));
        return;
      case 'run.reworked':
        // It was answered, and nothing follows from that.
        this.#routed.delete(path);
        return;
      case 'run.forked':
        // Those that are given inputs have rows, and have not begun.
        for (const given of detail.inputs ?? []) this.#nodes.set(given, untouched(given, 1));
        return;
      case 'nodes.carried-over':
        for (const part of (detail.nodes ?? []) as readonly NodeRunPart[]) this.#carry(part);
        return;
      case 'nodes.reconnected':
        for (const { node, edges } of (detail.nodes ?? []) as readonly NodeRunPart[]) {
          this.#edges.set(node, edges);
        }
        return;
      case 'edge.evaluated':
        this.#routed.get(path)?.told.set(detail.edge ?? '', detail);
        return;
      case 'run.backtracked':
        this.#goOn(path);
        return;
      case 'run.backtrack-refused':
        this.#nodes.set(path, { ...this.#known(path), reason: detail.reason ?? null });
        return;
      case 'run.pause-requested':
        this.#reason = null;
        return;
      case 'run.cancel-requested':
        this.#isEnding = true;
        return;
      case 'run.budget-exhausted':
      case 'run.deadline-passed':
        if (detail.asks === false) this.#isEnding = true;
        return;
      case 'task.responded':
        // What a person says about the run itself: it goes on, or fails.
        if (event.node === null && detail.outcome !== 'approved') this.#isEnding = true;
        return;
      default:
        this.#attempts.takeFact(event);
        this.#beside.take(event, detail, this.#nodes.get(path)?.generation ?? 1);
    }
  }

  // Node runs --------------------------------------------------------------------------------

  #known(path: string): KnownNode {
    const known = this.#nodes.get(path);
    if (known === undefined) throw new Error(`node run "${path}" is told of before it was touched`);
    return known;
  }

  #renew(path: string): void {
    const before = this.#withEdges(this.#known(path));
    this.#past.set(pastKey(before), before);
    this.#routed.delete(path);
    this.#edges.delete(path);
    this.#nodes.set(path, untouched(path, before.generation + 1));
  }

  #carry({ edges, ...known }: NodeRunPart): void {
    this.#nodes.set(known.node, known);
    this.#edges.set(known.node, edges);
  }

  #fail(path: string, failureClass: string | undefined): void {
    const found = this.#version && nodeAt(this.#version.graph, path);
    if (this.#version === undefined || found === undefined) return;
    const action = failureActionOf(this.#version.plan, found.node, failureClass);
    if (action !== 'continue') this.#aborted.add(scopePathOf(path));
  }

  /** The failed node run goes back to one before it: its scope is not called off. */
  #goOn(path: string): void {
    this.#aborted.delete(scopePathOf(path));
  }

  /** Whether nothing that becomes final there decides anything any more. */
  #isCalledOff(path: string): boolean {
    return this.#isEnding || this.#aborted.has('') || this.#aborted.has(scopePathOf(path));
  }

  #route(path: string): void {
    if (this.#version !== undefined) {
      this.#routed.set(path, { version: this.#version, told: new Map() });
    }
  }

  #withEdges(known: KnownNode): NodeRunPart {
    const told = this.#edges.get(known.node);
    if (told !== undefined) return { ...known, edges: told };
    const routed = this.#routed.get(known.node);
    const found = routed && nodeAt(routed.version.graph, known.node);
    const edges = found === undefined ? '' : lettersOf(found, known, routed?.told ?? NOTHING_TOLD);
    return { ...known, edges };
  }
}

function untouched(node: string, generation: number): KnownNode {
  const nothing = { attempt: 0, outcome: null, action: null, reason: null };
  return { node, status: 'pending', generation, ...nothing };
}

/** Events of what is called off, beside those of node runs. */
const CALLING_OFF: ReadonlySet<string> = new Set([
  'task.closed',
  'attempt.cancelled',
  'artifact.stored',
  'nodes.cancelled',
]);
const NOTHING_TOLD: ReadonlyMap<string, ToldEdge> = new Map();
const STATUS_OF_NODE = /^node\./;
const STATUS_OF_RUN = /^run\.(?!backtracked$)/;
