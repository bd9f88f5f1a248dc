/**
 * The compiled form of a plan: immutable, known by its content hash, shared by all runs of it.
 * The graph is kept as arrays indexed by node position and edge index, so that a step of a run
 * costs what it touches and never the size of the plan.
 */
import type { Issue } from './issue.js';
import type { JsonValue } from './json.js';
import type { Plan, PlanNode } from './schema.js';

export type NodeKind = PlanNode['kind'];

/** What a failed node means for its run. `abort` ends it; see docs/plans.md. */
export type FailurePolicy = 'abort' | 'skip' | 'continue';

export interface RetryPolicy {
  /** Total number of tries; 1 means no retry. */
  readonly maxAttempts: number;
  /** Failure classes that may be tried again; empty means all that are retryable. */
  readonly retryOn: readonly string[];
  readonly backoff: 'none' | 'fixed' | 'exponential';
  /** Delay before the first retry; doubled for each further one when exponential. */
  readonly delayMs: number;
  readonly maxDelayMs: number;
  /** How many interruptions (crash, shutdown) the node survives before it fails. */
  readonly maxInterruptions: number;
}

export type JoinRule =
  | { readonly type: 'all' }
  | { readonly type: 'any' }
  | { readonly type: 'count'; readonly count: number };

export interface JoinPolicy {
  readonly rule: JoinRule;
  /** What a failed input means: it fails the join, or it counts as dead. */
  readonly onFailure: 'fail' | 'ignore';
}

/** A product that a node has to deliver as an artifact. */
export interface Deliverable {
  readonly name: string;
  readonly kind: string;
  readonly required: boolean;
}

/** Returns the issues of a value; an empty list means valid. Never throws. */
export type ValueValidator = (value: JsonValue | undefined) => readonly Issue[];

export interface CompiledNode {
  /** Position in authoring order, and index into every per-node array of a run. */
  readonly position: number;
  readonly id: string;
  readonly kind: NodeKind;
  /** The node as written, normalised. */
  readonly source: PlanNode;
  /** Key of the handler that does the work; actions only. */
  readonly handler: string | undefined;
  readonly retry: RetryPolicy;
  readonly onFailure: FailurePolicy;
  /** `continue` with a default output makes the node partial instead of failed. */
  readonly defaultOutput: JsonValue | undefined;
  /** Declared strategy where two edges write the same path of the input. */
  readonly mergeInputs: 'error' | 'first' | 'last';
  readonly join: JoinPolicy | undefined;
  readonly switchMode: 'exclusive' | 'inclusive' | undefined;
  readonly validateInput: ValueValidator | undefined;
  readonly validateOutput: ValueValidator | undefined;
  /** The JSON Schema behind `validateOutput`, names resolved. */
  readonly outputSchema: JsonValue | undefined;
  readonly deliverables: readonly Deliverable[];
  /** Derived from the edges, in authoring order, each id once. */
  readonly upstreamNodeIds: readonly string[];
}

/** What a condition and an edge map may see. Built per evaluation; read-only; nothing else is in scope. */
export interface EdgeScope {
  /** Run inputs. */
  readonly inputs: JsonValue;
  /** Resolved input of the edge's source. */
  readonly input: JsonValue | undefined;
  /** Output of the edge's source. */
  readonly output: JsonValue | undefined;
  /** Approval outcome of the source (`approved`, `rejected`, `changes-requested`), else undefined. */
  readonly outcome: string | undefined;
  /** Looks up a finished node by id: its `input`, `output`, `outcome`, `artifacts`. */
  node(id: string): NodeView | undefined;
}

export interface NodeView {
  readonly input?: JsonValue | undefined;
  readonly output?: JsonValue | undefined;
  readonly outcome?: string | undefined;
  readonly artifacts?: JsonValue | undefined;
}

export type Evaluation =
  | { readonly ok: true; readonly value: boolean }
  | { readonly ok: false; readonly code: string; readonly message: string };

/** A condition parsed at compile time. `evaluate` never throws. */
export interface Condition {
  readonly text: string;
  evaluate(scope: EdgeScope): Evaluation;
}

/** One entry of an edge map: writes the value at a source path to a path of the target's input. */
export interface Mapping {
  /** Path segments below the target's input; the empty list replaces the whole input. */
  readonly target: readonly (string | number)[];
  /** The target path as written. */
  readonly text: string;
  /** Reads the value; undefined where the path does not exist. Never throws. */
  read(scope: EdgeScope): JsonValue | undefined;
}

export interface CompiledEdge {
  readonly index: number;
  /** Unique in the plan: as given, or `source->target`, with `#2` and so on where repeated. */
  readonly id: string;
  /** Positions of both ends. */
  readonly source: number;
  readonly target: number;
  readonly sourceId: string;
  readonly targetId: string;
  /** Undefined where the edge has no condition, or an empty or `always` one. */
  readonly when: Condition | undefined;
  /** Action that the source's result must name. */
  readonly on: string | undefined;
  readonly isDefault: boolean;
  /** Outcome of an error in the condition: the edge is dead, or its target fails. */
  readonly onError: 'dead' | 'fail';
  readonly map: readonly Mapping[] | undefined;
}

/**
 * Adjacency in compressed form. The outgoing edges of node `n` are the edge indexes
 * `outStart[n]` (inclusive) to `outStart[n + 1]` (exclusive): edges are numbered by source
 * position, then authoring order. Incoming edges are listed in `inEdges` between
 * `inStart[n]` and `inStart[n + 1]`, in edge-index order.
 */
export interface PlanGraph {
  readonly nodes: readonly CompiledNode[];
  readonly edges: readonly CompiledEdge[];
  readonly positionOf: ReadonlyMap<string, number>;
  readonly outStart: Uint32Array;
  readonly inStart: Uint32Array;
  readonly inEdges: Uint32Array;
  /** Positions of the entry nodes, ascending. */
  readonly entries: Uint32Array;
}

/** A compiled plan. Two drafts with the same content have the same hash, whatever their key order. */
export interface PlanVersion {
  /** `sha256:` and 64 hexadecimal digits, over the canonical JSON (RFC 8785) of `plan`. */
  readonly hash: string;
  readonly plan: Plan;
  readonly graph: PlanGraph;
  /** Validates the run's inputs, where the plan declares a schema for them. */
  readonly validateInputs: ValueValidator | undefined;
  /** Issues that did not block. */
  readonly warnings: readonly Issue[];
}
