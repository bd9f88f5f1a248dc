/** What whoever reads the log of all runs is told of retention: how far events of a tenant are gone. */
import type { HistoryRow } from '../actors/ports.js';
import type { RunRecord } from '../actors/records.js';
import { tenantOf } from '../actors/tenant.js';
import type { HistoryRows } from '../storage/history-rows.js';

/** The row that says that events of a run are gone up to `seq`; none for what was imported, which nobody is told of. */
export async function logTrimOf(
  rows: Pick<HistoryRows, 'checkpointOf'>,
  { run, id, originJson }: RunRecord,
  seq: number,
): Promise<HistoryRow[]> {
  const origin = JSON.parse(originJson ?? '{}') as { readonly type?: string };
  const checkpoint = origin.type === 'import' ? undefined : await rows.checkpointOf(run, seq);
  if (checkpoint === undefined) return [];
  const record = { tenant: tenantOf(id), turn: checkpoint.turn, seq: checkpoint.seq };
  return [{ type: 'log.trim', record }];
}
