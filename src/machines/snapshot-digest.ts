/** The digest of a persisted snapshot: written beside it, and compared each time it is loaded. Pure. */
import { hash } from 'node:crypto';

/** Number of hexadecimal digits kept: 96 bits, against damage and not against an attacker. */
const DIGITS = 24;

/** Digest of the exact text; about a microsecond for a typical snapshot. */
export function snapshotDigest(text: string): string {
  return hash('sha256', text).slice(0, DIGITS);
}
