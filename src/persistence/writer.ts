/**
 * The bare writer: one connection, one transaction per batch. Invariants: 1. WAL and synchronous=FULL
 * are read back on the connection that writes; 2. a batch whose epoch is not the owner's writes
 * nothing; 3. after a fault the connection is replaced, never used again.
 */

import { existsSync } from 'node:fs';
import type { Client } from '@libsql/client/sqlite3';
import { type Batch, buildBatch } from './batch.js';
import { ChainEnds } from './chain.js';
import { checkSchemaVersion, checkWritable, inspectFile } from './database-file.js';
import { headPath, lockPath, parseDatabasePath } from './database-path.js';
import type { EncodedItem } from './encoded-turn.js';
import { HeadFile, readHead } from './head-file.js';
import { loadMigrations, migrate } from './migrations.js';
import { type OwnerLock, raiseEpoch, takeLock } from './owner.js';
import { describe, openConnection, openingError, readJson, readNumber } from './sql.js';
import { FENCE, FENCE_SETUP } from './statements.js';
import { StorageError } from './storage-error.js';

export interface WriterOptions {
  /** Plain path or `file:` URL. */
  readonly database: string;
  /** When the owner took over, for its row. */
  readonly now: number;
  /** Opens a database that is behind its head file, giving up what is missing. */
  readonly acceptTruncation?: boolean;
  /** The epoch held before a fault, where ownership is taken again. */
  readonly expectedEpoch?: number;
}

/** Pages in the log before it is copied back: 16 MB, so that steady work is not interrupted often. */
const AUTOCHECKPOINT_PAGES = 4_000;
/** Page cache: a full batch over many runs changes more pages than the default of 2 MB holds. */
const CACHE_KIB = 32_768;
/** Ends of chains held in memory: about 200 bytes each. */
const CHAIN_CAPACITY = 20_000;

/** Opens the database as its one owner. Throws a StorageError; a refused database is left as it was. */
export async function openWriter(options: WriterOptions): Promise<Writer> {
  const path = parseDatabasePath(options.database);
  const migrations = loadMigrations();
  checkWritable(path);
  // Where nobody ever took the lock, nobody of ours has the file open, and looking is safe.
  if (!existsSync(lockPath(path))) inspectFile(path, migrations.length);
  const lock = await takeLock(path);
  let client: Client | undefined;
  let head: HeadFile | undefined;
  try {
    inspectFile(path, migrations.length);
    client = await connect(path, async (fresh) => {
      checkSchemaVersion(await readNumber(fresh, 'pragma user_version'), migrations.length);
      await migrate(fresh, migrations);
    });
    await checkHead(client, path, options.acceptTruncation ?? false);
    const epoch = await raiseEpoch(client, options.now, options.expectedEpoch);
    head = new HeadFile(headPath(path));
    return new Writer(path, client, lock, head, epoch);
  } catch (error) {
    head?.close();
    client?.close();
    lock.release();
    throw openingError(path, error);
  }
}

async function connect(path: string, prepare?: (client: Client) => Promise<void>): Promise<Client> {
  const client = openConnection(path);
  try {
    await prepare?.(client);
    await client.execute('pragma journal_mode = wal');
    await client.execute('pragma synchronous = full');
    await client.execute(`pragma wal_autocheckpoint = ${AUTOCHECKPOINT_PAGES}`);
    await client.execute(`pragma cache_size = -${CACHE_KIB}`);
    await client.execute('pragma temp_store = memory');
    await checkDurability(client);
    for (const statement of FENCE_SETUP) await client.execute(statement);
    return client;
  } catch (error) {
    client.close();
    throw error;
  }
}

const SYNCHRONOUS_FULL = 2;

async function checkDurability(client: Client): Promise<void> {
  const mode = (await client.execute('pragma journal_mode')).rows[0]?.[0];
  const synchronous = await readNumber(client, 'pragma synchronous');
  if (mode === 'wal' && synchronous === SYNCHRONOUS_FULL) return;
  throw new StorageError(
    'cannot-open',
    `The journal needs WAL and FULL, and got ${mode} and ${synchronous}.`,
    {
      hint: 'The file system may not support shared memory: keep the database on a local disk.',
    },
  );
}

