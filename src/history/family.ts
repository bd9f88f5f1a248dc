/** A run and the runs of its subplans. */
import type { RunRecord } from '../actors/records.js';
import type { HistoryRows } from './history-rows.js';

/** The run and all runs inside it, parents first. */
export async function withChildren(
  rows: Pick<HistoryRows, 'childrenOf'>,
  root: RunRecord,
): Promise<RunRecord[]> {
  const family = [root];
  for (const { id } of family) {
    for (let after = 0; ; ) {
      const page = await rows.childrenOf(id, after);
      family.push(...page);
      const last = page.at(-1);
      if (last === undefined) break;
      after = last.run;
    }
  }
  return family;
}
