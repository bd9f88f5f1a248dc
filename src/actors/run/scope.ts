/**
 * The node runs of a run and the scopes that they lie in. A scope is a graph at work: the plan itself,
 * one iteration of a loop, the items of a map, or the compensations. Invariant: a node run is made
 * when it is first touched, and belongs to one scope.
 */
import type { Reason } from '../../machines/node-run-events.js';
import type { NodeRunContext } from '../../machines/node-run-machine.js';
import { isFinal, type NodeStatus } from '../../machines/statuses.js';
import type { Issue } from '../../plan/issue.js';
import type { JsonObject, JsonValue } from '../../plan/json.js';
import type { CompiledNode, NodeView, PlanGraph } from '../../plan/plan-version.js';
import { COMPENSATIONS, type NodeRunRecord, type TimerKind } from '../records.js';
import type { Product } from './assess-result.js';
import { PositionQueue } from './position-queue.js';
import { Progress, type Tally } from './progress.js';

export class Scope {
  /** Empty for the plan itself, `research[2]` for an iteration, `translate[]` for the items of a map. */
  readonly path: string;
  /** The composite that it lies inside of; undefined for the plan itself and for compensations. */
  readonly host: NodeRun | undefined;
  /** What its expressions see as `loop`, and what its first nodes get as input. */
  readonly loop: JsonObject | undefined;
  progress: Progress;
  /** Pending nodes whose inbound edges may say enough to decide them. */
  undecided: PositionQueue;
  graph: PlanGraph;
  /** Why everything in it is withdrawn: its host fails with this when all of it is final. */
  aborted: Reason | undefined;
  /** Number of scopes inside it that are at work. */
  children = 0;
  readonly #runs = new Map<number, NodeRun>();

  constructor(params: {
    readonly path: string;
    readonly graph: PlanGraph;
    readonly tally: Tally;
    readonly host?: NodeRun;
    readonly loop?: JsonObject;
  }) {
    this.path = params.path;
    this.graph = params.graph;
    this.host = params.host;
    this.loop = params.loop;
    this.progress = new Progress(params.graph, params.tally);
    this.undecided = new PositionQueue(params.graph.nodes.length);
  }

  /** Whether its node runs are the items of a map, or compensations: no edges lead between them. */
  get isList(): boolean {
    return this.isItems || this.path === COMPENSATIONS;
  }

  get isItems(): boolean {
    return this.path.endsWith('[]');
  }

  /** Nothing in it goes on any more. */
  get isSettled(): boolean {
    return this.children === 0 && this.progress.unfinished === 0;
  }

