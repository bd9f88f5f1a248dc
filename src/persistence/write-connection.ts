/**
 * The one connection that writes: libSQL's own binding with statements prepared once, since preparing
 * them anew takes longer than running them. Invariants: 1. WAL and synchronous=FULL are read back on
 * this very connection; 2. after any failure it is replaced and never used again.
 */
import Database from 'libsql';
import { isValue, type Value } from './sql.js';
import { FENCE_SETUP } from './statements.js';
import { StorageError } from './storage-error.js';

/** Pages in the log before it is copied back: 16 MB, so that steady work is not interrupted often. */
const AUTOCHECKPOINT_PAGES = 4_000;
/** Page cache: a full batch over many runs changes more pages than the default of 2 MB holds. */
const CACHE_KIB = 32_768;
const SYNCHRONOUS_FULL = 2;

export interface Statement {
  readonly sql: string;
  readonly args: readonly Value[];
}

type Prepared = ReturnType<typeof prepare>;

function prepare(database: InstanceType<typeof Database>, sql: string) {
  return database.prepare<Value[]>(sql);
}

export class WriteConnection {
  readonly #database: InstanceType<typeof Database>;
  readonly #prepared = new Map<string, Prepared>();

  /** The database exists and has its tables. Throws a StorageError where it cannot promise durability. */
  constructor(path: string) {
    this.#database = new Database(path);
    try {
      for (const pragma of [
        'journal_mode = wal',
        'synchronous = full',
        `wal_autocheckpoint = ${AUTOCHECKPOINT_PAGES}`,
        `cache_size = -${CACHE_KIB}`,
        'temp_store = memory',
      ]) {
        this.#database.exec(`pragma ${pragma}`);
      }
      this.#checkDurability();
      for (const statement of FENCE_SETUP) this.#database.exec(statement);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Runs the statements as one transaction, durable on return. Throws and leaves nothing of it. */
  transact(statements: readonly Statement[]): void {
    this.#run('begin immediate', []);
    for (const { sql, args } of statements) this.#run(sql, args);
    this.#run('commit', []);
  }

  /** The first row's cells; undefined where there is no row. */
  firstRow(sql: string, args: readonly Value[] = []): readonly unknown[] | undefined {
    return this.rows(sql, args)[0];
  }

  rows(sql: string, args: readonly Value[] = []): (readonly unknown[])[] {
    // As a list, here and below: the binding takes a lone null for a table of names.
    return prepare(this.#database, sql)
      .raw()
      .all(args as never) as unknown[][];
  }

  close(): void {
    try {
      // Statements that wait for the garbage collector would keep an open transaction alive.
      if (this.#database.inTransaction) this.#database.exec('rollback');
    } catch {
      // Closing rolls back what could not be rolled back here.
    }
    this.#prepared.clear();
    this.#database.close();
  }

  #run(sql: string, args: readonly Value[]): void {
    if (!args.every(isValue)) throw new TypeError('A cell is neither a text nor a number.');
    let statement = this.#prepared.get(sql);
    if (statement === undefined) {
      statement = prepare(this.#database, sql);
      this.#prepared.set(sql, statement);
    }
    statement.run(args as never);
  }

  #checkDurability(): void {
    const mode = this.firstRow('pragma journal_mode')?.[0];
    const synchronous = this.firstRow('pragma synchronous')?.[0];
    if (mode === 'wal' && synchronous === SYNCHRONOUS_FULL) return;
    throw new StorageError(
      'cannot-open',
      `The journal needs WAL and FULL, and got ${String(mode)} and ${String(synchronous)}.`,
      { hint: 'Keep the database on a local disk: the file system may lack shared memory.' },
    );
  }
}
