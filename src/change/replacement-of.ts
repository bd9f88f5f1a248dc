/** Which run was put in place of another one. The note of that is written first, and the run may never have come. */
import type { RunKeyRows } from '../actors/ports.js';
import type { RunListRows } from '../storage/run-rows.js';
import type { RunOrigin } from '../views.js';

export interface ReplacementRows {
  readonly keys: Pick<RunKeyRows, 'find'>;
  readonly rows: Pick<RunListRows, 'getRun'>;
}

/** Undefined where none was. One that has been removed since is named still. */
export async function replacementOf(
  { keys, rows }: ReplacementRows,
  run: string,
): Promise<string | undefined> {
  const by = (await keys.find('replacement', run))?.runId;
  const record = by === undefined ? undefined : await rows.getRun(by);
  if (record === undefined) return by;
  const origin = JSON.parse(record.originJson ?? 'null') as RunOrigin | null;
  return origin?.type === 'replacement' && origin.run === run ? by : undefined;
}
