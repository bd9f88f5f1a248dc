/** Which plan version a run was pinned to at one of its events. */
import type { EventRecord, RunRecord } from '../actors/records.js';
import { PAGE, pages } from '../pages.js';
import type { RunRows } from '../storage/run-rows.js';

/** Events after which a run has another plan; their detail has its hash, and the one before. */
const CHANGES = ['run.replanned', 'plan.extended'] as const;

/** All events of a type with a number above `from`, page by page. */
export function eventsOfType(
  rows: Pick<RunRows, 'eventsOfType'>,
  run: number,
  type: string,
  from = 0,
): AsyncIterable<EventRecord> {
  return pages<EventRecord>((after) => rows.eventsOfType(run, type, PAGE, after?.seq ?? from));
}

/** Hash of the plan version at event `seq`. */
export async function planAt(
  rows: Pick<RunRows, 'eventsOfType'>,
  { run, planHash }: RunRecord,
  seq: number,
): Promise<string> {
  let before: { readonly seq: number; readonly hash: string } | undefined;
  let after: { readonly seq: number; readonly hash: string } | undefined;
  for (const type of CHANGES) {
    for await (const event of eventsOfType(rows, run, type)) {
      const { plan, previous } = JSON.parse(event.detailJson) as {
        readonly plan: string;
        readonly previous?: string;
      };
      if (event.seq <= seq && event.seq > (before?.seq ?? 0))
        before = { seq: event.seq, hash: plan };
      const isNext = event.seq > seq && event.seq < (after?.seq ?? Number.POSITIVE_INFINITY);
      if (isNext) after = { seq: event.seq, hash: previous ?? planHash };
    }
  }
  return before?.hash ?? after?.hash ?? planHash;
}
