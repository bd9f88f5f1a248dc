/**
 * Which values of a run are secret: those whose schema says `writeOnly: true`, in its inputs and in what its
 * nodes get, give and are answered. Pure. Invariant: what no plan names costs nobody more than a look at its text.
 */
import { isJsonObject, type JsonObject, type JsonValue } from './json.js';
import type { Plan } from './schema.js';

/** Stands where a secret was. */
export const MASK = '[secret]';

/**
 * Shorter texts, and numbers, would be found in everything, in ids and times of others: they are masked in their
 * places alone.
 */
const SHORTEST_SEARCHED = 4;
const MAX_DEPTH = 128;

const MARK = /"writeOnly":\s*true/;

/** Schemas of one node, by what it gets and what it gives. */
interface NodeSchemas {
  readonly input: JsonValue[];
  readonly output: JsonValue[];
}

/** The secrets that a plan names; undefined where it names none. */
export function maskFor(plan: Plan): PlanMask | undefined {
  return MARK.test(JSON.stringify(plan)) ? new PlanMask(plan) : undefined;
}

export class PlanMask {
  readonly #inputs: JsonValue | undefined;
  readonly #named: Readonly<Record<string, JsonValue>>;
  readonly #nodes = new Map<string, NodeSchemas>();

  constructor(plan: Plan) {
    this.#inputs = plan.inputs as JsonValue | undefined;
    this.#named = (plan.schemas ?? {}) as Readonly<Record<string, JsonValue>>;
    this.#addNodes(plan.nodes as unknown as JsonValue);
  }

  /** Whether any node has schemas of its own, so that what nodes get and give may be secret. */
  get hasNodes(): boolean {
    return this.#nodes.size > 0;
  }

  inputs(value: JsonValue, found: Secrets): JsonValue {
    return this.#mask([this.#inputs], value, found);
  }

  /** `path` is that of the node run. */
  nodeInput(path: string, value: JsonValue, found: Secrets): JsonValue {
    return this.#mask(this.#nodes.get(nodeOf(path))?.input ?? [], value, found);
  }

  nodeOutput(path: string, value: JsonValue, found: Secrets): JsonValue {
    return this.#mask(this.#nodes.get(nodeOf(path))?.output ?? [], value, found);
  }

  /** A value that brings its schema along: an answer, a payload. */
  value(schema: JsonValue, value: JsonValue, found: Secrets): JsonValue {
    return this.#mask([schema], value, found);
  }

  /** Nodes, and those in the bodies of others. */
  #addNodes(nodes: JsonValue | undefined): void {
    if (!Array.isArray(nodes)) return;
    for (const node of nodes) {
      if (!isJsonObject(node)) continue;
      const schemas: NodeSchemas = { input: [], output: [] };
      this.#addSchemas(node, schemas);
      const known = this.#nodes.get(String(node.id));
      if (known !== undefined) {
        known.input.push(...schemas.input);
        known.output.push(...schemas.output);
      } else if (schemas.input.length + schemas.output.length > 0) {
        this.#nodes.set(String(node.id), schemas);
      }
    }
  }

  #addSchemas(part: JsonObject, schemas: NodeSchemas): void {
    for (const [key, value] of Object.entries(part)) {
      if (key === 'inputSchema') schemas.input.push(value as JsonValue);
      else if (key === 'outputSchema' || key === 'responseSchema')
        schemas.output.push(value as JsonValue);
      else if (isJsonObject(value) && key === 'body') this.#addNodes(value.nodes);
      else if (isJsonObject(value)) this.#addSchemas(value, schemas);
    }
  }

  #mask(schemas: readonly (JsonValue | undefined)[], value: JsonValue, found: Secrets): JsonValue {
    const walk: Walk = { named: this.#named, found };
    return schemas.reduce<JsonValue>((masked, schema) => {
      const root = typeof schema === 'string' ? this.#named[schema] : schema;
      return root === undefined ? masked : maskBy({ ...walk, root }, root, masked, 0);
    }, value);
  }
}

/** What several plans call secret, and what was secret where an input comes from. */
export class RunMask {
  readonly #plans: readonly PlanMask[];
  readonly #givenInput: Masking;

  /** `givenInput` masks the input of the run by what whoever gave it knows of it. */
  constructor(plans: readonly PlanMask[], givenInput: Masking = (value) => value) {
    this.#plans = plans;
    this.#givenInput = givenInput;
  }

  get hasNodes(): boolean {
    return this.#plans.some((plan) => plan.hasNodes);
  }

  inputs(value: JsonValue, found: Secrets): JsonValue {
    const given = this.#givenInput(value, found);
    return this.#plans.reduce((masked, plan) => plan.inputs(masked, found), given);
  }

  nodeInput(path: string, value: JsonValue, found: Secrets): JsonValue {
    return this.#plans.reduce((masked, plan) => plan.nodeInput(path, masked, found), value);
  }

  nodeOutput(path: string, value: JsonValue, found: Secrets): JsonValue {
    return this.#plans.reduce((masked, plan) => plan.nodeOutput(path, masked, found), value);
  }

