/** What failed in a run: from its log, or from its rows where the log was trimmed. */
import type { RunRecord } from './actors/records.js';
import { failuresFromRows, inOrderOfTime } from './history/trimmed-run.js';
import { toError } from './row-views.js';
import type { RunRows } from './storage/run-rows.js';
import { MAX_PAGE_ROWS } from './storage/run-rows.js';
import type { RunResult } from './views.js';

export async function failuresOf(
  rows: RunRows,
  { run, trimmedTo }: RunRecord,
): Promise<Pick<RunResult, 'errors' | 'failureCount'>> {
  if (trimmedTo > 0) {
    const failures = await failuresFromRows(rows, run);
    const { attempts, nodes } = failures;
    const failureCount = { attempts: attempts.length, nodes: nodes.length };
    return { errors: inOrderOfTime(failures).slice(0, 2 * MAX_PAGE_ROWS), failureCount };
  }
  const failures = await rows.eventsOfType(run, 'node.failed', MAX_PAGE_ROWS);
  const attempts = await rows.eventsOfType(run, 'attempt.failed', MAX_PAGE_ROWS);
  return {
    errors: [...attempts, ...failures].sort((a, b) => a.seq - b.seq).map(toError),
    failureCount: {
      attempts: await rows.countEvents(run, 'attempt.failed'),
      nodes: await rows.countEvents(run, 'node.failed'),
    },
  };
}
