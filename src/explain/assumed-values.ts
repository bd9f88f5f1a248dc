/**
 * What conditions would come to if a node gave a certain output: what is known of the run is taken as
 * it is, and for what is not yet known a sample stands in. Inputs are resolved as the engine does. Pure.
 */
import { inboundEdges } from '../plan/graph-edges.js';
import { resolveInput } from '../plan/inputs.js';
import type { JsonValue } from '../plan/json.js';
import { readPath } from '../plan/paths.js';
import type { EdgeScope, NodeView } from '../plan/plan-version.js';
import {
  findNode,
  isSame,
  nameOf,
  ownPlace,
  type PlaceOf,
  placeAt,
  type Reader,
} from './plan-index.js';

export interface Known {
  readonly inputs: JsonValue;
  /** What the run has of a node that has finished in it. */
  finished(place: PlaceOf): NodeView | undefined;
  /** Stands in for the output of a node that has not. */
  sample(place: PlaceOf): JsonValue;
}

/** One value that is assumed; without a place it is that of the run's inputs. */
export interface Assumption {
  readonly place: PlaceOf | undefined;
  readonly value: JsonValue;
  readonly input?: JsonValue | undefined;
  readonly action?: string | undefined;
}

const MAX_DEPTH = 32;

export class AssumedValues {
  readonly #known: Known;
  readonly #assumed: Assumption;
  /** By depth and name of a place: branches that come together again lead to the same places. */
  readonly #views = new Map<string, NodeView | undefined>();

  constructor(known: Known, assumed: Assumption) {
    this.#known = known;
    this.#assumed = assumed;
  }

  /** A text that is the same for two assumptions where none of the conditions tells them apart. */
  signature(readers: readonly Reader[]): string {
    return readers.map((reader) => this.#result(reader)).join(';');
  }

  #result(reader: Reader): string {
    const { place, condition, edge, origins } = reader;
    const { action } = this.#assumed;
    if (edge?.on !== undefined && this.#isAssumed(place) && edge.on !== action) return 'off';
    // Of what is not known yet any value may come: then the values themselves have to differ.
    const isOpen = origins.some(
      ({ place: other }) =>
        other !== undefined && !this.#isAssumed(other) && !this.#known.finished(other),
    );
    if (isOpen) {
      const own = origins.filter((origin) => isSame(origin, this.#assumed.place));
      return JSON.stringify(
        own.map(({ segments }) => readPath(this.#assumed.value, segments) ?? null),
      );
    }
    const result = condition.evaluate(this.scopeOf(place));
    return result.ok ? String(result.value) : result.code;
  }

  /** What an expression at a node would see. */
  scopeOf(place: PlaceOf): EdgeScope {
    const view = this.#view(ownPlace(place), 0);
    return {
      inputs: this.#inputs,
      loop: { iteration: 1, index: 0 },
      input: view?.input,
      output: view?.output,
      outcome: view?.outcome,
      action: view?.action,
      node: (id) => {
        const found = findNode(place.scope, id);
        return found && this.#view(found, 0);
      },
    };
  }

  get #inputs(): JsonValue {
    const { place, value } = this.#assumed;
    return place === undefined ? value : this.#known.inputs;
  }

  #isAssumed(place: PlaceOf): boolean {
    const { place: assumed } = this.#assumed;
    return assumed !== undefined && nameOf(assumed) === nameOf(place);
  }

  #view(place: PlaceOf, depth: number): NodeView | undefined {
    const key = `${depth} ${nameOf(place)}`;
    if (this.#views.has(key)) return this.#views.get(key);
    const view = this.#viewAnew(place, depth);
    this.#views.set(key, view);
    return view;
  }

  #viewAnew(place: PlaceOf, depth: number): NodeView | undefined {
    if (this.#isAssumed(place)) {
      const { value, action, input } = this.#assumed;
      return { status: 'completed', output: value, action, input };
    }
    const finished = this.#known.finished(place);
    if (finished !== undefined || depth > MAX_DEPTH) return finished;
    const input = this.#input(place, depth + 1);
    const { kind } = place.node;
    const isPassedOn = kind === 'switch' || kind === 'join' || kind === 'sleep';
    const output = isPassedOn ? input : this.#known.sample(place);
    const outcome = kind === 'human-approval' ? 'approved' : undefined;
    return { status: 'completed', input, output, outcome };
  }

  #input(place: PlaceOf, depth: number): JsonValue | undefined {
    const edges = inboundEdges(place.scope.graph, place.node.position);
    const taken = edges.flatMap((edge) =>
      placeAt(place.scope, edge.source).map((source) => {
        const view = this.#view(source, depth);
        return {
          edge,
          scope: {
            inputs: this.#inputs,
            input: view?.input,
            output: view?.output,
            outcome: view?.outcome,
            action: view?.action,
            node: () => undefined,
          },
        };
      }),
    );
    const resolved = resolveInput(place.node, taken, this.#inputs, edges.length);
    return resolved.ok ? resolved.value : undefined;
  }
}
