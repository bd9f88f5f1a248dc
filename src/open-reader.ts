/** Reading a database beside the process that owns it, and the errors that tell who does. */
import type { PayloadCodec } from './actors/ports.js';
import { ArtifactFiles } from './persistence/artifact-files.js';
import { openExisting } from './persistence/reader.js';
import { sqlRows } from './persistence/sql-rows.js';
import { RunReader } from './run-reader.js';

export { type OwnerInfo, StorageError } from './persistence/storage-error.js';

export interface ReadOptions {
  /** How payloads are stored; as for `createOrchestrator`. */
  readonly payloads?: PayloadCodec | undefined;
}

/** Reads of a database that another process may own. */
export interface OpenReader {
  readonly runs: RunReader;
  close(): void;
}

/** Opens the reads of an existing database: takes nothing from its owner and writes nothing. Throws a StorageError. */
export function openRunReader(url: string, { payloads }: ReadOptions = {}): OpenReader {
  const hint = 'Start a run first, or name another database.';
  const { reader, path } = openExisting(url, hint, payloads);
  const files = new ArtifactFiles(path, payloads);
  return { runs: new RunReader(sqlRows(reader), files), close: () => reader.close() };
}
