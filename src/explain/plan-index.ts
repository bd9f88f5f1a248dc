/**
 * A compiled plan as a dry run asks for it: where a node run lies, what its value is read for, and
 * which node a value comes from. Pure.
 */
import { edgeIds } from '../plan/edge-ids.js';
import { BREAK, type PlanEdge } from '../plan/edge-schema.js';
import { inboundEdges, outgoingEdges } from '../plan/graph-edges.js';
import type { JsonValue } from '../plan/json.js';
import { type PathSegment, parsePath } from '../plan/paths.js';
import type {
  CompiledEdge,
  CompiledNode,
  Condition,
  PlanGraph,
  PlanVersion,
} from '../plan/plan-version.js';
import { type Question, readsOf } from './expression-reads.js';

/** A graph of the plan: its own, or the body of a loop. */
export interface PlanScope {
  /** Ids of the loops around it, each with a slash behind it. */
  readonly prefix: string;
  readonly graph: PlanGraph;
  readonly host: PlaceOf | undefined;
  /** Maps of edges as written, by edge id. */
  readonly maps: ReadonlyMap<string, Readonly<Record<string, string>>>;
}

/** A node in its graph. */
export interface PlaceOf {
  readonly scope: PlanScope;
  readonly node: CompiledNode;
}

/** Where a node run lies: it is one of a node, of an item of a map, or undoes a node. */
export interface Place extends PlaceOf {
  readonly as: 'node' | 'item' | 'compensation';
  /** Position of an item. */
  readonly item: number;
}

/** Who gives a value that is read; without a node, whoever starts the run. */
export interface Origin {
  readonly place: PlaceOf | undefined;
  readonly segments: readonly PathSegment[];
}

/** What is asked of a value, at a place in it. */
export interface Need {
  readonly segments: readonly PathSegment[];
  readonly questions: readonly Question[];
}

/** A condition that a value may turn. */
export interface Reader {
  readonly place: PlaceOf;
  readonly condition: Condition;
  readonly edge: CompiledEdge | undefined;
  readonly origins: readonly Origin[];
}

const MAX_DEPTH = 32;
const PASSES_ON: ReadonlySet<string> = new Set(['switch', 'join', 'sleep']);
const INPUTS = '';

/** Name of a node in its plan, whatever the iteration. */
export function nameOf({ scope, node }: PlaceOf): string {
  return scope.prefix + node.id;
}

export class PlanIndex {
  readonly version: PlanVersion;
  readonly scopes: readonly PlanScope[];
  readonly readers: readonly Reader[];
  readonly #byPrefix: ReadonlyMap<string, PlanScope>;
  readonly #needs = new Map<string, Need[]>();
  readonly #readersOf = new Map<string, Reader[]>();

  constructor(version: PlanVersion) {
    this.version = version;
    this.scopes = scopesOf(version);
    this.#byPrefix = new Map(this.scopes.map((scope) => [scope.prefix, scope]));
    const readers: Reader[] = [];
    for (const { place, text, condition, edge, isList } of this.#expressions()) {
      const origins: Origin[] = [];
      const wanted = condition !== undefined ? 'truth' : isList === true ? 'list' : 'any';
      for (const { path, questions } of readsOf(text, version.plan, wanted)) {
        for (const origin of this.#originsOf(place, path.root, path.segments, 0)) {
          origins.push(origin);
          this.#need(origin, questions);
        }
      }
      if (condition === undefined) continue;
      const reader = { place, condition, edge, origins };
      readers.push(reader);
      const keys = origins.map((origin) => (origin.place ? nameOf(origin.place) : INPUTS));
      for (const key of new Set(keys)) {
        const known = this.#readersOf.get(key);
        if (known === undefined) this.#readersOf.set(key, [reader]);
        else known.push(reader);
      }
    }
    for (const place of this.places()) this.#needLists(place);
    this.readers = readers;
  }

  /** All nodes of all graphs. */
  places(): readonly PlaceOf[] {
    return this.scopes.flatMap((scope) =>
      scope.graph.nodes.filter(({ id }) => id !== BREAK).map((node) => ({ scope, node })),
    );
  }

  /** The node behind the path of a node run, `research[2]/decide` for instance. */
  place(path: string): Place | undefined {
    const parts = path.split('/');
    const last = parts.pop() ?? '';
    const isUndone = parts[0] === '~';
    const prefix = isUndone ? '' : parts.map((part) => `${withoutIndex(part)}/`).join('');
    const scope = this.#byPrefix.get(prefix);
    const position = scope?.graph.positionOf.get(withoutIndex(last));
    const node = position === undefined ? undefined : scope?.graph.nodes[position];
    if (scope === undefined || node === undefined) return undefined;
    const index = /\[(\d+)\]$/.exec(last);
    const as = isUndone ? 'compensation' : index === null ? 'node' : 'item';
    return { scope, node, as, item: Number(index?.[1] ?? 0) };
  }

