/** What has to be undone when a run ends early, and in which order. */
import type { PlanGraph } from '../../plan/plan-version.js';
import type { NodeRun, Scope } from './scope.js';
import { listGraph } from './scope-of-host.js';

/** Node runs whose work can be undone, the newest first. */
export function compensables(root: Scope): NodeRun[] {
  return [...root.touchedRuns()]
    .filter(({ node, status }) => {
      return node.compensation !== undefined && (status === 'completed' || status === 'partial');
    })
    .sort((a, b) => b.seq - a.seq);
}

/** The compensations as nodes, in the order in which they run. */
export function compensationGraph(root: Scope): PlanGraph {
  return listGraph(compensables(root).flatMap(({ node }) => node.compensation ?? []));
}
