/** Versions that a run was pinned to before, as far as they name secrets: what was secret under one stays so. */
import type { Plan } from '../plan/schema.js';
import { maskFor } from '../plan/secrets.js';
import type { RunRecord } from './records.js';

/** As `RunRecord.pastPlansJson`, once `plan`, which the run has now, is one of them. */
export function pastPlans(
  record: Pick<RunRecord, 'planHash' | 'pastPlansJson'>,
  plan: Plan,
): string | null {
  const known = pastPlansOf(record);
  if (maskFor(plan) === undefined || known.includes(record.planHash)) {
    return record.pastPlansJson ?? null;
  }
  return JSON.stringify([...known, record.planHash]);
}

export function pastPlansOf({
  pastPlansJson,
}: Pick<RunRecord, 'pastPlansJson'>): readonly string[] {
  return JSON.parse(pastPlansJson ?? '[]') as readonly string[];
}
