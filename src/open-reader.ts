/** Reading a database beside the process that owns it, and the errors that tell who does. */
import { existsSync } from 'node:fs';
import { ArtifactFiles } from './persistence/artifact-files.js';
import { parseDatabasePath } from './persistence/database-path.js';
import { Reader } from './persistence/reader.js';
import { StorageError } from './persistence/storage-error.js';
import { RunReader } from './run-reader.js';

export { type OwnerInfo, StorageError } from './persistence/storage-error.js';

export interface OpenReader {
  readonly runs: RunReader;
  close(): void;
}

/** Opens the reads of an existing database: takes nothing from its owner and writes nothing. Throws a StorageError. */
export function openRunReader(url: string): OpenReader {
  const path = parseDatabasePath(url);
  if (!existsSync(path)) {
    throw new StorageError('cannot-open', `There is no database at ${path}.`, {
      hint: 'Start a run first, or name another database.',
    });
  }
  const reader = new Reader(path);
  return { runs: new RunReader(reader, new ArtifactFiles(path)), close: () => reader.close() };
}
