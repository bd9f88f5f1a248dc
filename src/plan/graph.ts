/**
 * The graph as arrays: edges numbered by source position, then authoring order; outgoing edges of
 * a node are a range, incoming ones a list. Everything here is linear and free of recursion.
 */

/** An edge as a pair of node positions, in authoring order. */
export interface Arc {
  readonly source: number;
  readonly target: number;
}

export interface Adjacency {
  /** Authoring index of the edge with a given number. */
  readonly order: Uint32Array;
  readonly outStart: Uint32Array;
  readonly inStart: Uint32Array;
  readonly inEdges: Uint32Array;
  /** Source and target positions by edge number. */
  readonly sources: Uint32Array;
  readonly targets: Uint32Array;
  /** Per node, the number of different nodes that have an edge to it. */
  readonly predecessors: Uint32Array;
  /** Edges that share their source and their target with others, each with all of those, itself included. */
  readonly parallel: ReadonlyMap<number, readonly number[]>;
}

export function buildAdjacency(nodeCount: number, arcs: readonly Arc[]): Adjacency {
  const outStart = new Uint32Array(nodeCount + 1);
  const inStart = new Uint32Array(nodeCount + 1);
  for (const { source, target } of arcs) {
    increment(outStart, source + 1);
    increment(inStart, target + 1);
  }
  for (let node = 0; node < nodeCount; node++) {
    outStart[node + 1] = at(outStart, node) + at(outStart, node + 1);
    inStart[node + 1] = at(inStart, node) + at(inStart, node + 1);
  }
  const order = placeBy(outStart, arcs.length, (arc) => arcs[arc]?.source ?? 0);
  const sources = order.map((arc) => arcs[arc]?.source ?? 0);
  const targets = order.map((arc) => arcs[arc]?.target ?? 0);
  const inEdges = placeBy(inStart, arcs.length, (edge) => at(targets, edge));
  const predecessors = new Uint32Array(nodeCount);
  const parallel = new Map<number, readonly number[]>();
  for (const group of groupsOf(inEdges, sources, targets)) {
    increment(predecessors, at(targets, group[0] ?? 0));
    if (group.length > 1) for (const edge of group) parallel.set(edge, group);
  }
  return { order, outStart, inStart, inEdges, sources, targets, predecessors, parallel };
}

/** Edges from one node to another one together. Incoming edges of a node stand in the order of their sources. */
function* groupsOf(inEdges: Uint32Array, sources: Uint32Array, targets: Uint32Array) {
  let group: number[] = [];
  for (const edge of inEdges) {
    const first = group[0] ?? edge;
    const isSame = sources[first] === sources[edge] && targets[first] === targets[edge];
    if (!isSame) {
      yield group;
      group = [];
    }
    group.push(edge);
  }
  if (group.length > 0) yield group;
}

/** Stable counting sort of `0 … count - 1` into the ranges that `start` opens. */
function placeBy(start: Uint32Array, count: number, keyOf: (item: number) => number): Uint32Array {
  const next = start.slice();
  const placed = new Uint32Array(count);
  for (let item = 0; item < count; item++) {
    const key = keyOf(item);
    placed[at(next, key)] = item;
    increment(next, key);
  }
  return placed;
}

/** Positions without an inbound edge, ascending. */
export function nodesWithoutInbound(graph: Adjacency): number[] {
  const found: number[] = [];
  for (let node = 0; node + 1 < graph.inStart.length; node++) {
    if (at(graph.inStart, node) === at(graph.inStart, node + 1)) found.push(node);
  }
  return found;
}

/** Positions that no path from `entries` leads to, ascending. */
export function unreachableNodes(graph: Adjacency, entries: readonly number[]): number[] {
  const nodeCount = graph.outStart.length - 1;
  const reached = new Uint8Array(nodeCount);
  const open = [...entries];
  for (const entry of entries) reached[entry] = 1;
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    for (let edge = at(graph.outStart, node); edge < at(graph.outStart, node + 1); edge++) {
      const target = at(graph.targets, edge);
      if (reached[target] === 1) continue;
      reached[target] = 1;
      open.push(target);
    }
  }
  const unreachable: number[] = [];
  for (let node = 0; node < nodeCount; node++) if (reached[node] !== 1) unreachable.push(node);
  return unreachable;
}

/** Positions from which a path leads to `node`, without `node` itself. */
export function upstreamOf(graph: Adjacency, node: number): ReadonlySet<number> {
  return closure(node, (from) => sourcesOf(graph, from));
}

/** Positions to which a path leads from `node`, without `node` itself. */
export function downstreamOf(
  graph: Pick<Adjacency, 'outStart'> & { targetOf(edge: number): number },
  node: number,
): ReadonlySet<number> {
  return closure(node, (from) => {
    const targets: number[] = [];
    for (let edge = at(graph.outStart, from); edge < at(graph.outStart, from + 1); edge++) {
      targets.push(graph.targetOf(edge));
    }
    return targets;
  });
}

