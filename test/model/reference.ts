/**
 * A scheduler as simple as can be, to compare the kernel with. It knows no queues of undecided
 * nodes, no counters and no turns: after each thing that happens it looks at the whole plan again,
 * until nothing changes. Conditions and schemas are taken from the compiled plan.
 */
import type { NodeStatus, RunStatus } from '../../src/machines/statuses.js';
import type { JsonObject, JsonValue } from '../../src/plan/json.js';
import type {
  CompiledEdge,
  CompiledNode,
  EdgeScope,
  PlanVersion,
} from '../../src/plan/plan-version.js';

/** How one try of an action ends. */
export type Ending =
  | { readonly ok: true; readonly output: JsonValue | undefined; readonly action?: string }
  | { readonly ok: false; readonly class: string; readonly retryable: boolean };

export type ReferenceEdge = 'taken' | 'dead' | 'failed' | 'error';

const FINAL: readonly NodeStatus[] = ['completed', 'partial', 'skipped', 'failed', 'cancelled'];

export class Reference {
  readonly status = new Map<string, NodeStatus>();
  readonly edges = new Map<CompiledEdge, ReferenceEdge>();
  readonly input = new Map<string, JsonValue>();
  readonly output = new Map<string, JsonValue>();
  /** Failed tries of each action. */
  readonly tries = new Map<string, number>();
  /** What happened to nodes and edges, in order. */
  readonly log: string[] = [];
  ending: 'failed' | 'cancelled' | undefined;
  readonly #nodes: readonly CompiledNode[];
  readonly #edges: readonly CompiledEdge[];
  readonly #runInputs: JsonValue;
  readonly #concurrency: number;
  readonly #outcome = new Map<string, string>();
  readonly #action = new Map<string, string>();
  /** Edges of exclusive switches that are never asked, because an edge before them was taken. */
  readonly #outdone = new Set<CompiledEdge>();
  /** Ready actions, the longest waiting first. */
  #queue: string[] = [];

  constructor(version: PlanVersion, runInputs: JsonValue, concurrency: number) {
    this.#nodes = version.graph.nodes;
    this.#edges = version.graph.edges;
    this.#runInputs = runInputs;
    this.#concurrency = concurrency;
    for (const { id } of this.#nodes) this.status.set(id, 'pending');
  }

  // What happens -----------------------------------------------------------------------------

  start(): void {
    this.#settle();
  }

  finish(id: string, ending: Ending): void {
    if (ending.ok) this.#succeed(id, ending.output, ending.action);
    else this.#failTry(id, ending);
    this.#settle();
  }

  respond(id: string, response: JsonObject, outcome: string): void {
    this.#outcome.set(id, outcome);
    this.#succeed(id, response, undefined);
    this.#settle();
  }

  cancel(): void {
    this.ending = 'cancelled';
    this.#settle();
  }

  // What there is to see ---------------------------------------------------------------------

  /** Ids of actions at work and people asked, in plan order. */
  open(): string[] {
    return this.#with('running', 'awaiting-human').map((node) => node.id);
  }

  runStatus(): RunStatus {
    const isOver = this.#nodes.every((node) => FINAL.includes(this.#is(node)));
    if (this.ending !== undefined) return isOver ? this.ending : 'running';
    if (this.#with('ready', 'running').length > 0) return 'running';
    if (this.#with('awaiting-human').length > 0) return 'awaiting-human';
    if (!isOver) return 'blocked';
    return this.#with('partial', 'failed').length > 0 ? 'partial' : 'completed';
  }

  // Settling ---------------------------------------------------------------------------------

  #settle(): void {
    while (this.ending === undefined) {
      const next = this.#with('pending').find((node) => this.#verdict(node) !== 'wait');
      if (next === undefined) break;
      this.#decide(next);
    }
    if (this.ending === undefined) this.#grant();
    else this.#withdraw();
  }

  /** A run that is ending starts nothing, and what is at work may only come to its end. */
  #withdraw(): void {
    for (const { id } of this.#with('pending')) this.status.set(id, 'cancelled');
    for (const { id } of this.#with('ready', 'running', 'awaiting-human')) {
      if (this.status.get(id) !== 'running') this.#set(id, 'cancelled');
      else if (!this.log.includes(`${id} stopping`)) this.log.push(`${id} stopping`);
    }
  }

  #grant(): void {
    while (this.#with('running').length < this.#concurrency) {
      const id = this.#queue.shift();
      if (id === undefined) return;
      this.#set(id, 'running');
    }
  }

  #decide(node: CompiledNode): void {
    const verdict = this.#verdict(node);
    if (verdict === 'skip') return this.#end(node.id, 'skipped');
    if (verdict === 'fail') return this.#refuse(node);
    const resolved = this.#resolve(node);
    if (!resolved.ok) return this.#refuse(node);
    if ((node.validateInput?.(resolved.value) ?? []).length > 0) return this.#refuse(node);
    keep(this.input, node.id, resolved.value);
    this.#set(node.id, 'ready');
    if (node.kind === 'action') this.#queue.push(node.id);
    else if (node.kind === 'human-approval') this.#set(node.id, 'awaiting-human');
    else this.#succeed(node.id, resolved.value, undefined);
  }

