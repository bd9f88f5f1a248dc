/** What a node run knows of the run that works for it: its id, its status, and how it shares in pauses. */
import type { RunStatus } from '../../machines/statuses.js';
import type { NodeRun } from './scope.js';

export interface Child {
  readonly id: string;
  readonly status: RunStatus;
  /**
   * `shared`: it is paused because this run is. `ending`: it was so, and is told to go on. `exempt`: this run is
   * paused, and it goes on all the same.
   */
  readonly pause?: 'shared' | 'ending' | 'exempt';
}

/** Undefined where no run works for it. */
export function childOf(run: NodeRun): Child | undefined {
  if (run.node.kind !== 'subplan' || run.inside === null) return undefined;
  const [id = '', status = 'pending', pause] = run.inside.split(' ');
  const child = { id, status: status as RunStatus };
  return pause === undefined ? child : { ...child, pause: pause as NonNullable<Child['pause']> };
}

export function setChild(run: NodeRun, { id, status, pause }: Child): void {
  run.inside = pause === undefined ? `${id} ${status}` : `${id} ${status} ${pause}`;
}
