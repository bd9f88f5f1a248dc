/**
 * Sampled values: one that fits the schema and has what expressions read, and as many more as turn
 * conditions the other way. Pure; the same for the same seed.
 */
import { blockingIssues } from '../plan/issue.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../plan/json.js';
import { type PathSegment, PathWriter, readPath } from '../plan/paths.js';
import type { ValueValidator } from '../plan/plan-version.js';
import type { Question, ReadPath } from './expression-reads.js';
import type { Need } from './plan-index.js';
import { type Chance, type NamedSchemas, sampleSchema } from './sample-schema.js';

export interface Wanted {
  readonly schema: JsonValue | undefined;
  readonly named: NamedSchemas;
  readonly validate: ValueValidator | undefined;
  readonly needs: readonly Need[];
  /** Sample of one item where a list is wanted. */
  readonly item: JsonValue | undefined;
  readonly chance: Chance;
}

export interface Sampled {
  readonly value: JsonValue;
  /** False where no value was found that fits the schema; then it is `{}`. */
  readonly fits: boolean;
}

export interface Variants {
  readonly values: readonly JsonValue[];
  /** Whether there were too many to take them all. */
  readonly isCut: boolean;
}

/** Stands for a place in a value at which there is nothing. */
const ABSENT = Symbol('absent');
type Candidate = JsonValue | typeof ABSENT;

const MAX_COMBINATIONS = 256;
const MAX_VARIANTS = 16;
const MAX_LIST = 100;
const MAX_LISTED = 16;

/** A value that fits, with something wherever an expression reads. */
export function sampleValue(wanted: Wanted): Sampled {
  const { schema, named, chance, needs } = wanted;
  const sampled = schema === undefined ? {} : sampleSchema(schema, named, chance);
  const fits = isValid(wanted, sampled);
  let value: JsonValue = fits ? sampled : {};
  for (const { segments, questions } of needs) {
    const found = readPath(value, segments);
    const isList = questions.some(
      ({ ask }) => ask === 'list' || ask === 'sized' || ask === 'member',
    );
    if (found !== undefined && (!isList || Array.isArray(found)) && segments.length > 0) continue;
    if (segments.length === 0 && !isList) continue;
    const filled = write(value, segments, neutral(questions, wanted));
    if (isValid(wanted, filled) || !fits) value = filled;
  }
  return { value, fits: fits || isValid(wanted, value) };
}

/**
 * The sampled value, and further ones; `sameness` tells by a text which of them nobody can tell
 * apart: results with a semicolon between. Those that make more true come first, since they lead
 * further. `resolve` gives the value of a path that a place in the value is compared with.
 */
export function sampleVariants(
  wanted: Wanted,
  resolve: (path: ReadPath) => JsonValue | undefined,
  sameness: (value: JsonValue) => string,
): Variants {
  const base = comparable(sampleValue(wanted).value, wanted, resolve);
  const places = byPlace(wanted.needs)
    .map(({ segments, questions }) => {
      const candidates = candidatesFor(questions, readPath(base, segments), resolve);
      const listed = candidates.length === 0 ? [] : listedAt(wanted, segments);
      return { segments, candidates: [...candidates, ...listed] };
    })
    .filter(({ candidates }) => candidates.length > 0);
  const values = new Map([[sameness(base), base]]);
  const total = places.reduce((product, { candidates }) => product * (candidates.length + 1), 1);
  const count = Math.min(total, MAX_COMBINATIONS);
  let isCut = total > MAX_COMBINATIONS;
  for (let combination = 1; combination < count; combination++) {
    let rest = combination;
    let value: JsonValue = base;
    for (const { segments, candidates } of places) {
      const choice = rest % (candidates.length + 1);
      rest = Math.floor(rest / (candidates.length + 1));
      if (choice > 0) value = write(value, segments, candidates[choice - 1] as Candidate);
    }
    if (!isValid(wanted, value)) continue;
    const key = sameness(value);
    if (values.has(key)) continue;
    if (values.size >= MAX_VARIANTS) isCut = true;
    else values.set(key, value);
  }
  const sorted = [...values].sort(([a], [b]) => truths(b) - truths(a));
  return { values: sorted.map(([, value]) => value), isCut };
}

function truths(results: string): number {
  return results.split(';').filter((result) => result === 'true').length;
}

/** The value with what is compared with other values made of their type. */
function comparable(
  value: JsonValue,
  wanted: Wanted,
  resolve: (path: ReadPath) => JsonValue | undefined,
): JsonValue {
  let made = value;
  for (const { segments, questions } of wanted.needs) {
    for (const question of questions) {
      if (question.ask !== 'compared-with-path' || segments.length === 0) continue;
      const other = resolve(question.path);
      if (other === undefined || typeof other === typeof readPath(made, segments)) continue;
      const written = write(made, segments, other);
      if (isValid(wanted, written)) made = written;
    }
  }
  return made;
}

