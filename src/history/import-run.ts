/**
 * Brings the runs of an exported file in. The file is read twice: checked to its end, then written, turn
 * after turn through the journal, which chains them anew. Invariants: 1. until all of it is durable nobody
 * sees any of it: its runs are hidden, and shown together by one last write; 2. an import that was broken
 * off is completed by the next one of the same file, and swept away by one of another or by retention;
 * 3. memory holds a window of turns.
 */
import type { ArtifactStore, FreeRow, Journal, RunStore } from '../actors/ports.js';
import { HIDDEN, NO_ROWS, type RunRecord, type TurnRecord } from '../actors/records.js';
import { RunchartError } from '../errors.js';
import { contentHash } from '../plan/canonical.js';
import type { HistoryRows, StoredTurn } from '../storage/history-rows.js';
import { writeContent } from './artifact-content.js';
import { type CheckedExport, type CheckedRun, checkExport } from './check-export.js';
import type { ExportedContent, ExportedRow } from './export-format.js';
import { type BodyLine, completeRow, openExport } from './export-lines.js';
import { ImportNames, isHere, type NamedOptions } from './import-names.js';
import { removeRuns } from './remove-run.js';

/** How a run is brought in. */
export interface ImportOptions {
  /** Id of the run here; its own unless given. Runs of its subplans are numbered behind it. */
  readonly as?: string;
}

/** What an import came to. */
export interface Imported {
  readonly run: string;
  /** False where the same run was there already, and nothing was written. */
  readonly created: boolean;
  /** Number of runs in the file: those of subplans count. */
  readonly runs: number;
  /** Hash of the state that the run's events replay to. */
  readonly hash: string;
}

export interface ImportParts {
  readonly rows: HistoryRows;
  readonly store: RunStore;
  readonly journal: Journal;
  /** Where contents of artifacts go that are not kept in rows. */
  readonly contents: Pick<ArtifactStore, 'put'>;
  nextRun(): number;
  nextTurn(): number;
}

/** Turns that may be on their way to the disk. */
const WINDOW_TURNS = 200;
/** Rows of one write beside turns. */
const WRITE_ROWS = 200;

/** Rejects with `export-damaged`, `export-unknown-format`, `run-conflict`, `argument-invalid`, or a CommitError. */
export async function importRun(
  parts: ImportParts,
  path: string,
  options: ImportOptions & NamedOptions = {},
): Promise<Imported> {
  const checked = await checkExport(path);
  const names = new ImportNames(checked, options);
  const answer = {
    run: names.of(checked.root.run),
    runs: checked.runs.length,
    hash: checked.root.hash,
  };
  if (await isHere(parts, checked, names)) return { ...answer, created: false };
  await new Import(parts, checked, names).write(path);
  return { ...answer, created: true };
}

/** A run that is being written: its number here, and the event up to which it is durable. */
interface Target {
  readonly number: number;
  readonly record: RunRecord;
  readonly durableTo: number;
}

class Import {
  readonly #parts: ImportParts;
  readonly #checked: CheckedExport;
  readonly #names: ImportNames;
  readonly #underWay: Promise<void>[] = [];
  readonly #numbers: number[] = [];
  #rows: FreeRow[] = [];

  constructor(parts: ImportParts, checked: CheckedExport, names: ImportNames) {
    this.#parts = parts;
    this.#checked = checked;
    this.#names = names;
  }

