/** What the API says of a run from its log, said from its rows where the beginning of the log is gone. */
import type { AttemptRecord, NodeRunRecord } from '../actors/records.js';
import type { HistoryRows } from '../storage/history-rows.js';
import type { RunError } from '../views.js';

export interface Failures {
  readonly attempts: readonly RunError[];
  readonly nodes: readonly RunError[];
}

/** Attempts and node runs that failed, in order of time. */
export async function failuresFromRows(
  rows: Pick<HistoryRows, 'rowsOf'>,
  run: number,
): Promise<Failures> {
  const attempts: RunError[] = [];
  const nodes: RunError[] = [];
  for await (const row of rows.rowsOf(run, 'attempts')) {
    if (row.outcome === 'failed') attempts.push(errorOfAttempt(row));
  }
  for (const table of ['pastNodeRuns', 'nodeRuns'] as const) {
    for await (const row of rows.rowsOf(run, table)) {
      if (row.status === 'failed') nodes.push(errorOfNode(row));
    }
  }
  return { attempts: attempts.sort(byTime), nodes: nodes.sort(byTime) };
}

/** Failures of attempts and of node runs, those of one time in this order. */
export function inOrderOfTime({ attempts, nodes }: Failures): RunError[] {
  return [...attempts, ...nodes].sort(byTime);
}

function errorOfAttempt({ node, attempt, endedAt, errorJson }: AttemptRecord): RunError {
  return { node, attempt, at: endedAt ?? 0, ...saidIn(errorJson) };
}

function errorOfNode({ node, attempt, updatedAt, reasonJson }: NodeRunRecord): RunError {
  return { node, attempt, at: updatedAt, ...saidIn(reasonJson) };
}

function saidIn(json: string | null): Pick<RunError, 'code' | 'message'> {
  const said = JSON.parse(json ?? '{}') as { code?: string; message?: string };
  return { code: said.code ?? 'failed', message: said.message ?? '' };
}

function byTime(a: RunError, b: RunError): number {
  return a.at - b.at;
}
