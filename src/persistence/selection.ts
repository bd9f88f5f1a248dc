/** Reads of rows of one table, each row as one JSON text. Every read has a limit. */
import type { InValue } from '@libsql/client/sqlite3';
import { getTableColumns, type SQL, type SQLWrapper, sql } from 'drizzle-orm';
import { QueryBuilder, type SQLiteTable } from 'drizzle-orm/sqlite-core';
import { MAX_PAGE_ROWS } from '../storage/run-rows.js';
import type { Reader } from './reader.js';
import type { RowCodec } from './rows.js';

export interface Selection<R> {
  readonly table: SQLiteTable;
  readonly codec: RowCodec<R>;
  readonly where?: SQL | undefined;
  readonly order: readonly SQL[];
  readonly limit: number;
}

const BUILDER = new QueryBuilder();

/** Rows, at most `MAX_PAGE_ROWS` of them. */
export function select<R>(
  reader: Reader,
  { table, codec, where, order, limit }: Selection<R>,
): Promise<R[]> {
  const columns = Object.values(getTableColumns(table));
  const row = sql<ArrayBuffer>`cast(json_array(${sql.join(columns, sql`, `)}) as blob)`;
  const query = BUILDER.select({ row })
    .from(table)
    .where(where)
    .orderBy(...order)
    .limit(Math.min(Math.max(limit, 0), MAX_PAGE_ROWS))
    .toSQL();
  return reader.records(codec, query.sql, query.params as InValue[]);
}

/** The one row that there can be. */
export async function selectOne<R>(
  reader: Reader,
  selection: Pick<Selection<R>, 'table' | 'codec' | 'where'>,
): Promise<R | undefined> {
  const [found] = await select(reader, { ...selection, order: [], limit: 1 });
  return found;
}

/** Rows whose key of several columns comes after `key`; all of them where there is none. */
export function later(
  columns: readonly SQLWrapper[],
  key: readonly (string | number)[] | undefined,
): SQL | undefined {
  if (key === undefined) return undefined;
  const values = key.map((value) => sql`${value}`);
  return sql`(${sql.join([...columns], sql`, `)}) > (${sql.join(values, sql`, `)})`;
}