async function checkHead(client: Client, path: string, accept: boolean): Promise<void> {
  const head = readHead(headPath(path));
  if (head === undefined || accept) return;
  const found = await readNumber(
    client,
    'select count(*) from checkpoints where turn = ? and hash = ?',
    [head.turn, head.hash],
  );
  if (found === 1) return;
  throw new StorageError(
    'journal-truncated',
    `Turn ${head.turn} was committed and is no longer in ${path}.`,
    {
      hint: 'Restore the database with all files beside it; or accept the loss explicitly.',
    },
  );
}

export class Writer {
  readonly epoch: number;
  readonly path: string;
  readonly #lock: OwnerLock;
  readonly #head: HeadFile;
  readonly #ends = new ChainEnds(CHAIN_CAPACITY);
  #client: Client | undefined;

  constructor(path: string, client: Client, lock: OwnerLock, head: HeadFile, epoch: number) {
    this.path = path;
    this.#client = client;
    this.#lock = lock;
    this.#head = head;
    this.epoch = epoch;
  }

  /** Makes the items durable, as one transaction and in order, or throws and leaves nothing of them. */
  async writeBatch(items: readonly EncodedItem[]): Promise<void> {
    const client = await this.#connection();
    await this.#loadEnds(client, items);
    const batch = buildBatch(items, this.epoch, this.#ends);
    await client.batch([...batch.statements], 'write');
    this.#settle(batch);
  }

  /** Whether an earlier batch with these items is durable, although its outcome was not told. */
  async contains(items: readonly EncodedItem[]): Promise<boolean> {
    const item = items.find(({ kind }) => kind === 'turn') ?? items[0];
    if (item === undefined) return true;
    const client = await this.#connection();
    const found =
      item.kind === 'turn'
        ? await readNumber(client, 'select count(*) from checkpoints where turn = ?', [item.turn])
        : await readNumber(client, 'select count(*) from plans where hash = ?', [item.hash]);
    if (found === 0) return false;
    // What a failed fsync left in the log may be readable and yet not on the disk: copy it out.
    await client.execute('pragma wal_checkpoint(full)');
    return true;
  }

  /** Gives up the connection after a fault; the next use opens another. */
  discardConnection(): void {
    this.#client?.close();
    this.#client = undefined;
    this.#ends.clear();
  }

  /** URL at which this process can be reached, for others that find the database owned. */
  async setAddress(address: string | null): Promise<void> {
    const client = await this.#connection();
    await client.batch(
      [
        { sql: FENCE, args: [this.epoch] },
        { sql: 'update owner set address = ? where epoch = ?', args: [address, this.epoch] },
      ],
      'write',
    );
  }

  /** Gives up connection and ownership. */
  close(): void {
    this.#client?.close();
    this.#client = undefined;
    this.#head.close();
    this.#lock.release();
  }

  async #connection(): Promise<Client> {
    this.#client ??= await connect(this.path);
    return this.#client;
  }

  async #loadEnds(client: Client, items: readonly EncodedItem[]): Promise<void> {
    const missing = new Set<number>();
    for (const item of items) {
      if (
        item.kind === 'turn' &&
        item.seq !== item.eventCount &&
        this.#ends.get(item.run) === undefined
      ) {
        missing.add(item.run);
      }
    }
    if (missing.size === 0) return;
    const rows = await readJson(client, CHAIN_ENDS, [JSON.stringify([...missing])]);
    for (const row of rows) {
      const [run, seq, hash] = row as [number, number, string];
      this.#ends.set(run, { seq, hash });
    }
  }

  #settle(batch: Batch): void {
    for (const [run, link] of batch.links) this.#ends.set(run, link);
    if (batch.head === undefined) return;
    try {
      this.#head.write(batch.head);
    } catch (error) {
      // The batch is durable whatever becomes of the file that only watches over it.
      process.emitWarning(`The head file was not written: ${describe(error)}`);
    }
  }
}

const CHAIN_ENDS = `select cast(json_array(c.run, c.seq, c.hash) as blob) from json_each(?) j
  join checkpoints c on c.run = j.value
    and c.seq = (select max(seq) from checkpoints where run = j.value)`;