  /** Takes a graph that begins with this one, and has more nodes and edges. */
  extend(graph: PlanGraph, tally: Tally): void {
    const { progress, undecided } = this;
    const before = this.graph.nodes.length;
    this.graph = graph;
    this.progress = new Progress(graph, tally);
    this.undecided = new PositionQueue(graph.nodes.length);
    for (let position = 0; position < before; position++) {
      this.progress.restore(position, progress.status(position));
      this.progress.restoreOutgoing(position, this.#runs.get(position)?.edges ?? '');
    }
    for (let next = undecided.pop(); next !== undefined; next = undecided.pop()) {
      this.undecided.push(next);
    }
  }

  /**
   * Takes another graph, in which node runs have their place by id. Those that it does not have leave, and
   * are returned. Edges are undecided then.
   */
  adopt(graph: PlanGraph, tally: Tally): NodeRun[] {
    const runs = [...this.#runs.values()].map((run) => ({
      run,
      status: run.status,
      position: graph.positionOf.get(run.node.id),
    }));
    this.graph = graph;
    this.progress = new Progress(graph, tally);
    this.undecided = new PositionQueue(graph.nodes.length);
    this.#runs.clear();
    return runs.flatMap(({ run, status, position }) => {
      if (position === undefined) {
        run.leave(status);
        return [run];
      }
      run.position = position;
      this.#runs.set(position, run);
      this.progress.restore(position, status);
      return [];
    });
  }

  /** The node run at a position, made where it was not touched yet. */
  at(position: number): NodeRun {
    let run = this.#runs.get(position);
    if (run === undefined) {
      run = new NodeRun(this, position);
      this.#runs.set(position, run);
    }
    return run;
  }

  /** The node run at a position, if it was touched. */
  touched(position: number): NodeRun | undefined {
    return this.#runs.get(position);
  }

  /** Node runs that were touched, in no order. */
  touchedRuns(): IterableIterator<NodeRun> {
    return this.#runs.values();
  }

  /** Node runs that were touched and are not final. */
  openRuns(): NodeRun[] {
    return [...this.#runs.values()].filter(({ status }) => !isFinal(status));
  }

  node(position: number): CompiledNode {
    const node = this.graph.nodes[position];
    if (node === undefined) throw new Error(`"${this.path}" has no node at position ${position}`);
    return node;
  }

  /** Path of the node run at a position. */
  pathAt(position: number): string {
    if (this.isItems) return `${this.path.slice(0, -1)}${position}]`;
    const { id } = this.node(position);
    return this.path === '' ? id : `${this.path}/${id}`;
  }

  /** Position of the node run with this path, if the scope has one. */
  positionOf(path: string): number | undefined {
    if (this.isItems) return Number(/\[(\d+)\]$/.exec(path)?.[1] ?? Number.NaN);
    const id = this.path === '' ? path : path.slice(this.path.length + 1);
    return this.graph.positionOf.get(id);
  }
}

/** What a run knows of one of its node runs beside the statechart: its values and the row they go to. */
export class NodeRun {
  readonly scope: Scope;
  /** Index among the node runs of its scope, which changes it where it takes another graph. */
  position: number;
  /** Its name within the run: the node id, behind the path of its scope. */
  readonly path: string;
  /** A final node run never changes; what is done again is done by the next generation. */
  generation = 1;
  attempt = 0;
  /** Failed tries that count against the retry policy. */
  tries = 0;
  /** Escalation level that is at work. */
  level = 0;
  /** Number of its newest event. */
  seq = 0;
  outcome: string | null = null;
  action: string | null = null;
  reason: Reason | null = null;
  /** Outcomes of its outgoing edges, a letter each. */
  edges = '';
  artifacts: { [name: string]: JsonValue } | undefined;
  /** Of a composite: the scope at work inside it, or its child run, as child.ts writes it. */
  inside: string | null = null;
  /** Whether it counts against the limits of handlers at work. */
  hasSlot = false;
  /** Whether what it has a slot for is done by a worker outside. */
  isOutside = false;
  /** Key of the handler that it waits for a slot for, or that works for it. */
  handler = '';
  /** Items of a map or a loop, once they were worked out: a pure function of what is stored. */
  items: readonly JsonValue[] | undefined;
  /** Payload of the newest heartbeat of the attempt before. */
  lastHeartbeat: JsonValue | undefined;
  /** What its attempt gave that is being refused, for the review that it leads to; only within a turn. */
  refused: { readonly product: Product; readonly issues: readonly Issue[] } | undefined;
  /** What the reviewer asked for that sent it back. */
  feedback: JsonObject | undefined;
  /** Number of its place in line. */
  ticket = 0;
  /** Its concurrency key, once it is ready. */
  key: string | undefined;
  /** The result that ended the lease of its newest attempt, while that is in memory. */
  submitted: { readonly lease: string; readonly digest: string } | undefined;
  /** Timers of it that are armed. */
  timers: Set<TimerKind> | undefined;
  /** Status with which it left its scope. */
  #left: NodeStatus | undefined;
  #input: JsonValue | undefined;
  #inputJson: string | null = null;
  #output: JsonValue | undefined;
  #outputJson: string | null = null;

  constructor(scope: Scope, position: number) {
    this.scope = scope;
    this.position = position;
    this.path = scope.pathAt(position);
  }

