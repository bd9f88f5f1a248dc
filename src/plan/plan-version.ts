/**
 * The compiled form of a plan: immutable, known by its content hash, shared by all runs of it.
 * The graph is kept as arrays indexed by node position and edge index, so that a step of a run
 * costs what it touches and never the size of the plan.
 */
import type { Issue, IssueSeverity } from './issue.js';
import type { JsonObject, JsonValue } from './json.js';
import type { PlanNode } from './node-schemas.js';
import type { Plan } from './schema.js';

const PLAN_HASH = /^sha256:[0-9a-f]{64}$/;

/** Whether a text can be the hash of a plan version. */
export function isPlanHash(text: string): boolean {
  return PLAN_HASH.test(text);
}

export type NodeKind = PlanNode['kind'];

/** What is done about a failure when no retry is left; see docs/plans.md. */
export type FailureAction =
  | 'abort'
  | 'skip'
  | 'continue'
  | 'retry'
  | 'fallback'
  | 'human-review'
  | 'replan'
  | 'escalate'
  | 'backtrack';

export interface FailurePolicy {
  /** By class of failure. */
  readonly byClass: Readonly<Record<string, FailureAction>>;
  readonly otherwise: FailureAction;
}

/** How often a piece of work is tried, and how long it waits in between. */
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

/** Numbers of a join's inbound edges by outcome. */
export interface JoinCounts {
  readonly taken: number;
  readonly dead: number;
  readonly failed: number;
  readonly open: number;
  readonly total: number;
}

export interface CountCondition {
  readonly text: string;
  evaluate(counts: JoinCounts): Evaluation<boolean>;
}

export type JoinRule =
  | { readonly type: 'all' }
  | { readonly type: 'any' }
  | { readonly type: 'count'; readonly count: number }
  | { readonly type: 'when'; readonly condition: CountCondition };

export interface JoinPolicy {
  readonly rule: JoinRule;
  /** What a failed input means: it fails the join, it counts as dead, or it may yet recover. */
  readonly onFailure: 'fail' | 'ignore' | 'wait';
  /** Positions of the nodes that lead to this join only: pointless once it has decided. */
  readonly rest: readonly number[];
}

/** A product that a node has to deliver as an artifact. */
export interface Deliverable {
  readonly name: string;
  readonly kind: string;
  readonly required: boolean;
  /** The JSON Schema that its payload has to fit, names resolved. */
  readonly schema: JsonValue | undefined;
  readonly validate: ValueValidator | undefined;
}

/** What a check sees of what a node gives. */
export interface CheckScope extends EdgeScope {
  /** By name: kind, pointer, payload. */
  readonly artifacts: JsonObject;
  /** Of the node run: id, kind, generation, attempt. */
  readonly about: JsonObject;
}

interface EveryCheck {
  readonly name: string;
  readonly severity: IssueSeverity;
  /** Said where it is not fulfilled. */
  readonly message: string;
}

/** Decided when the output is assessed. */
export interface ExpressionCheck extends EveryCheck {
  readonly condition: { readonly text: string; evaluate(scope: CheckScope): Evaluation<boolean> };
}

/** Decided by a handler, after all else was found valid. */
export interface HandlerCheck extends EveryCheck {
  readonly handler: string;
  /** Least score that fulfils it. */
  readonly threshold: number | undefined;
  readonly timeoutMs: number | undefined;
}

/** Decided by people, who are shown what the node gives. */
export interface PersonCheck extends EveryCheck {
  readonly ask: JudgeSettings;
  /** Least score that fulfils it; without one no score is asked for. */
  readonly threshold: number | undefined;
}

/** A check that takes time. */
export type JudgedCheck = HandlerCheck | PersonCheck;

/** What is asked of what a node gives, each kind in authoring order. */
export interface Checks {
  readonly expressions: readonly ExpressionCheck[];
  /** Asked one after another: handlers first, then people. */
  readonly judges: readonly JudgedCheck[];
}

/** Returns the issues of a value; an empty list means valid. Never throws. */
export type ValueValidator = (value: JsonValue | undefined) => readonly Issue[];

/** Work that stands in for that of a node, or undoes it. */
export interface Substitute {
  readonly handler: string;
  readonly timeoutMs: number | undefined;
}

/** A level has either a handler or responders. */
export interface EscalationLevel {
  readonly handler: string | undefined;
  readonly responders: readonly string[] | undefined;
  readonly groups: readonly string[] | undefined;
  readonly assignee: string | undefined;
  readonly instructions: string | undefined;
  /** Wait before this level. */
  readonly delayMs: number;
  /** How long people have before the next level. */
  readonly deadlineMs: number | undefined;
}

export interface MapSettings {
  /** Gives the items from the input of the map; without it the input is the list. */
  readonly items: Expression | undefined;
  /** The action that each item, or chunk of items, is one node run of. */
  readonly worker: CompiledNode;
  readonly concurrency: number;
  /** Undefined where each item is worked on alone. */
  readonly chunkSize: number | undefined;
  readonly policy: 'fail-fast' | 'collect';
  /** Share of items, from 0 to 1, that has to succeed under `collect`. */
  readonly minSuccess: number;
}

export interface LoopSettings {
  readonly body: PlanGraph;
  readonly forEach: Expression | undefined;
  readonly while: Condition | undefined;
  readonly until: Condition | undefined;
  readonly maxIterations: number;
  /** Value of an iteration; without it the outputs of the body's last nodes. */
  readonly result: Expression | undefined;
}

/** One of the things that a decision chooses from. */
export interface DecisionOption {
  readonly id: string;
  readonly title?: string | undefined;
  readonly description?: string | undefined;
}

