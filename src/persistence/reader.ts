/**
 * The read connection. Invariants: 1. it cannot write; 2. each query is one statement, and so sees one
 * state of the database; 3. after a fault it is replaced and the query tried once more.
 */
import { statSync } from 'node:fs';
import type { PayloadCodec } from '../actors/ports.js';
import { RunchartError } from '../errors.js';
import { APPLICATION_ID, foreignDatabase, notADatabase } from './database-file.js';
import { parseDatabasePath } from './database-path.js';
import { blame, describe, isNotADatabase } from './faults.js';
import { ReadConnection } from './read-connection.js';
import type { RowCodec } from './rows.js';
import type { Value } from './sql.js';
import { isValue, parseJsonCell } from './sql.js';
import { StorageError } from './storage-error.js';

export class Reader {
  readonly #path: string;
  #connection: ReadConnection | undefined;
  #closed = false;

  readonly #payloads: PayloadCodec | undefined;

  /** `path` as made by parseDatabasePath; the database exists. */
  constructor(path: string, payloads?: PayloadCodec) {
    this.#path = path;
    this.#payloads = payloads;
  }

  /** How payloads are stored, where not as they are. */
  get payloads(): PayloadCodec | undefined {
    return this.#payloads;
  }

  /** A row as `codec.expression` has read it, with its payloads as they were before they were stored. */
  record<R>(codec: RowCodec<R>, row: unknown): R {
    return codec.toRecord(row, this.#payloads);
  }

  /** All rows of a query whose first column is `codec.expression`. */
  async records<R>(codec: RowCodec<R>, sql: string, args: readonly Value[] = []): Promise<R[]> {
    return (await this.jsonRows(sql, args)).map((row) => this.record(codec, row));
  }

  /** The first column of each row, as parsed JSON: made with `cast(json… as blob)`. */
  async jsonRows(sql: string, args: readonly Value[] = []): Promise<unknown[]> {
    return (await this.cells(sql, args)).map((cells) => parseJsonCell(cells[0]));
  }

  /** All cells of each row, undecoded. */
  async cells(sql: string, args: readonly Value[] = []): Promise<(readonly unknown[])[]> {
    if (!args.every(isValue)) {
      const message = 'what is looked for is neither a text nor a number';
      throw new RunchartError('argument-invalid', message);
    }
    try {
      return this.#query(sql, args);
    } catch (error) {
      const isFinal = this.#closed || blame(error) !== 'disk';
      this.#discard();
      if (isFinal) throw this.#explained(error);
      try {
        return this.#query(sql, args);
      } catch (again) {
        this.#discard();
        throw this.#explained(again);
      }
    }
  }

  close(): void {
    this.#closed = true;
    this.#discard();
  }

  #query(sql: string, args: readonly Value[]): (readonly unknown[])[] {
    if (this.#closed) throw new StorageError('storage-unavailable', 'The store is closed.');
    this.#connection ??= new ReadConnection(this.#path);
    return this.#connection.rows(sql, args);
  }

  #discard(): void {
    this.#connection?.close();
    this.#connection = undefined;
  }

  /** The file may be none of ours. It is not opened to look: closing it would drop the locks of an owner here. */
  #explained(cause: unknown): StorageError {
    if (this.#closed || cause instanceof StorageError) return this.#unavailable(cause);
    if (isNotADatabase(cause)) return notADatabase(this.#path);
    return this.#isForeign() ? foreignDatabase(this.#path) : this.#unavailable(cause);
  }

  #isForeign(): boolean {
    try {
      const [header] = this.#query('pragma application_id', []);
      return header !== undefined && Number(header[0]) !== APPLICATION_ID;
    } catch {
      return false;
    }
  }

  #unavailable(cause: unknown): StorageError {
    if (cause instanceof StorageError) return cause;
    return new StorageError('storage-unavailable', `A read failed: ${describe(cause)}`, { cause });
  }
}

/** Reads of an existing database, beside its owner. Throws a StorageError; `hint` is for whoever has none yet. */
export function openExisting(
  url: string,
  hint: string,
  payloads?: PayloadCodec,
): { readonly reader: Reader; readonly path: string } {
  const path = parseDatabasePath(url);
  const file = statSync(path, { throwIfNoEntry: false });
  if (file !== undefined && !file.isFile()) {
    throw new StorageError('cannot-open', `${path} is not a file.`, { hint: 'Name a file.' });
  }
  if (file !== undefined && file.size > 0) return { reader: new Reader(path, payloads), path };
  throw new StorageError('cannot-open', `There is no database at ${path}.`, { hint });
}
