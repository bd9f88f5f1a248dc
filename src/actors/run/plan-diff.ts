/**
 * What becomes of each node when another plan version takes the place of a run's own: kept as it is, run
 * again, added or removed. Pure. Invariants: a node is kept only where it is written the same and nothing
 * that it rests on can change; a branch that a join called off stays off only with that join.
 */
import type { NodeStatus } from '../../machines/statuses.js';
import { comparePlans, restingOn } from '../../plan/compare-plans.js';
import type { PlanVersion } from '../../plan/plan-version.js';

/** What is known of a node run of the plan as it stands. */
export interface NodeStanding {
  readonly status: NodeStatus;
  /** A join has made it pointless: it is cancelled, or about to be. */
  readonly isCalledOff: boolean;
}

/** What becomes of one node, and why. */
export interface PlanDiffEntry {
  readonly node: string;
  /** Before the change; `pending` for nodes that are added. */
  readonly status: NodeStatus;
  readonly code:
    | 'unchanged'
    | 'definition-changed'
    | 'inbound-edges-changed'
    | 'rests-on-change'
    | 'race-reopened'
    | 'added'
    | 'removed';
  /** The same in words. */
  readonly why: string;
}

/** What becomes of each node of a run that is given another plan. */
export interface PlanDiff {
  readonly kept: readonly PlanDiffEntry[];
  /** They begin another generation, unless they had not begun. */
  readonly rerun: readonly PlanDiffEntry[];
  readonly added: readonly PlanDiffEntry[];
  readonly removed: readonly PlanDiffEntry[];
}

/** By id of the node; a node that the plan does not have is pending. */
export type Standings = (id: string) => NodeStanding;

export function diffPlans(before: PlanVersion, after: PlanVersion, standing: Standings): PlanDiff {
  const { changed, added, removed } = comparePlans(before, after);
  const entry: NewEntry = (node, code, why) => ({
    node,
    status: standing(node).status,
    code,
    why,
  });
  const again = new Map<string, PlanDiffEntry>();
  for (const [id, difference] of changed) {
    const isOwn = difference === 'definition';
    again.set(
      id,
      isOwn
        ? entry(id, 'definition-changed', 'it is written otherwise')
        : entry(id, 'inbound-edges-changed', 'other edges lead to it, or are decided with those'),
    );
  }
  spread(after, [...again.keys(), ...added], again, entry);
  reopenRaces(before, after, standing, again, entry);
  return {
    kept: after.graph.nodes.flatMap(({ id }) => {
      if (again.has(id) || !before.graph.positionOf.has(id)) return [];
      return [entry(id, 'unchanged', 'it is written the same, and so is all that it rests on')];
    }),
    rerun: after.graph.nodes.flatMap(({ id }) => {
      return before.graph.positionOf.has(id) ? (again.get(id) ?? []) : [];
    }),
    added: added.map((id) => entry(id, 'added', 'the plan had no such node')),
    removed: removed.map((id) => entry(id, 'removed', 'the new plan has no such node')),
  };
}

type NewEntry = (node: string, code: PlanDiffEntry['code'], why: string) => PlanDiffEntry;

/** What rests on nodes that change runs again too. */
function spread(
  version: PlanVersion,
  from: readonly string[],
  again: Map<string, PlanDiffEntry>,
  entry: NewEntry,
): void {
  for (const [id, because] of restingOn(version, from)) {
    if (again.has(id)) continue;
    again.set(id, entry(id, 'rests-on-change', `it rests on "${because}", which is not kept`));
  }
}

/** A branch that was called off begins again where the join that did it is not kept. */
function reopenRaces(
  before: PlanVersion,
  after: PlanVersion,
  standing: Standings,
  again: Map<string, PlanDiffEntry>,
  entry: NewEntry,
): void {
  const isKept = (id: string) => after.graph.positionOf.has(id) && !again.has(id);
  for (;;) {
    const lost = calledOffBy(before, (id) => !isKept(id) && standing(id).status === 'completed');
    const still = calledOffBy(after, (id) => isKept(id) && standing(id).status === 'completed');
    const reopened = [...lost].filter(
      (id) => isKept(id) && standing(id).isCalledOff && !still.has(id),
    );
    if (reopened.length === 0) return;
    for (const id of reopened) {
      again.set(id, entry(id, 'race-reopened', 'the join that made it pointless is not kept'));
    }
    spread(after, reopened, again, entry);
  }
}

/** Branches that some of the joins of a plan make pointless. */
export function calledOffBy(
  { graph }: PlanVersion,
  isWanted: (join: string) => boolean,
): ReadonlySet<string> {
  const found = new Set<string>();
  for (const { id, join } of graph.nodes) {
    if (join === undefined || join.rest.length === 0 || !isWanted(id)) continue;
    for (const position of join.rest) found.add(graph.nodes[position]?.id ?? '');
  }
  return found;
}
