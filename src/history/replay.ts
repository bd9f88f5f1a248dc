/**
 * Replays a run: folds its log up to an event and says whether what is stored agrees. Executes nothing
 * and evaluates nothing. Invariants: 1. events are read a page at a time; 2. what is compared is of one
 * moment: a run that went on meanwhile is read again, a few times.
 */
import type { RunRecord } from '../actors/records.js';
import { RunchartError } from '../errors.js';
import type { HistoryRows } from '../storage/history-rows.js';
import { historyTrimmed } from './assert-kept.js';
import { PlanVersions } from './plan-versions.js';
import { RunFold } from './run-fold.js';
import type { RunSnapshot } from './run-snapshot.js';
import { compareCalmly, type Difference, stateHash } from './state-hash.js';
import { differencesFromVersions, StoredFold, TOLD_TABLES } from './stored-snapshot.js';

export interface Replayed {
  readonly snapshot: RunSnapshot;
  readonly hash: string;
  /** Where what is stored says something else; undefined where nothing stored is of that event. */
  readonly differences: readonly Difference[] | undefined;
}

/** How often a run that goes on is read again before it is given up to compare. */
const MAX_READS = 5;

/**
 * The run as it was after event `to`, or after its newest. Rejects with `argument-invalid` where it has
 * no such event, `history-trimmed` where retention took its first ones, `run-unrestorable` where a plan
 * version does not compile.
 */
export async function replay(rows: HistoryRows, record: RunRecord, to?: number): Promise<Replayed> {
  assertWhole(record);
  try {
    const replayed = await (to === undefined
      ? replayCalm(rows, record)
      : replayTo(rows, record, to));
    if (replayed.differences?.length) await assertStillWhole(rows, record);
    return replayed;
  } catch (error) {
    await assertStillWhole(rows, record);
    throw error;
  }
}

/** What retention takes meanwhile is no damage. */
async function assertStillWhole(rows: HistoryRows, { id }: RunRecord): Promise<void> {
  assertWhole(await readRun(rows, id));
}

async function readRun(rows: HistoryRows, id: string): Promise<RunRecord> {
  const record = await rows.getRun(id);
  if (record !== undefined) return record;
  throw new RunchartError('run-unknown', `there is no run ${id}`);
}

/** A run that goes on is read again. */
async function replayCalm(rows: HistoryRows, record: RunRecord): Promise<Replayed> {
  let replayed: Replayed | undefined;
  for (let reads = 0; reads < MAX_READS; reads++) {
    replayed = await replayNewest(rows, record.id);
    if (replayed.differences !== undefined) break;
  }
  return replayed as Replayed;
}

/** Folds all that is there, and compares it with rows that are of the same event. */
async function replayNewest(rows: HistoryRows, id: string): Promise<Replayed> {
  const record = await readRun(rows, id);
  const seq = await rows.newestSeq(record.run);
  const stored = await readStored(rows, record, seq);
  const snapshot = await foldTo(rows, record, seq);
  const hasMoved = (await rows.newestSeq(record.run)) !== seq;
  const { hash, differences } = await compareCalmly(snapshot, stored);
  return { snapshot, hash, differences: hasMoved ? undefined : differences };
}

/** An earlier event: where it ends a turn, the snapshots of the actors say what it was. */
async function replayTo(rows: HistoryRows, record: RunRecord, to: number): Promise<Replayed> {
  const newest = await rows.newestSeq(record.run);
  if (!Number.isSafeInteger(to) || to < 1 || to > newest) {
    throw new RunchartError('argument-invalid', `run ${record.id} has no event ${to}`, {
      hint: `its events are 1 to ${newest}`,
    });
  }
  const snapshot = await foldTo(rows, record, to);
  const checkpoint = await rows.checkpointOf(record.run, to);
  const differences =
    checkpoint?.seq === to
      ? differencesFromVersions(snapshot, await rows.versionsAt(record.run, to))
      : undefined;
  return { snapshot, hash: stateHash(snapshot), differences };
}

function assertWhole({ id, trimmedTo }: RunRecord): void {
  if (trimmedTo === 0) return;
  const hint = `a run is replayed from its first event; its state from event ${trimmedTo} on can be read`;
  throw historyTrimmed({ id, trimmedTo }, hint);
}

async function foldTo(rows: HistoryRows, record: RunRecord, to: number): Promise<RunSnapshot> {
  const versions = new PlanVersions((hash) => rows.loadPlan(hash));
  const fold = new RunFold((hash) => versions.get(hash));
  for await (const event of rows.rowsOf(record.run, 'events')) {
    if (event.seq > to) break;
    await versions.prepare(event.detailJson);
    try {
      fold.take(event);
    } catch (error) {
      const message = `run ${record.id} cannot be replayed: ${(error as Error).message}`;
      throw new RunchartError('run-unrestorable', message, { cause: error });
    }
  }
  return fold.snapshot();
}

async function readStored(rows: HistoryRows, record: RunRecord, seq: number): Promise<RunSnapshot> {
  const fold = new StoredFold();
  for (const table of TOLD_TABLES) {
    for await (const row of rows.rowsOf(record.run, table)) fold.take(table, row);
  }
  return fold.snapshot(record, seq);
}
