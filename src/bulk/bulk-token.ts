/**
 * What a preview hands out and what has to be brought back: which action and filter it was of, the newest
 * run there was, and a digest over the runs that it hit. It guards against mistakes, not against forgery. Invariant:
 * token and cursor name runs by their ids and never by their numbers, which tell how many runs others have.
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
  /** Id of the newest run that may be hit; null where there was none. */
  readonly upTo: string | null;
  readonly count: number;
  /** Digest over the ids of the runs that are hit. */
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
    const [name, of, upTo, count, hits] = parsed as [string, string, string | null, number, string];
    return typeof name === 'string' && (typeof upTo === 'string' || upTo === null)
      ? { name, of, upTo, count, hits }
      : undefined;
  } catch {
    return undefined;
  }
}

/** Where a page has ended: at this run. */
export function writeCursor(run: string): string {
  return Buffer.from(JSON.stringify([run])).toString('base64url');
}

/** The id of the run that a page has ended at. Throws `argument-invalid`. */
export function readCursor(text: string): string {
  try {
    const [run] = JSON.parse(Buffer.from(text, 'base64url').toString()) as [unknown];
    if (typeof run === 'string') return run;
  } catch {}
  throw new RunchartError('argument-invalid', 'the cursor is none that was given');
}
