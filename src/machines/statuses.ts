/** The words for what a run and a node run amount to: the same in code, tables, events and HTTP. */

export const NODE_STATUSES = [
  'pending',
  'ready',
  'running',
  'awaiting-human',
  'blocked',
  'completed',
  'partial',
  'skipped',
  'failed',
  'cancelled',
] as const;
/** The status of a node run. */
export type NodeStatus = (typeof NODE_STATUSES)[number];

/** The statuses of a run. */
export const RUN_STATUSES = [
  'pending',
  'ready',
  'running',
  'awaiting-human',
  'blocked',
  'paused',
  'completed',
  'partial',
  'failed',
  'cancelled',
] as const;
/** The status of a run. */
export type RunStatus = (typeof RUN_STATUSES)[number];

const FINAL: ReadonlySet<string> = new Set<NodeStatus | RunStatus>([
  'completed',
  'partial',
  'skipped',
  'failed',
  'cancelled',
]);

/** A final status never changes again. The same words are final for runs and for node runs. */
export function isFinal(status: NodeStatus | RunStatus): boolean {
  return FINAL.has(status);
}

/**
 * Every change of a node run's status that its statechart may make, from each status to the ones
 * that can follow. The chart is tested against this table, and each change is checked against it
 * before it is committed.
 */
export const NODE_TRANSITIONS: Readonly<Record<NodeStatus, readonly NodeStatus[]>> = {
  pending: ['ready', 'skipped', 'failed', 'completed', 'cancelled'],
  ready: ['running', 'awaiting-human', 'completed', 'failed', 'skipped', 'cancelled'],
  running: [
    'ready',
    'awaiting-human',
    'blocked',
    'completed',
    'partial',
    'skipped',
    'failed',
    'cancelled',
  ],
  'awaiting-human': ['ready', 'running', 'completed', 'partial', 'skipped', 'failed', 'cancelled'],
  blocked: ['ready', 'completed', 'skipped', 'cancelled'],
  completed: [],
  partial: [],
  skipped: [],
  failed: [],
  cancelled: [],
};

/** Every change of a run's status that its statechart may make. */
export const RUN_TRANSITIONS: Readonly<Record<RunStatus, readonly RunStatus[]>> = {
  pending: ['ready', 'cancelled'],
  ready: ['running', 'cancelled'],
  running: ['awaiting-human', 'blocked', 'paused', 'completed', 'partial', 'failed', 'cancelled'],
  'awaiting-human': ['running', 'blocked', 'paused', 'completed', 'partial', 'failed', 'cancelled'],
  blocked: ['running', 'awaiting-human', 'paused', 'completed', 'partial', 'failed', 'cancelled'],
  paused: ['running', 'awaiting-human', 'blocked', 'completed', 'partial', 'failed', 'cancelled'],
  completed: [],
  partial: [],
  failed: [],
  cancelled: [],
};
