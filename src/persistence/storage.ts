/** Puts storage together: the journal that owns the database, and the readers beside it. */
import type { ArtifactStore, RunStore } from '../actors/ports.js';
import { ArtifactFiles } from './artifact-files.js';
import { parseDatabasePath } from './database-path.js';
import { type JournalOptions, openJournal, type ThreadJournal } from './journal.js';
import { RunQueries } from './queries.js';
import { Reader } from './reader.js';
import { SqliteRunStore } from './store.js';
import { type Verification, verifyRun } from './verify.js';

export type StorageOptions = JournalOptions;

export interface Storage {
  readonly journal: ThreadJournal;
  readonly store: RunStore;
  readonly artifacts: ArtifactStore;
  readonly queries: RunQueries;
  /** Checks the history of a run, by its number. */
  verify(run: number): Promise<Verification>;
  readonly reader: Reader;
  /** Commits what is queued, then gives up ownership and all connections. */
  close(): Promise<void>;
}

/** Opens the database as its one owner. Rejects with a StorageError. */
export async function openStorage(options: StorageOptions): Promise<Storage> {
  const path = parseDatabasePath(options.database);
  const journal = await openJournal({ ...options, database: path });
  const reader = new Reader(path, options.payloads);
  return {
    journal,
    store: new SqliteRunStore(reader),
    artifacts: new ArtifactFiles(path, options.payloads),
    queries: new RunQueries(reader),
    verify: (run) => verifyRun(reader, run),
    reader,
    async close() {
      await journal.close();
      reader.close();
    },
  };
}
