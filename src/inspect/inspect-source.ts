/** What an inspector looks at: the runs of this process, or those of another one beside whose database it is. */
import { setTimeout as pause } from 'node:timers/promises';
import type { RunRecord } from '../actors/records.js';
import type { RunReader } from '../run-reader.js';
import { Inspection, type InspectOptions } from './inspection.js';

export interface InspectSource {
  readonly runs: RunReader;
  inspect(run: string, options?: InspectOptions): Inspection;
}

/** How often the database of another process is looked at, in milliseconds. */
const POLL_MS = 200;

/** Runs of another process: their database is looked at again and again. */
export function inspectBeside(runs: RunReader): InspectSource {
  const maskFor = (record: RunRecord) => runs.maskFor(record);
  const parts = { rows: runs.rows, changes: polls, maskFor };
  return { runs, inspect: (run, options) => new Inspection(parts, run, options) };
}

async function* polls(_: string, signal: AbortSignal): AsyncGenerator<void, void, undefined> {
  while (!signal.aborted) {
    yield;
    await pause(POLL_MS, undefined, { signal }).catch(() => {});
  }
}