  /** What is asked of the output of a node, or of the inputs of the run. */
  needsOf(place: PlaceOf | undefined): readonly Need[] {
    return this.#needs.get(place === undefined ? INPUTS : nameOf(place)) ?? [];
  }

  /** Conditions that the output of a node, or the inputs of the run, may turn. */
  readersOf(place: PlaceOf | undefined): readonly Reader[] {
    return this.#readersOf.get(place === undefined ? INPUTS : nameOf(place)) ?? [];
  }

  /** The schema that the consumer of a value checks it against, where it is handed on whole. */
  consumerSchema(place: PlaceOf | undefined): JsonValue | undefined {
    const consumers = place === undefined ? this.#entries() : this.#successors(place);
    for (const { node } of consumers) {
      const schema = 'inputSchema' in node.source ? node.source.inputSchema : undefined;
      if (schema !== undefined && node.kind !== 'map') return this.resolve(schema);
    }
    return undefined;
  }

  /** A schema, or the one of that name. */
  resolve(reference: JsonValue): JsonValue | undefined {
    return typeof reference === 'string' ? this.named[reference] : reference;
  }

  get named(): Readonly<Record<string, JsonValue>> {
    return (this.version.plan.schemas ?? {}) as Readonly<Record<string, JsonValue>>;
  }

  #entries(): readonly PlaceOf[] {
    const [scope] = this.scopes;
    if (scope === undefined) return [];
    return [...scope.graph.entries].flatMap((position) => placeAt(scope, position));
  }

  #successors({ scope, node }: PlaceOf): readonly PlaceOf[] {
    return outgoingEdges(scope.graph, node.position).flatMap((edge) => {
      const isWhole = edge.map === undefined && edge.transform === undefined;
      const [target] = placeAt(scope, edge.target);
      return target !== undefined && isWhole && isPassedOn(target) ? [target] : [];
    });
  }

  #need({ place, segments }: Origin, questions: readonly Question[]): void {
    const key = place === undefined ? INPUTS : nameOf(place);
    const needs = this.#needs.get(key);
    if (needs === undefined) this.#needs.set(key, [{ segments, questions }]);
    else needs.push({ segments, questions });
  }

  /** A map without `items` takes its input for the list. */
  #needLists(place: PlaceOf): void {
    const { map } = place.node;
    if (map === undefined || map.items !== undefined) return;
    for (const origin of this.#inputOrigins(place, [], 0)) this.#need(origin, [LIST]);
  }

  *#expressions(): Iterable<Expressed> {
    const { result } = this.version;
    for (const scope of this.scopes) {
      for (const edge of scope.graph.edges) {
        const [place] = placeAt(scope, edge.source);
        if (place === undefined) continue;
        if (edge.when !== undefined) {
          yield { place, text: edge.when.text, condition: edge.when, edge };
        }
        if (edge.transform !== undefined) yield { place, text: edge.transform.text };
      }
      for (const node of scope.graph.nodes) yield* this.#ofNode({ scope, node });
    }
    const [first] = this.#entries();
    if (result !== undefined && first !== undefined) yield { place: first, text: result.text };
  }

  *#ofNode(place: PlaceOf): Iterable<Expressed> {
    const { map, loop, sleep, concurrencyKey, id } = place.node;
    const body = this.#byPrefix.get(`${place.scope.prefix}${id}/`);
    // What is asked about an iteration names the nodes of its body.
    const inside = body === undefined ? place : { scope: body, node: place.node };
    if (map?.items !== undefined) yield { place, text: map.items.text, isList: true };
    if (loop?.forEach !== undefined) yield { place, text: loop.forEach.text, isList: true };
    for (const condition of [loop?.while, loop?.until]) {
      if (condition !== undefined) yield { place: inside, text: condition.text, condition };
    }
    for (const expression of [loop?.result, sleep?.until, concurrencyKey?.key]) {
      if (expression !== undefined) yield { place: inside, text: expression.text };
    }
  }

  /** Who gives what an expression at `place` reads. */
  #originsOf(
    place: PlaceOf,
    root: string,
    segments: readonly PathSegment[],
    depth: number,
  ): readonly Origin[] {
    if (depth > MAX_DEPTH) return [];
    const own = ownPlace(place);
    switch (root) {
      case 'inputs':
        return [{ place: undefined, segments }];
      case 'input':
        return this.#inputOrigins(own, segments, depth);
      case 'output':
        return this.#outputOrigins(own, segments, depth);
      case 'outcome':
      case 'action':
        return [{ place: own, segments: [] }];
      case 'nodes': {
        const [id, member, ...rest] = segments;
        const named = findNode(place.scope, String(id));
        if (named === undefined) return [];
        if (member === 'output') return this.#outputOrigins(named, rest, depth);
        if (member === 'input') return this.#inputOrigins(named, rest, depth);
        return [{ place: named, segments: [] }];
      }
      case 'loop': {
        const { host } = place.scope;
        if (segments[0] !== 'input' || host === undefined) return [];
        return this.#inputOrigins(host, segments.slice(1), depth + 1);
      }
      default:
        return [];
    }
  }

  #outputOrigins(
    place: PlaceOf,
    segments: readonly PathSegment[],
    depth: number,
  ): readonly Origin[] {
    if (depth > MAX_DEPTH) return [];
    if (PASSES_ON.has(place.node.kind)) return this.#inputOrigins(place, segments, depth + 1);
    return [{ place, segments }];
  }

  #inputOrigins(
    place: PlaceOf,
    segments: readonly PathSegment[],
    depth: number,
  ): readonly Origin[] {
    const { scope, node } = place;
    const edges = inboundEdges(scope.graph, node.position);
    if (edges.length === 0) {
      if (scope.host === undefined) return [{ place: undefined, segments }];
      if (segments[0] !== 'input') return [];
      return this.#inputOrigins(scope.host, segments.slice(1), depth + 1);
    }
    return edges.flatMap((edge) => this.#carriedBy(place, edge, segments, depth + 1));
  }

  #carriedBy(
    place: PlaceOf,
    edge: CompiledEdge,
    segments: readonly PathSegment[],
    depth: number,
  ): readonly Origin[] {
    const [source] = placeAt(place.scope, edge.source);
    const map = place.scope.maps.get(edge.id);
    if (source === undefined || edge.transform !== undefined) return [];
    if (map === undefined) {
      if (isPassedOn(place)) return this.#outputOrigins(source, segments, depth);
      if (segments[0] !== edge.sourceId) return [];
      return this.#outputOrigins(source, segments.slice(1), depth);
    }
    return Object.entries(map).flatMap(([target, from]) => {
      const to = segmentsOf(target);
      const read = segmentsOf(from);
      if (!startsWith(segments, to)) return [];
      const rest = [...read.slice(1), ...segments.slice(to.length)];
      return this.#originsOf(source, String(read[0]), rest, depth);
    });
  }
}