/** Positions that lead to `join` and nowhere else, ascending. */
export function restOf(graph: Adjacency, join: number): number[] {
  const upstream = upstreamOf(graph, join);
  const led = new Map<number, number>();
  const rest = new Set<number>();
  // A node belongs to the rest when all of its edges lead to the join or to the rest.
  const open = [join];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    for (const source of sourcesOf(graph, node)) {
      if (!upstream.has(source)) continue;
      const count = (led.get(source) ?? 0) + 1;
      led.set(source, count);
      if (count < at(graph.outStart, source + 1) - at(graph.outStart, source)) continue;
      rest.add(source);
      open.push(source);
    }
  }
  return [...rest].sort((a, b) => a - b);
}

/** Source of each inbound edge of `node`; one that has several edges comes several times. */
export function sourcesOf(graph: Adjacency, node: number): number[] {
  const sources: number[] = [];
  for (let i = at(graph.inStart, node); i < at(graph.inStart, node + 1); i++) {
    sources.push(at(graph.sources, at(graph.inEdges, i)));
  }
  return sources;
}

function closure(start: number, next: (node: number) => readonly number[]): ReadonlySet<number> {
  const reached = new Set<number>();
  const open = [start];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    for (const found of next(node)) {
      if (found === start || reached.has(found)) continue;
      reached.add(found);
      open.push(found);
    }
  }
  return reached;
}

/**
 * One cycle for each group of nodes that all lead to each other, as positions along the cycle.
 * Edges from a node to itself are not looked at.
 */
export function findCycles(graph: Adjacency): number[][] {
  const { componentOf, sizes } = strongComponents(graph);
  const cycles: number[][] = [];
  const reported = new Uint8Array(sizes.length);
  for (let node = 0; node < componentOf.length; node++) {
    const component = at(componentOf, node);
    if ((sizes[component] ?? 0) < 2 || reported[component] === 1) continue;
    reported[component] = 1;
    cycles.push(cycleFrom(graph, node, componentOf));
  }
  return cycles;
}

/** Follows edges inside the component of `start` until a node comes round again. */
function cycleFrom(graph: Adjacency, start: number, componentOf: Uint32Array): number[] {
  const path: number[] = [];
  const depthOf = new Map<number, number>();
  let node = start;
  while (!depthOf.has(node)) {
    depthOf.set(node, path.length);
    path.push(node);
    node = successorInside(graph, node, componentOf);
  }
  return path.slice(depthOf.get(node));
}

function successorInside(graph: Adjacency, node: number, componentOf: Uint32Array): number {
  for (let edge = at(graph.outStart, node); edge < at(graph.outStart, node + 1); edge++) {
    const target = at(graph.targets, edge);
    if (target !== node && componentOf[target] === componentOf[node]) return target;
  }
  throw new Error('A node of a larger component has a successor in it');
}

interface Components {
  readonly componentOf: Uint32Array;
  readonly sizes: readonly number[];
}

/** Tarjan's algorithm with a stack of its own: plans are deeper than the call stack. */
function strongComponents(graph: Adjacency): Components {
  const nodeCount = graph.outStart.length - 1;
  const componentOf = new Uint32Array(nodeCount);
  const sizes: number[] = [];
  /** Order of discovery from 1 on; 0 is undiscovered. */
  const found = new Uint32Array(nodeCount);
  const low = new Uint32Array(nodeCount);
  const nextEdge = graph.outStart.slice(0, nodeCount);
  const pending = new Uint8Array(nodeCount);
  const candidates: number[] = [];
  const path: number[] = [];
  let discovered = 0;

  const enter = (node: number): void => {
    discovered++;
    found[node] = discovered;
    low[node] = discovered;
    pending[node] = 1;
    candidates.push(node);
    path.push(node);
  };
  const lower = (node: number, bound: number): void => {
    if (bound < at(low, node)) low[node] = bound;
  };
  const leave = (node: number): void => {
    path.pop();
    const parent = path.at(-1);
    if (parent !== undefined) lower(parent, at(low, node));
    if (low[node] === found[node]) close(node);
  };
  const close = (root: number): void => {
    let size = 0;
    for (let member = candidates.pop(); member !== undefined; member = candidates.pop()) {
      pending[member] = 0;
      componentOf[member] = sizes.length;
      size++;
      if (member === root) break;
    }
    sizes.push(size);
  };

  for (let start = 0; start < nodeCount; start++) {
    if (found[start] === 0) enter(start);
    for (let node = path.at(-1); node !== undefined; node = path.at(-1)) {
      const edge = at(nextEdge, node);
      if (edge >= at(graph.outStart, node + 1)) {
        leave(node);
        continue;
      }
      increment(nextEdge, node);
      const target = at(graph.targets, edge);
      if (found[target] === 0) enter(target);
      else if (pending[target] === 1) lower(node, at(found, target));
    }
  }
  return { componentOf, sizes };
}

function at(array: Uint32Array, index: number): number {
  return array[index] ?? 0;
}

function increment(array: Uint32Array, index: number): void {
  array[index] = at(array, index) + 1;
}
