/**
 * Whether values of one JSON Schema (2020-12) can fit another, without a value at hand. Every
 * keyword that is not understood is taken to accept everything, so that there is no false alarm.
 */
import { canonicalJson } from './canonical.js';
import { isJsonObject, type JsonObject, type JsonValue } from './json.js';
import { formatPath, type PathSegment } from './paths.js';

/**
 * What a valid value's part at a path satisfies, as a schema that stands alone: `undefined` where
 * that is unknown, `false` where there can be no such part.
 */
export function schemaAt(
  schema: JsonValue,
  segments: readonly PathSegment[],
): JsonValue | undefined {
  let place = new Place(new Schemas(schema), [schema]);
  for (const segment of segments) place = place.at(segment);
  return place.toSchema();
}

/** Why no value that is valid for `source` is valid for `target`; undefined where one may be. */
export function misfit(source: JsonValue, target: JsonValue): string | undefined {
  const from = new Place(new Schemas(source), [source]);
  const to = new Place(new Schemas(target), [target]);
  return new Comparison().misfit(from, to, []);
}

/** `integer` and `fraction` are the two halves of JSON Schema's `number`. */
const KINDS = ['string', 'integer', 'fraction', 'boolean', 'object', 'array', 'null'] as const;

type Kind = (typeof KINDS)[number];

/** What a schema accepts at most: for each kind all values, or those with these canonical texts. */
type Range = ReadonlyMap<Kind, 'all' | ReadonlySet<string>>;

const EVERYTHING: Range = new Map(KINDS.map((kind) => [kind, 'all']));
const NOTHING: Range = new Map();

const MAX_DEPTH = 64;

/** The subschemas of one document, and what is worked out about them once. */
class Schemas {
  readonly root: JsonValue;
  readonly #ranges = new Map<JsonObject, Range>();

  constructor(root: JsonValue) {
    this.root = root;
  }

  rangeOf(schema: JsonValue | undefined, depth = 0): Range {
    if (schema === false) return NOTHING;
    if (!this.isReadable(schema)) return EVERYTHING;
    const known = this.#ranges.get(schema);
    if (known !== undefined) return known;
    // Stands while a reference leads back here.
    this.#ranges.set(schema, EVERYTHING);
    if (depth > MAX_DEPTH) return EVERYTHING;
    const range = this.#compute(schema, depth + 1);
    this.#ranges.set(schema, range);
    return range;
  }

  #compute(schema: JsonObject, depth: number): Range {
    const all = listOf(schema.allOf).map((part) => this.rangeOf(part, depth));
    const choices = [schema.anyOf, schema.oneOf].filter(Array.isArray);
    const either = choices.map((parts) => union(parts.map((part) => this.rangeOf(part, depth))));
    const referred = this.rangeOf(this.referred(schema), depth);
    return [typeRange(schema), ...valueRanges(schema), referred, ...all, ...either].reduce(
      intersection,
    );
  }

  /** Whether references inside `schema` are read from the root, and there is something to read. */
  isReadable(schema: JsonValue | undefined): schema is JsonObject {
    return isJsonObject(schema) && (schema === this.root || schema.$id === undefined);
  }

  /** The subschema that a local `$ref` names; undefined where there is none, or it is elsewhere. */
  referred({ $ref }: JsonObject): JsonValue | undefined {
    if (typeof $ref !== 'string' || !/^#\/(?:\$defs|definitions)\//.test($ref)) return undefined;
    let found: JsonValue | undefined = this.root;
    for (const token of $ref.split('/').slice(1)) {
      if (!isJsonObject(found)) return undefined;
      found = ownMember(found, decodeToken(token));
    }
    return found;
  }

  /** All schemas that a value of `kind` has to satisfy where it satisfies `schemas`, each once. */
  conjuncts(schemas: readonly JsonValue[], kind: Kind): readonly JsonObject[] {
    const found = new Set<JsonObject>();
    const open = [...schemas];
    for (let schema = open.pop(); schema !== undefined; schema = open.pop()) {
      if (!this.isReadable(schema) || found.has(schema)) continue;
      found.add(schema);
      const referred = this.referred(schema);
      if (referred !== undefined) open.push(referred);
      open.push(...listOf(schema.allOf), ...this.#onlyChoices(schema, kind));
    }
    return [...found];
  }

  /** Of `anyOf` and `oneOf` the branch that alone admits `kind`, such as the one beside null. */
  #onlyChoices(schema: JsonObject, kind: Kind): JsonValue[] {
    return [schema.anyOf, schema.oneOf].flatMap((branches) => {
      const open = listOf(branches).filter((branch) => this.rangeOf(branch).has(kind));
      return open.length === 1 ? open : [];
    });
  }
}