const LIST: Question = { ask: 'list' };

interface Expressed {
  readonly place: PlaceOf;
  readonly text: string;
  readonly condition?: Condition;
  readonly edge?: CompiledEdge;
  /** Its value is a list of items. */
  readonly isList?: boolean;
}

/** An expression about an iteration stands in the body, and is about its loop. */
export function ownPlace(place: PlaceOf): PlaceOf {
  const { scope, node } = place;
  return scope.graph.nodes[node.position] === node ? place : (scope.host ?? place);
}

export function isSame({ place }: Origin, other: PlaceOf | undefined): boolean {
  if (place === undefined || other === undefined) return place === other;
  return nameOf(place) === nameOf(other);
}

/** A node by id, looked for in a graph and then in those around it. */
export function findNode(scope: PlanScope, id: string): PlaceOf | undefined {
  for (let within: PlanScope | undefined = scope; within; within = within.host?.scope) {
    const position = within.graph.positionOf.get(id);
    if (position !== undefined) return placeAt(within, position)[0];
  }
  return undefined;
}

export function placeAt(scope: PlanScope, position: number): readonly PlaceOf[] {
  const node = scope.graph.nodes[position];
  return node === undefined ? [] : [{ scope, node }];
}

/** Whether its input is the output of its one source, as it is. */
function isPassedOn({ scope, node }: PlaceOf): boolean {
  return node.kind !== 'join' && inboundEdges(scope.graph, node.position).length === 1;
}

function scopesOf({ graph, plan }: PlanVersion): readonly PlanScope[] {
  const scopes: PlanScope[] = [{ prefix: '', graph, host: undefined, maps: mapsOf(plan.edges) }];
  // The list grows while it is gone through: loops lie inside of loops.
  for (const scope of scopes) {
    for (const node of scope.graph.nodes) {
      if (node.loop === undefined || node.source.kind !== 'loop') continue;
      scopes.push({
        prefix: `${scope.prefix}${node.id}/`,
        graph: node.loop.body,
        host: { scope, node },
        maps: mapsOf(node.source.body.edges ?? []),
      });
    }
  }
  return scopes;
}

function mapsOf(edges: readonly PlanEdge[]): PlanScope['maps'] {
  const ids = edgeIds(edges);
  return new Map(
    edges.flatMap(({ map }, index) => (map === undefined ? [] : [[ids[index] ?? '', map]])),
  );
}

function withoutIndex(part: string): string {
  return part.replace(/(#\d+)?\[\d*\]$/, '');
}

function segmentsOf(text: string): readonly PathSegment[] {
  const parsed = parsePath(text);
  return parsed.ok ? parsed.segments : [];
}

function startsWith(segments: readonly PathSegment[], start: readonly PathSegment[]): boolean {
  return start.every((segment, index) => segments[index] === segment);
}
