/** Reading a database beside the process that owns it, and the errors that tell who does. */
import { ArtifactFiles } from './persistence/artifact-files.js';
import { openExisting } from './persistence/reader.js';
import { RunReader } from './run-reader.js';

export { type OwnerInfo, StorageError } from './persistence/storage-error.js';

export interface OpenReader {
  readonly runs: RunReader;
  close(): void;
}

/** Opens the reads of an existing database: takes nothing from its owner and writes nothing. Throws a StorageError. */
export function openRunReader(url: string): OpenReader {
  const { reader, path } = openExisting(url, 'Start a run first, or name another database.');
  return { runs: new RunReader(reader, new ArtifactFiles(path)), close: () => reader.close() };
}
