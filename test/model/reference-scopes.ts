/** What the reference knows of a run: scopes with node runs, and the values that pass between them. */
import type { NodeStatus } from '../../src/machines/statuses.js';
import type { JsonObject, JsonValue } from '../../src/plan/json.js';
import type { CompiledEdge, CompiledNode, EdgeScope } from '../../src/plan/plan-version.js';
import type { Additions, Reference } from './reference.js';

export type ReferenceEdge = 'taken' | 'dead' | 'failed' | 'error';

/** What a running or ready node run is doing. */
export type Phase =
  | 'due'
  | 'backing-off'
  | 'working'
  | 'fallback-due'
  | 'fallback'
  | 'escalating'
  | 'waiting'
  | 'hosting'
  | 'judging'
  | 'stopping';

/** What work gave, while a person judges it. */
export interface Held {
  readonly by: 'working' | 'fallback';
  readonly output: JsonValue | undefined;
  readonly action: string | undefined;
  readonly adds: Additions | undefined;
}

/** The plan itself, an iteration, the items of a map, or the compensations. */
export class ModelScope {
  readonly path: string;
  readonly kind: 'plan' | 'iteration' | 'items' | 'compensations';
  readonly host: ModelRun | undefined;
  readonly loop: JsonObject | undefined;
  edges: readonly CompiledEdge[];
  nodes: readonly CompiledNode[];
  readonly runs: ModelRun[];
  decided = new Map<CompiledEdge, ReferenceEdge>();
  /** Class of the failure for which all of it is called off. */
  aborted: string | undefined;

  constructor(parts: {
    readonly path: string;
    readonly kind: ModelScope['kind'];
    readonly nodes: readonly CompiledNode[];
    readonly edges?: readonly CompiledEdge[];
    readonly host?: ModelRun;
    readonly loop?: JsonObject;
  }) {
    this.path = parts.path;
    this.kind = parts.kind;
    this.host = parts.host;
    this.loop = parts.loop;
    this.edges = parts.edges ?? [];
    this.nodes = parts.nodes;
    this.runs = parts.nodes.map((_, position) => new ModelRun(this, position));
  }

  /** More nodes and edges: what is there keeps its place, and what is decided stays decided. */
  extend({
    nodes,
    edges,
  }: {
    nodes: readonly CompiledNode[];
    edges: readonly CompiledEdge[];
  }): void {
    const known = new Map([...this.decided].map(([edge, outcome]) => [edge.id, outcome]));
    this.nodes = nodes;
    this.edges = edges;
    this.decided = new Map(
      edges.flatMap((edge) => {
        const outcome = known.get(edge.id);
        return outcome === undefined ? [] : [[edge, outcome] as const];
      }),
    );
    for (let position = this.runs.length; position < nodes.length; position++) {
      this.runs.push(new ModelRun(this, position));
    }
  }

  get isOver(): boolean {
    return this.runs.every((run) => run.isFinal && run.inside === undefined);
  }

  count(status: NodeStatus): number {
    return this.runs.filter((run) => run.status === status).length;
  }

  byId(id: string): ModelRun | undefined {
    return this.kind === 'items' ? undefined : this.runs.find((run) => run.node.id === id);
  }
}

const FINAL: readonly NodeStatus[] = ['completed', 'partial', 'skipped', 'failed', 'cancelled'];

export class ModelRun {
  readonly scope: ModelScope;
  readonly position: number;
  readonly path: string;
  status: NodeStatus = 'pending';
  phase: Phase | undefined;
  generation = 1;
  attempt = 0;
  /** How often changes were requested in a row. */
  rounds = 0;
  /** Level of its escalation that has its turn. */
  level = 0;
  /** What an editor made of the draft. */
  edited: JsonValue | undefined;
  /** Retries that the node's policy granted. */
  retries = 0;
  input: JsonValue | undefined;
  output: JsonValue | undefined;
  outcome: string | undefined;
  action: string | undefined;
  /** Class of the failure that it came to. */
  failure: string | undefined;
  /** The scope at work inside it. */
  inside: ModelScope | undefined;
  child: Reference | undefined;
  /** Items of a map or a loop. */
  items: readonly JsonValue[] = [];
  iterations = 0;
  last: JsonValue | undefined;
  /** What a person judges, and what gave it. */
  held: Held | undefined;
  wasPartial = false;
  hasSlot = false;

  constructor(scope: ModelScope, position: number) {
    this.scope = scope;
    this.position = position;
    const { node } = this;
    const { path, kind } = scope;
    const prefix = path === '' ? '' : `${path}/`;
    this.path = kind === 'items' ? `${path.slice(0, -1)}${position}]` : `${prefix}${node.id}`;
  }

  get node(): CompiledNode {
    return this.scope.nodes[this.position] as CompiledNode;
  }

