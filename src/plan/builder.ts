/** Builds a plan in TypeScript. Emits the JSON that an author would write; ids are checked by the compiler. */

import { BREAK, type PlanEdge } from './edge-schema.js';
import type { JsonObject, JsonValue } from './json.js';
import type { PlanNode } from './node-schemas.js';
import type { Plan, SchemaReference } from './schema.js';

declare const INPUT: unique symbol;
declare const OUTPUT: unique symbol;

/** A plan that remembers, in its type only, what its runs are started with and what they come to. */
export type PlanFor<Input, Output = unknown> = Plan & {
  readonly [INPUT]?: Input;
  readonly [OUTPUT]?: Output;
};

type Kind = PlanNode['kind'];
type Settings<K extends Kind> = Omit<Extract<PlanNode, { kind: K }>, 'kind' | 'id'>;
type EdgeSettings = Omit<PlanEdge, 'source' | 'target'>;
type Frame = Omit<Plan, 'title' | 'nodes' | 'edges' | 'entry' | 'schemas'>;

/** An id that is not taken yet. */
type NewId<Id extends string, Ids extends string> = Id extends Ids ? never : Id;

/** Builds the body of a loop. */
export type BodyBuilder = PlanBuilder<unknown, never>;

function emptyDraft(title: string): Plan {
  return { title, nodes: [], edges: [] };
}

/** Starts a plan; `Input` and `Output` are the types of what its runs are given and come to. */
export function plan<Input = unknown, Output = JsonValue>(
  title: string,
  frame: Frame = {},
): PlanBuilder<Input, never, Output> {
  return new PlanBuilder({ ...frame, ...emptyDraft(title) });
}

/** Each call returns the builder with the ids known so far in its type: go on from the result. */
export class PlanBuilder<Input = unknown, Ids extends string = never, Output = JsonValue> {
  readonly #draft: Plan;

  constructor(draft: Plan) {
    this.#draft = draft;
  }

  /** Work by a handler or an external worker. */
  action<const Id extends string>(
    id: NewId<Id, Ids>,
    settings: Settings<'action'>,
  ): PlanBuilder<Input, Ids | Id, Output> {
    return this.#add({ ...settings, kind: 'action', id });
  }

  /** A question to a person: approved, rejected or changes-requested. */
  approval<const Id extends string>(
    id: NewId<Id, Ids>,
    settings: Settings<'human-approval'> = {},
  ): PlanBuilder<Input, Ids | Id, Output> {
    return this.#add({ ...settings, kind: 'human-approval', id });
  }

  /** A question to a person, whose answer is the output. */
  input<const Id extends string>(
    id: NewId<Id, Ids>,
    settings: Settings<'human-input'> = {},
  ): PlanBuilder<Input, Ids | Id, Output> {
    return this.#add({ ...settings, kind: 'human-input', id });
  }

  /** A draft that a person edits, accepts, sends back or rejects. */
  reviewEdit<const Id extends string>(
    id: NewId<Id, Ids>,
    settings: Settings<'human-review-edit'> = {},
  ): PlanBuilder<Input, Ids | Id, Output> {
    return this.#add({ ...settings, kind: 'human-review-edit', id });
  }

  /** A choice that a person makes; edges name it with `on`. */
  decision<const Id extends string>(
    id: NewId<Id, Ids>,
    settings: Settings<'human-decision'>,
  ): PlanBuilder<Input, Ids | Id, Output> {
    return this.#add({ ...settings, kind: 'human-decision', id });
  }

  /** A decision by the conditions of the outgoing edges. */
  switch<const Id extends string>(
    id: NewId<Id, Ids>,
    settings: Settings<'switch'> = {},
  ): PlanBuilder<Input, Ids | Id, Output> {
    return this.#add({ ...settings, kind: 'switch', id });
  }

