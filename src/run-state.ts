/** Reads a run's state at an earlier event from the snapshots of its actors. Pure. */
import type { ActorVersionRecord } from './actors/records.js';
import { isFinal, type NodeStatus, type RunStatus } from './machines/statuses.js';
import type { JsonObject } from './plan/json.js';
import type { NodeStateView } from './views.js';

interface StoredSnapshot {
  /** The name of a state, or an object whose one key is. */
  readonly value: string | Readonly<Record<string, unknown>>;
  readonly context: { readonly attempt?: number; readonly reason: JsonObject | null };
}

/** Status of the run and of every node, from the newest snapshot of each actor at that event. */
export function stateFromVersions(
  nodes: readonly string[],
  versions: readonly ActorVersionRecord[],
): { readonly status: RunStatus; readonly nodes: readonly NodeStateView[] } {
  const snapshots = new Map(versions.map((v) => [v.actor, parseSnapshot(v.snapshotJson)]));
  const run = snapshots.get('');
  const status = run === undefined ? 'pending' : (statusOf(run) as RunStatus);
  // Nodes that were never touched end with their run, without a snapshot of their own.
  const isOver = isFinal(status) || JSON.stringify(run?.value ?? '').includes('ending');
  const untouched: NodeStatus = isOver ? 'cancelled' : 'pending';
  return {
    status,
    nodes: nodes.map((node) => {
      const snapshot = snapshots.get(node);
      if (snapshot === undefined) return { node, status: untouched, attempt: 0 };
      const { attempt = 0, reason } = snapshot.context;
      const view = { node, status: statusOf(snapshot) as NodeStatus, attempt };
      return reason === null ? view : { ...view, reason };
    }),
  };
}

/** Status and attempt that a snapshot of a node run says; of a run's actor the status. */
export function statusInSnapshot(json: string): {
  readonly status: string;
  readonly attempt: number;
} {
  const snapshot = parseSnapshot(json);
  return { status: statusOf(snapshot), attempt: snapshot.context.attempt ?? 0 };
}

function parseSnapshot(json: string): StoredSnapshot {
  return JSON.parse(json) as StoredSnapshot;
}

function statusOf({ value }: StoredSnapshot): string {
  return typeof value === 'string' ? value : (Object.keys(value)[0] ?? '');
}
