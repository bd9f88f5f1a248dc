/**
 * Looks at a database file before SQLite opens it. Invariants: 1. reads only, so that a refused file
 * keeps every byte; 2. never runs while this process has the file open, since closing a descriptor
 * drops the locks that SQLite holds on it: callers hold the lock of owner.ts, or know that none exists.
 */
import { accessSync, closeSync, constants, openSync, readSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { StorageError } from './storage-error.js';

/** "Rnch", in the header of every database of ours. */
export const APPLICATION_ID = 0x526e6368;

const HEADER_BYTES = 100;
const MAGIC = 'SQLite format 3\0';
const ANOTHER_PATH = 'Choose another path; the file was not changed.';
const OFFSET = { userVersion: 60, applicationId: 68 } as const;

/** What stands at `path`. Throws a StorageError where it is neither ours nor nothing. */
export function inspectFile(path: string, newestSchema: number): 'absent' | 'ours' {
  const header = readHeader(path);
  if (header === undefined) return 'absent';
  if (header.toString('latin1', 0, MAGIC.length) !== MAGIC) {
    throw notADatabase(path);
  }
  if (header.readUInt32BE(OFFSET.applicationId) !== APPLICATION_ID) {
    throw foreignDatabase(path);
  }
  checkSchemaVersion(header.readUInt32BE(OFFSET.userVersion), newestSchema);
  return 'ours';
}

export function notADatabase(path: string): StorageError {
  return new StorageError('not-a-database', `${path} is not a database.`, { hint: ANOTHER_PATH });
}

export function foreignDatabase(path: string): StorageError {
  const message = `${path} is a database of another program.`;
  return new StorageError('foreign-database', message, { hint: ANOTHER_PATH });
}

/** Refuses a schema that a newer version of Runchart wrote. */
export function checkSchemaVersion(found: number, newest: number): void {
  if (found <= newest) return;
  throw new StorageError(
    'schema-newer',
    `The database has schema ${found}; this version knows ${newest}.`,
    {
      hint: 'Upgrade Runchart, or restore a backup from before the upgrade.',
    },
  );
}

/** Throws `read-only` or `cannot-open` where the file and those beside it could not be written. */
export function checkWritable(path: string): void {
  const directory = dirname(path);
  if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory()) {
    throw new StorageError('cannot-open', `${directory} is not a directory.`, {
      hint: 'Create the directory first.',
    });
  }
  const file = statSync(path, { throwIfNoEntry: false });
  if (file !== undefined && !file.isFile()) {
    throw new StorageError('cannot-open', `${path} is not a file.`, { hint: 'Name a file.' });
  }
  for (const target of file === undefined ? [directory] : [directory, path]) {
    try {
      accessSync(target, constants.W_OK);
    } catch (cause) {
      throw new StorageError('read-only', `${target} cannot be written.`, {
        hint: 'The journal writes the database and files beside it: grant write access to both.',
        cause,
      });
    }
  }
}

function readHeader(path: string): Buffer | undefined {
  const file = statSync(path, { throwIfNoEntry: false });
  if (file === undefined || file.size === 0) return undefined;
  const header = Buffer.alloc(HEADER_BYTES);
  const descriptor = openForReading(path);
  try {
    readSync(descriptor, header, 0, HEADER_BYTES, 0);
  } finally {
    closeSync(descriptor);
  }
  return header;
}

function openForReading(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (cause) {
    throw new StorageError('cannot-open', `${path} cannot be read.`, {
      hint: 'Grant read and write access to the file.',
      cause,
    });
  }
}
