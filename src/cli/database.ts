/** Which database a command means, and reading it beside its owner. */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { readConfig } from '../config/read-config.js';
import { payloadsWithKeys } from '../config/read-keys.js';
import { DEFAULT_DATABASE } from '../config/settings.js';
import { openRunReader, type PayloadCodec, type RunReader } from '../index.js';

export interface DatabaseOption {
  readonly db?: string;
}

/** Throws `config-invalid`. */
export function databaseOf({ db }: DatabaseOption): string {
  return readConfig({ flags: { database: db } }).settings.database ?? DEFAULT_DATABASE;
}

/** How its payloads are stored: encrypted, where a file of keys is configured. Throws `config-invalid`. */
export function payloadsOf(keys = readConfig().settings.keys): {
  readonly payloads?: PayloadCodec;
} {
  return keys === undefined ? {} : { payloads: payloadsWithKeys(keys) };
}

/** The words that a further command needs to mean the same database. */
export function databaseWords({ db }: DatabaseOption): string {
  return db === undefined ? '' : ` --db ${db}`;
}

/** The folder of the default database is made; any other is the caller's. */
export function prepareFolder(database: string): void {
  if (database === DEFAULT_DATABASE) mkdirSync(dirname(database), { recursive: true });
}

/** Reads, and closes the database whatever happens. */
export async function reading<T>(
  option: DatabaseOption,
  read: (runs: RunReader) => Promise<T>,
): Promise<T> {
  const { runs, close } = openRunReader(databaseOf(option), payloadsOf());
  try {
    return await read(runs);
  } finally {
    close();
  }
}
