/** Reads of rows of one table, each row as one JSON text. Every read has a limit. */
import {
  fillPlaceholders,
  getTableColumns,
  type Placeholder,
  type SQL,
  type SQLWrapper,
  sql,
} from 'drizzle-orm';
import { QueryBuilder, type SQLiteTable } from 'drizzle-orm/sqlite-core';
import { MAX_PAGE_ROWS } from '../storage/run-rows.js';
import type { Reader } from './reader.js';
import type { RowCodec } from './rows.js';
import type { Value } from './sql.js';

export interface Selection<R> {
  readonly table: SQLiteTable;
  readonly codec: RowCodec<R>;
  readonly where?: SQL | undefined;
  readonly order: readonly SQL[];
  readonly limit: number | Placeholder;
}

/** A selection as SQL. */
interface Written<R> {
  readonly codec: RowCodec<R>;
  readonly sql: string;
  readonly params: readonly unknown[];
}

const BUILDER = new QueryBuilder();

/** Rows, at most `MAX_PAGE_ROWS` of them. */
export function select<R>(reader: Reader, selection: Selection<R>): Promise<R[]> {
  const { limit } = selection;
  const most = typeof limit === 'number' ? atMost(limit) : limit;
  const { codec, sql, params } = write({ ...selection, limit: most });
  return reader.records(codec, sql, params as Value[]);
}

/**
 * The same selection again and again: its SQL, which takes longer to write than to run, is written once, with a
 * place (`sql.placeholder`) for each value.
 */
export function repeated<R>(
  selection: Selection<R>,
): (reader: Reader, values: Readonly<Record<string, Value>>) => Promise<R[]> {
  const { codec, sql, params } = write(selection);
  return (reader, values) => {
    const limited =
      values.limit === undefined ? values : { ...values, limit: atMost(values.limit as number) };
    return reader.records(codec, sql, fillPlaceholders([...params], limited) as Value[]);
  };
}

function atMost(limit: number): number {
  return Math.min(Math.max(limit, 0), MAX_PAGE_ROWS);
}

function write<R>({ table, codec, where, order, limit }: Selection<R>): Written<R> {
  const columns = Object.values(getTableColumns(table));
  const row = sql<ArrayBuffer>`cast(json_array(${sql.join(columns, sql`, `)}) as blob)`;
  const query = BUILDER.select({ row })
    .from(table)
    .where(where)
    .orderBy(...order)
    .limit(limit)
    .toSQL();
  return { codec, ...query };
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
