/** Regular expressions of authors, matched in linear time whatever they say. */
import { RE2JS } from 're2js';

export interface Pattern {
  /** True where the pattern is found anywhere in `text`. */
  test(text: string): boolean;
}

const MAX_PATTERN_LENGTH = 1_024;
const CACHE_SIZE = 256;
const cache = new Map<string, Pattern>();

/** Compiles `source`; throws an Error for look-around, back-references and other faults. */
export function compilePattern(source: string): Pattern {
  const known = cache.get(source);
  if (known !== undefined) return known;
  if (source.length > MAX_PATTERN_LENGTH) {
    throw new RangeError(`A pattern longer than ${MAX_PATTERN_LENGTH} characters`);
  }
  const compiled = RE2JS.compile(RE2JS.translateRegExp(source));
  const pattern: Pattern = { test: (text) => compiled.test(text) };
  if (cache.size >= CACHE_SIZE) cache.clear();
  cache.set(source, pattern);
  return pattern;
}
