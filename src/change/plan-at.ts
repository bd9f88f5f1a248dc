/** Which plan version a run was pinned to at one of its events. */
import type { EventRecord, RunRecord } from '../actors/records.js';

/** The reads that it takes. */
export interface PlanHistoryRows {
  eventsOfType(
    run: number,
    type: string,
    limit: number,
    after?: number,
  ): Promise<readonly EventRecord[]>;
}

const PAGE = 1_000;
/** Events after which a run has another plan; their detail has its hash, and the one before. */
const CHANGES = ['run.replanned', 'plan.extended'] as const;

/** All events of a type with a number above `from`, page by page. */
export async function* eventsOfType(
  rows: PlanHistoryRows,
  run: number,
  type: string,
  from = 0,
): AsyncIterableIterator<EventRecord> {
  for (let after = from; ; ) {
    const page = await rows.eventsOfType(run, type, PAGE, after);
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return;
    after = last.seq;
  }
}

/** Hash of the plan version at event `seq`. */
export async function planAt(
  rows: PlanHistoryRows,
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
