/** Follows a run until it goes on by itself no more. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Orchestrator, RunStatus } from '../index.js';
import { isFinal } from '../machines/statuses.js';
import type { Progress } from './progress.js';
import { type RunReads, type RunSource, restOf } from './run-reads.js';

/** How often the database of another process is looked at, in milliseconds. */
const POLL_MS = 200;

export interface Followed {
  readonly status: RunStatus;
  /** Number of the newest event that was shown. */
  readonly seq: number;
}

/** Shows the events after `after`; resolves with the status in which the run came to rest. */
export async function followRun(
  source: RunSource,
  id: string,
  progress: Progress,
  after = 0,
): Promise<Followed> {
  const stop = new AbortController();
  let seq = after;
  const showing = (async () => {
    for await (const event of source.events(id, { after, signal: stop.signal })) {
      progress.event(event);
      seq = event.seq;
    }
  })();
  const status = await Promise.race([source.settled(id), showing.then(() => source.settled(id))]);
  stop.abort();
  await showing;
  for (;;) {
    const page = await source.runs.events(id, seq);
    for (const event of page) progress.event(event);
    seq = page.at(-1)?.seq ?? seq;
    if (page.length === 0) return { status, seq };
  }
}

/** A run of this process. */
export function sourceHere(orchestrator: Orchestrator): RunSource {
  return {
    runs: orchestrator.runs,
    settled: (id) => orchestrator.settled(id),
    events: (id, options) => orchestrator.events(id, options),
  };
}

/** A run of another process: its database is looked at again and again. */
export function sourceBeside(runs: RunReads): RunSource {
  return {
    runs,
    settled: (id) => restOf(runs, id, POLL_MS),
    async *events(id, { after, signal }) {
      for (let seq = after; signal?.aborted !== true; ) {
        // Asked for first: once a run has ended, the next page has all that is left of it.
        const hasEnded = isFinal((await runs.summary(id)).status);
        const page = await runs.events(id, seq);
        yield* page;
        seq = page.at(-1)?.seq ?? seq;
        if (page.length > 0) continue;
        if (hasEnded) return;
        await pause(POLL_MS);
      }
    },
  };
}