  value(schema: JsonValue, value: JsonValue, found: Secrets): JsonValue {
    return this.#plans.reduce((masked, plan) => plan.value(schema, masked, found), value);
  }
}

type Masking = (value: JsonValue, found: Secrets) => JsonValue;

/** Secrets that were found, by which what was made of them is found elsewhere. */
export class Secrets {
  readonly #texts = new Set<string>();

  get isEmpty(): boolean {
    return this.#texts.size === 0;
  }

  /** The texts that are looked for, the longest first. */
  get texts(): string[] {
    return [...this.#texts].sort((a, b) => b.length - a.length);
  }

  /** All texts of a secret value. */
  add(value: JsonValue): void {
    if (typeof value === 'string') {
      if (value.length >= SHORTEST_SEARCHED && value !== MASK) this.#texts.add(value);
    } else if (typeof value === 'object' && value !== null) {
      for (const part of Object.values(value)) this.add(part as JsonValue);
    }
  }

  /** All that were found elsewhere. */
  addAll(others: Secrets): void {
    for (const text of others.#texts) this.#texts.add(text);
  }

  /** The value without any of them, be it within a text. */
  hide<T>(value: T): T {
    if (this.isEmpty) return value;
    // The longest first: one may be a part of another.
    return hideIn(value as unknown, this.texts) as T;
  }
}

function hideIn(value: unknown, texts: readonly string[]): unknown {
  if (typeof value === 'string') {
    return texts.reduce((text, secret) => text.replaceAll(secret, MASK), value);
  }
  if (Array.isArray(value)) return value.map((part) => hideIn(part, texts));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, part]) => [hideIn(key, texts), hideIn(part, texts)]),
  );
}

interface Walk {
  readonly named: Readonly<Record<string, JsonValue>>;
  readonly found: Secrets;
  /** What `#/…` refers to. */
  readonly root?: JsonValue;
}

/** The value with secrets masked where the schema has them, in whichever of its branches. */
function maskBy(walk: Walk, schema: JsonValue, value: JsonValue, depth: number): JsonValue {
  if (!isJsonObject(schema) || depth > MAX_DEPTH) return value;
  if (schema.writeOnly === true) {
    walk.found.add(value);
    return MASK;
  }
  let masked = value;
  for (const branch of branchesOf(walk, schema)) {
    masked = maskBy(branch.walk, branch.schema, masked, depth + 1);
  }
  if (Array.isArray(masked)) {
    const { prefixItems, items } = schema;
    return masked.map((item, place) => {
      const own = Array.isArray(prefixItems) ? prefixItems[place] : undefined;
      return maskBy(walk, own ?? items ?? true, item, depth + 1);
    });
  }
  return isJsonObject(masked) ? maskMembers(walk, schema, masked, depth) : masked;
}

function maskMembers(walk: Walk, schema: JsonObject, value: JsonObject, depth: number): JsonObject {
  const { properties, patternProperties, additionalProperties, unevaluatedProperties } = schema;
  const named = isJsonObject(properties) ? properties : {};
  const others = [
    ...(isJsonObject(patternProperties) ? Object.values(patternProperties) : []),
    ...[additionalProperties, unevaluatedProperties],
  ];
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => {
      const schemas = Object.hasOwn(named, key) ? [named[key]] : others;
      const masked = schemas.reduce<JsonValue>(
        (result, own) => maskBy(walk, (own ?? true) as JsonValue, result, depth + 1),
        member as JsonValue,
      );
      return [key, masked];
    }),
  );
}

function branchesOf(walk: Walk, schema: JsonObject): { schema: JsonValue; walk: Walk }[] {
  const { $ref, allOf, anyOf, oneOf, dependentSchemas } = schema;
  const lists = [allOf, anyOf, oneOf].flatMap((list) => (Array.isArray(list) ? list : []));
  const single = [schema.then, schema.else].flatMap((one) => (one === undefined ? [] : [one]));
  const dependent = isJsonObject(dependentSchemas) ? Object.values(dependentSchemas) : [];
  const here = [...lists, ...single, ...dependent].map((one) => ({
    schema: one as JsonValue,
    walk,
  }));
  const referred = typeof $ref === 'string' ? resolve(walk, $ref) : undefined;
  return referred === undefined ? here : [...here, referred];
}

/** `name`, `#/$defs/…` or `name#/…`. */
function resolve(walk: Walk, reference: string): { schema: JsonValue; walk: Walk } | undefined {
  const [name = '', path = ''] = reference.split('#');
  const root = name === '' ? walk.root : walk.named[decodeURIComponent(name)];
  let schema: JsonValue | undefined = root;
  for (const part of path.split('/').slice(1)) {
    const key = decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~');
    const isThere = typeof schema === 'object' && schema !== null && Object.hasOwn(schema, key);
    schema = isThere ? (schema as JsonObject)[key] : undefined;
  }
  return schema === undefined || root === undefined
    ? undefined
    : { schema, walk: { ...walk, root } };
}

/** `research[2]/search` is a run of the node `search`, `~/charge` of `charge`. */
function nodeOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1).replace(/\[\d*\]$/, '');
}
