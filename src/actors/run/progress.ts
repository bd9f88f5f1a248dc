/**
 * Where a scope stands: a status per node and an outcome per edge, in arrays beside the actors,
 * because a machine's context is copied on every change. Invariants: an edge's outcome is set
 * once; the counters always agree with the arrays.
 */

import {
  isFinal,
  NODE_STATUSES,
  NODE_TRANSITIONS,
  type NodeStatus,
} from '../../machines/statuses.js';
import type { PlanGraph } from '../../plan/plan-version.js';

/** `error`: the edge's condition could not be evaluated, and its author wants the target to fail. */
export const EDGE_OUTCOMES = ['undecided', 'taken', 'dead', 'failed', 'error'] as const;
export type EdgeOutcome = (typeof EDGE_OUTCOMES)[number];
export type DecidedEdgeOutcome = Exclude<EdgeOutcome, 'undecided'>;

/** What has come to a node. One that leads to it by several edges counts once. */
export interface Arrivals {
  readonly total: number;
  readonly taken: number;
  readonly dead: number;
  readonly failed: number;
  readonly error: number;
  /** Not decided yet. */
  readonly open: number;
}

/** Numbers of node runs by status, over all scopes at work. */
export class Tally {
  readonly #counts = NODE_STATUSES.map(() => 0);

  count(status: NodeStatus): number {
    return this.#counts[code(status)] ?? 0;
  }

  /** Node runs that are not final. */
  get unfinished(): number {
    return UNFINISHED.reduce((sum, status) => sum + this.count(status), 0);
  }

  add(status: number, number: number): void {
    this.#counts[status] = (this.#counts[status] ?? 0) + number;
  }
}

const UNFINISHED = NODE_STATUSES.filter((status) => !isFinal(status));

const STATUS_CODE = new Map<NodeStatus, number>(
  NODE_STATUSES.map((status, code) => [status, code]),
);
const OUTCOME_CODE = new Map<EdgeOutcome, number>(EDGE_OUTCOMES.map((outcome, i) => [outcome, i]));
/** Of edges from one node to another: an error counts first, then what arrived, then what may still arrive. */
const BY_WEIGHT = (['error', 'taken', 'undecided', 'failed', 'dead'] as const).map(
  (outcome) => OUTCOME_CODE.get(outcome) ?? 0,
);
const OUTCOME_LETTERS = EDGE_OUTCOMES.map((outcome) => outcome.charAt(0)).join('');

export class Progress {
  readonly #graph: PlanGraph;
  readonly #statuses: Uint8Array;
  readonly #outcomes: Uint8Array;
  /** Per node, how many of its predecessors have each outcome; five numbers a node. */
  readonly #arrivals: Uint32Array;
  readonly #counts: number[] = NODE_STATUSES.map(() => 0);
  readonly #tally: Tally;

  constructor(graph: PlanGraph, tally: Tally) {
    const { nodes, edges, predecessors } = graph;
    this.#graph = graph;
    this.#tally = tally;
    this.#statuses = new Uint8Array(nodes.length);
    this.#outcomes = new Uint8Array(edges.length);
    this.#arrivals = new Uint32Array(nodes.length * EDGE_OUTCOMES.length);
    for (let node = 0; node < nodes.length; node++) {
      this.#arrivals[node * EDGE_OUTCOMES.length] = at(predecessors, node);
    }
    this.#counts[0] = nodes.length;
    tally.add(0, nodes.length);
  }

  /** Node runs that are not final. */
  get unfinished(): number {
    return UNFINISHED.reduce((sum, status) => sum + this.count(status), 0);
  }

