/**
 * Paths into JSON values: `a.b[0]["x-y"]`. Reads see own properties only; writes never touch a
 * prototype and never leave a hole.
 */
import { isForbiddenKey } from './ids.js';
import { isJsonObject, type JsonObject, type JsonValue } from './json.js';

export type PathSegment = string | number;

export type ParsedPath =
  | { readonly ok: true; readonly segments: readonly PathSegment[] }
  | {
      readonly ok: false;
      readonly code: 'invalid-path' | 'forbidden-path';
      readonly message: string;
      /** Where in the text the fault is. */
      readonly offset: number;
    };

/** Highest index that a path may name. */
const MAX_INDEX = 10_000;
const MAX_SEGMENTS = 64;

// A name, an index, or a quoted key. Names may hold hyphens: paths know no subtraction.
const SEGMENT =
  /(?<dot>\.?)(?<name>[A-Za-z_][A-Za-z0-9_-]*)|\[(?<index>\d+)\]|\[(?<double>"(?:[^"\\]|\\.)*")\]|\['(?<single>[^'\\]*)'\]/y;

/** Parses a path; refuses `__proto__`, `prototype` and `constructor` anywhere in it. */
export function parsePath(text: string): ParsedPath {
  const segments: PathSegment[] = [];
  for (let offset = 0; offset < text.length; ) {
    SEGMENT.lastIndex = offset;
    const match = SEGMENT.exec(text);
    const segment = match === null ? undefined : segmentOf(match.groups ?? {}, segments.length);
    if (match === null || segment === undefined) {
      return invalid(offset, 'Expected a name, [index] or ["key"]');
    }
    if (typeof segment === 'string' && isForbiddenKey(segment)) {
      return { ok: false, code: 'forbidden-path', message: `'${segment}' is not allowed`, offset };
    }
    if (typeof segment === 'number' && segment > MAX_INDEX) {
      return invalid(offset, `An index above ${MAX_INDEX}`);
    }
    segments.push(segment);
    offset += match[0].length;
  }
  if (segments.length === 0) return invalid(0, 'An empty path');
  if (segments.length > MAX_SEGMENTS) return invalid(0, `More than ${MAX_SEGMENTS} segments`);
  return { ok: true, segments };
}

function segmentOf(
  groups: Record<string, string | undefined>,
  position: number,
): PathSegment | undefined {
  const { dot, name, index, double, single } = groups;
  // A dot stands between names, never before the first.
  if (name !== undefined) return (dot === '.') === position > 0 ? name : undefined;
  if (index !== undefined) return Number(index);
  if (single !== undefined) return single;
  return double === undefined ? undefined : parseQuoted(double);
}

function parseQuoted(quoted: string): string | undefined {
  try {
    return JSON.parse(quoted) as string;
  } catch {
    return undefined;
  }
}

function invalid(offset: number, message: string): ParsedPath {
  return { ok: false, code: 'invalid-path', message, offset };
}

/** Writes segments the way an author would. */
export function formatPath(segments: readonly PathSegment[]): string {
  return segments
    .map((segment, position) => {
      if (typeof segment === 'number') return `[${segment}]`;
      if (!/^[A-Za-z_][A-Za-z0-9_-]*$/.test(segment)) return `[${JSON.stringify(segment)}]`;
      return position === 0 ? segment : `.${segment}`;
    })
    .join('');
}

/** The value at `segments`, from `from` on; undefined where there is none. */
export function readPath(
  value: JsonValue | undefined,
  segments: readonly PathSegment[],
  from = 0,
): JsonValue | undefined {
  let current = value;
  for (let i = from; i < segments.length; i++) {
    current = readSegment(current, segments[i] as PathSegment);
    if (current === undefined) return undefined;
  }
  return current;
}

function readSegment(value: JsonValue | undefined, segment: PathSegment): JsonValue | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if (Array.isArray(value)) return typeof segment === 'number' ? value[segment] : undefined;
  return typeof segment === 'string' && Object.hasOwn(value, segment) ? value[segment] : undefined;
}

/**
 * Builds one value out of many writes. Containers from outside are copied before they are
 * changed; gaps in arrays are filled with null; a container of the wrong kind is replaced.
 */
export class PathWriter {
  #root: JsonValue | undefined;
  readonly #owned = new WeakSet<object>();

  /** The value written so far, as plain objects and arrays; undefined where nothing was written. */
  get value(): JsonValue | undefined {
    return this.#root === undefined ? undefined : this.#plain(this.#root);
  }

  /** Sets the value at `segments`; the empty path replaces everything written so far. Throws a RangeError on a forbidden key or index. */
  write(segments: readonly PathSegment[], value: JsonValue): void {
    segments.forEach(assertWritable);
    const last = segments.at(-1);
    if (last === undefined) {
      this.#root = value;
      return;
    }
    let container = this.#own(this.#root, segments[0] as PathSegment);
    this.#root = container;
    for (let i = 0; i < segments.length - 1; i++) {
      const segment = segments[i] as PathSegment;
      const child = this.#own(readSegment(container, segment), segments[i + 1] as PathSegment);
      put(container, segment, child);
      container = child;
    }
    put(container, last, value);
  }

  #plain(value: JsonValue): JsonValue {
    if (typeof value !== 'object' || value === null || !this.#owned.has(value)) return value;
    if (Array.isArray(value)) return value.map((member) => this.#plain(member));
    return Object.fromEntries(
      Object.entries(value).map(([key, member]) => [key, this.#plain(member)]),
    );
  }

  /** A container that `segment` fits and that this writer may change. */
  #own(value: JsonValue | undefined, segment: PathSegment): JsonValue[] | JsonObject {
    const container = typeof segment === 'number' ? asArray(value) : asObject(value);
    if (container === value && this.#owned.has(container)) return container;
    const own = Array.isArray(container)
      ? [...container]
      : Object.assign(Object.create(null) as JsonObject, container);
    this.#owned.add(own);
    return own;
  }
}

function asArray(value: JsonValue | undefined): JsonValue[] {
  return Array.isArray(value) ? value : [];
}

function asObject(value: JsonValue | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}

function assertWritable(segment: PathSegment): void {
  if (typeof segment === 'string') {
    if (isForbiddenKey(segment)) throw new RangeError(`Forbidden key '${segment}'`);
  } else if (!Number.isInteger(segment) || segment < 0 || segment > MAX_INDEX) {
    throw new RangeError(`Forbidden index ${segment}`);
  }
}

function put(container: JsonValue[] | JsonObject, segment: PathSegment, value: JsonValue): void {
  if (!Array.isArray(container)) {
    container[segment] = value;
    return;
  }
  const index = Number(segment);
  while (container.length < index) container.push(null);
  container[index] = value;
}
