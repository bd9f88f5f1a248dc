/**
 * Writes a run that has ended, with those of its subplans, as lines of one file. Invariants: 1. memory
 * holds a page of rows and what the run's events amount to, whatever its length; 2. only what is whole
 * is given to its end: chain, snapshots, and rows against the log; a file that breaks off is refused by
 * whoever reads it.
 */
import { createHash } from 'node:crypto';
import type { ArtifactStore } from '../actors/ports.js';
import type { RunRecord } from '../actors/records.js';
import { RunchartError } from '../errors.js';
import { isFinal } from '../machines/statuses.js';
import { FIRST_LINK } from '../persistence/chain.js';
import { checkTurn } from '../persistence/verify.js';
import type { Finding, HistoryRows, Link } from '../storage/history-rows.js';
import { readContent } from './artifact-content.js';
import { historyTrimmed } from './assert-kept.js';
import {
  EXPORT_FORMAT,
  EXPORT_VERSION,
  EXPORTED_TABLES,
  type ExportLine,
} from './export-format.js';
import { type ExportNumbers, ownNumbers, STORED_NUMBERS } from './export-numbers.js';
import { withChildren } from './family.js';
import { PlanVersions } from './plan-versions.js';
import { RunFold } from './run-fold.js';
import { compareCalmly } from './state-hash.js';
import { StoredFold, TOLD_TABLES, type ToldTable } from './stored-snapshot.js';

/**
 * The file, line by line. Rejects with `run-not-ended`, `history-trimmed`, `run-unknown` where it is removed
 * meanwhile, and `export-damaged` where what is stored is not whole.
 */
export async function* exportRun(
  rows: HistoryRows,
  record: RunRecord,
  contents: Pick<ArtifactStore, 'get'>,
  { hasOwnNumbers = false }: { readonly hasOwnNumbers?: boolean } = {},
): AsyncGenerator<string> {
  const hash = createHash('sha256');
  const head = { format: EXPORT_FORMAT, version: EXPORT_VERSION, run: record.id } as const;
  for await (const line of linesOf({ rows, contents, hasOwnNumbers }, record, head)) {
    const text = `${JSON.stringify(line)}\n`;
    hash.update(text);
    yield text;
  }
  yield `${JSON.stringify({ sum: hash.digest('hex') } satisfies ExportLine)}\n`;
}

interface Source {
  readonly rows: HistoryRows;
  readonly contents: Pick<ArtifactStore, 'get'>;
  /** Numbers of runs and turns are those of the file, see export-numbers.ts. */
  readonly hasOwnNumbers: boolean;
}

async function* linesOf(
  source: Source,
  root: RunRecord,
  head: ExportLine,
): AsyncGenerator<ExportLine> {
  const family = await withChildren(source.rows, root);
  for (const record of family) assertExportable(record, root);
  yield head;
  for (const [place, record] of family.entries()) {
    const numbers = source.hasOwnNumbers ? ownNumbers(place + 1) : STORED_NUMBERS;
    try {
      yield* linesOfRun(source, record, root, numbers);
    } catch (error) {
      // What retention takes meanwhile is no damage.
      await assertKept(source.rows, record, root);
      throw error;
    }
  }
}

/** Throws where retention has taken the run, or the beginning of its log. */
async function assertKept(rows: HistoryRows, { id }: RunRecord, root: RunRecord): Promise<void> {
  const record = await rows.getRun(id);
  if (record !== undefined) return assertExportable(record, root);
  throw new RunchartError('run-unknown', `run ${id} was removed by retention meanwhile`);
}

function assertExportable({ id, status, trimmedTo }: RunRecord, root: RunRecord): void {
  if (!isFinal(status)) {
    const message = `run ${id} is ${status}`;
    const hint = 'wait until it has ended, or cancel it';
    throw new RunchartError('run-not-ended', message, { hint });
  }
  if (trimmedTo > 0) {
    const hint = `run ${root.id} can only be exported with all of its history`;
    throw historyTrimmed({ id, trimmedTo }, hint);
  }
}

async function* linesOfRun(
  source: Source,
  record: RunRecord,
  root: RunRecord,
  numbers: ExportNumbers,
): AsyncGenerator<ExportLine> {
  const { rows } = source;
  yield { run: numbers.record(record) };
  const versions = new PlanVersions((hash) => rows.loadPlan(hash));
  const events = new RunFold((hash) => versions.get(hash));
  const findings: Finding[] = [];
  let end: Link = FIRST_LINK;
  for await (const turn of rows.turnsOf(record.run, 0)) {
    end = checkTurn(turn, end, findings);
    if (findings[0] !== undefined) throw damaged(record, findings[0].message);
    for (const event of turn.events) {
      const named = await versions.prepare(event.detailJson);
      if (named !== undefined)
        yield planLine(named, await rows.loadPlan(named), event.at, versions);
      events.take(event);
    }
    yield { turn: numbers.turn(turn) };
  }
  const stored = new StoredFold();
  for (const table of EXPORTED_TABLES) {
    for await (const row of rows.rowsOf(record.run, table)) {
      if (isTold(table)) stored.take(table, row as never);
      yield { row: { table, record: numbers.record(row) } } as ExportLine;
      if ('digest' in row && row.digest !== null) yield* contentLines(source, record, row.digest);
    }
  }
  const told = stored.snapshot(record, end.seq);
  const { hash, differences } = await compareCalmly(events.snapshot(), told);
  const [difference] = differences;
  if (difference !== undefined) {
    const { part, key } = difference;
    throw damaged(record, `its ${part} ${key} differ from what its events say`);
  }
  // Not all of its rows are told of by its log: that all were there is seen here.
  await assertKept(rows, record, root);
  yield { ended: { run: record.id, seq: end.seq, hash } };
}

/** Bytes of one line of a content. */
const CONTENT_BYTES = 48 * 1024;

async function* contentLines(
  { contents }: Source,
  record: RunRecord,
  digest: string,
): AsyncGenerator<ExportLine> {
  const bytes = await readContent(contents, digest, record.id);
  if (bytes === undefined) throw damaged(record, `the content ${digest} of an artifact is missing`);
  for (let start = 0; start < bytes.length; start += CONTENT_BYTES) {
    const data = Buffer.from(bytes.subarray(start, start + CONTENT_BYTES)).toString('base64');
    yield { content: { digest, data, isLast: false } };
  }
  yield { content: { digest, data: '', isLast: true } };
}

function isTold(table: string): table is ToldTable {
  return (TOLD_TABLES as readonly string[]).includes(table);
}

function planLine(
  hash: string,
  planJson: string | undefined,
  at: number,
  versions: PlanVersions,
): ExportLine {
  const title = versions.get(hash)?.plan.title ?? '';
  return { plan: { hash, planJson: planJson ?? '', title, at } };
}

function damaged({ id }: RunRecord, what: string): RunchartError {
  return new RunchartError('export-damaged', `run ${id} is not whole: ${what}`, {
    hint: 'npx runchart doctor names every run that is not',
  });
}
