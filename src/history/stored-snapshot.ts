/** What the rows of a run say, in the form in which it is compared with what its events say. */
import type {
  ActorVersionRecord,
  ArtifactRecord,
  AttemptRecord,
  NodeRunRecord,
  RunRecord,
  SignalRecord,
  TaskRecord,
  TimerRecord,
} from '../actors/records.js';
import type { Reason } from '../machines/node-run-events.js';
import type { JsonValue } from '../plan/json.js';
import { statusInSnapshot } from '../run-state.js';
import {
  artifactKey,
  attemptKey,
  type NodeRunPart,
  pastKey,
  type RunSnapshot,
  type TimerPart,
  TOLD_TIMERS,
  timerKey,
} from './run-snapshot.js';
import type { Difference } from './state-hash.js';

/** All rows of a run that its log tells of. */
export interface ToldRows {
  readonly record: RunRecord;
  /** Number of the newest event. */
  readonly seq: number;
  readonly nodeRuns: Iterable<NodeRunRecord>;
  readonly pastNodeRuns: Iterable<NodeRunRecord>;
  readonly attempts: Iterable<AttemptRecord>;
  readonly artifacts: Iterable<ArtifactRecord>;
  readonly tasks: Iterable<TaskRecord>;
  readonly timers: Iterable<TimerRecord>;
  readonly signals: Iterable<SignalRecord>;
}

export function storedSnapshot(rows: ToldRows): RunSnapshot {
  const { record } = rows;
  return {
    seq: rows.seq,
    status: record.status,
    reason: reasonOf(record.reasonJson),
    plan: record.planHash,
    nodes: keyed(rows.nodeRuns, nodePart, ({ node }) => node),
    past: keyed(rows.pastNodeRuns, nodePart, pastKey),
    attempts: keyed(
      rows.attempts,
      ({ node, generation, attempt, outcome, startedAt, endedAt }) => {
        return { node, generation, attempt, outcome, startedAt, endedAt };
      },
      attemptKey,
    ),
    artifacts: keyed(
      rows.artifacts,
      ({ name, version, kind, node, generation, attempt }) => {
        return { name, version, kind, node, generation, attempt };
      },
      artifactKey,
    ),
    tasks: keyed(
      rows.tasks,
      ({ id, node, kind, status, openedAt, closedAt }) => {
        return { id, node, kind, status, openedAt, closedAt };
      },
      ({ id }) => id,
    ),
    timers: keyed(
      [...rows.timers].filter(({ kind }) => TOLD_TIMERS.has(kind)),
      ({ node, kind, dueAt }) => ({ node, kind: kind as TimerPart['kind'], dueAt }),
      timerKey,
    ),
    signals: keyed(
      rows.signals,
      ({ id, name, deliveredTo }) => ({ id, name, deliveredTo }),
      ({ id }) => id,
    ),
  };
}

function nodePart(row: NodeRunRecord): NodeRunPart {
  const { node, status, generation, attempt, outcome, action, edges } = row;
  const reason = reasonOf(row.reasonJson);
  return { node, status, generation, attempt, outcome, action, reason, edges };
}

function reasonOf(json: string | null): Reason | null {
  return json === null ? null : (JSON.parse(json) as Reason);
}

function keyed<R, P>(
  rows: Iterable<R>,
  toPart: (row: R) => P,
  keyOf: (part: P) => string,
): ReadonlyMap<string, P> {
  const parts = new Map<string, P>();
  for (const row of rows) {
    const part = toPart(row);
    parts.set(keyOf(part), part);
  }
  return parts;
}

/** Where the snapshots of the actors, each the newest of its actor at that event, say something else. */
export function differencesFromVersions(
  events: RunSnapshot,
  versions: readonly ActorVersionRecord[],
): readonly Difference[] {
  const found: Difference[] = [];
  for (const { actor, snapshotJson } of versions) {
    const kept = statusInSnapshot(snapshotJson);
    if (actor === '') {
      const told = { status: events.status };
      if (told.status !== kept.status) {
        found.push({ part: 'run', key: '', events: told, rows: { status: kept.status } });
      }
      continue;
    }
    const node = events.nodes.get(actor);
    if (node?.status === kept.status && node.attempt === kept.attempt) continue;
    const told = node === undefined ? null : { status: node.status, attempt: node.attempt };
    found.push({ part: 'nodes', key: actor, events: told, rows: kept as JsonValue });
  }
  return found;
}
