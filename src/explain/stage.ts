/** What all paths of a dry run share: the plan and those inside it, what was given, and samples. */
import { RunchartError } from '../errors.js';
import { type CompileOptions, compilePlan } from '../plan/compile.js';
import type { Evaluators } from '../plan/evaluator.js';
import { outgoingEdges } from '../plan/graph-edges.js';
import type { JsonValue } from '../plan/json.js';
import { readPath } from '../plan/paths.js';
import type { PlanVersion } from '../plan/plan-version.js';
import { simulatedEnvironment } from '../testing/simulation.js';
import { AssumedValues, type Known } from './assumed-values.js';
import type { ReadPath } from './expression-reads.js';
import { Givens, type Outcome } from './givens.js';
import { nameOf, type PlaceOf, PlanIndex } from './plan-index.js';
import { sampleSchema } from './sample-schema.js';
import { sampleValue, sampleVariants, type Wanted } from './samples.js';

export interface StageOptions extends CompileOptions {
  readonly input?: JsonValue;
  readonly outputs?: Readonly<Record<string, JsonValue>>;
  readonly answers?: Readonly<Record<string, JsonValue>>;
  readonly failures?: boolean;
  readonly seed: number;
  readonly maxSteps: number;
}

export interface Alternatives {
  readonly values: readonly Outcome[];
  /** Whether there were too many to take them all. */
  readonly isCut: boolean;
}

export class Stage {
  readonly root: StagedPlan;
  readonly evaluators: Evaluators;
  readonly outputs: Givens;
  readonly answers: Givens;
  readonly fails: boolean;
  readonly seed: number;
  readonly maxSteps: number;
  /** The input, or those that were sampled. */
  readonly inputs: readonly JsonValue[];
  readonly isInputGiven: boolean;
  /** Whether some of the samples of the input were left out. */
  readonly isInputCut: boolean;
  readonly #plans = new Map<string, StagedPlan>();

  constructor(version: PlanVersion, options: StageOptions) {
    const { input, outputs, answers, failures = false, seed, maxSteps } = options;
    this.outputs = new Givens(outputs);
    this.answers = new Givens(answers);
    this.fails = failures;
    this.evaluators = options.evaluators ?? {};
    this.seed = seed;
    this.maxSteps = maxSteps;
    this.root = new StagedPlan(version, '', seed);
    this.#plans.set(version.hash, this.root);
    this.isInputGiven = input !== undefined;
    const sampled = input === undefined ? this.root.inputs() : { values: [input], isCut: false };
    this.inputs = sampled.values;
    this.isInputCut = sampled.isCut;
  }

  /** Every plan that a path has come by. */
  get plans(): readonly StagedPlan[] {
    return [...this.#plans.values()];
  }

  /** The plan of a run inside of the simulation, by its hash. */
  planOf(hash: string, load: () => { readonly json: string; readonly name: string }): StagedPlan {
    const known = this.#plans.get(hash);
    if (known !== undefined) return known;
    const { json, name } = load();
    const compiled = compilePlan(JSON.parse(json), this);
    if (!compiled.ok) throw new RunchartError('plan-unknown', `there is no plan ${hash}`);
    const plan = new StagedPlan(compiled.version, name === '' ? '' : `${name}:`, this.seed);
    this.#plans.set(hash, plan);
    return plan;
  }
}

export class StagedPlan {
  readonly index: PlanIndex;
  /** Stands before the names of its nodes: empty for the plan itself, else the name of the plan. */
  readonly prefix: string;
  /** Names of nodes for which no sample was found that fits. */
  readonly unsampled = new Set<string>();
  readonly #seed: number;
  readonly #samples = new Map<string, JsonValue>();

  constructor(version: PlanVersion, prefix: string, seed: number) {
    this.index = new PlanIndex(version);
    this.prefix = prefix;
    this.#seed = seed;
  }