  #refuse(node: CompiledNode): void {
    this.#end(node.id, policyOf(node) === 'skip' ? 'skipped' : 'failed');
  }

  #verdict(node: CompiledNode): 'wait' | 'skip' | 'fail' | 'go' {
    const inbound = this.#edges.filter((edge) => edge.targetId === node.id);
    const count = (outcome: ReferenceEdge | undefined) =>
      inbound.filter((edge) => this.edges.get(edge) === outcome).length;
    if (inbound.length === 0) return 'go';
    if (count('error') > 0) return 'fail';
    if (node.join === undefined) {
      if (count('failed') > 0) return 'skip';
      if (count(undefined) > 0) return 'wait';
      return count('taken') > 0 ? 'go' : 'skip';
    }
    const failures = node.join.onFailure === 'fail' ? count('failed') : 0;
    const { rule } = node.join;
    if (rule.type === 'all') {
      if (failures > 0) return 'fail';
      if (count(undefined) > 0) return 'wait';
      return count('taken') > 0 ? 'go' : 'skip';
    }
    const needed = rule.type === 'count' ? rule.count : 1;
    if (count('taken') >= needed) return 'go';
    if (count('taken') + count(undefined) >= needed) return 'wait';
    if (count('taken') > 0 || failures > 0) return 'fail';
    return count(undefined) > 0 ? 'wait' : 'skip';
  }

  // Ends of nodes ----------------------------------------------------------------------------

  #succeed(id: string, output: JsonValue | undefined, action: string | undefined): void {
    keep(this.output, id, output);
    keep(this.#action, id, action);
    this.#end(id, 'completed');
  }

  #failTry(id: string, failure: Ending & { ok: false }): void {
    if (this.ending !== undefined) return this.#end(id, 'cancelled');
    const node = this.#node(id);
    const tries = (this.tries.get(id) ?? 0) + 1;
    const { maxAttempts, retryOn } = node.retry;
    const isListed = retryOn.length === 0 || retryOn.includes(failure.class);
    this.tries.set(id, tries);
    if (failure.retryable && isListed && tries < maxAttempts) {
      this.#set(id, 'ready');
      this.#queue.push(id);
    } else if (policyOf(node) === 'skip') this.#end(id, 'skipped');
    else if (policyOf(node) === 'continue' && node.defaultOutput !== undefined) {
      this.output.set(id, node.defaultOutput);
      this.#end(id, 'partial');
    } else this.#end(id, 'failed');
  }

  #end(id: string, status: NodeStatus): void {
    this.#set(id, status);
    if (this.ending !== undefined) return;
    const node = this.#node(id);
    if (status === 'failed' && policyOf(node) !== 'continue') this.ending = 'failed';
    else this.#route(node, status);
  }

  #route(node: CompiledNode, status: NodeStatus): void {
    const outgoing = this.#edges.filter((edge) => edge.sourceId === node.id);
    if (status === 'failed' || status === 'skipped') {
      const outcome = status === 'failed' ? 'failed' : 'dead';
      for (const edge of outgoing) this.edges.set(edge, outcome);
      return;
    }
    const fired = () =>
      outgoing.some((edge) => ['taken', 'error'].includes(this.edges.get(edge) ?? ''));
    for (const edge of outgoing.filter((candidate) => !candidate.isDefault)) {
      const isOutdone = node.switchMode === 'exclusive' && fired();
      this.edges.set(edge, isOutdone ? 'dead' : this.#evaluate(node, edge));
      if (isOutdone) this.#outdone.add(edge);
    }
    const isDefaultTaken = !fired();
    for (const edge of outgoing) {
      if (edge.isDefault) this.edges.set(edge, isDefaultTaken ? 'taken' : 'dead');
      const isAsked = edge.isDefault || edge.on !== undefined || edge.when !== undefined;
      const isLogged = isAsked || node.kind === 'human-approval';
      if (isLogged && !this.#outdone.has(edge)) this.log.push(`${edge.id} ${this.edges.get(edge)}`);
    }
  }

  #evaluate(node: CompiledNode, edge: CompiledEdge): ReferenceEdge {
    if (edge.on !== undefined && edge.on !== this.#action.get(node.id)) return 'dead';
    if (edge.when !== undefined) {
      const evaluation = edge.when.evaluate(this.#scope(node.id));
      if (!evaluation.ok) return edge.onError === 'dead' ? 'dead' : 'error';
      return evaluation.value ? 'taken' : 'dead';
    }
    if (edge.on !== undefined || node.kind !== 'human-approval') return 'taken';
    return this.#outcome.get(node.id) === 'approved' ? 'taken' : 'dead';
  }

  // Data -------------------------------------------------------------------------------------

  #scope(id: string): EdgeScope {
    const view = (of: string) => ({
      input: this.input.get(of),
      output: this.output.get(of),
      outcome: this.#outcome.get(of),
    });
    return {
      inputs: this.#runInputs,
      ...view(id),
      node: (other) =>
        FINAL.includes(this.status.get(other) ?? 'pending') ? view(other) : undefined,
    };
  }

  #resolve(node: CompiledNode): { ok: true; value: JsonValue | undefined } | { ok: false } {
    const inbound = this.#edges.filter((edge) => edge.targetId === node.id);
    if (inbound.length === 0) return { ok: true, value: this.#runInputs };
    const taken = inbound.filter((edge) => this.edges.get(edge) === 'taken');
    const [only] = taken;
    if (only !== undefined && inbound.length === 1 && !only.map && node.kind !== 'join') {
      return { ok: true, value: this.output.get(only.sourceId) };
    }
    const writes = taken.flatMap((edge) => this.#writes(edge));
    if (
      node.mergeInputs === 'error' &&
      writes.some((one, i) => isContested(one, writes.slice(0, i)))
    ) {
      return { ok: false };
    }
    if (node.mergeInputs === 'first') writes.reverse();
    let value: JsonValue = {};
    for (const { path, value: written } of writes) value = put(value, path, written);
    return { ok: true, value };
  }

  #writes(edge: CompiledEdge): Write[] {
    const scope = this.#scope(edge.sourceId);
    const found: { path: readonly (string | number)[]; value: JsonValue | undefined }[] =
      edge.map === undefined
        ? [{ path: [edge.sourceId], value: scope.output }]
        : edge.map.map(({ target, read }) => ({ path: target, value: read(scope) }));
    const isWhole = edge.map === undefined;
    return found.flatMap(({ path, value }) =>
      value === undefined ? [] : [{ path: path.map(String), value, isWhole }],
    );
  }

  // Odds and ends ----------------------------------------------------------------------------

  #node(id: string): CompiledNode {
    const found = this.#nodes.find((node) => node.id === id);
    if (found === undefined) throw new Error(`no node ${id}`);
    return found;
  }

  #is(node: CompiledNode): NodeStatus {
    return this.status.get(node.id) ?? 'pending';
  }

  #with(...statuses: NodeStatus[]): CompiledNode[] {
    return this.#nodes.filter((node) => statuses.includes(this.#is(node)));
  }

  #set(id: string, status: NodeStatus): void {
    this.status.set(id, status);
    this.log.push(`${id} ${status}`);
  }
}

function policyOf(node: CompiledNode): string {
  return node.onFailure.otherwise;
}

interface Write {
  readonly path: readonly string[];
  readonly value: JsonValue;
  /** The whole output of a source, under the id of the source. */
  readonly isWhole: boolean;
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

function keep<V>(map: Map<string, V>, key: string, value: V | undefined): void {
  if (value === undefined) map.delete(key);
  else map.set(key, value);
}
