/**
 * The bare writer: one transaction per batch. Invariants: 1. a batch whose epoch is not the owner's
 * writes nothing; 2. a batch is in the database whole or not at all, and durable when `writeBatch`
 * returns; 3. memory of where chains end never runs ahead of the database.
 */
import { existsSync } from 'node:fs';
import type { Client } from '@libsql/client/sqlite3';
import { RecentMap } from '../recent-map.js';
import type { Link } from '../storage/history-rows.js';
import { type Batch, buildBatch } from './batch.js';
import type { BatchWriter } from './committer.js';
import { checkSchemaVersion, checkWritable, inspectFile } from './database-file.js';
import { headPath, lockPath, parseDatabasePath } from './database-path.js';
import type { EncodedItem } from './encoded-turn.js';
import { describe, openingError } from './faults.js';
import { type Head, HeadFile, readHead } from './head-file.js';
import { loadMigrations, migrate } from './migrations.js';
import { type OwnerLock, raiseEpoch, takeLock } from './owner.js';
import { openConnection, parseJsonCell, readNumber } from './sql.js';
import { FENCE, FREE_ROW_STATEMENTS } from './statements.js';
import { StorageError } from './storage-error.js';
import { type Statement, WriteConnection } from './write-connection.js';

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

/** Ends of chains held in memory, about 200 bytes each: those of other runs are looked up again. */
const CHAIN_CAPACITY = 20_000;

const REMOVES_CHECKPOINTS = 'history.remove checkpoints';

const CHAIN_ENDS = `select cast(json_array(c.run, c.seq, c.hash) as blob) from json_each(?) j
  join checkpoints c on c.run = j.value
    and c.seq = (select max(seq) from checkpoints where run = j.value)`;

const NEWEST_TURN = `select cast(json_array(turn, hash) as blob) from checkpoints
  order by turn desc limit 1`;

/** Opens the database as its one owner. Throws a StorageError; a refused database is left as it was. */
export async function openWriter(options: WriterOptions): Promise<Writer> {
  const path = parseDatabasePath(options.database);
  const migrations = loadMigrations();
  checkWritable(path);
  // Where nobody ever took the lock, nobody of ours has the file open, and looking is safe.
  if (!existsSync(lockPath(path))) inspectFile(path, migrations.length);
  const lock = await takeLock(path);
  let head: HeadFile | undefined;
  try {
    inspectFile(path, migrations.length);
    const epoch = await prepareDatabase(path, migrations, options);
    head = new HeadFile(headPath(path));
    return new Writer(path, new WriteConnection(path), lock, head, epoch);
  } catch (error) {
    head?.close();
    lock.release();
    throw openingError(path, error);
  }
}

/** Checks, migrates and takes over, on a connection of its own. Returns the epoch. */
async function prepareDatabase(
  path: string,
  migrations: ReturnType<typeof loadMigrations>,
  options: WriterOptions,
): Promise<number> {
  const client = openConnection(path);
  try {
    checkSchemaVersion(await readNumber(client, 'pragma user_version'), migrations.length);
    await migrate(client, migrations);
    if (!options.acceptTruncation) await checkHead(client, path);
    return await raiseEpoch(client, options.now, options.expectedEpoch);
  } finally {
    client.close();
  }
}

async function checkHead(client: Client, path: string): Promise<void> {
  const head = readHead(headPath(path));
  if (head === undefined) return;
  const found = await readNumber(
    client,
    `select exists (select 1 from checkpoints where turn = ?1 and hash = ?2)
      or exists (select 1 from owner where turn = ?1 and turn_hash = ?2)`,
    [head.turn, head.hash],
  );
  if (found === 1) return;
  throw new StorageError(
    'journal-truncated',
    `Turn ${head.turn} was committed and is no longer in ${path}.`,
    { hint: 'Restore the database with all files beside it; or accept the loss explicitly.' },
  );
}

export class Writer implements BatchWriter {
  readonly epoch: number;
  readonly path: string;
  readonly #lock: OwnerLock;
  readonly #head: HeadFile;
  readonly #ends = new RecentMap<number, Link>(CHAIN_CAPACITY);
  #connection: WriteConnection | undefined;

  constructor(
    path: string,
    connection: WriteConnection,
    lock: OwnerLock,
    head: HeadFile,
    epoch: number,
  ) {
    this.path = path;
    this.#connection = connection;
    this.#lock = lock;
    this.#head = head;
    this.epoch = epoch;
  }

