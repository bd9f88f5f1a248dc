/** History of runs in memory: rows by table, brought in and removed as the database does it. */
import type { AddedRow, HistoryRow } from '../actors/ports.js';
import { HIDDEN, type RunRecord, type RunTable, type RunTables } from '../actors/records.js';
import { FIRST_LINK } from '../persistence/chain.js';
import { RUN_TABLES, type TableRead } from '../persistence/run-tables.js';
import { hashOfTurn } from '../persistence/run-turns.js';
import type { RowKey, RowRange, StoredTurn } from '../storage/history-rows.js';
import type { MemoryRun } from './memory-run.js';

type RowsByTable = { readonly [T in RunTable]: () => Iterable<RunTables[T]> };

function tablesOf(rows: MemoryRun): RowsByTable {
  return {
    nodeRuns: () => rows.nodeRuns.values(),
    pastNodeRuns: () => rows.pastNodeRuns,
    attempts: () => rows.attempts.values(),
    pastInputs: () => rows.pastInputs.values(),
    events: () => rows.events,
    tasks: () => rows.tasks.values(),
    responses: () => rows.responses,
    artifacts: () => rows.artifacts,
    signals: () => rows.signals.values(),
    timers: () => rows.timers.values(),
    checkpoints: () => chainedTurns(rows).map(({ checkpoint }) => checkpoint),
    actorVersions: () => rows.versions,
    idempotencyKeys: () => rows.idempotencyKeys.values(),
  };
}

/** Rows of one table, in the order of their keys. */
export function rowsOf<T extends RunTable>(rows: MemoryRun, table: T): RunTables[T][] {
  const found = [...tablesOf(rows)[table]()];
  return found.sort((a, b) => compareKeys(keyOf(table, a), keyOf(table, b)));
}

/** Keys of rows, as the database names them. */
export function keysOf(rows: MemoryRun, table: RunTable, range: RowRange): RowKey[] {
  const { upTo = Number.POSITIVE_INFINITY, superseded = false } = range;
  const within = rowsOf(rows, table).filter(
    (row) => range.upTo === undefined || ('seq' in row && row.seq <= upTo),
  );
  const kept = superseded ? within.filter((row) => isSuperseded(rows, row, upTo)) : within;
  return kept.map((row) => nameOf(rows.record.run, table, row));
}

function isSuperseded(rows: MemoryRun, row: object, upTo: number): boolean {
  const { actor, seq } = row as { actor?: string; seq?: number };
  return rows.versions.some(
    (one) => one.actor === actor && one.seq > (seq ?? 0) && one.seq <= upTo,
  );
}

export function removeRows(rows: MemoryRun, table: RunTable, keys: readonly RowKey[]): void {
  const names = new Set(keys.map((key) => JSON.stringify(key)));
  const isRemoved = (row: object): boolean =>
    names.has(JSON.stringify(nameOf(rows.record.run, table, row)));
  if (table === 'checkpoints') return removeFrom(rows.turns, isRemoved);
  const lists = { pastNodeRuns: rows.pastNodeRuns, events: rows.events, responses: rows.responses };
  const more = { artifacts: rows.artifacts, actorVersions: rows.versions };
  const list = ({ ...lists, ...more } as Partial<Record<RunTable, object[]>>)[table];
  if (list !== undefined) return removeFrom(list, isRemoved);
  const map =
    rows[
      table as
        | 'nodeRuns'
        | 'attempts'
        | 'pastInputs'
        | 'tasks'
        | 'signals'
        | 'timers'
        | 'idempotencyKeys'
    ];
  for (const [name, row] of [...map.entries()]) if (isRemoved(row)) map.delete(name);
}

function removeFrom<R extends object>(list: R[], isRemoved: (row: R) => boolean): void {
  list.splice(0, list.length, ...list.filter((row) => !isRemoved(row)));
}

export function addRow(rows: MemoryRun, { table, record }: AddedRow): void {
  const name = JSON.stringify(nameOf(rows.record.run, table, record));
  const isThere = rowsOf(rows, table).some(
    (row) => JSON.stringify(nameOf(rows.record.run, table, row)) === name,
  );
  if (isThere) return;
  switch (table) {
    case 'nodeRuns':
      rows.nodeRuns.set(record.node, record);
      return;
    case 'attempts':
      rows.attempts.set(`${record.node}/${record.generation}/${record.attempt}`, record);
      return;
    case 'pastInputs':
      rows.pastInputs.set(`${record.node}/${record.generation}/${record.attempt}`, record);
      return;
    case 'tasks':
      rows.tasks.set(record.id, record);
      return;
    case 'signals':
      rows.signals.set(record.id, record);
      return;
    case 'pastNodeRuns':
      rows.pastNodeRuns.push(record);
      return;
    case 'responses':
      rows.responses.push(record);
      return;
    case 'artifacts':
      rows.artifacts.push(record);
  }
}

type Mark = Extract<HistoryRow, { readonly type: 'run.trim' | 'run.hide' | 'run.show' }>;

/** How far the history of a run is there, as a row says it. */
export function marked(record: RunRecord, mark: Mark): RunRecord {
  const { trimmedTo } = record;
  switch (mark.type) {
    case 'run.trim':
      return trimmedTo < 0 ? record : { ...record, trimmedTo: Math.max(trimmedTo, mark.seq) };
    case 'run.hide':
      return { ...record, trimmedTo: HIDDEN };
    case 'run.show':
      return trimmedTo === HIDDEN ? { ...record, trimmedTo: 0 } : record;
  }
}

/** The turns of a run with their hashes; the first that is kept begins the chain. */
export function chainedTurns({ turns }: MemoryRun): StoredTurn[] {
  let previous = FIRST_LINK.hash;
  return turns.map(({ run, seq, turn, reason, at, rows }) => {
    const unhashed = { run, seq, turn, reason, at, hash: '' };
    const versions = [...rows.actorVersions].sort((a, b) =>
      compareKeys(keyOf('actorVersions', a), keyOf('actorVersions', b)),
    );
    const stored = { checkpoint: unhashed, events: rows.events, versions };
    previous = hashOfTurn(previous, stored);
    return { ...stored, checkpoint: { ...unhashed, hash: previous } };
  });
}

function keyOf(table: RunTable, row: object): RowKey {
  const { key } = RUN_TABLES[table] as TableRead<unknown>;
  return key.map(([, field]) => (row as Record<string, string | number>)[field] ?? '');
}

function nameOf(run: number, table: RunTable, row: object): RowKey {
  return table === 'tasks' ? keyOf(table, row) : [run, ...keyOf(table, row)];
}

function compareKeys(a: RowKey, b: RowKey): number {
  for (const [place, value] of a.entries()) {
    const other = b[place] ?? '';
    if (value === other) continue;
    if (typeof value === 'number') return value - Number(other);
    return Buffer.compare(Buffer.from(value), Buffer.from(String(other)));
  }
  return 0;
}