  get node(): CompiledNode {
    return this.scope.node(this.position);
  }

  get status(): NodeStatus {
    return this.#left ?? this.scope.progress.status(this.position);
  }

  /** Whether something of it is stored: a status, a generation that is over, an input that was given. */
  get hasRow(): boolean {
    return this.status !== 'pending' || this.generation > 1 || this.#inputJson !== null;
  }

  /** Its scope has no place for it any more. */
  leave(status: NodeStatus): void {
    this.#left = status;
  }

  get input(): JsonValue | undefined {
    return this.#input;
  }

  get inputJson(): string | null {
    return this.#inputJson;
  }

  /** A copy of the input that its receiver may change. */
  copyInput(): JsonValue | undefined {
    return parse(this.#inputJson);
  }

  get output(): JsonValue | undefined {
    return this.#output;
  }

  get outputJson(): string | null {
    return this.#outputJson;
  }

  setInput(value: JsonValue | undefined): void {
    this.#input = value;
    this.#inputJson = value === undefined ? null : JSON.stringify(value);
  }

  /** `json` is `value` as JSON text. */
  setOutput(value: JsonValue | undefined, json: string | null = textOf(value)): void {
    this.#output = value;
    this.#outputJson = json;
  }

  /** Takes over what its statechart counts. */
  takeContext({ attempt, tries, level, reason }: NodeRunContext): void {
    this.attempt = attempt;
    this.tries = tries;
    this.level = level;
    this.reason = reason;
  }

  /** Begins the next generation: what the last one came to is history. */
  renew(): void {
    this.generation += 1;
    this.attempt = 0;
    this.tries = 0;
    this.level = 0;
    this.outcome = null;
    this.action = null;
    this.reason = null;
    this.edges = '';
    this.inside = null;
    this.feedback = undefined;
    this.items = undefined;
    this.artifacts = undefined;
    this.setInput(undefined);
    this.setOutput(undefined);
  }

  /** What conditions and maps may see of it. */
  view(): NodeView {
    return {
      status: this.status,
      input: this.#input,
      output: this.#output,
      outcome: this.outcome ?? undefined,
      action: this.action ?? undefined,
      artifacts: this.artifacts,
    };
  }

  restore(record: NodeRunRecord): void {
    this.generation = record.generation;
    this.attempt = record.attempt;
    this.seq = record.seq;
    this.outcome = record.outcome;
    this.action = record.action;
    this.edges = record.edges;
    this.inside = record.inside;
    this.feedback = parse(record.feedbackJson) as JsonObject | undefined;
    this.reason = record.reasonJson === null ? null : (JSON.parse(record.reasonJson) as Reason);
    this.#inputJson = record.inputJson;
    this.#input = parse(record.inputJson);
    this.#outputJson = record.outputJson;
    this.#output = parse(record.outputJson);
  }

  toRecord(run: number, updatedAt: number): NodeRunRecord {
    return {
      run,
      node: this.path,
      status: this.status,
      generation: this.generation,
      attempt: this.attempt,
      seq: this.seq,
      inputJson: this.#inputJson,
      outputJson: this.#outputJson,
      outcome: this.outcome,
      action: this.action,
      reasonJson: this.reason === null ? null : JSON.stringify(this.reason),
      edges: this.edges,
      updatedAt,
      scope: this.scope.path,
      inside: this.inside,
      feedbackJson: textOf(this.feedback),
    };
  }
}

/** Path of the scope that a node run lies in, from its own path. */
export function scopePathOf(path: string): string {
  if (path.endsWith(']')) return `${path.slice(0, path.lastIndexOf('[') + 1)}]`;
  const end = path.lastIndexOf('/');
  return end === -1 ? '' : path.slice(0, end);
}

function parse(json: string | null): JsonValue | undefined {
  return json === null ? undefined : (JSON.parse(json) as JsonValue);
}

function textOf(value: JsonValue | undefined): string | null {
  return value === undefined ? null : JSON.stringify(value);
}
