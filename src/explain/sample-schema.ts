/**
 * Values that fit a JSON Schema, small and the same for the same chance. What a keyword asks beyond
 * this is left to whoever checks the value. Pure.
 */
import { isJsonObject, type JsonObject, type JsonValue } from '../plan/json.js';

export type NamedSchemas = Readonly<Record<string, JsonValue>>;

/** A number from 0 (inclusive) to 1 (exclusive). */
export type Chance = () => number;

const MAX_DEPTH = 8;
const MAX_ITEMS = 100;

/** By format; those that only describe are as good as any text. */
const FORMATS: Readonly<Record<string, string>> = {
  'date-time': '2024-01-01T00:00:00Z',
  date: '2024-01-01',
  time: '00:00:00Z',
  duration: 'P1D',
  email: 'sample@example.org',
  hostname: 'example.org',
  ipv4: '192.0.2.1',
  ipv6: '2001:db8::1',
  uri: 'https://example.org/',
  uuid: '00000000-0000-4000-8000-000000000000',
};

/** A value for `schema`, whose references are names in `named` or pointers into itself. */
export function sampleSchema(schema: JsonValue, named: NamedSchemas, chance: Chance): JsonValue {
  return new Sampler(schema, named, chance).sample(schema, 0);
}

class Sampler {
  readonly #root: JsonValue;
  readonly #named: NamedSchemas;
  readonly #chance: Chance;

  constructor(root: JsonValue, named: NamedSchemas, chance: Chance) {
    this.#root = root;
    this.#named = named;
    this.#chance = chance;
  }

  sample(schema: JsonValue | undefined, depth: number): JsonValue {
    if (!isJsonObject(schema) || depth > MAX_DEPTH) return {};
    const whole = this.#merged(schema, depth);
    if ('const' in whole) return whole.const ?? null;
    const { enum: listed, examples } = whole;
    if (Array.isArray(listed) && listed.length > 0) return this.#oneOf(listed);
    if ('default' in whole) return whole.default ?? null;
    if (Array.isArray(examples) && examples.length > 0) return this.#oneOf(examples);
    return this.#ofType(typeOf(whole), whole, depth);
  }

  /** The schema with everything that it refers to, and the first of its alternatives, written into it. */
  #merged(schema: JsonObject, depth: number): JsonObject {
    if (depth > MAX_DEPTH) return schema;
    const { $ref, allOf, anyOf, oneOf, ...own } = schema;
    const parts = [
      ...(typeof $ref === 'string' ? [this.#resolve($ref)] : []),
      ...listOf(allOf),
      ...listOf(anyOf).slice(0, 1),
      ...listOf(oneOf).slice(0, 1),
    ];
    return parts.reduce<JsonObject>(
      (whole, part) => (isJsonObject(part) ? merge(whole, this.#merged(part, depth + 1)) : whole),
      own,
    );
  }

  #resolve(reference: string): JsonValue | undefined {
    if (!reference.startsWith('#')) return this.#named[reference];
    let found: JsonValue | undefined = this.#root;
    for (const part of reference.slice(1).split('/').slice(1)) {
      const key = decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~');
      found = isJsonObject(found) && Object.hasOwn(found, key) ? found[key] : undefined;
    }
    return found;
  }

  #ofType(type: string, schema: JsonObject, depth: number): JsonValue {
    switch (type) {
      case 'null':
        return null;
      case 'boolean':
        return this.#chance() < 0.5;
      case 'integer':
      case 'number':
        return this.#number(schema, type === 'integer');
      case 'string':
        return text(schema);
      case 'array':
        return this.#list(schema, depth);
      default:
        return this.#object(schema, depth);
    }
  }

  #number(schema: JsonObject, isInteger: boolean): number {
    const step = numberOf(schema.multipleOf) ?? (isInteger ? 1 : undefined);
    const low = numberOf(schema.minimum) ?? numberOf(schema.exclusiveMinimum);
    const high = numberOf(schema.maximum) ?? numberOf(schema.exclusiveMaximum);
    const from = low ?? (high === undefined ? 0 : high - 10);
    const to = high ?? from + 10;
    if (step === undefined) return round(from + (to - from) * (0.25 + 0.5 * this.#chance()));
    const first = Math.ceil(from / step + (schema.exclusiveMinimum === from ? 0.5 : 0));
    const last = Math.floor(to / step - (schema.exclusiveMaximum === to ? 0.5 : 0));
    return (first + Math.floor(this.#chance() * Math.max(1, last - first + 1))) * step;
  }

  #list(schema: JsonObject, depth: number): JsonValue[] {
    const prefix = listOf(schema.prefixItems).map((part) => this.sample(part, depth + 1));
    const least = numberOf(schema.minItems) ?? 0;
    const most = numberOf(schema.maxItems) ?? MAX_ITEMS;
    const wanted = schema.uniqueItems === true ? Math.max(least, 1) : Math.max(least, 2);
    const size = Math.min(wanted, most, MAX_ITEMS);
    while (prefix.length < size) prefix.push(this.sample(schema.items, depth + 1));
    return prefix;
  }

  #object(schema: JsonObject, depth: number): JsonObject {
    const made: JsonObject = {};
    const properties = isJsonObject(schema.properties) ? schema.properties : {};
    const required = listOf(schema.required).filter((key) => typeof key === 'string');
    for (const key of new Set([...Object.keys(properties), ...required])) {
      // Deep down only what has to be there: schemas may contain themselves.
      if (depth > MAX_DEPTH / 2 && !required.includes(key)) continue;
      if (key !== '__proto__') made[key] = this.sample(properties[key], depth + 1);
    }
    return made;
  }

  #oneOf(values: readonly JsonValue[]): JsonValue {
    return values[Math.floor(this.#chance() * values.length)] ?? null;
  }
}

function typeOf(schema: JsonObject): string {
  const { type } = schema;
  if (typeof type === 'string') return type;
  if (Array.isArray(type)) return String(type.find((name) => name !== 'null') ?? 'null');
  if ('items' in schema || 'prefixItems' in schema || 'minItems' in schema) return 'array';
  if ('minLength' in schema || 'pattern' in schema || 'format' in schema) return 'string';
  return 'minimum' in schema || 'maximum' in schema ? 'number' : 'object';
}

function text(schema: JsonObject): string {
  const format = typeof schema.format === 'string' ? FORMATS[schema.format] : undefined;
  const least = numberOf(schema.minLength) ?? 0;
  const most = numberOf(schema.maxLength) ?? Number.POSITIVE_INFINITY;
  return (format ?? 'sample').padEnd(Math.min(least, 10_000), 'x').slice(0, most);
}

function merge(one: JsonObject, other: JsonObject): JsonObject {
  const properties = { ...objectOf(one.properties), ...objectOf(other.properties) };
  const required = [...new Set([...listOf(one.required), ...listOf(other.required)])];
  return {
    ...other,
    ...one,
    ...(Object.keys(properties).length > 0 && { properties }),
    ...(required.length > 0 && { required }),
  };
}

function round(number: number): number {
  return Number(number.toPrecision(3));
}

function numberOf(value: JsonValue | undefined): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

function listOf(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? value : [];
}

function objectOf(value: JsonValue | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}
