/**
 * Checks an exported file from its first line to its last before anything of it is written: digest, hash
 * chain and snapshots of each run, plan versions, and that events replay to the rows and to the hash that
 * it says. Memory holds what one run amounts to, whatever the length of its log.
 */
import type { PlanRecord, RunRecord } from '../actors/records.js';
import { RunchartError } from '../errors.js';
import { isFinal } from '../machines/statuses.js';
import { FIRST_LINK } from '../persistence/chain.js';
import { checkTurn } from '../persistence/verify.js';
import type { Finding, Link, StoredTurn } from '../storage/history-rows.js';
import { ContentCheck } from './artifact-content.js';
import type { ExportedContent, ExportedEnd, ExportedRow } from './export-format.js';
import { type BodyLine, completeRow, completeRun, damaged, openExport } from './export-lines.js';
import { PlanVersions } from './plan-versions.js';
import { RunFold } from './run-fold.js';
import { compareCalmly } from './state-hash.js';
import { StoredFold, TOLD_TABLES, type ToldTable } from './stored-snapshot.js';

export interface CheckedRun extends ExportedEnd {
  readonly record: RunRecord;
}

/** What a file holds that was found to be whole. */
export interface CheckedExport {
  readonly sum: string;
  /** Parents before the runs of their subplans; the run that was exported is the first. */
  readonly runs: readonly CheckedRun[];
  readonly root: CheckedRun;
  /** Ids of all tasks: they are unique in a database. */
  readonly tasks: readonly string[];
}

/** Rejects with `export-unknown-format`, `export-damaged`, `argument-invalid`. */
export async function checkExport(path: string): Promise<CheckedExport> {
  const file = await openExport(path);
  const checker = new ExportChecker(file.head.run);
  try {
    for await (const line of file.body) await checker.take(line);
  } catch (error) {
    if (error instanceof RunchartError && error.code.startsWith('export-')) throw error;
    // Whatever stumbles over a line: it was not written by an export.
    throw damaged((error as Error).message);
  }
  return { sum: file.sum(), ...checker.end() };
}

/** A run of which not all lines have come. */
interface OpenRun {
  readonly record: RunRecord;
  readonly versions: PlanVersions;
  readonly events: RunFold;
  readonly stored: StoredFold;
  end: Link;
}

class ExportChecker {
  readonly #id: string;
  readonly #plans = new Map<string, string>();
  readonly #runs: CheckedRun[] = [];
  readonly #tasks: string[] = [];
  readonly #content = new ContentCheck();
  #open: OpenRun | undefined;

  constructor(id: string) {
    this.#id = id;
  }

  async take(line: BodyLine): Promise<void> {
    if ('plan' in line) return this.#takePlan(line.plan);
    if ('turn' in line) return this.#takeTurn(line.turn);
    if ('row' in line) return this.#takeRow(line.row);
    if ('run' in line) return this.#takeRun(line.run);
    if ('content' in line) return this.#takeContent(line.content);
    if ('ended' in line) return this.#takeEnd(line.ended);
    throw damaged('a line of it says nothing that is known');
  }

  end(): Omit<CheckedExport, 'sum'> {
    const [root] = this.#runs;
    const isWhole = this.#open === undefined && this.#content.isBetween;
    if (!isWhole || root === undefined) throw damaged('a run of it has no end');
    return { runs: this.#runs, root, tasks: this.#tasks };
  }

  #takePlan({ hash, planJson }: PlanRecord): void {
    this.#plans.set(hash, planJson);
  }

  #takeRun(row: RunRecord): void {
    if (this.#open !== undefined) throw damaged('a run of it has no end');
    const record = completeRun(row);
    if (!isFinal(record.status)) throw damaged(`run ${record.id} has not ended`);
    const parents = new Set(this.#runs.map(({ run }) => run));
    const isPlaced =
      this.#runs.length === 0 ? record.id === this.#id : parents.has(record.parentId ?? '');
    if (!isPlaced) throw damaged(`run ${record.id} does not belong to it`);
    const versions = new PlanVersions(async (hash) => this.#plans.get(hash));
    const events = new RunFold((hash) => versions.get(hash));
    this.#open = { record, versions, events, stored: new StoredFold(), end: FIRST_LINK };
  }

  async #takeTurn(turn: StoredTurn): Promise<void> {
    const open = this.#opened();
    const findings: Finding[] = [];
    open.end = checkTurn(turn, open.end, findings);
    if (findings[0] !== undefined) throw damaged(findings[0].message);
    for (const event of turn.events) {
      await open.versions.prepare(event.detailJson);
      open.events.take(event);
    }
  }

  #takeRow(row: ExportedRow): void {
    const { table, record } = completeRow(row);
    if (record.run !== this.#opened().record.run) throw damaged('a row of it is of another run');
    if (table === 'tasks') this.#tasks.push(record.id);
    if (isTold(table)) this.#opened().stored.take(table, record as never);
  }

  #takeContent(content: ExportedContent): void {
    if (!this.#content.take(content))
      throw damaged(`content ${content.digest} does not fit its digest`);
  }

  async #takeEnd({ run, seq, hash }: ExportedEnd): Promise<void> {
    const { record, events, stored, end } = this.#opened();
    const told = stored.snapshot(record, end.seq);
    const compared = await compareCalmly(events.snapshot(), told);
    const [difference] = compared.differences;
    if (difference !== undefined) {
      throw damaged(`${difference.part} ${difference.key} differ from what the events say`);
    }
    const isSame = run === record.id && seq === end.seq && hash === compared.hash;
    if (!isSame) throw damaged(`run ${record.id} does not replay to what the file says`);
    this.#runs.push({ run, seq, hash, record });
    this.#open = undefined;
  }

  #opened(): OpenRun {
    if (this.#open === undefined) throw damaged('a line of it belongs to no run');
    return this.#open;
  }
}

function isTold(table: string): table is ToldTable {
  return (TOLD_TABLES as readonly string[]).includes(table);
}