  /** The output that stands in for that of a node, or of one item of a map. */
  sample(place: PlaceOf): JsonValue {
    const name = nameOf(place);
    let sample = this.#samples.get(name);
    if (sample === undefined) {
      const { value, fits } = sampleValue(this.#wanted(place));
      if (!fits) this.unsampled.add(this.prefix + name);
      sample = value;
      this.#samples.set(name, value);
    }
    return sample;
  }

  /** What stands in for the deliverables of a node. */
  deliver({ node }: PlaceOf): JsonValue[] {
    return node.deliverables.map(({ name, kind, schema }) =>
      schema === undefined
        ? { name, kind, pointer: 'simulated' }
        : { name, kind, payload: sampleSchema(schema, this.index.named, this.#chance(node.id)) },
    );
  }

  /** What a node may come to: outputs that conditions tell apart, with each action that edges name. */
  alternatives(place: PlaceOf, known: Known, input: JsonValue | undefined): Alternatives {
    // Says it where no sample fits.
    this.sample(place);
    const readers = this.index.readersOf(place);
    const actions = actionsOf(place);
    const values: Outcome[] = [];
    let isCut = false;
    for (const action of [...actions, undefined]) {
      const assume = (value: JsonValue) =>
        new AssumedValues(known, { place, value, input, action });
      const variants = sampleVariants(
        this.#wanted(place),
        (path) => valueAt(path, place, known),
        (value) => assume(value).signature(readers),
      );
      isCut ||= variants.isCut;
      values.push(...variants.values.map((output) => ({ is: 'output', output, action }) as const));
    }
    return { values, isCut };
  }

  /** Inputs of a run that conditions tell apart. */
  inputs(): { readonly values: readonly JsonValue[]; readonly isCut: boolean } {
    const { plan, validateInputs } = this.index.version;
    const schema =
      plan.inputs === undefined
        ? this.index.consumerSchema(undefined)
        : this.index.resolve(plan.inputs as JsonValue);
    const wanted: Wanted = {
      schema,
      named: this.index.named,
      validate: validateInputs,
      needs: this.index.needsOf(undefined),
      item: undefined,
      chance: this.#chance(''),
    };
    const readers = this.index.readersOf(undefined);
    const known: Known = {
      inputs: {},
      finished: () => undefined,
      sample: (place) => this.sample(place),
    };
    return sampleVariants(
      wanted,
      () => undefined,
      (value) => new AssumedValues(known, { place: undefined, value }).signature(readers),
    );
  }

  #wanted(place: PlaceOf): Wanted {
    const { node } = place;
    const schema = (node.map === undefined ? node : node.map.worker).outputSchema;
    return {
      schema: schema ?? this.index.consumerSchema(place),
      named: this.index.named,
      validate: node.map === undefined ? node.validateOutput : undefined,
      needs: node.map === undefined ? this.index.needsOf(place) : [],
      item: this.#itemFor(place),
      chance: this.#chance(nameOf(place)),
    };
  }

  /** A sample of what a map behind this node takes as an item. */
  #itemFor({ scope, node }: PlaceOf): JsonValue | undefined {
    for (const edge of outgoingEdges(scope.graph, node.position)) {
      const source = scope.graph.nodes[edge.target]?.source;
      if (source?.kind !== 'map' || source.inputSchema === undefined) continue;
      const schema = this.index.resolve(source.inputSchema as JsonValue);
      if (schema !== undefined)
        return sampleSchema(schema, this.index.named, this.#chance(node.id));
    }
    return undefined;
  }

  /** A chance of its own for each node: what one path asks first changes nothing for another. */
  #chance(name: string): () => number {
    let mixed = this.#seed >>> 0;
    for (let i = 0; i < name.length; i++) mixed = Math.imul(mixed ^ name.charCodeAt(i), 16_777_619);
    const { random } = simulatedEnvironment(mixed);
    return random;
  }
}

function actionsOf({ scope, node }: PlaceOf): readonly string[] {
  if (node.kind !== 'action') return [];
  const named = outgoingEdges(scope.graph, node.position).flatMap(({ on }) => on ?? []);
  return [...new Set(named)];
}

/** The value that another path has, as far as it is known. */
function valueAt({ root, segments }: ReadPath, place: PlaceOf, known: Known) {
  if (root === 'inputs') return readPath(known.inputs, segments);
  if (root !== 'nodes') return undefined;
  const [id, member, ...rest] = segments;
  const position = place.scope.graph.positionOf.get(String(id));
  const node = position === undefined ? undefined : place.scope.graph.nodes[position];
  const view = node && known.finished({ scope: place.scope, node });
  return member === 'output' ? readPath(view?.output, rest) : undefined;
}
