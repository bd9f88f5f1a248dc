/**
 * Removes payload files that no row names: those of runs that are gone, and of turns that were void.
 * Invariant: a payload is put before the turn that names it is committed, so a file counts as left only when
 * it was put long before.
 */
import type { ArtifactStore } from '../actors/ports.js';
import type { HistoryRows } from '../storage/history-rows.js';

/** The longest that a turn is on its way from its payloads to the disk: a day, in milliseconds. */
const ON_THE_WAY_MS = 86_400_000;

/** Returns how many files went. */
export async function removePayloads(
  rows: Pick<HistoryRows, 'namedPayloads'>,
  contents: Pick<ArtifactStore, 'putBefore' | 'remove'>,
  now: number,
): Promise<number> {
  const before = now - ON_THE_WAY_MS;
  let removed = 0;
  for await (const digests of contents.putBefore(before)) {
    if (digests.length === 0) continue;
    const named = await rows.namedPayloads(digests);
    for (const digest of digests) {
      if (!named.has(digest) && (await contents.remove(digest, before))) removed += 1;
    }
  }
  return removed;
}