  /** A meeting point of branches. */
  join<const Id extends string>(
    id: NewId<Id, Ids>,
    settings: Settings<'join'> = {},
  ): PlanBuilder<Input, Ids | Id, Output> {
    return this.#add({ ...settings, kind: 'join', id });
  }

  /** One worker over many items. */
  map<const Id extends string>(
    id: NewId<Id, Ids>,
    settings: Settings<'map'>,
  ): PlanBuilder<Input, Ids | Id, Output> {
    return this.#add({ ...settings, kind: 'map', id });
  }

  /** Repeats a body, built by a function that gets an empty one. */
  loop<const Id extends string>(
    id: NewId<Id, Ids>,
    settings: Omit<Settings<'loop'>, 'body'>,
    // biome-ignore lint/suspicious/noExplicitAny: the ids of the body are its own
    body: (builder: BodyBuilder) => PlanBuilder<any, any, any>,
  ): PlanBuilder<Input, Ids | Id, Output> {
    const { nodes, edges, entry } = body(new PlanBuilder(emptyDraft(id))).build();
    const inside = { nodes, edges, ...(entry !== undefined && { entry }) };
    return this.#add({ ...settings, kind: 'loop', id, body: inside });
  }

  /** Another plan, as a run of its own; it is named with `plan`. */
  subplan<const Id extends string>(
    id: NewId<Id, Ids>,
    settings: Settings<'subplan'>,
  ): PlanBuilder<Input, Ids | Id, Output> {
    return this.#add({ ...settings, kind: 'subplan', id });
  }

  /** Time that passes. */
  sleep<const Id extends string>(
    id: NewId<Id, Ids>,
    settings: Settings<'sleep'>,
  ): PlanBuilder<Input, Ids | Id, Output> {
    return this.#add({ ...settings, kind: 'sleep', id });
  }

  /** A wait for something to be told from outside. */
  signal<const Id extends string>(
    id: NewId<Id, Ids>,
    settings: Settings<'signal'> = {},
  ): PlanBuilder<Input, Ids | Id, Output> {
    return this.#add({ ...settings, kind: 'signal', id });
  }

  /** The end of the loop, when this edge is taken. For the body of a loop. */
  breakOn(source: Ids, settings: EdgeSettings = {}): this {
    this.#draft.edges.push({ ...settings, source, target: BREAK });
    return this;
  }

  /** Names a plan, to be run by subplans. */
  plan(name: string, named: Plan): this {
    this.#draft.plans = { ...this.#draft.plans, [name]: named };
    return this;
  }

  edge(source: Ids, target: Ids, settings: EdgeSettings = {}): this {
    this.#draft.edges.push({ ...settings, source, target });
    return this;
  }

  /** One edge from each id to the next. */
  sequence(...ids: readonly [Ids, Ids, ...Ids[]]): this {
    for (let i = 1; i < ids.length; i++) this.edge(ids[i - 1] as Ids, ids[i] as Ids);
    return this;
  }

  /** Names a JSON Schema, to be used by that name. */
  schema(name: string, schema: JsonObject | boolean): this {
    this.#draft.schemas = { ...this.#draft.schemas, [name]: schema };
    return this;
  }

  /** The schema of the inputs of a run. */
  inputs(schema: SchemaReference): this {
    this.#draft.inputs = schema;
    return this;
  }

  /** Nodes to start with, where not all that have no inbound edge are meant. */
  entry(...ids: readonly [Ids, ...Ids[]]): this {
    this.#draft.entry = [...ids];
    return this;
  }

  /** The plan, apart from the builder from now on. Faults are found when it is compiled. */
  build(): PlanFor<Input, Output> {
    return structuredClone(this.#draft);
  }

  #add<Id extends string>(node: PlanNode): PlanBuilder<Input, Ids | Id, Output> {
    this.#draft.nodes.push(node);
    // The same object under a wider type: the ids live in the type only.
    return this as unknown as PlanBuilder<Input, Ids | Id, Output>;
  }
}
