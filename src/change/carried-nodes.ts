/**
 * Which node runs a new run takes over from another one. Pure. Invariants: only what was final and stays
 * so; nothing that rests on what begins again; a branch that was called off, only with the join that did.
 */
import type { NodeRunRecord } from '../actors/records.js';
import { failureActionOf } from '../actors/run/failure-policy.js';
import { calledOffBy, diffPlans, type Standings } from '../actors/run/plan-diff.js';
import { restingOn } from '../plan/compare-plans.js';
import type { PlanVersion } from '../plan/plan-version.js';
import type { RunAt } from './run-at.js';

export interface CarryRules {
  /** The plan that the other run had then. */
  readonly before: PlanVersion;
  /** The plan of the new run. */
  readonly after: PlanVersion;
  /** Nodes that begin again with all that rests on them, whatever they had come to. */
  readonly again: readonly string[];
}

/** By id, in plan order. */
export function carriedNodes(
  { finals, undone }: Pick<RunAt, 'finals' | 'undone'>,
  { before, after, again }: CarryRules,
): ReadonlyMap<string, NodeRunRecord> {
  const settled = new Map([...finals].filter(([, row]) => isSettled(before, row)));
  const kept = new Set(keptNodes(before, after, settled));
  const drop = (ids: readonly string[]) => {
    for (const id of [...ids, ...restingOn(after, ids).keys()]) kept.delete(id);
  };
  drop(after.graph.nodes.flatMap(({ id }) => (again.includes(id) || undone.has(id) ? [id] : [])));
  for (;;) {
    const off = calledOffBy(
      after,
      (join) => kept.has(join) && settled.get(join)?.status === 'completed',
    );
    const reopened = [...kept].filter(
      (id) => settled.get(id)?.status === 'cancelled' && !off.has(id),
    );
    if (reopened.length === 0) break;
    drop(reopened);
  }
  return new Map(
    after.graph.nodes.flatMap(({ id }) => {
      const row = kept.has(id) ? settled.get(id) : undefined;
      return row === undefined ? [] : [[id, row] as const];
    }),
  );
}

function keptNodes(
  before: PlanVersion,
  after: PlanVersion,
  settled: ReadonlyMap<string, NodeRunRecord>,
): readonly string[] {
  if (before.hash === after.hash) return [...settled.keys()];
  const standing: Standings = (id) => {
    const status = settled.get(id)?.status ?? 'pending';
    return { status, isCalledOff: status === 'cancelled' };
  };
  return diffPlans(before, after, standing).kept.map(({ node }) => node);
}

/** What a run can go on from: not what ended it, nor what ended only because it did. */
function isSettled(version: PlanVersion, row: NodeRunRecord): boolean {
  const position = version.graph.positionOf.get(row.node);
  const node = position === undefined ? undefined : version.graph.nodes[position];
  if (node === undefined) return false;
  const reason = row.reasonJson === null ? {} : (JSON.parse(row.reasonJson) as Reason);
  if (row.status === 'cancelled') return reason.code === 'race-decided';
  if (row.status !== 'failed') return true;
  return failureActionOf(version.plan, node, reason.class) === 'continue';
}

interface Reason {
  readonly code?: string;
  readonly class?: string;
}