  /** Takes what is left out of the tally: the scope is at work no more. */
  retire(): void {
    for (const [status, count] of this.#counts.entries()) this.#tally.add(status, -count);
  }

  status(node: number): NodeStatus {
    return NODE_STATUSES[at(this.#statuses, node)] as NodeStatus;
  }

  /** Number of node runs with `status`. */
  count(status: NodeStatus): number {
    return this.#counts[code(status)] ?? 0;
  }

  counts(): Record<NodeStatus, number> {
    const counts = {} as Record<NodeStatus, number>;
    for (let i = 0; i < NODE_STATUSES.length; i++) {
      counts[NODE_STATUSES[i] as NodeStatus] = this.#counts[i] ?? 0;
    }
    return counts;
  }

  /** Changes a status; throws where the statechart has no such transition. */
  change(node: number, to: NodeStatus): void {
    const from = this.status(node);
    if (!NODE_TRANSITIONS[from].includes(to)) {
      const id = this.#graph.nodes[node]?.id;
      throw new Error(`illegal transition of node run "${id}": ${from} to ${to}`);
    }
    this.restore(node, to);
  }

  /** Sets a status as it was stored. */
  restore(node: number, to: NodeStatus): void {
    const from = at(this.#statuses, node);
    const next = code(to);
    this.#statuses[node] = next;
    this.#counts[from] = (this.#counts[from] ?? 0) - 1;
    this.#counts[next] = (this.#counts[next] ?? 0) + 1;
    this.#tally.add(from, -1);
    this.#tally.add(next, 1);
  }

  /** Takes back the outcome of an edge: its source begins another generation. */
  undecideEdge(edge: number): void {
    if (at(this.#outcomes, edge) !== 0) this.#set(edge, 0);
  }

  edge(edge: number): EdgeOutcome {
    return EDGE_OUTCOMES[at(this.#outcomes, edge)] as EdgeOutcome;
  }

  /** Decides an edge, once. */
  decideEdge(edge: number, outcome: DecidedEdgeOutcome): void {
    if (at(this.#outcomes, edge) !== 0) {
      throw new Error(`edge "${this.#graph.edges[edge]?.id}" is decided already`);
    }
    this.#set(edge, OUTCOME_CODE.get(outcome) ?? 0);
  }

  #set(edge: number, outcome: number): void {
    const base = (this.#graph.edges[edge]?.target ?? 0) * EDGE_OUTCOMES.length;
    const before = base + this.#arrivalBy(edge);
    this.#outcomes[edge] = outcome;
    const after = base + this.#arrivalBy(edge);
    this.#arrivals[before] = at(this.#arrivals, before) - 1;
    this.#arrivals[after] = at(this.#arrivals, after) + 1;
  }

  /** What has come from the source of an edge to its target, by it and by those beside it. */
  #arrivalBy(edge: number): number {
    const own = at(this.#outcomes, edge);
    const beside = this.#graph.parallel.get(edge);
    if (beside === undefined) return own;
    const outcomes = beside.map((other) => at(this.#outcomes, other));
    return BY_WEIGHT.find((outcome) => outcomes.includes(outcome)) ?? own;
  }

  arrivals(node: number): Arrivals {
    const base = node * EDGE_OUTCOMES.length;
    return {
      total: at(this.#graph.predecessors, node),
      open: at(this.#arrivals, base),
      taken: at(this.#arrivals, base + 1),
      dead: at(this.#arrivals, base + 2),
      failed: at(this.#arrivals, base + 3),
      error: at(this.#arrivals, base + 4),
    };
  }

  /** Outcomes of a node's outgoing edges, a letter each; empty while they are undecided. */
  outgoing(node: number): string {
    const { outStart } = this.#graph;
    let letters = '';
    for (let edge = at(outStart, node); edge < at(outStart, node + 1); edge++) {
      const outcome = at(this.#outcomes, edge);
      if (outcome === 0) return '';
      letters += OUTCOME_LETTERS.charAt(outcome);
    }
    return letters;
  }

  /** Restores outgoing edges from the letters of `outgoing`. */
  restoreOutgoing(node: number, letters: string): void {
    const first = at(this.#graph.outStart, node);
    for (let i = 0; i < letters.length; i++) this.restoreEdge(first + i, letters.charAt(i));
  }

  /** Decides an edge by one of the letters of `outgoing`. */
  restoreEdge(edge: number, letter: string): void {
    const outcome = EDGE_OUTCOMES[OUTCOME_LETTERS.indexOf(letter)];
    if (outcome === undefined || outcome === 'undecided') {
      throw new Error(`unknown edge outcome "${letter}"`);
    }
    this.decideEdge(edge, outcome);
  }
}

function at(array: Uint8Array | Uint32Array, index: number): number {
  return array[index] ?? 0;
}

function code(status: NodeStatus): number {
  return STATUS_CODE.get(status) ?? 0;
}
