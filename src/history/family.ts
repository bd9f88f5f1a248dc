/** A run and the runs of its subplans. */
import type { RunRecord } from '../actors/records.js';
import { pages } from '../pages.js';
import type { HistoryRows } from '../storage/history-rows.js';

/** The run and all runs inside it, parents first. */
export async function withChildren(
  rows: Pick<HistoryRows, 'childrenOf'>,
  root: RunRecord,
): Promise<RunRecord[]> {
  const family = [root];
  for (const { id } of family) {
    const children = pages<RunRecord>((after) => rows.childrenOf(id, after?.run ?? 0));
    for await (const child of children) family.push(child);
  }
  return family;
}
