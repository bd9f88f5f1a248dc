/**
 * Nodes and edges that a running node adds to the plan of its run: checked as a plan is, and kept as
 * a plan version of their own. Invariant: what is decided already stays as it is: new edges lead from
 * the adding node or from new nodes, to new nodes or to nodes that are not decided yet.
 */
import type { Failure } from '../../machines/node-run-events.js';
import { canonicalJson } from '../../plan/canonical.js';
import type { PlanEdge } from '../../plan/edge-schema.js';
import { blockingIssues, type Issue } from '../../plan/issue.js';
import type { JsonValue } from '../../plan/json.js';
import type { PlanNode } from '../../plan/node-schemas.js';
import type { Plan } from '../../plan/schema.js';
import type { Additions } from './assess-result.js';
import type { Decider } from './decider.js';
import { failure } from './failure.js';
import type { NodeRun } from './scope.js';

interface RefusedAdditions {
  readonly failure: Failure;
  readonly issues: readonly Issue[];
}

/** Most nodes of a plan that its own nodes may have added. */
const MAX_NODES = 100_000;

/** Extends the plan of a run that goes on; says why it was refused, or nothing. */
export function extendPlan(
  decider: Decider,
  run: NodeRun,
  additions: Additions | undefined,
): RefusedAdditions | undefined {
  // In a run that is ending nothing would come of them.
  if (additions === undefined || decider.isEnding) return undefined;
  const { model, turn, services } = decider;
  if (run.scope !== model.root) return refuse('nodes are added by nodes of the plan itself');
  const { plan } = model.version;
  if (plan.nodes.length + additions.nodes.length > MAX_NODES) return refuse('too many nodes');
  const misplaced = findMisplaced(decider, run, additions);
  if (misplaced !== undefined) return refuse(misplaced);
  const extended: Plan = {
    ...plan,
    nodes: [...plan.nodes, ...(additions.nodes as unknown as PlanNode[])],
    edges: [...plan.edges, ...(additions.edges as unknown as PlanEdge[])],
  };
  const compiled = services.compile(extended);
  if (!compiled.ok) {
    const issues = blockingIssues(compiled.issues);
    return refuse(issues.map(({ code, message }) => `${code}: ${message}`).join('; '), issues);
  }
  const { version } = compiled;
  const refusal = services.refusal(version);
  if (refusal !== undefined) return refuse(refusal.message);
  const previous = model.record.planHash;
  model.extend(version);
  const planJson = canonicalJson(version.plan as unknown as JsonValue);
  turn.addPlan({ hash: version.hash, planJson, title: version.plan.title, at: turn.at });
  turn.changeRun(model.record);
  const nodes = additions.nodes.map((node) => (node as { id: string }).id);
  turn.event('plan.extended', run.path, run.attempt, {
    plan: version.hash,
    previous,
    nodes,
  });
  for (const position of version.graph.entries) {
    if (position >= plan.nodes.length) model.noteUndecided(model.root, position);
  }
  return undefined;
}

function findMisplaced(decider: Decider, run: NodeRun, additions: Additions): string | undefined {
  const { root } = decider.model;
  const positionOf = (id: unknown) =>
    typeof id === 'string' ? root.graph.positionOf.get(id) : undefined;
  for (const edge of additions.edges) {
    const { source, target } = (edge ?? {}) as { source?: unknown; target?: unknown };
    const from = positionOf(source);
    if (from !== undefined && from !== run.position) {
      return `an edge is added to "${source}", which is neither the adding node nor a new one`;
    }
    const to = positionOf(target);
    if (to !== undefined && root.progress.status(to) !== 'pending') {
      return `an edge is added that leads to "${target}", which is decided already`;
    }
  }
  return undefined;
}

function refuse(message: string, issues: readonly Issue[] = []): RefusedAdditions {
  return { failure: failure('schema', 'addition-invalid', message, false), issues };
}
