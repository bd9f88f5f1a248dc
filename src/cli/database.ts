/** Which database a command means, and reading it beside its owner. */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { readConfig } from '../config/read-config.js';
import { payloadsWithKeys } from '../config/read-keys.js';
import { DEFAULT_DATABASE, type Settings } from '../config/settings.js';
import { openRunReader, type PayloadCodec, type RunReader } from '../index.js';
import { sourceBeside } from './follow.js';
import { type RunReads, type RunSource, remoteSource } from './run-reads.js';
import { clientOf, type ServerOption, serverOf } from './server-option.js';

export interface DatabaseOption extends ServerOption {
  readonly db?: string;
}

/** Throws `config-invalid`. */
export function databaseOf({ db }: DatabaseOption): string {
  return readConfig({ flags: { database: db } }).settings.database ?? DEFAULT_DATABASE;
}

/** How its payloads are stored: encrypted, where a file of keys is configured. Throws `config-invalid`. */
export function payloadsOf({ keys }: Pick<Settings, 'keys'> = readConfig().settings): {
  readonly payloads?: PayloadCodec;
} {
  return keys === undefined ? {} : { payloads: payloadsWithKeys(keys) };
}

/** The words that a further command needs to mean the same database. */
export function databaseWords({ db, url }: DatabaseOption): string {
  if (url !== undefined) return ` --url ${url}`;
  return db === undefined ? '' : ` --db ${db}`;
}

/** The folder of the default database is made; any other is the caller's. */
export function prepareFolder(database: string): void {
  if (database === DEFAULT_DATABASE) mkdirSync(dirname(database), { recursive: true });
}

/** Reads from the server that is named, or the database. */
export function reading<T>(
  option: DatabaseOption,
  read: (runs: RunReads, source: RunSource) => Promise<T>,
): Promise<T> {
  const server = serverOf(option);
  if (server === undefined) return readingHere(option, (runs) => read(runs, sourceBeside(runs)));
  const source = remoteSource(clientOf(server));
  return read(source.runs, source);
}

/** Reads the database, which is closed whatever happens. */
export async function readingHere<T>(
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
