/** What the log of a run says against what its rows say. */
import { expect } from 'vitest';
import { RunFold } from '../../src/history/run-fold.js';
import type { RunSnapshot } from '../../src/history/run-snapshot.js';
import { differencesOf, stateHash } from '../../src/history/state-hash.js';
import { StoredFold, TOLD_TABLES } from '../../src/history/stored-snapshot.js';
import { compilePlanOrThrow } from '../../src/plan/compile.js';
import type { PlanVersion } from '../../src/plan/plan-version.js';
import { rowsOf } from '../../src/testing/memory-history.js';
import type { MemoryRun, MemoryStorage } from '../../src/testing/memory-storage.js';

/** Plan versions of a storage, by hash. */
export function versionsIn({ plans }: MemoryStorage): (hash: string) => PlanVersion | undefined {
  const versions = new Map<string, PlanVersion>();
  return (hash) => {
    const planJson = plans.get(hash);
    if (!versions.has(hash) && planJson !== undefined) {
      versions.set(hash, compilePlanOrThrow(JSON.parse(planJson)));
    }
    return versions.get(hash);
  };
}

/** What the rows of a run say. */
export function storedIn(rows: MemoryRun): RunSnapshot {
  const fold = new StoredFold();
  for (const table of TOLD_TABLES) {
    for (const row of rowsOf(rows, table)) fold.take(table, row);
  }
  return fold.snapshot(rows.record, rows.seq);
}

/** What the events of a run say. */
export function foldedFrom(
  { events }: Pick<MemoryRun, 'events'>,
  planOf: (hash: string) => PlanVersion | undefined,
): RunSnapshot {
  const fold = new RunFold(planOf);
  for (const event of events) fold.take(event);
  return fold.snapshot();
}

/** Events and plan alone say what the rows say, hash for hash. */
export function expectRebuilt(
  rows: MemoryRun,
  planOf: (hash: string) => PlanVersion | undefined,
): void {
  const rebuilt = foldedFrom(rows, planOf);
  const stored = storedIn(rows);
  expect(differencesOf(rebuilt, stored)).toEqual([]);
  expect(stateHash(rebuilt)).toBe(stateHash(stored));
}
