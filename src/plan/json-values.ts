/**
 * The gate for values from outside: lets through what JSON carries back unchanged, as a copy of
 * its own that no later change to the original reaches. Runs no getter and no `toJSON`.
 */
import type { JsonObject, JsonValue } from './json.js';
import { type PointerSegment, pointer } from './pointer.js';

export interface JsonLimits {
  /** Levels of nesting. */
  readonly maxDepth?: number;
  /** Size of the JSON text in UTF-8. */
  readonly maxBytes?: number;
  /** Drops properties that are undefined instead of refusing them. */
  readonly omitUndefined?: boolean;
}

export type JsonResult =
  | { readonly ok: true; readonly value: JsonValue; readonly json: string }
  /** Nothing at all, as from a function without a result. */
  | { readonly ok: true; readonly value: undefined; readonly json: undefined }
  | {
      readonly ok: false;
      readonly code: 'not-json';
      /** Whether size is all that is wrong with it. */
      readonly isTooLarge: boolean;
      readonly message: string;
      /** JSON Pointer to the offending part. */
      readonly path: string;
    };

const DEFAULT_MAX_DEPTH = 64;
const DEFAULT_MAX_BYTES = 4 * 1024 * 1024;

const ABSENT: JsonResult = { ok: true, value: undefined, json: undefined };

/** Checks and copies `value`. Negative zero becomes zero; everything else is kept or refused. Never throws. */
export function toJsonValue(value: unknown, limits: JsonLimits = {}): JsonResult {
  if (value === undefined) return ABSENT;
  const copier = new JsonCopier(limits);
  try {
    const copy = copier.copy(value, 0);
    const json = JSON.stringify(copy);
    if (Buffer.byteLength(json) > copier.maxBytes) copier.refuseSize();
    return { ok: true, value: copy, json };
  } catch (error) {
    // Anything else than a refusal was thrown by a trap of a proxy.
    const message = error instanceof Refusal ? error.message : 'A value that cannot be read';
    const isTooLarge = error instanceof TooLarge;
    return { ok: false, code: 'not-json', isTooLarge, message, path: copier.path };
  }
}

class Refusal extends Error {}
class TooLarge extends Refusal {}

class JsonCopier {
  readonly maxBytes: number;
  readonly #maxDepth: number;
  readonly #omitUndefined: boolean;
  /** Lower bound of the text's size; stops shared references from multiplying without end. */
  #size = 0;
  readonly #ancestors: object[] = [];
  readonly #segments: PointerSegment[] = [];

  constructor(limits: JsonLimits) {
    this.#maxDepth = limits.maxDepth ?? DEFAULT_MAX_DEPTH;
    this.maxBytes = limits.maxBytes ?? DEFAULT_MAX_BYTES;
    this.#omitUndefined = limits.omitUndefined ?? false;
  }

  get path(): string {
    return pointer(...this.#segments);
  }

  refuseSize(): never {
    throw new TooLarge(`Larger than ${this.maxBytes} bytes`);
  }

  copy(value: unknown, depth: number): JsonValue {
    switch (typeof value) {
      case 'string':
        this.#grow(value.length + 2);
        return value;
      case 'boolean':
        this.#grow(4);
        return value;
      case 'number':
        if (!Number.isFinite(value)) throw new Refusal(`${value} is not a JSON number`);
        this.#grow(1);
        return value === 0 ? 0 : value;
      case 'object':
        if (value === null) {
          this.#grow(4);
          return null;
        }
        return this.#copyContainer(value, depth);
      default:
        throw new Refusal(`A value of type ${typeof value}`);
    }
  }

  #grow(size: number): void {
    this.#size += size;
    if (this.#size > this.maxBytes) this.refuseSize();
  }

  #copyContainer(value: object, depth: number): JsonValue {
    if (depth >= this.#maxDepth) throw new Refusal(`Deeper than ${this.#maxDepth} levels`);
    if (this.#ancestors.includes(value)) throw new Refusal('A cycle');
    this.#grow(2);
    this.#ancestors.push(value);
    const copy = Array.isArray(value)
      ? this.#copyArray(value, depth)
      : this.#copyObject(value, depth);
    this.#ancestors.pop();
    return copy;
  }

  #copyArray(array: readonly unknown[], depth: number): JsonValue[] {
    const { length } = array;
    // A hole is found below; here, properties beside the elements.
    this.#grow(length);
    if (Reflect.ownKeys(array).length > length + 1) throw new Refusal('An array with properties');
    const copy: JsonValue[] = new Array(length);
    for (let index = 0; index < length; index++) {
      this.#segments.push(index);
      copy[index] = this.copy(ownData(array, index, 'A hole in an array'), depth + 1);
      this.#segments.pop();
    }
    return copy;
  }

  #copyObject(object: object, depth: number): JsonObject {
    if (!isPlain(object)) throw new Refusal(`An instance of ${className(object)}`);
    const copy: JsonObject = {};
    for (const key of Reflect.ownKeys(object)) {
      if (typeof key === 'symbol') throw new Refusal('A property named by a symbol');
      this.#segments.push(key);
      if (key === '__proto__') throw new Refusal('A property named __proto__');
      const member = ownData(object, key, 'A property that disappeared');
      if (member !== undefined || !this.#omitUndefined) {
        this.#grow(key.length + 4);
        copy[key] = this.copy(member, depth + 1);
      }
      this.#segments.pop();
    }
    return copy;
  }
}

function ownData(object: object, key: PropertyKey, whenMissing: string): unknown {
  const property = Object.getOwnPropertyDescriptor(object, key);
  if (property === undefined) throw new Refusal(whenMissing);
  if (property.get !== undefined || property.set !== undefined) throw new Refusal('An accessor');
  if (property.enumerable !== true) throw new Refusal('A property that is not enumerable');
  return property.value;
}

function isPlain(object: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(object);
  if (prototype === Object.prototype || prototype === null) return true;
  // Object.prototype of another realm, such as a vm context.
  return (
    typeof prototype === 'object' &&
    Object.getPrototypeOf(prototype) === null &&
    Object.hasOwn(prototype, 'isPrototypeOf')
  );
}

function className(object: object): string {
  const maker: unknown = object.constructor;
  return typeof maker === 'function' && maker.name !== '' ? maker.name : 'a class';
}