  async write(path: string): Promise<void> {
    const { journal } = this.#parts;
    const lines = (await openExport(path)).body[Symbol.asyncIterator]();
    let target: Target | undefined;
    for (let next = await lines.next(); next.done !== true; next = await lines.next()) {
      const line = next.value;
      if ('content' in line) await this.#takeContent(line.content, lines);
      else if ('plan' in line) {
        const { hash, planJson, title, at } = line.plan;
        assertFits(hash, planJson);
        await journal.storePlan(hash, planJson, title, at);
      } else if ('run' in line) target = await this.#begin(line.run.id);
      else if (target === undefined) continue;
      else if ('turn' in line) await this.#takeTurn(target, line.turn);
      else if ('row' in line) await this.#takeRow(target, completeRow(line.row));
    }
    await this.#settle();
    await journal.write(this.#numbers.map((run) => ({ type: 'run.show', run })));
  }

  /** Goes on with what an import of the same file has left, and sweeps away what another has. */
  async #begin(id: string): Promise<Target> {
    const { rows, journal } = this.#parts;
    const checked = this.#checked.runs.find(({ run }) => run === id) as CheckedRun;
    const record = this.#recordOf(checked);
    const hidden = await rows.getHiddenRun(record.id);
    const isLeft = hidden !== undefined && hidden.originJson === record.originJson;
    if (hidden !== undefined && !isLeft) await removeRuns({ rows, journal }, [hidden]);
    const number = isLeft ? hidden.run : this.#parts.nextRun();
    this.#numbers.push(number);
    const durableTo = isLeft ? await rows.newestSeq(number) : 0;
    return { number, record: { ...record, run: number }, durableTo };
  }

  #recordOf({ record, run, seq }: CheckedRun): RunRecord {
    const { sum } = this.#checked;
    const names = this.#names;
    const isRoot = run === this.#checked.root.run;
    // Whoever has the id of its parent here is no parent of it.
    const parentId = isRoot || record.parentId === null ? null : names.of(record.parentId);
    const origin = { type: 'import', run, seq, digest: sum };
    return {
      ...record,
      id: names.of(run),
      parentId,
      parentNode: parentId === null ? null : record.parentNode,
      settingsJson: names.settings(record.settingsJson),
      originJson: JSON.stringify(origin),
      trimmedTo: HIDDEN,
    };
  }

  async #takeTurn({ number, record, durableTo }: Target, turn: StoredTurn): Promise<void> {
    const { seq, reason, at } = turn.checkpoint;
    if (seq <= durableTo) return;
    const isFirst = seq === turn.events.length;
    const own: TurnRecord = {
      turn: this.#parts.nextTurn(),
      run: number,
      of: record.id,
      seq,
      reason,
      at,
      rows: {
        ...NO_ROWS,
        ...(isFirst && { runCreated: record }),
        events: turn.events.map((event) => ({ ...event, run: number })),
        actorVersions: turn.versions.map((version) => ({ ...version, run: number })),
      },
    };
    const committed = this.#parts.journal.commit(own).catch((error: unknown) => {
      // What comes after it is void as well; the next import goes on behind what is durable.
      this.#parts.journal.release(number);
      throw error;
    });
    committed.catch(() => {});
    this.#underWay.push(committed);
    if (this.#underWay.length >= WINDOW_TURNS) await this.#settle();
  }

  async #takeRow({ number, record: of }: Target, { table, record }: ExportedRow): Promise<void> {
    const own = { ...record, run: number };
    const inside = 'inside' in own ? { inside: this.#names.inside(own.inside) } : {};
    const added = { ...own, ...inside };
    this.#rows.push({ type: 'history.add', of: of.id, table, record: added } as FreeRow);
    if (this.#rows.length >= WRITE_ROWS) await this.#settle();
  }

  async #takeContent(first: ExportedContent, lines: AsyncIterator<BodyLine>): Promise<void> {
    const { contents } = this.#parts;
    const run = this.#names.of(this.#checked.root.run);
    await writeContent(contents, first.digest, piecesFrom(first, lines), run);
  }

  async #settle(): Promise<void> {
    await Promise.all(this.#underWay.splice(0));
    const rows = this.#rows.splice(0);
    if (rows.length > 0) await this.#parts.journal.write(rows);
  }
}

/** The pieces of one content: its lines follow each other. */
async function* piecesFrom(
  first: ExportedContent,
  lines: AsyncIterator<BodyLine>,
): AsyncGenerator<Uint8Array> {
  for (let piece = first; ; ) {
    yield Buffer.from(piece.data, 'base64');
    if (piece.isLast) return;
    const next = await lines.next();
    if (next.done === true || !('content' in next.value)) return;
    piece = next.value.content;
  }
}

function assertFits(hash: string, planJson: string): void {
  if (contentHash(planJson) === hash) return;
  throw new RunchartError('export-damaged', `plan ${hash} does not fit its hash`);
}
