/** A piece of what a handler streams: a text, or a JSON value, bounded in size. */
import { RunchartError } from '../../errors.js';
import type { JsonValue } from '../../plan/json.js';
import { toJsonValue } from '../../plan/json-values.js';

export interface Chunk {
  readonly value: JsonValue;
  /** Characters of a text; of another value those of its JSON. */
  readonly length: number;
}

/** Longest chunk, in characters. */
export const MAX_CHUNK_LENGTH = 65_536;

/** Throws a TypeError on what is neither text nor JSON, and `chunk-too-large`. */
export function readChunk(value: unknown): Chunk {
  // A text may be cut anywhere, also within a pair of surrogates.
  if (typeof value === 'string') return bounded(value, value.length);
  const converted = toJsonValue(value);
  if (!converted.ok) throw new TypeError(`a chunk is not JSON: ${converted.message}`);
  if (converted.value === undefined) throw new TypeError('a chunk is a text or a JSON value');
  return bounded(converted.value, converted.json.length);
}

function bounded(value: JsonValue, length: number): Chunk {
  if (length <= MAX_CHUNK_LENGTH) return { value, length };
  const message = `a chunk has ${MAX_CHUNK_LENGTH} characters at most, and this one ${length}`;
  throw new RunchartError('chunk-too-large', message, { hint: 'stream it in smaller ones' });
}