  get isFinal(): boolean {
    return FINAL.includes(this.status);
  }

  /** The next generation knows nothing of this one. */
  renew(): void {
    this.status = 'pending';
    this.generation += 1;
    this.attempt = 0;
    this.rounds = 0;
    this.level = 0;
    this.edited = undefined;
    this.retries = 0;
    this.phase = undefined;
    this.input = undefined;
    this.output = undefined;
    this.outcome = undefined;
    this.action = undefined;
    this.failure = undefined;
    this.child = undefined;
  }
}

/** What expressions about a node run may see; only final nodes are seen by others. */
export function valuesFor(run: ModelRun, inputs: JsonValue): EdgeScope {
  const { input, output, outcome, action } = run;
  return {
    inputs,
    loop: loopAround(run.scope),
    input,
    output,
    outcome,
    action,
    node: lookup(run.scope),
  };
}

export function lookup(scope: ModelScope): EdgeScope['node'] {
  return (id) => {
    const found = scope.byId(id);
    if (found === undefined) return scope.host && lookup(scope.host.scope)(id);
    const { status, input, output, outcome, action } = found;
    return found.isFinal ? { status, input, output, outcome, action } : undefined;
  };
}

function loopAround(scope: ModelScope): JsonObject | undefined {
  return scope.loop ?? (scope.host && loopAround(scope.host.scope));
}

/** Outputs of the nodes that nothing follows, by id. */
export function lastOutputs(scope: ModelScope): JsonObject {
  const last = scope.runs.filter(
    ({ node }) => node.id !== '$break' && !scope.edges.some((edge) => edge.sourceId === node.id),
  );
  return Object.fromEntries(
    last.flatMap(({ node, output }) => (output === undefined ? [] : [[node.id, output]])),
  );
}

// Inputs -------------------------------------------------------------------------------------

type Resolved =
  | { readonly ok: true; readonly value: JsonValue | undefined }
  | { readonly ok: false };

export function resolveFrom(run: ModelRun, inputs: JsonValue): Resolved {
  const { scope, node } = run;
  const inbound = scope.edges.filter((edge) => edge.targetId === node.id);
  if (inbound.length === 0) return { ok: true, value: scope.loop ?? inputs };
  const taken = inbound.filter((edge) => scope.decided.get(edge) === 'taken');
  const carried: { edge: CompiledEdge; values: EdgeScope }[] = [];
  for (const edge of taken) {
    const values = valuesFor(scope.byId(edge.sourceId) as ModelRun, inputs);
    const made = edge.transform?.evaluate(values);
    if (made?.ok === false) return { ok: false };
    carried.push({ edge, values: made === undefined ? values : { ...values, output: made.value } });
  }
  const [only] = carried;
  if (only === undefined) return { ok: true, value: undefined };
  if (inbound.length === 1 && only.edge.map === undefined && node.kind !== 'join') {
    return { ok: true, value: only.values.output };
  }
  const writes = carried.flatMap(({ edge, values }) => writesOf(edge, values));
  const isConflict = writes.some((one, i) => isContested(one, writes.slice(0, i)));
  if (node.mergeInputs === 'error' && isConflict) return { ok: false };
  if (node.mergeInputs === 'first') writes.reverse();
  let value: JsonValue = {};
  for (const { path, value: written } of writes) value = put(value, path, written);
  return { ok: true, value };
}

interface Write {
  readonly path: readonly string[];
  readonly value: JsonValue;
  /** The whole output of a source, under the id of the source. */
  readonly isWhole: boolean;
}

function writesOf(edge: CompiledEdge, values: EdgeScope): Write[] {
  const isWhole = edge.map === undefined;
  const found =
    edge.map === undefined
      ? [{ path: [edge.sourceId], value: values.output }]
      : edge.map.map(({ target, read }) => ({ path: target.map(String), value: read(values) }));
  return found.flatMap(({ path, value }) =>
    value === undefined ? [] : [{ path, value, isWhole }],
  );
}

/** Two edges contest a path when one path is the beginning of the other, unless one source wrote both as a whole. */
function isContested(write: Write, before: readonly Write[]): boolean {
  return before.some((other) => {
    const length = Math.min(write.path.length, other.path.length);
    const isShared =
      write.path.slice(0, length).join('/') === other.path.slice(0, length).join('/');
    const isSameWhole = write.isWhole && other.isWhole && write.path[0] === other.path[0];
    return isShared && !isSameWhole;
  });
}

function put(container: JsonValue, [key, ...rest]: readonly string[], value: JsonValue): JsonValue {
  if (key === undefined) return value;
  const isObject = typeof container === 'object' && container !== null && !Array.isArray(container);
  const base: JsonObject = isObject ? container : {};
  return { ...base, [key]: put(base[key] ?? {}, rest, value) };
}
