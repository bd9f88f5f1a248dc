/** Tells the failures of storage apart, by result code and never by text. */
import { StorageError } from './storage-error.js';

/** A turn that does not continue its run: the rows' fault, found before SQLite sees it. */
export class BrokenOrder extends Error {
  override readonly name = 'BrokenOrder';
}

/** Result codes of SQLite, without their extension, that tell of the disk or the connection. */
const DISK_CODES: ReadonlySet<number> = new Set([
  2, // INTERNAL
  3, // PERM
  5, // BUSY
  6, // LOCKED
  7, // NOMEM
  8, // READONLY
  9, // INTERRUPT
  10, // IOERR
  11, // CORRUPT
  13, // FULL
  14, // CANTOPEN
  15, // PROTOCOL
  17, // SCHEMA
  21, // MISUSE
  22, // NOLFS
  26, // NOTADB
]);
const BUSY = 5;
const READONLY = 8;
const FULL = 13;
const NOTADB = 26;
const CONSTRAINT_TRIGGER = 1811;

/** The extended result code, of the client's errors as well as the binding's. */
function resultCode(error: unknown): number | undefined {
  const code = error instanceof Error && 'rawCode' in error ? error.rawCode : undefined;
  return typeof code === 'number' ? code : undefined;
}

/** Whose fault a failure was: the fence's, the rows', or (also where it is unclear) the disk's. */
export function blame(error: unknown): 'fence' | 'disk' | 'rows' {
  if (error instanceof StorageError) return error.code === 'row-corrupt' ? 'rows' : 'disk';
  const code = resultCode(error);
  if (code === CONSTRAINT_TRIGGER) return 'fence';
  if (code !== undefined) return DISK_CODES.has(code & 0xff) ? 'disk' : 'rows';
  const isProgramError = error instanceof TypeError || error instanceof RangeError;
  return isProgramError || error instanceof BrokenOrder ? 'rows' : 'disk';
}

export function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export function isBusy(error: unknown): boolean {
  const code = resultCode(error);
  return code !== undefined && (code & 0xff) === BUSY;
}

/** The bytes are those of something else. */
export function isNotADatabase(error: unknown): boolean {
  const code = resultCode(error);
  return code !== undefined && (code & 0xff) === NOTADB;
}

/** A StorageError for what went wrong while opening `path`. */
export function openingError(path: string, cause: unknown): StorageError {
  if (cause instanceof StorageError) return cause;
  const code = resultCode(cause);
  if (code === undefined) {
    return new StorageError('cannot-open', `${path} cannot be opened: ${describe(cause)}`, {
      cause,
    });
  }
  const hint = 'Free some space and look for faults of the disk, then start again.';
  switch (code & 0xff) {
    case FULL:
      return new StorageError('disk-full', `The disk that holds ${path} is full.`, { hint, cause });
    case NOTADB:
      return new StorageError('not-a-database', `${path} is not a database.`, { cause });
    case READONLY:
      return new StorageError('read-only', `${path} cannot be written.`, { cause });
    default:
      return new StorageError('storage-unavailable', `${path} cannot be used: ${describe(cause)}`, {
        hint,
        cause,
      });
  }
}
