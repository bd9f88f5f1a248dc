/**
 * What is drawn of a large graph: its nodes, or boxes that stand for many of them. Invariants: every node is in
 * exactly one box; as long as nothing was opened by hand there are no more boxes than `MAX_BOXES`; the same graph
 * has the same boxes.
 */
import type { GraphEdge, GraphNode } from '../../src/inspect/run-graph.js';

export interface Box {
  /** Id of the node, or one made of the box's first member. */
  readonly id: string;
  readonly label: string;
  /** Ids of the nodes that it stands for; one where it is a node. */
  readonly members: readonly string[];
}

export interface Drawing {
  readonly boxes: readonly Box[];
  /** Between different boxes, once for each pair; `edges` are the indices of those that it stands for. */
  readonly links: readonly {
    readonly source: string;
    readonly target: string;
    readonly edges: readonly number[];
  }[];
  /** Id of its box by id of each node. */
  readonly boxOf: ReadonlyMap<string, string>;
}

/** Boxes beyond which nodes are drawn together. */
export const MAX_BOXES = 250;
/** Nodes that are alike and at least so many are drawn as one. */
const MIN_ALIKE = 4;

export function draw(
  nodes: readonly GraphNode[],
  edges: readonly GraphEdge[],
  opened: ReadonlySet<string>,
): Drawing {
  const boxes = arrange(nodes, edges).flatMap((box) => open(box, opened));
  const boxOf = new Map(boxes.flatMap(({ id, members }) => members.map((node) => [node, id])));
  const links = new Map<string, { source: string; target: string; edges: number[] }>();
  for (const [index, edge] of edges.entries()) {
    const source = boxOf.get(edge.source);
    const target = boxOf.get(edge.target);
    if (source === undefined || target === undefined || source === target) continue;
    const name = `${source}\n${target}`;
    const link = links.get(name);
    if (link === undefined) links.set(name, { source, target, edges: [index] });
    else link.edges.push(index);
  }
  return { boxes, links: [...links.values()], boxOf };
}

/** Ids of the boxes that have to be opened so that a node is seen by itself. */
export function boxesAround(
  nodes: readonly GraphNode[],
  edges: readonly GraphEdge[],
  node: string,
): readonly string[] {
  const around: string[] = [];
  let box = arrange(nodes, edges).find(({ members }) => members.includes(node));
  while (box !== undefined && box.members.length > 1) {
    around.push(box.id);
    box = inside(box).find(({ members }) => members.includes(node));
  }
  return around;
}

function open(box: Box, opened: ReadonlySet<string>): Box[] {
  if (!opened.has(box.id) || box.members.length === 1) return [box];
  return inside(box).flatMap((part) => open(part, opened));
}

/** What a box shows when it is opened: its nodes, or boxes of them where they are too many. */
function inside({ members, label }: Box): Box[] {
  if (members.length <= MAX_BOXES / 2) return members.map(single);
  const size = Math.ceil(members.length / Math.ceil(Math.sqrt(members.length)));
  return chunks(members, size).map((part, index) => boxOfMany(part, `${label} / ${index + 1}`));
}

function arrange(nodes: readonly GraphNode[], edges: readonly GraphEdge[]): Box[] {
  const singles = nodes.map(({ id }) => single(id));
  if (nodes.length <= MAX_BOXES) return singles;
  const alike = joinAlike(singles, edges);
  if (alike.length <= MAX_BOXES) return alike;
  return joinLayers(alike, edges);
}

/** Nodes that come after the same ones and before the same ones are one box. */
function joinAlike(boxes: readonly Box[], edges: readonly GraphEdge[]): Box[] {
  const around = new Map(
    boxes.map(({ id }) => [id, { before: [] as string[], after: [] as string[] }]),
  );
  for (const { source, target } of edges) {
    around.get(source)?.after.push(target);
    around.get(target)?.before.push(source);
  }
  const groups = new Map<string, Box[]>();
  for (const box of boxes) {
    const { before, after } = around.get(box.id) ?? { before: [], after: [] };
    const name = `${before.sort().join(' ')}\n${after.sort().join(' ')}`;
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [box]);
    else group.push(box);
  }
  return [...groups.values()].flatMap((group) =>
    group.length < MIN_ALIKE ? group : [boxOfMany(membersOf(group), `${group.length} alike`)],
  );
}

/** Boxes of neighbouring layers are one box, so that there are few enough. */
function joinLayers(boxes: readonly Box[], edges: readonly GraphEdge[]): Box[] {
  const layers = layersOf(boxes, edges);
  const wanted = Math.ceil(membersOf(boxes).length / (MAX_BOXES / 5));
  const joined: Box[] = [];
  let group: Box[] = [];
  let first = 0;
  for (const [depth, layer] of layers.entries()) {
    group.push(...layer);
    if (group.length < wanted && depth < layers.length - 1) continue;
    const label = first === depth ? `layer ${depth + 1}` : `layers ${first + 1}–${depth + 1}`;
    joined.push(boxOfMany(membersOf(group), label));
    group = [];
    first = depth + 1;
  }
  return joined;
}

/** Boxes by their longest way from a beginning. */
function layersOf(boxes: readonly Box[], edges: readonly GraphEdge[]): Box[][] {
  const boxOf = new Map(boxes.flatMap((box) => box.members.map((node) => [node, box])));
  const after = new Map<Box, Set<Box>>();
  const open = new Map<Box, number>(boxes.map((box) => [box, 0]));
  for (const { source, target } of edges) {
    const from = boxOf.get(source);
    const to = boxOf.get(target);
    if (from === undefined || to === undefined || from === to) continue;
    const known = after.get(from) ?? new Set();
    after.set(from, known);
    if (known.has(to)) continue;
    known.add(to);
    open.set(to, (open.get(to) ?? 0) + 1);
  }
  const layers: Box[][] = [];
  let layer = boxes.filter((box) => open.get(box) === 0);
  while (layer.length > 0) {
    layers.push(layer);
    const next: Box[] = [];
    for (const box of layer) {
      for (const to of after.get(box) ?? []) {
        const left = (open.get(to) ?? 0) - 1;
        open.set(to, left);
        if (left === 0) next.push(to);
      }
    }
    layer = next;
  }
  return layers;
}

function single(id: string): Box {
  return { id, label: id, members: [id] };
}

function boxOfMany(members: readonly string[], label: string): Box {
  return { id: `${label}: ${members[0] ?? ''}`, label, members };
}

function membersOf(boxes: readonly Box[]): string[] {
  return boxes.flatMap(({ members }) => members);
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  const count = Math.ceil(items.length / size);
  return Array.from({ length: count }, (_, index) => items.slice(index * size, (index + 1) * size));
}
