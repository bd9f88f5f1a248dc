/**
 * A connection that reads, with its statements prepared once, since preparing them anew takes longer than most
 * reads. Invariants: 1. it cannot write; 2. a statement runs to its end, so that none holds a state of the
 * database; 3. after any failure it is replaced and never used again.
 */
import Database from 'libsql';
import { RecentMap } from '../recent-map.js';
import type { Value } from './sql.js';

/** How long a read waits for a lock: only the recovery of a log after a crash holds one. */
const BUSY_TIMEOUT_MS = 1_000;
/** Statements that are kept; the least recently used one goes. */
const MAX_PREPARED = 200;

type Prepared = ReturnType<typeof prepare>;

function prepare(database: InstanceType<typeof Database>, sql: string) {
  return database.prepare<Value[]>(sql).raw();
}

export class ReadConnection {
  readonly #database: InstanceType<typeof Database>;
  readonly #prepared = new RecentMap<string, Prepared>(MAX_PREPARED);

  /** The database exists. Throws where it cannot be opened. */
  constructor(path: string) {
    this.#database = new Database(path);
    try {
      this.#database.exec(`pragma busy_timeout = ${BUSY_TIMEOUT_MS}`);
      this.#database.exec('pragma query_only = on');
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** All cells of each row. */
  rows(sql: string, args: readonly Value[]): (readonly unknown[])[] {
    const statement = this.#prepared.get(sql) ?? prepare(this.#database, sql);
    this.#prepared.set(sql, statement);
    // As one list: of a lone null the binding would take the parameters by name.
    return statement.all([...args] as never) as unknown[][];
  }

  close(): void {
    this.#prepared.clear();
    this.#database.close();
  }
}
