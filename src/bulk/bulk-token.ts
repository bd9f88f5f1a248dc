/**
 * What a preview hands out and what has to be brought back: which action and filter it was of, the newest
 * run there was, and a digest over the runs that it hit. It guards against mistakes, not against forgery.
 */
import { createHash } from 'node:crypto';
import { RunchartError } from '../errors.js';
import { canonicalJson } from '../plan/canonical.js';
import { isJsonObject, type JsonValue } from '../plan/json.js';
import type { BulkAction } from './bulk-action.js';
import type { BulkFilter } from './bulk-filter.js';

export interface BulkToken {
  /** Names the undertaking. */
  readonly name: string;
  /** Digest of action and filter. */
  readonly of: string;
  /** Number of the newest run that may be hit. */
  readonly upTo: number;
  readonly count: number;
  /** Digest over the numbers of the runs that are hit. */
  readonly hits: string;
}

export function digestOfRequest(action: BulkAction, filter: BulkFilter): string {
  return createHash('sha256')
    .update(canonicalJson([action, filter] as unknown as JsonValue))
    .digest('base64url');
}

export function writeToken({ name, of, upTo, count, hits }: BulkToken): string {
  return Buffer.from(JSON.stringify([name, of, upTo, count, hits])).toString('base64url');
}

/** Throws `bulk-mismatch` where the token is none, or of another action or filter. */
export function readToken(text: string, action: BulkAction, filter: BulkFilter): BulkToken {
  const token = parse(text);
  if (token !== undefined && token.of === digestOfRequest(action, filter)) return token;
  throw new RunchartError('bulk-mismatch', 'the token is not that of a preview of this', {
    hint: 'send the action and the filter of the preview as they were',
  });
}

function parse(text: string): BulkToken | undefined {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    if (!Array.isArray(parsed) || isJsonObject(parsed)) return undefined;
    const [name, of, upTo, count, hits] = parsed as [string, string, number, number, string];
    return typeof name === 'string' && Number.isSafeInteger(upTo)
      ? { name, of, upTo, count, hits }
      : undefined;
  } catch {
    return undefined;
  }
}
