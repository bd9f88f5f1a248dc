/**
 * Artifacts that a run had at one of its events: its rows, but for those that later events tell of. So those
 * that it took over from another run are there, and those whose events retention has removed.
 */
import type { ArtifactRecord } from './actors/records.js';
import { eventsOfType } from './change/plan-at.js';
import { pages } from './pages.js';
import type { RunRows } from './storage/run-rows.js';
import type { ArtifactMention } from './views.js';

/** Rows come first: one that is stored meanwhile has a later event. */
export async function artifactsAt(
  rows: Pick<RunRows, 'artifacts' | 'eventsOfType'>,
  run: number,
  seq: number,
): Promise<ArtifactMention[]> {
  const found = new Map<string, ArtifactMention>();
  for await (const row of pages<ArtifactRecord>((after) => rows.artifacts(run, after))) {
    const { name, kind, version, standing } = row;
    found.set(`${name}/${version}`, {
      ...{ name, kind, version },
      ...(standing === 'rejected' && { standing }),
    });
  }
  for await (const event of eventsOfType(rows, run, 'artifact.stored', seq)) {
    const { name, version } = JSON.parse(event.detailJson) as ArtifactMention;
    found.delete(`${name}/${version}`);
  }
  return [...found.values()];
}
