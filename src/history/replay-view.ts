/** A replayed run as the API shows it: plain data, the same in the library, HTTP and CLI. */

import type { JsonObject } from '../plan/json.js';
import type { Finding } from '../storage/history-rows.js';
import type { Replayed } from './replay.js';
import type {
  ArtifactPart,
  AttemptPart,
  NodeRunPart,
  RunSnapshot,
  SignalPart,
  TaskPart,
  TimerPart,
} from './run-snapshot.js';
import type { Difference } from './state-hash.js';

/** A run made again from its events alone. */
export interface ReplayView {
  readonly run: string;
  /** Number of the event after which this is what the run was. */
  readonly seq: number;
  readonly status: RunSnapshot['status'];
  readonly reason: JsonObject | null;
  /** Hash of the plan version. */
  readonly plan: string;
  /** Node runs that were touched, by path. */
  readonly nodes: readonly NodeRunPart[];
  /** Generations that were over. */
  readonly past: readonly NodeRunPart[];
  readonly attempts: readonly AttemptPart[];
  readonly artifacts: readonly ArtifactPart[];
  readonly tasks: readonly TaskPart[];
  /** Retries and sleeps that waited for their time. */
  readonly timers: readonly TimerPart[];
  readonly signals: readonly SignalPart[];
  /** SHA-256 over the canonical JSON of all of this: the same events give the same hash. */
  readonly hash: string;
  /**
   * Whether what is stored agrees: all rows at the newest event, the snapshots of the actors at an
   * earlier one. Null within a turn, of which nothing is stored.
   */
  readonly matches: boolean | null;
  /** The first hundred places where it does not. */
  readonly differences: readonly Difference[];
}

/** Whether the rows of a run are what its events say. */
export interface VerificationView {
  readonly run: string;
  readonly ok: boolean;
  readonly turns: number;
  /** Number of the newest event that retention removed; 0 where all are there. */
  readonly trimmedTo: number;
  /** Hash of the state that its log replays to; null where the log does not begin with its first event. */
  readonly hash: string | null;
  readonly findings: readonly Finding[];
  readonly differences: readonly Difference[];
}

export function toReplayView(run: string, { snapshot, hash, differences }: Replayed): ReplayView {
  const { seq, status, reason, plan } = snapshot;
  return {
    run,
    seq,
    status,
    reason: reason === null ? null : ({ ...reason } as JsonObject),
    plan,
    nodes: sorted(snapshot.nodes),
    past: sorted(snapshot.past),
    attempts: [...snapshot.attempts.values()],
    artifacts: [...snapshot.artifacts.values()],
    tasks: [...snapshot.tasks.values()],
    timers: [...snapshot.timers.values()],
    signals: [...snapshot.signals.values()],
    hash,
    matches: differences === undefined ? null : differences.length === 0,
    differences: differences ?? [],
  };
}

function sorted<T>(parts: ReadonlyMap<string, T>): T[] {
  return [...parts.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, part]) => part);
}
