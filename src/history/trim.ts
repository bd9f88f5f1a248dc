/**
 * Retention: removes runs that ended long ago, and the old part of the log of all others. Invariants:
 * 1. a run is removed with the runs of its subplans, and never without the run that it is a subplan of;
 * 2. a run keeps its newest turn, the checkpoint that its log goes on from, and of each actor the
 * snapshot that is current there, so that live runs go on as if nothing had been removed and the hash
 * chain holds from there; 3. what a webhook that is enabled has not been given stays; 4. every step is bounded and durable on its own: what is broken off leaves
 * whole runs, and is completed by the next trim; 5. files of payloads go after the rows that named them.
 */

import type { ArtifactStore } from '../actors/ports.js';
import type { RunRecord } from '../actors/records.js';
import type { Deliveries } from '../delivery/undelivered.js';
import { RunchartError } from '../errors.js';
import { isFinal } from '../machines/statuses.js';
import { pages } from '../pages.js';
import { withChildren } from './family.js';
import { logTrimOf } from './log-trim.js';
import { removePayloads } from './remove-payloads.js';
import { type Removing, removeRows, removeRuns } from './remove-run.js';
import { RetentionBound } from './retention-bound.js';

/** What retention is to remove now. */
export interface TrimOptions {
  /** Removes runs that ended at least so long ago, in milliseconds. */
  readonly olderThanMs?: number;
  /** Removes events and snapshots that are older, of runs that stay, and answers to calls that were about no run. */
  readonly historyOlderThanMs?: number;
  /** Counts, and removes nothing. */
  readonly dryRun?: boolean;
}

export interface TrimParts extends Removing {
  /** Where payloads are that have no room in rows. */
  readonly contents: Pick<ArtifactStore, 'putBefore' | 'remove'>;
  /** Who is still to be given a part of the history. */
  readonly deliveries?: Deliveries;
}

/** What retention removed. */
export interface Trimmed {
  /** Runs that are gone, those of subplans included. */
  readonly runs: number;
  /** Runs of which the log begins later now. */
  readonly trimmedRuns: number;
  /** Events that went from the logs of runs that stay. */
  readonly events: number;
  /** Payload files that went, because nothing names them any more; 0 in a dry run. */
  readonly payloads: number;
  readonly dryRun: boolean;
}

/** Families whose rows are gone before their keys and they themselves go together. */
const FAMILIES_AT_ONCE = 20;

/** Rejects with `argument-invalid`. */
export async function trim(
  { contents, deliveries, ...removing }: TrimParts,
  now: number,
  { olderThanMs, historyOlderThanMs, dryRun = false }: TrimOptions,
): Promise<Trimmed> {
  assertAge('olderThanMs', olderThanMs);
  assertAge('historyOlderThanMs', historyOlderThanMs);
  if (!dryRun) await sweep(removing);
  const bound = await RetentionBound.of(removing.rows, deliveries);
  const removed = new Set<number>();
  if (olderThanMs !== undefined) {
    await removeEnded(removing, bound, now - olderThanMs, dryRun, removed);
  }
  const history = { runs: 0, events: 0 };
  const before = historyOlderThanMs === undefined ? undefined : now - historyOlderThanMs;
  for await (const record of allRuns(removing)) {
    if (removed.has(record.run)) continue;
    const events = await trimRun(removing, bound, record, before, dryRun);
    if (events > 0) history.runs += 1;
    history.events += events;
  }
  if (!dryRun && before !== undefined) {
    await removing.journal.write([{ type: 'idempotency-keys.remove', before }]);
  }
  if (!dryRun) await bound.tell();
  const payloads = dryRun ? 0 : await removePayloads(removing.rows, contents, now);
  return {
    runs: removed.size,
    trimmedRuns: history.runs,
    events: history.events,
    payloads,
    dryRun,
  };
}

/** Throws `argument-invalid` where the option of this name is no age. */
export function assertAge(name: string, ms: number | undefined): void {
  if (ms === undefined || (Number.isFinite(ms) && ms >= 0)) return;
  throw new RunchartError('argument-invalid', `${name} is a number of milliseconds from 0 on`);
}

/** Goes on with what an earlier removal, or an import, has left. */
async function sweep(removing: Removing): Promise<void> {
  for (;;) {
    const hidden = await removing.rows.hiddenRuns(0);
    if (hidden.length === 0) return;
    for (const record of hidden) await removeRuns(removing, [record]);
  }
}

function allRuns({ rows }: Removing): AsyncIterable<RunRecord> {
  return pages<RunRecord>((after) => rows.runsAfter(after?.run ?? 0));
}

async function removeEnded(
  removing: Removing,
  bound: RetentionBound,
  cutoff: number,
  dryRun: boolean,
  removed: Set<number>,
): Promise<void> {
  let waiting: RunRecord[] = [];
  let families = 0;
  const remove = async (): Promise<void> => {
    if (!dryRun) await removeRuns(removing, waiting);
    waiting = [];
    families = 0;
  };
  for await (const record of allRuns(removing)) {
    if (!isOld(record, cutoff) || (await hasParent(removing, record))) continue;
    const family = await withChildren(removing.rows, record);
    if (!family.every((one) => isOld(one, cutoff)) || !(await bound.mayRemove(family))) continue;
    for (const { run } of family) removed.add(run);
    waiting.push(...family);
    families += 1;
    if (families >= FAMILIES_AT_ONCE) await remove();
  }
  await remove();
}

function isOld({ status, endedAt }: RunRecord, cutoff: number): boolean {
  return isFinal(status) && endedAt !== null && endedAt <= cutoff;
}

async function hasParent({ rows }: Removing, { parentId }: RunRecord): Promise<boolean> {
  return parentId !== null && (await rows.getRun(parentId)) !== undefined;
}

/** Removes what is before the newest checkpoint that is old enough; returns how many events. */
async function trimRun(
  removing: Removing,
  bound: RetentionBound,
  record: RunRecord,
  before: number | undefined,
  dryRun: boolean,
): Promise<number> {
  const { run, trimmedTo } = record;
  const { journal } = removing;
  const found = before === undefined ? 0 : await bound.anchorBefore(record, before);
  const anchor = Math.max(found, trimmedTo);
  if (dryRun) return anchor - trimmedTo;
  if (anchor === 0) return 0;
  // Said before it is done: nobody reads what may be gone.
  if (anchor > trimmedTo) {
    const told = await logTrimOf(removing.rows, record, anchor);
    await journal.write([{ type: 'run.trim', run, seq: anchor }, ...told]);
  }
  await removeRows(removing, run, 'events', { upTo: anchor });
  await removeRows(removing, run, 'checkpoints', { upTo: anchor - 1 });
  await removeRows(removing, run, 'actorVersions', { upTo: anchor, superseded: true });
  return anchor - trimmedTo;
}
