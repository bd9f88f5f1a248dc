/** Checks a run against itself: chain and snapshots as they are stored, rows against the log. */
import type { RunRecord } from '../actors/records.js';
import { RunchartError } from '../errors.js';
import type { Finding, HistoryRows } from '../storage/history-rows.js';
import { type Replayed, replay } from './replay.js';
import type { VerificationView } from './replay-view.js';

/** Reads only. What cannot be replayed at all is a finding. Rejects with `run-unknown` where it is removed meanwhile. */
export async function verifyHistory(
  rows: HistoryRows,
  record: RunRecord,
): Promise<VerificationView> {
  for (let before = record; ; ) {
    const view = await verifyOnce(rows, before);
    if (view.ok) return view;
    const after = await rows.getRun(before.id);
    if (after === undefined) {
      throw new RunchartError('run-unknown', `there is no run ${before.id} any more`);
    }
    // What retention takes meanwhile is no damage.
    if (after.trimmedTo === before.trimmedTo) return view;
    before = after;
  }
}

async function verifyOnce(rows: HistoryRows, record: RunRecord): Promise<VerificationView> {
  const { id, run, trimmedTo } = record;
  const chain = await rows.verifyChain(run);
  const replayed = trimmedTo === 0 ? await tryReplay(rows, record) : undefined;
  const findings =
    replayed !== undefined && 'code' in replayed ? [...chain.findings, replayed] : chain.findings;
  const whole = replayed !== undefined && 'snapshot' in replayed ? replayed : undefined;
  const differences = whole?.differences ?? [];
  return {
    run: id,
    ok: findings.length === 0 && differences.length === 0,
    turns: chain.turns,
    trimmedTo,
    hash: whole?.hash ?? null,
    findings,
    differences,
  };
}

async function tryReplay(rows: HistoryRows, record: RunRecord): Promise<Replayed | Finding> {
  try {
    return await replay(rows, record);
  } catch (error) {
    if (!(error instanceof RunchartError)) throw error;
    return { code: 'unreadable', seq: 0, message: error.message };
  }
}
