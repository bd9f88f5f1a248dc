/** What a snapshot amounts to, in the words of the API. */
import { NODE_STATUSES, type NodeStatus } from '../../src/machines/statuses.js';
import type { JsonValue } from '../../src/plan/json.js';

export { NODE_STATUSES, type NodeStatus };

const RUN_ENDED: ReadonlySet<string> = new Set(['completed', 'partial', 'failed', 'cancelled']);

/** The status is the outermost state. */
export function statusOf(value: JsonValue | undefined): string {
  if (typeof value === 'string') return value;
  return Object.keys((value ?? {}) as object)[0] ?? 'pending';
}

/** The names of the active states, from the outermost in. */
export function activePath(value: JsonValue | undefined): string[] {
  if (typeof value === 'string') return [value];
  const [entry] = Object.entries((value ?? {}) as Record<string, JsonValue>);
  return entry === undefined ? [] : [entry[0], ...activePath(entry[1])];
}

/** Nodes that were never touched wait for their turn, or have been cancelled together with their run. */
export function untouchedStatus(run: JsonValue | undefined): NodeStatus {
  const isOver = RUN_ENDED.has(statusOf(run)) || activePath(run).includes('ending');
  return isOver ? 'cancelled' : 'pending';
}
