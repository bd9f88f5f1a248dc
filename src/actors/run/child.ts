/** What a node run knows of the run that works for it: its id and its status. */
import type { RunStatus } from '../../machines/statuses.js';
import type { NodeRun } from './scope.js';

export interface Child {
  readonly id: string;
  readonly status: RunStatus;
}

/** Undefined where no run works for it. */
export function childOf(run: NodeRun): Child | undefined {
  if (run.node.kind !== 'subplan' || run.inside === null) return undefined;
  const [id = '', status = 'pending'] = run.inside.split(' ');
  return { id, status: status as RunStatus };
}

export function setChild(run: NodeRun, { id, status }: Child): void {
  run.inside = `${id} ${status}`;
}
