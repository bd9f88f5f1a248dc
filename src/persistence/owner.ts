/**
 * Owns the question who may write. Invariants: 1. at most one living owner per database, held by a
 * lock of the operating system that ends with its process; 2. every change of hands raises the epoch,
 * and the fence of writer.ts refuses a batch of an older one; 3. nobody opens the lock file but SQLite,
 * since closing another descriptor of it would drop the lock.
 */

import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Client, Transaction } from '@libsql/client/sqlite3';
import { lockPath, parseDatabasePath } from './database-path.js';
import { isBusy, openingError } from './faults.js';
import { openConnection, readJson } from './sql.js';
import { type OwnerInfo, StorageError } from './storage-error.js';

export interface OwnerLock {
  release(): void;
}

/** Takes the lock beside the database, or throws `database-owned` at once. */
export async function takeLock(path: string): Promise<OwnerLock> {
  let connection: Client | undefined;
  try {
    connection = openConnection(lockPath(path));
    // The lock is all that is wanted: no journal file beside it.
    await connection.execute('pragma journal_mode = off');
    const held: Transaction = await connection.transaction('write');
    const client = connection;
    return {
      release() {
        held.close();
        client.close();
      },
    };
  } catch (error) {
    connection?.close();
    if (isBusy(error)) throw await ownedError(path, error);
    throw openingError(lockPath(path), error);
  }
}

async function ownedError(path: string, cause: unknown): Promise<StorageError> {
  const owner = await readOwnerRow(path).catch(() => undefined);
  const who =
    owner === undefined
      ? 'another process'
      : `process ${owner.pid} on ${owner.host} since ${new Date(owner.since).toISOString()}`;
  return new StorageError('database-owned', `${path} is in use by ${who}.`, {
    hint: 'Talk to the running server instead, or stop it first.',
    cause,
    ...(owner === undefined ? {} : { owner }),
  });
}

/**
 * Makes this process the owner and returns the new epoch. `expected` is the epoch that it had before,
 * where it comes back after a fault: throws `ownership-lost` if another has written since.
 */
export async function raiseEpoch(client: Client, now: number, expected?: number): Promise<number> {
  const where = expected === undefined ? '' : ' where owner.epoch = ?';
  const { rows } = await client.execute({
    sql: `insert into owner (id, epoch, pid, host, since, position_secret) values (1, 1, ?, ?, ?, ?)
      on conflict (id) do update set epoch = owner.epoch + 1, pid = excluded.pid, host = excluded.host,
        since = excluded.since,
        position_secret = coalesce(owner.position_secret, excluded.position_secret), address = ${expected === undefined ? 'null' : 'owner.address'}${where}
      returning epoch`,
    args: [
      process.pid,
      hostname(),
      now,
      newSecret(),
      ...(expected === undefined ? [] : [expected]),
    ],
  });
  const epoch = rows[0]?.[0];
  if (typeof epoch === 'number') return epoch;
  throw new StorageError('ownership-lost', 'Another process has owned the database meanwhile.', {
    hint: 'Start again: what is in memory may be older than the database.',
  });
}

function newSecret(): string {
  return randomBytes(32).toString('hex');
}

/** Who owns the database, or did last; undefined where there is none. Changes nothing. */
export async function readOwner(location: string): Promise<OwnerInfo | undefined> {
  const path = parseDatabasePath(location);
  return existsSync(path) ? readOwnerRow(path) : undefined;
}

async function readOwnerRow(path: string): Promise<OwnerInfo | undefined> {
  const client = openConnection(path);
  try {
    await client.execute('pragma query_only = on');
    const rows = await readJson(
      client,
      'select cast(json_array(epoch, pid, host, since, address) as blob) from owner',
    );
    const row = rows[0] as [number, number, string, number, string | null] | undefined;
    if (row === undefined) return undefined;
    const [epoch, pid, host, since, address] = row;
    return { epoch, pid, host, since, address };
  } finally {
    client.close();
  }
}
