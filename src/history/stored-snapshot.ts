/** What the rows of a run say, in the form in which it is compared with what its events say. */
import type {
  ActorVersionRecord,
  NodeRunRecord,
  RunRecord,
  RunTable,
  RunTables,
} from '../actors/records.js';
import type { Reason } from '../machines/node-run-events.js';
import type { JsonValue } from '../plan/json.js';
import { statusInSnapshot } from '../run-state.js';
import {
  type ArtifactPart,
  type AttemptPart,
  artifactKey,
  attemptKey,
  type NodeRunPart,
  pastKey,
  type RunSnapshot,
  type SignalPart,
  type TaskPart,
  type TimerPart,
  TOLD_TIMERS,
  timerKey,
} from './run-snapshot.js';
import type { Difference } from './state-hash.js';

/** Tables that the log of a run tells of. */
export const TOLD_TABLES = [
  'nodeRuns',
  'pastNodeRuns',
  'attempts',
  'artifacts',
  'tasks',
  'timers',
  'signals',
] as const satisfies readonly RunTable[];

export type ToldTable = (typeof TOLD_TABLES)[number];

/** Takes rows one by one, and keeps of each what its log tells. */
export class StoredFold {
  readonly #nodes = new Map<string, NodeRunPart>();
  readonly #past = new Map<string, NodeRunPart>();
  readonly #attempts = new Map<string, AttemptPart>();
  readonly #artifacts = new Map<string, ArtifactPart>();
  readonly #tasks = new Map<string, TaskPart>();
  readonly #timers = new Map<string, TimerPart>();
  readonly #signals = new Map<string, SignalPart>();

  readonly #takers: { readonly [T in ToldTable]: (row: RunTables[T]) => void } = {
    nodeRuns: (row) => this.#nodes.set(row.node, nodePart(row)),
    pastNodeRuns: (row) => {
      const part = nodePart(row);
      this.#past.set(pastKey(part), part);
    },
    attempts: ({ node, generation, attempt, outcome, startedAt, endedAt }) => {
      const part = { node, generation, attempt, outcome, startedAt, endedAt };
      this.#attempts.set(attemptKey(part), part);
    },
    artifacts: ({ name, version, kind, node, generation, attempt, standing }) => {
      const part = { name, version, kind, node, generation, attempt, standing };
      this.#artifacts.set(artifactKey(part), part);
    },
    tasks: ({ id, node, kind, status, openedAt, closedAt }) => {
      this.#tasks.set(id, { id, node, kind, status, openedAt, closedAt });
    },
    timers: ({ node, kind, dueAt }) => {
      if (!TOLD_TIMERS.has(kind)) return;
      const part = { node, kind: kind as TimerPart['kind'], dueAt };
      this.#timers.set(timerKey(part), part);
    },
    signals: ({ id, name, deliveredTo }) => {
      this.#signals.set(id, { id, name, deliveredTo });
    },
  };

  take<T extends ToldTable>(table: T, row: RunTables[T]): void {
    this.#takers[table](row);
  }

  /** What the rows say of a run whose newest event has the number `seq`. */
  snapshot({ status, reasonJson, planHash }: RunRecord, seq: number): RunSnapshot {
    return {
      seq,
      status,
      reason: reasonOf(reasonJson),
      plan: planHash,
      nodes: this.#nodes,
      past: this.#past,
      attempts: this.#attempts,
      artifacts: this.#artifacts,
      tasks: this.#tasks,
      timers: this.#timers,
      signals: this.#signals,
    };
  }
}

function nodePart(row: NodeRunRecord): NodeRunPart {
  const { node, status, generation, attempt, outcome, action, edges } = row;
  const reason = reasonOf(row.reasonJson);
  return { node, status, generation, attempt, outcome, action, reason, edges };
}

function reasonOf(json: string | null): Reason | null {
  return json === null ? null : (JSON.parse(json) as Reason);
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
