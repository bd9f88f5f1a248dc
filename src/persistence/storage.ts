/** Puts a database together as storage: the journal that owns it, and the readers beside it. */
import type { Storage } from '../storage/storage.js';
import { ArtifactFiles } from './artifact-files.js';
import { backupDatabase } from './backup.js';
import { parseDatabasePath } from './database-path.js';
import { type JournalOptions, openJournal, type ThreadJournal } from './journal.js';
import { Reader } from './reader.js';
import { sqlRows } from './sql-rows.js';
import { SqliteRunStore } from './store.js';

export type StorageOptions = JournalOptions;

export interface DatabaseStorage extends Storage {
  readonly journal: ThreadJournal;
  readonly reader: Reader;
}

/** Opens the database as its one owner. Rejects with a StorageError. */
export async function openStorage(options: StorageOptions): Promise<DatabaseStorage> {
  const { payloads, now } = options;
  const path = parseDatabasePath(options.database);
  const journal = await openJournal({ ...options, database: path });
  const reader = new Reader(path, payloads);
  const encodedPayloads = payloads !== undefined;
  return {
    journal,
    store: new SqliteRunStore(reader),
    artifacts: new ArtifactFiles(path, payloads),
    rows: sqlRows(reader),
    reader,
    announce: (address) => journal.setAddress(address),
    backup: (target, wanted) =>
      backupDatabase(path, target, { encodedPayloads, ...wanted, ...(now && { now }) }),
    async close() {
      await journal.close();
      reader.close();
    },
  };
}
