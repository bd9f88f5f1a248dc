/** What compiling a graph has to know, and what checking it leaves for assembling it. */

import type { EdgeParts } from './compile-edges.js';
import { BREAK, type PlanEdge } from './edge-schema.js';
import type { Evaluator } from './evaluator.js';
import type { Reporter } from './findings.js';
import type { JsonObject } from './json.js';
import type { PlanBody, PlanNode } from './node-schemas.js';
import type {
  Checks,
  Condition,
  CountCondition,
  Expression,
  PlanGraph,
  ValueValidator,
} from './plan-version.js';
import type { SchemaReference } from './schema.js';
import type { GraphOutline } from './shape.js';
import type { Topology } from './topology.js';
import type { ValueSchemas } from './value-schemas.js';

export type NamedSchemas = Readonly<Record<string, JsonObject | boolean>>;

/** A schema, or the one of that name. */
export function resolveSchema(
  reference: SchemaReference | undefined,
  named: NamedSchemas,
): JsonObject | boolean | undefined {
  return typeof reference === 'string' ? named[reference] : reference;
}

/** What a graph is compiled in. */
export interface GraphContext {
  readonly schemas: ValueSchemas;
  /** Named schemas as written. */
  readonly named: NamedSchemas;
  /** Schema of the inputs of a run. */
  readonly inputs: SchemaReference | undefined;
  /** JSON Pointer of the graph in its plan. */
  readonly base: string;
  /** Ids of the nodes around this graph: those of the loops that it is in, and beside them. */
  readonly enclosing: ReadonlySet<string>;
  /** Of the language that the plan names; undefined for CEL. */
  readonly evaluator: Evaluator | undefined;
  /** Names of the plans that a subplan may run, with whether each leads back to this plan. */
  readonly plans: ReadonlyMap<string, { readonly isRecursive: boolean }>;
}

/** What checking a graph leaves for assembling it. */
export interface GraphParts {
  readonly topology: Topology;
  readonly nodes: readonly NodeParts[];
  /** In authoring order. */
  readonly edges: readonly EdgeParts[];
}

/** As GraphContext, with the way into the bodies of loops. */
export interface NodeContext extends GraphContext {
  compileGraph(outline: GraphOutline, context: GraphContext, findings: Reporter): GraphParts;
}

/** What a node is assembled from, with the way into the bodies of loops. */
export interface Assembly {
  readonly parts: GraphParts;
  readonly named: NamedSchemas;
  assembleGraph(
    nodes: readonly PlanNode[],
    edges: readonly PlanEdge[],
    parts: GraphParts,
    named: NamedSchemas,
  ): PlanGraph;
}

/** Expressions of a node that asks people. */
export interface HumanParts {
  readonly responders?: Expression | undefined;
  readonly assignee?: Expression | undefined;
  readonly options?: Expression | undefined;
  readonly subject?: Expression | undefined;
}

export interface NodeParts {
  readonly handler?: string | undefined;
  readonly validateInput?: ValueValidator | undefined;
  readonly validateOutput?: ValueValidator | undefined;
  /** Of one item of a map, and of one result. */
  readonly validateItem?: ValueValidator | undefined;
  readonly validateResult?: ValueValidator | undefined;
  /** Of the payload of each deliverable. */
  readonly deliverables?: readonly (ValueValidator | undefined)[];
  readonly checks?: Checks;
  readonly joinCondition?: CountCondition | undefined;
  readonly concurrencyKey?: Expression | undefined;
  readonly items?: Expression | undefined;
  readonly sleepUntil?: Expression | undefined;
  readonly forEach?: Expression | undefined;
  readonly while?: Condition | undefined;
  readonly until?: Condition | undefined;
  readonly result?: Expression | undefined;
  readonly body?: GraphParts | undefined;
  readonly human?: HumanParts | undefined;
}

/** The nodes of a body, with the join that stands for its end where an edge leads there. */
export function nodesOfBody({ nodes, edges = [] }: PlanBody): readonly PlanNode[] {
  if (!edges.some((edge) => edge.target === BREAK)) return nodes;
  return [...nodes, { kind: 'join', id: BREAK, rule: 'any', onFailure: 'ignore' }];
}