/** Whom a node or a check asks, and what applies until somebody has answered. */
export interface AskSettings {
  /** Who may answer; with no groups either, anybody. */
  readonly responders: readonly string[] | Expression | undefined;
  readonly groups: readonly string[];
  readonly assignee: string | Expression | undefined;
  /** Whether the one who asked for the run may not answer. */
  readonly fourEyes: boolean;
  readonly delegation: 'none' | 'entitled' | 'anyone';
  readonly deadlineMs: number | undefined;
  readonly reminders:
    | { readonly afterMs: number; readonly everyMs?: number | undefined; readonly max: number }
    | undefined;
  /** The answer where the last deadline passes. */
  readonly defaultResponse: JsonValue | undefined;
  /** Votes that decide. */
  readonly quorum: { readonly approvals: number; readonly rejections: number };
}

/** How a check asks people to judge what a node gives. */
export interface JudgeSettings extends AskSettings {
  readonly objective: string | undefined;
  readonly instructions: string | undefined;
  readonly criteria: readonly string[];
  readonly escalation: readonly EscalationLevel[];
  readonly onDowntime: OnDowntime;
  /** The scale of the score; any number where absent. */
  readonly score: { readonly min: number; readonly max: number } | undefined;
  readonly responseSchema: JsonValue;
}

/** What happens to timers that fell due, or went on, while no process ran. */
export type OnDowntime = 'keep-due' | 'remaining' | 'restart';

/** How a node asks people. */
export interface HumanSettings extends AskSettings {
  readonly rework: { readonly to: string; readonly maxRounds: number } | undefined;
  readonly options: readonly DecisionOption[] | Expression | undefined;
  /** What is reviewed; its input where absent. */
  readonly subject: Expression | undefined;
  /** Undefined where it depends on the input. */
  readonly responseSchema: JsonValue | undefined;
}

export interface CompiledNode {
  /** Position in authoring order, and index into every per-node array of a run. */
  readonly position: number;
  readonly id: string;
  readonly kind: NodeKind;
  /** The node as written, normalised. */
  readonly source: PlanNode;
  /** Key of the handler that does the work; actions and workers of maps only. */
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
  readonly checks: Checks;
  /** Derived from the edges, in authoring order, each id once. */
  readonly upstreamNodeIds: readonly string[];
  /** How long an attempt may take, in milliseconds. */
  readonly timeoutMs: number | undefined;
  /** How long an attempt may go without a sign of life, in milliseconds. */
  readonly heartbeatMs: number | undefined;
  readonly fallback: Substitute | undefined;
  readonly escalation: readonly EscalationLevel[];
  readonly backtrack: { readonly to: string; readonly maxRestarts: number } | undefined;
  /** The action that undoes it. */
  readonly compensation: CompiledNode | undefined;
  /** Whether a retry resolves the input again. */
  readonly resolvesEachAttempt: boolean;
  readonly concurrencyKey: { readonly key: Expression; readonly limit: number } | undefined;
  readonly human: HumanSettings | undefined;
  readonly map: MapSettings | undefined;
  readonly loop: LoopSettings | undefined;
  readonly sleep:
    | { readonly durationMs: number; readonly until: Expression | undefined }
    | undefined;
}

/** What a condition and an edge map may see. Built per evaluation; read-only; nothing else is in scope. */
export interface EdgeScope {
  /** Run inputs. */
  readonly inputs: JsonValue;
  /** What the iteration of a loop knows of itself; undefined outside of loops. */
  readonly loop?: JsonObject | undefined;
  /** Resolved input of the edge's source. */
  readonly input: JsonValue | undefined;
  /** Output of the edge's source. */
  readonly output: JsonValue | undefined;
  /** Approval outcome of the source (`approved`, `rejected`, `changes-requested`), else undefined. */
  readonly outcome: string | undefined;
  /** Action that the result of the source named. */
  readonly action?: string | undefined;
  /** Looks up a finished node by id: its `input`, `output`, `outcome`, `artifacts`. */
  node(id: string): NodeView | undefined;
}

export interface NodeView {
  readonly status?: string | undefined;
  readonly action?: string | undefined;
  readonly input?: JsonValue | undefined;
  readonly output?: JsonValue | undefined;
  readonly outcome?: string | undefined;
  readonly artifacts?: JsonValue | undefined;
}

export type Evaluation<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly code: string; readonly message: string };

/** An expression parsed at compile time that gives a value. `evaluate` never throws. */
export interface Expression {
  readonly text: string;
  evaluate(scope: EdgeScope): Evaluation<JsonValue>;
}

/** A condition parsed at compile time. `evaluate` never throws. */
export interface Condition {
  readonly text: string;
  evaluate(scope: EdgeScope): Evaluation<boolean>;
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
  /** Makes what the edge carries from the output of its source. */
  readonly transform: Expression | undefined;
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
  /** Per node, the number of different nodes that have an edge to it. */
  readonly predecessors: Uint32Array;
  /** Edges that share their source and their target with others, each with all of those, itself included. */
  readonly parallel: ReadonlyMap<number, readonly number[]>;
  /** Positions of the entry nodes, ascending. */
  readonly entries: Uint32Array;
  /** Positions of the nodes without an outgoing edge, ascending. */
  readonly exits: Uint32Array;
}

/** A compiled plan. Two drafts with the same content have the same hash, whatever their key order. */
export interface PlanVersion {
  /** `sha256:` and 64 hexadecimal digits, over the canonical JSON (RFC 8785) of `plan`. */
  readonly hash: string;
  readonly plan: Plan;
  readonly graph: PlanGraph;
  /** Validates the run's inputs, where the plan declares a schema for them. */
  readonly validateInputs: ValueValidator | undefined;
  /** Output of a run; without it the outputs of the last nodes. */
  readonly result: Expression | undefined;
  /** Issues that did not block. */
  readonly warnings: readonly Issue[];
}
