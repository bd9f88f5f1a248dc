/**
 * The little that every user of the libSQL client needs: one connection, rows read safely. Invariant: text comes back as bytes and is decoded here, because the
 * native binding ends the process when a text column holds bytes that are not UTF-8.
 */
import { type Client, createClient, type InValue } from '@libsql/client/sqlite3';
import { clientUrl } from './database-path.js';
import { StorageError } from './storage-error.js';

/** What a cell may be set to. */
export type Value = string | number | null;

/** Anything else would end the process inside the native binding. */
export function isValue(value: unknown): value is Value {
  return value === null || typeof value === 'string' || typeof value === 'number';
}

/** One connection, since a PRAGMA reaches only the connection that runs it. */
export function openConnection(path: string): Client {
  return createClient({ url: clientUrl(path), concurrency: 1, intMode: 'number' });
}

const decoder = new TextDecoder('utf-8', { fatal: true });

/** Parses a cell made by `cast(json… as blob)`. Throws `row-corrupt` where its bytes are not UTF-8 JSON. */
export function parseJsonCell(cell: unknown): unknown {
  if (!(cell instanceof ArrayBuffer || cell instanceof Uint8Array))
    throw corrupt('A row is not the JSON that was asked for.');
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