/** What the schema lists for a place in the value, where it does. */
function listedAt({ schema, named }: Wanted, segments: readonly PathSegment[]): JsonValue[] {
  let current: JsonValue | undefined = schema;
  for (const segment of segments) {
    const { properties, items } = objectOf(resolved(current, named));
    current = typeof segment === 'number' ? items : objectOf(properties)[segment];
  }
  const { enum: listed } = objectOf(resolved(current, named));
  return Array.isArray(listed) ? listed.slice(0, MAX_LISTED) : [];
}

function resolved(schema: JsonValue | undefined, named: NamedSchemas): JsonValue | undefined {
  const { $ref } = objectOf(schema);
  return typeof $ref === 'string' ? named[$ref] : schema;
}

function objectOf(value: JsonValue | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}

function isValid({ validate }: Wanted, value: JsonValue): boolean {
  return blockingIssues(validate?.(value) ?? []).length === 0;
}

function byPlace(needs: readonly Need[]): readonly Need[] {
  const places = new Map<string, { segments: readonly PathSegment[]; questions: Question[] }>();
  for (const { segments, questions } of needs) {
    const key = JSON.stringify(segments);
    const place = places.get(key);
    if (place === undefined) places.set(key, { segments, questions: [...questions] });
    else place.questions.push(...questions);
  }
  // What lies inside of something is written after it.
  return [...places.values()].sort((a, b) => a.segments.length - b.segments.length);
}

/** Something harmless of the type that is asked for. */
function neutral(questions: readonly Question[], { item }: Wanted): JsonValue {
  for (const question of questions) {
    switch (question.ask) {
      case 'list':
      case 'sized':
        return [item ?? {}, item ?? {}];
      case 'member':
        return [question.item];
      case 'compared':
      case 'calculated':
        return question.with;
      case 'text':
        return question.part;
      case 'truth':
        return true;
      case 'compared-with-path':
        return 1;
      default:
    }
  }
  return 'sample';
}

/** Values that tell the answers to questions apart, without the one that is there already. */
function candidatesFor(
  questions: readonly Question[],
  present: JsonValue | undefined,
  resolve: (path: ReadPath) => JsonValue | undefined,
): readonly Candidate[] {
  const found = new Map<string, Candidate>();
  for (const question of questions) {
    for (const candidate of answersTo(question, present, resolve)) {
      found.set(candidate === ABSENT ? '' : JSON.stringify(candidate), candidate);
    }
  }
  found.delete(present === undefined ? '' : JSON.stringify(present));
  return [...found.values()];
}

function answersTo(
  question: Question,
  present: JsonValue | undefined,
  resolve: (path: ReadPath) => JsonValue | undefined,
): readonly Candidate[] {
  switch (question.ask) {
    case 'compared':
      return around(question.with);
    case 'compared-with-path': {
      const other = resolve(question.path);
      return other === undefined ? [] : around(other);
    }
    case 'calculated':
      return [0, 1, 2, ...around(question.with)];
    case 'sized':
      return [question.with - 1, question.with, question.with + 1]
        .filter((size) => size >= 0 && size <= MAX_LIST && Number.isInteger(size))
        .map((size) => sized(present, size));
    case 'text':
      return [question.part, 'other'];
    case 'member':
      return [[question.item], []];
    case 'presence':
      return present === undefined ? ['sample', ABSENT] : [present, ABSENT];
    case 'truth':
      return [true, false];
    default:
      return [];
  }
}

/** A value, and others that compare with it otherwise. */
function around(value: JsonValue): readonly JsonValue[] {
  if (typeof value === 'number') return [value, value - 1, value + 1];
  if (typeof value === 'boolean') return [value, !value];
  if (value === null) return [null, 'sample'];
  return typeof value === 'string' ? [value, value === 'other' ? 'sample' : 'other'] : [value];
}

function sized(present: JsonValue | undefined, size: number): JsonValue {
  if (typeof present === 'string') return 'x'.repeat(size);
  const [item = {}] = Array.isArray(present) ? present : [];
  return Array.from({ length: size }, () => item);
}

/** A copy of `value` with another value at a place. */
function write(value: JsonValue, segments: readonly PathSegment[], written: Candidate): JsonValue {
  if (written === ABSENT) return without(value, segments);
  const writer = new PathWriter();
  writer.write([], value);
  try {
    writer.write(segments, written);
  } catch {
    // A key that no value may have.
    return value;
  }
  return writer.value ?? {};
}

function without(value: JsonValue, segments: readonly PathSegment[]): JsonValue {
  const [first, ...rest] = segments;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  if (typeof first !== 'string' || !Object.hasOwn(value, first)) return value;
  const { [first]: inner, ...others } = value;
  if (rest.length === 0 || inner === undefined) return others;
  return { ...others, [first]: without(inner, rest) };
}
