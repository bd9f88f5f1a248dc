/**
 * The little that every user of the libSQL client needs: opening one connection, reading rows safely,
 * telling its errors apart. Invariant: text comes back as bytes and is decoded here, because the
 * native binding ends the process when a text column holds bytes that are not UTF-8.
 */
import { type Client, createClient, type InValue, LibsqlError } from '@libsql/client/sqlite3';
import { clientUrl } from './database-path.js';
import { StorageError } from './storage-error.js';

/** One connection, since a PRAGMA reaches only the connection that runs it. */
export function openConnection(path: string): Client {
  return createClient({ url: clientUrl(path), concurrency: 1, intMode: 'number' });
}

const decoder = new TextDecoder('utf-8', { fatal: true });

/** Parses a cell made by `cast(json… as blob)`. Throws `row-corrupt` where its bytes are not UTF-8 JSON. */
export function parseJsonCell(cell: unknown): unknown {
  if (!(cell instanceof ArrayBuffer)) throw corrupt('A row is not the JSON that was asked for.');
  try {
    return JSON.parse(decoder.decode(cell));
  } catch (cause) {
    throw corrupt('A row holds bytes that were never written.', cause);
  }
}

function corrupt(message: string, cause?: unknown): StorageError {
  return new StorageError('row-corrupt', message, {
    hint: 'The file is damaged: restore a backup.',
    cause,
  });
}

/** Runs a query whose rows have one JSON cell each, and parses them. */
export async function readJson(
  client: Client,
  sql: string,
  args: InValue[] = [],
): Promise<unknown[]> {
  const { rows } = await client.execute({ sql, args });
  return rows.map((row) => parseJsonCell(row[0]));
}

export async function readNumber(
  client: Client,
  sql: string,
  args: InValue[] = [],
): Promise<number> {
  const { rows } = await client.execute({ sql, args });
  return Number(rows[0]?.[0] ?? 0);
}

const DISK_CODES: ReadonlySet<string> = new Set([
  'SQLITE_BUSY',
  'SQLITE_LOCKED',
  'SQLITE_IOERR',
  'SQLITE_FULL',
  'SQLITE_CORRUPT',
  'SQLITE_CANTOPEN',
  'SQLITE_READONLY',
  'SQLITE_PERM',
  'SQLITE_NOMEM',
  'SQLITE_PROTOCOL',
  'SQLITE_NOTADB',
  'SQLITE_INTERRUPT',
  'SQLITE_INTERNAL',
  'CLIENT_CLOSED',
  'TRANSACTION_CLOSED',
  'TRANSACTION_ACTIVE',
]);

/** Whose fault a failed write was: the fence's, the disk's (or the connection's), or the rows'. */
export function blame(error: unknown): 'fence' | 'disk' | 'rows' {
  if (!(error instanceof LibsqlError)) return isConnectionFailure(error) ? 'disk' : 'rows';
  if (error.extendedCode === 'SQLITE_CONSTRAINT_TRIGGER') return 'fence';
  return DISK_CODES.has(error.code) ? 'disk' : 'rows';
}

/** The binding reports a file that cannot be opened as a plain error with this text. */
function isConnectionFailure(error: unknown): boolean {
  return error instanceof Error && /ConnectionFailed/.test(error.message);
}

export function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export function isBusy(error: unknown): boolean {
  return error instanceof LibsqlError && error.code === 'SQLITE_BUSY';
}

/** A StorageError for what went wrong while opening `path`. */
export function openingError(path: string, cause: unknown): StorageError {
  if (cause instanceof StorageError) return cause;
  const code = cause instanceof LibsqlError ? cause.code : undefined;
  if (code === 'SQLITE_FULL') {
    return new StorageError('disk-full', `The disk that holds ${path} is full.`, {
      hint: 'Free some space and start again.',
      cause,
    });
  }
  if (code === 'SQLITE_NOTADB') {
    return new StorageError('not-a-database', `${path} is not a database.`, { cause });
  }
  if (code === 'SQLITE_READONLY') {
    return new StorageError('read-only', `${path} cannot be written.`, { cause });
  }
  if (code === undefined) {
    return new StorageError('cannot-open', `${path} cannot be opened: ${describe(cause)}`, {
      cause,
    });
  }
  return new StorageError('storage-unavailable', `${path} cannot be used: ${describe(cause)}`, {
    hint: 'Look for faults of the disk; nothing was acknowledged.',
    cause,
  });
}
