/** Canonical JSON (RFC 8785) and the content hash made from it. */
import { createHash } from 'node:crypto';
import canonicalizeModule from 'canonicalize';
import type { JsonValue } from './json.js';
import type { Plan } from './schema.js';

// The package is CommonJS: its declaration names a default export that Node hands over directly.
const canonicalize = canonicalizeModule as unknown as (value: unknown) => string | undefined;

/** One text for one value, whatever the order of its keys. */
export function canonicalJson(value: JsonValue | Plan): string {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError('canonicalJson: not a JSON value');
  return text;
}

/** `sha256:` and 64 hexadecimal digits over a canonical text. */
export function contentHash(canonicalText: string): string {
  return `sha256:${createHash('sha256').update(canonicalText).digest('hex')}`;
}
