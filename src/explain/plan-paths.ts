/** A plan as it was written, by the paths of node runs: where one lies, and which edges are its own. Pure. */
import { edgeIds } from '../plan/edge-ids.js';
import type { PlanEdge } from '../plan/edge-schema.js';
import { nodesOfBody } from '../plan/graph-parts.js';
import type { PlanNode } from '../plan/node-schemas.js';
import type { Plan } from '../plan/schema.js';

export interface WrittenEdge {
  readonly id: string;
  readonly edge: PlanEdge;
  /** Place among the edges of its source. */
  readonly place: number;
}

/** A graph as written: the plan itself, or the body of a loop. */
export class WrittenGraph {
  readonly #nodes: ReadonlyMap<string, PlanNode>;
  readonly #in = new Map<string, WrittenEdge[]>();
  readonly #out = new Map<string, WrittenEdge[]>();

  constructor(nodes: readonly PlanNode[], edges: readonly PlanEdge[]) {
    this.#nodes = new Map(nodes.map((node) => [node.id, node]));
    const ids = edgeIds(edges);
    edges.forEach((edge, index) => {
      const out = listAt(this.#out, edge.source);
      const written = { id: ids[index] ?? '', edge, place: out.length };
      out.push(written);
      listAt(this.#in, edge.target).push(written);
    });
  }

  get nodes(): readonly PlanNode[] {
    return [...this.#nodes.values()];
  }

  node(id: string): PlanNode | undefined {
    return this.#nodes.get(id);
  }

  inbound(id: string): readonly WrittenEdge[] {
    return this.#in.get(id) ?? [];
  }

  outgoing(id: string): readonly WrittenEdge[] {
    return this.#out.get(id) ?? [];
  }

  /** Ids of all nodes that a node leads to. */
  after(id: string): ReadonlySet<string> {
    const found = new Set<string>();
    const open = [id];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      for (const { edge } of this.outgoing(next)) {
        if (found.has(edge.target)) continue;
        found.add(edge.target);
        open.push(edge.target);
      }
    }
    return found;
  }
}

/** Where a node run lies. */
export interface Spot {
  readonly path: string;
  readonly node: PlanNode;
  readonly graph: WrittenGraph;
  readonly as: 'node' | 'item' | 'compensation';
  /** Path of the scope: empty, `research[2]`, `translate[]` or `~`. */
  readonly scope: string;
  /** Path of the composite that it lies inside of. */
  readonly host: string | undefined;
  /** Number of the iteration or item. */
  readonly number: number | undefined;
  /** Generation of the composite that it lies inside of. */
  readonly hostGeneration: number;
}

export class PlanPaths {
  readonly #graphs = new Map<string, WrittenGraph>();

  constructor(plan: Plan) {
    this.#graphs.set('', new WrittenGraph(plan.nodes, plan.edges));
  }

  /** Undefined where the plan has no such node. */
  spot(path: string): Spot | undefined {
    const parts = path.split('/');
    const last = parts.pop() ?? '';
    const isUndone = parts.length === 1 && parts[0] === '~';
    const around = isUndone ? '' : parts.join('/');
    const graph = this.#graph(isUndone ? [] : parts);
    const { id, number, generation } = split(last);
    const node = graph?.node(id);
    if (graph === undefined || node === undefined) return undefined;
    const before = around === '' ? '' : `${around}/`;
    if (isUndone) {
      const scope = { as: 'compensation', scope: '~', host: undefined } as const;
      return { path, node, graph, ...scope, number, hostGeneration: 1 };
    }
    if (number !== undefined) {
      if (node.kind !== 'map') return undefined;
      const host = before + id;
      const scope = `${path.slice(0, path.lastIndexOf('['))}[]`;
      return { path, node, graph, as: 'item', scope, host, number, hostGeneration: generation };
    }
    const host = parts.length === 0 ? undefined : around.replace(/(#\d+)?\[\d+\]$/, '');
    const { number: iteration, generation: hostGeneration } = split(parts.at(-1) ?? '');
    return {
      path,
      node,
      graph,
      as: 'node',
      scope: around,
      host,
      number: iteration,
      hostGeneration,
    };
  }

  /** The graph of an iteration, by the path of its scope. */
  body(scope: string): WrittenGraph | undefined {
    return this.#graph(scope.split('/'));
  }

  #graph(parts: readonly string[]): WrittenGraph | undefined {
    const key = parts.map((part) => split(part).id).join('/');
    const known = this.#graphs.get(key);
    if (known !== undefined) return known;
    const outside = this.#graph(parts.slice(0, -1));
    const { id, number } = split(parts.at(-1) ?? '');
    const node = outside?.node(id);
    if (node?.kind !== 'loop' || number === undefined) return undefined;
    const graph = new WrittenGraph(nodesOfBody(node.body), node.body.edges ?? []);
    this.#graphs.set(key, graph);
    return graph;
  }
}

/** `research#2[3]`: the third iteration of the second generation. */
function split(part: string): {
  readonly id: string;
  readonly number: number | undefined;
  readonly generation: number;
} {
  const [, id = part, generation = '1', number] = /^([^#]*)(?:#(\d+))?\[(\d+)\]$/.exec(part) ?? [];
  return {
    id,
    number: number === undefined ? undefined : Number(number),
    generation: Number(generation),
  };
}

function listAt<T>(lists: Map<string, T[]>, key: string): T[] {
  let list = lists.get(key);
  if (list === undefined) {
    list = [];
    lists.set(key, list);
  }
  return list;
}
