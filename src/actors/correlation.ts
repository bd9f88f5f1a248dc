/**
 * What belongs together over several runs: all that comes of one start, its subplans, forks and replacements too,
 * has one correlation id. It is stored where it does not follow from the run itself.
 */
import type { RunRecord, RunSettings } from './records.js';

/** The name that its start gave, or the id of the run that everything came of. */
export function correlationOf({
  id,
  parentId,
  settingsJson,
}: Pick<RunRecord, 'id' | 'parentId' | 'settingsJson'>): string {
  const settings = JSON.parse(settingsJson ?? '{}') as RunSettings;
  // A subplan's run that an earlier version began knows its parent and nothing further up.
  return settings.correlation ?? parentId ?? id;
}