  /** Makes the items durable, as one transaction and in order, or throws and leaves nothing of them. */
  writeBatch(items: readonly EncodedItem[]): void {
    this.#guarded((connection) => {
      this.#loadEnds(connection, items);
      const batch = buildBatch(items, this.epoch, this.#ends);
      const isRemoval = items.some(removesCheckpoints);
      // The turn that the head file names may go: a kill in between leaves a head that claims nothing.
      if (isRemoval) this.#head.clear();
      connection.transact(batch.statements);
      this.#settle(batch);
      if (isRemoval && batch.head === undefined) this.#settleHead(connection);
    });
  }

  /** Whether an earlier batch with these items is durable, although its outcome was not told. */
  contains(items: readonly EncodedItem[]): boolean {
    // Of rows that belong to no run a later one may have taken the place: the last one tells most.
    const item = items.find(({ kind }) => kind === 'turn') ?? items.at(-1);
    if (item === undefined) return true;
    return this.#guarded((connection) => {
      const traces = tracesOf(item);
      if (!traces.every(({ sql, args }) => connection.firstRow(sql, args) !== undefined)) {
        return false;
      }
      // What a failed fsync left in the log may be readable and yet not on the disk: copy it out.
      connection.rows('pragma wal_checkpoint(full)');
      return true;
    });
  }

  /** URL at which this process can be reached, for others that find the database owned. */
  setAddress(address: string | null): void {
    this.#guarded((connection) =>
      connection.transact([
        { sql: FENCE, args: [this.epoch] },
        { sql: 'update owner set address = ? where epoch = ?', args: [address, this.epoch] },
      ]),
    );
  }

  /** Gives up connection and ownership, and leaves the log empty if it can. */
  close(): void {
    try {
      this.#connection?.rows('pragma wal_checkpoint(truncate)');
    } catch {
      // The log stays, and is read at the next opening.
    }
    this.#discard();
    this.#head.close();
    this.#lock.release();
  }

  /** A connection that failed is not trusted again: the next use opens another. */
  #guarded<T>(use: (connection: WriteConnection) => T): T {
    try {
      this.#connection ??= new WriteConnection(this.path);
      return use(this.#connection);
    } catch (error) {
      this.#discard();
      throw error;
    }
  }

  #discard(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    this.#ends.clear();
    connection?.close();
  }

  #loadEnds(connection: WriteConnection, items: readonly EncodedItem[]): void {
    const missing = new Set<number>();
    for (const item of items) {
      if (item.kind !== 'turn' || item.seq === item.eventCount) continue;
      if (this.#ends.get(item.run) === undefined) missing.add(item.run);
    }
    if (missing.size === 0) return;
    for (const [cell] of connection.rows(CHAIN_ENDS, [JSON.stringify([...missing])])) {
      const [run, seq, hash] = parseJsonCell(cell) as [number, number, string];
      this.#ends.set(run, { seq, hash });
    }
  }

  #settle(batch: Batch): void {
    for (const [run, link] of batch.links) this.#ends.set(run, link);
    if (batch.head !== undefined) this.#writeHead(batch.head);
  }

  #settleHead(connection: WriteConnection): void {
    const cell = connection.firstRow(NEWEST_TURN)?.[0];
    if (cell === undefined) return;
    const [turn, hash] = parseJsonCell(cell) as [number, string];
    this.#writeHead({ turn, hash });
  }

  #writeHead(head: Head): void {
    try {
      this.#head.write(head);
    } catch (error) {
      // The batch is durable whatever becomes of the file that only watches over it.
      process.emitWarning(`The head file was not written: ${describe(error)}`);
    }
  }
}

function removesCheckpoints(item: EncodedItem): boolean {
  return item.kind === 'rows' && item.rows.some(({ name }) => name === REMOVES_CHECKPOINTS);
}

/** Queries that all have a row where the item is stored. */
function tracesOf(item: EncodedItem): readonly Statement[] {
  switch (item.kind) {
    case 'turn':
      return [{ sql: 'select 1 from checkpoints where turn = ?', args: [item.turn] }];
    case 'plan':
      return [{ sql: 'select 1 from plans where hash = ?', args: [item.hash] }];
    case 'rows':
      return item.rows.map(({ name, values }) => ({
        sql: FREE_ROW_STATEMENTS[name].isWritten,
        args: values,
      }));
  }
}