/** One spot of the values that a document describes: all of `schemas` hold there. */
class Place {
  readonly #document: Schemas;
  readonly #schemas: readonly JsonValue[];

  constructor(document: Schemas, schemas: readonly JsonValue[]) {
    this.#document = document;
    this.#schemas = schemas;
  }

  get range(): Range {
    const ranges = this.#schemas.map((schema) => this.#document.rangeOf(schema));
    return ranges.reduce(intersection, EVERYTHING);
  }

  at(segment: PathSegment): Place {
    const kind = typeof segment === 'number' ? 'array' : 'object';
    if (!this.range.has(kind)) return new Place(this.#document, [false]);
    const inside = this.#document
      .conjuncts(this.#schemas, kind)
      .map((schema) =>
        typeof segment === 'number' ? itemSchema(schema, segment) : memberSchema(schema, segment),
      );
    return new Place(
      this.#document,
      inside.filter((schema) => schema !== undefined),
    );
  }

  /** Keys without which no object is valid here. */
  get required(): readonly string[] {
    return this.#document
      .conjuncts(this.#schemas, 'object')
      .flatMap(({ required }) => listOf(required))
      .filter((key) => typeof key === 'string');
  }

  /** One schema that stands alone; undefined where nothing is known. */
  toSchema(): JsonValue | undefined {
    if (this.range.size === 0) return false;
    const [schema, ...others] = this.#schemas;
    if (schema === undefined || (others.length === 0 && isForeign(schema, this.#document))) {
      return undefined;
    }
    const whole = others.length === 0 ? schema : { allOf: [schema, ...others] };
    return isJsonObject(whole) && whole !== this.#document.root
      ? withDefinitions(whole, this.#document.root)
      : whole;
  }
}

function isForeign(schema: JsonValue, document: Schemas): boolean {
  return isJsonObject(schema) && !document.isReadable(schema);
}

/** `schema` with the definitions of its document in place of its own: references lead there. */
function withDefinitions(schema: JsonObject, root: JsonValue): JsonObject {
  const { $defs: _defs, definitions: _definitions, ...rest } = schema;
  if (!isJsonObject(root)) return rest;
  const { $defs, definitions } = root;
  return {
    ...rest,
    ...($defs !== undefined && { $defs }),
    ...(definitions !== undefined && { definitions }),
  };
}

function memberSchema(schema: JsonObject, key: string): JsonValue | undefined {
  const { properties, patternProperties, additionalProperties } = schema;
  const declared = isJsonObject(properties) ? ownMember(properties, key) : undefined;
  if (declared !== undefined) return declared;
  return patternProperties === undefined ? additionalProperties : undefined;
}

function itemSchema({ prefixItems, items }: JsonObject, index: number): JsonValue | undefined {
  const first = listOf(prefixItems);
  if (index < first.length) return first[index];
  return Array.isArray(items) ? undefined : items;
}

const MAX_COMPARISONS = 500;
const MAX_NESTING = 8;

/** Compares two places, and what objects at both must have; gives up rather than run on. */
class Comparison {
  #left = MAX_COMPARISONS;

  misfit(source: Place, target: Place, path: readonly string[]): string | undefined {
    if (this.#left-- <= 0 || path.length > MAX_NESTING) return undefined;
    const common = intersection(source.range, target.range);
    if (common.size === 0) return reason(source.range, target.range, path);
    if (common.size > 1 || !common.has('object')) return undefined;
    for (const key of new Set([...source.required, ...target.required])) {
      const found = this.misfit(source.at(key), target.at(key), [...path, key]);
      if (found !== undefined) return found;
    }
    return undefined;
  }
}

function reason(source: Range, target: Range, path: readonly string[]): string {
  const place = path.length === 0 ? '' : `${formatPath(path)}: `;
  if (target.size === 0) return `${place}no value is allowed`;
  if (source.size === 0) return `${place}there never is a value`;
  return `${place}${nameRange(source)} is never ${nameRange(target)}`;
}

const MAX_NAMED = 3;
const MAX_NAME_LENGTH = 40;

/** Values where a kind has only some, else the kind: `string, null`, `"a", "b", …`. */
function nameRange(range: Range): string {
  const names = [...range].flatMap(([kind, values]) => {
    if (values !== 'all') return [...values].map(shorten);
    if (kind === 'fraction') return ['number'];
    return kind === 'integer' && range.get('fraction') === 'all' ? [] : [kind];
  });
  const named = names.slice(0, MAX_NAMED).join(' or ');
  return names.length > MAX_NAMED ? `${named} or …` : named;
}

function shorten(text: string): string {
  return text.length <= MAX_NAME_LENGTH ? text : `${text.slice(0, MAX_NAME_LENGTH)}…`;
}

const KINDS_OF_TYPE: Readonly<Record<string, readonly Kind[]>> = {
  null: ['null'],
  boolean: ['boolean'],
  integer: ['integer'],
  number: ['integer', 'fraction'],
  string: ['string'],
  array: ['array'],
  object: ['object'],
};

function typeRange({ type, nullable }: JsonObject): Range {
  const types = typeof type === 'string' ? [type] : listOf(type);
  if (types.length === 0) return EVERYTHING;
  // The validator honours OpenAPI's `nullable`.
  if (nullable === true) types.push('null');
  const kinds = types.map((name) => ownMember(KINDS_OF_TYPE, String(name)));
  if (kinds.includes(undefined)) return EVERYTHING;
  return new Map(kinds.flatMap((known) => known ?? []).map((kind) => [kind, 'all']));
}

function valueRanges(schema: JsonObject): Range[] {
  const ranges: Range[] = [];
  if (schema.const !== undefined) ranges.push(rangeOfValues([schema.const]));
  if (Array.isArray(schema.enum)) ranges.push(rangeOfValues(schema.enum));
  return ranges;
}

function rangeOfValues(values: readonly JsonValue[]): Range {
  return union(values.map((value) => new Map([[kindOf(value), new Set([canonicalJson(value)])]])));
}

function kindOf(value: JsonValue): Kind {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'fraction';
  return typeof value as 'boolean' | 'string' | 'object';
}

function union(ranges: readonly Range[]): Range {
  const joined = new Map<Kind, 'all' | Set<string>>();
  for (const [kind, values] of ranges.flatMap((range) => [...range])) {
    const before = joined.get(kind);
    if (values === 'all' || before === 'all') joined.set(kind, 'all');
    else if (before === undefined) joined.set(kind, new Set(values));
    else for (const value of values) before.add(value);
  }
  return joined;
}

function intersection(left: Range, right: Range): Range {
  const common = new Map<Kind, 'all' | ReadonlySet<string>>();
  for (const [kind, values] of left) {
    const others = right.get(kind);
    if (others === undefined) continue;
    if (others === 'all') common.set(kind, values);
    else {
      const both = values === 'all' ? others : new Set([...values].filter((v) => others.has(v)));
      if (both.size > 0) common.set(kind, both);
    }
  }
  return common;
}

function decodeToken(token: string): string {
  try {
    return decodeURIComponent(token).replaceAll('~1', '/').replaceAll('~0', '~');
  } catch {
    return token;
  }
}

function ownMember<Value>(object: Readonly<Record<string, Value>>, key: string): Value | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

function listOf(value: JsonValue | undefined): JsonValue[] {
  return Array.isArray(value) ? [...value] : [];
}
