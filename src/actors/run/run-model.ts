/**
 * All that a resident run knows beside its statecharts: the pinned plan, the progress arrays, the
 * node states, open tasks and timers, and what is left to decide. Rebuilt from rows; asks nothing.
 */
import { isFinal } from '../../machines/statuses.js';
import type { JsonValue } from '../../plan/json.js';
import type {
  CompiledEdge,
  CompiledNode,
  EdgeScope,
  PlanGraph,
  PlanVersion,
} from '../../plan/plan-version.js';
import { Fifo } from '../fifo.js';
import type { AttemptRecord, RunRecord, StoredRun, TaskRecord, TimerRecord } from '../records.js';
import { NodeState } from './node-state.js';
import { PositionQueue } from './position-queue.js';
import { Progress } from './progress.js';
import { decideReadiness } from './readiness.js';

export class RunModel {
  readonly version: PlanVersion;
  readonly graph: PlanGraph;
  readonly progress: Progress;
  readonly inputs: JsonValue;
  record: RunRecord;
  /** Number of the newest event. */
  seq = 0;
  /** Pending nodes whose inbound edges may say enough to decide them. */
  readonly undecided: PositionQueue;
  /** Ready nodes that wait for a slot, in the order in which they became ready. */
  readonly waiting = new Fifo<CompiledNode>();
  /** Node runs that have to be withdrawn because the run is ending. */
  readonly withdrawing = new Fifo<CompiledNode>();
  readonly tasks = new Map<string, TaskRecord>();
  readonly timers = new Map<string, TimerRecord>();
  readonly openAttempts = new Map<string, AttemptRecord>();
  readonly artifactVersions = new Map<string, number>();
  readonly #states = new Map<string, NodeState>();

  constructor(record: RunRecord, version: PlanVersion) {
    this.record = record;
    this.version = version;
    this.graph = version.graph;
    this.progress = new Progress(version.graph);
    this.undecided = new PositionQueue(version.graph.nodes.length);
    this.inputs = JSON.parse(record.inputJson) as JsonValue;
  }

  static fromStored(stored: StoredRun, version: PlanVersion): RunModel {
    const model = new RunModel(stored.record, version);
    model.seq = stored.seq;
    for (const row of stored.nodeRuns) {
      const node = model.node(row.node);
      model.#states.set(row.node, NodeState.fromRecord(row));
      model.progress.restore(node.position, row.status);
      model.progress.restoreOutgoing(node.position, row.edges);
    }
    for (const task of stored.openTasks) model.tasks.set(task.node, task);
    for (const timer of stored.timers) model.timers.set(timer.id, timer);
    for (const attempt of stored.openAttempts) model.openAttempts.set(attempt.node, attempt);
    for (const artifact of stored.artifacts) {
      model.artifactVersions.set(artifact.name, artifact.version);
      model.keepArtifact(artifact);
    }
    return model;
  }

  /** The compiled node with this id; throws where the plan has none. */
  node(id: string): CompiledNode {
    const position = this.graph.positionOf.get(id);
    const node = position === undefined ? undefined : this.graph.nodes[position];
    if (node === undefined) throw new Error(`the plan has no node "${id}"`);
    return node;
  }

  nodeAt(position: number): CompiledNode {
    const node = this.graph.nodes[position];
    if (node === undefined) throw new Error(`the plan has no node at position ${position}`);
    return node;
  }

  state(node: CompiledNode): NodeState {
    let state = this.#states.get(node.id);
    if (state === undefined) {
      state = new NodeState(node.id);
      this.#states.set(node.id, state);
    }
    return state;
  }

  /** Edges that lead to `node`, in edge order. */
  inboundEdges(node: CompiledNode): readonly CompiledEdge[] {
    const { inStart, inEdges, edges } = this.graph;
    const inbound: CompiledEdge[] = [];
    for (let i = inStart[node.position] ?? 0; i < (inStart[node.position + 1] ?? 0); i++) {
      const edge = edges[inEdges[i] ?? -1];
      if (edge !== undefined) inbound.push(edge);
    }
    return inbound;
  }

  /** What the conditions and maps of `node`'s outgoing edges may see. */
  scopeOf(node: CompiledNode): EdgeScope {
    const { input, output, outcome } = this.state(node).view();
    return {
      inputs: this.inputs,
      input,
      output,
      outcome,
      node: (id) => this.#finishedView(id),
    };
  }

  #finishedView(id: string) {
    const position = this.graph.positionOf.get(id);
    if (position === undefined || !isFinal(this.progress.status(position))) return undefined;
    return this.#states.get(id)?.view();
  }

  keepArtifact(artifact: {
    readonly node: string;
    readonly name: string;
    readonly kind: string;
    readonly version: number;
    readonly pointer: string | null;
    readonly payloadJson: string | null;
  }): void {
    const state = this.state(this.node(artifact.node));
    state.artifacts ??= Object.create(null) as { [name: string]: JsonValue };
    state.artifacts[artifact.name] = {
      name: artifact.name,
      kind: artifact.kind,
      version: artifact.version,
      pointer: artifact.pointer,
      payload:
        artifact.payloadJson === null ? null : (JSON.parse(artifact.payloadJson) as JsonValue),
    };
  }

  /**
   * Finds again what a stopped process had left to decide: pending nodes whose inbound edges say
   * enough, and ready nodes in the order of their events. `isDue` tells ready from backing off.
   */
  resumeDecisions(isDue: (node: CompiledNode) => boolean): void {
    const ready: CompiledNode[] = [];
    for (const node of this.graph.nodes) {
      const status = this.progress.status(node.position);
      if (status === 'pending') {
        const arrivals = this.progress.arrivals(node.position);
        if (decideReadiness(arrivals, node.join).is !== 'waiting')
          this.undecided.push(node.position);
      } else if (status === 'ready' && isDue(node)) ready.push(node);
    }
    ready.sort((a, b) => this.state(a).seq - this.state(b).seq);
    for (const node of ready) this.waiting.push(node);
  }

  /** Puts node runs that have to be withdrawn in line, in plan order. */
  beginWithdrawal(openNodes: readonly string[]): void {
    const nodes = openNodes.map((id) => this.node(id)).sort((a, b) => a.position - b.position);
    for (const node of nodes) this.withdrawing.push(node);
  }

  /** Goes on withdrawing work from a run that was ending. Untouched nodes were cancelled when it began. */
  resumeEnding(openNodes: readonly string[]): void {
    this.beginWithdrawal(openNodes);
    for (const node of this.graph.nodes) {
      if (this.progress.status(node.position) === 'pending') {
        this.progress.change(node.position, 'cancelled');
      }
    }
  }

  /** Takes the longest waiting ready node; nodes that left ready meanwhile are passed over. */
  nextWaiting(): CompiledNode | undefined {
    for (;;) {
      const node = this.waiting.shift();
      if (node === undefined || this.progress.status(node.position) === 'ready') return node;
    }
  }
}
