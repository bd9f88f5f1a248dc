/** Rows of a run that has ended, of which a reader sees the turns up to one only, then more of them. */
import type { InspectionParts } from '../../../src/inspect/inspection.js';
import type { RunRows } from '../../../src/storage/run-rows.js';

export interface Growth {
  /** Turns that are there when the reader attaches, at least one. */
  readonly first: number;
  /** Turns that come at a time, again and again until all are there. */
  readonly steps: readonly number[];
}

/** `ends`: number of the last event of each turn. */
export function growingRows(
  rows: RunRows,
  ends: readonly number[],
  { first, steps }: Growth,
): InspectionParts & { readonly attachedAt: number } {
  let turns = Math.min(first, ends.length);
  const seen = () => ends[turns - 1] ?? 0;
  const upTo = <R extends { readonly seq: number }>(found: readonly R[]) =>
    found.filter(({ seq }) => seq <= seen());
  return {
    attachedAt: seen(),
    rows: {
      getRun: async (id) => {
        const record = await rows.getRun(id);
        const status = turns < ends.length ? 'running' : record?.status;
        return record && { ...record, status: status ?? record.status };
      },
      newestSeq: async () => seen(),
      events: async (...asked) => upTo(await rows.events(...asked)),
      checkpointOf: (run, seq) => rows.checkpointOf(run, seq),
      versionsAt: (run, seq, page) => rows.versionsAt(run, Math.min(seq, seen()), page),
      versionsBetween: async (...asked) => upTo(await rows.versionsBetween(...asked)),
    },
    async *changes() {
      yield;
      for (let step = 0; turns < ends.length; step += 1) {
        turns = Math.min(turns + (steps[step % steps.length] ?? 1), ends.length);
        yield;
      }
    },
  };
}
