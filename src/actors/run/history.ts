/** What the log says of the changes of a turn: one event for each change of status. */
import type { NodeRunEvent } from '../../machines/node-run-events.js';
import { isFinal, type NodeStatus, type RunStatus } from '../../machines/statuses.js';
import type { JsonObject, JsonValue } from '../../plan/json.js';
import type { NodeStep } from './actor-tree.js';
import { childOf } from './child.js';
import type { Decider } from './decider.js';
import { closeRunTask } from './human-tasks.js';
import { runOutput } from './run-output.js';
import type { NodeRun, Scope } from './scope.js';

const NODE_EVENT_TYPES: Readonly<Record<NodeStatus, string>> = {
  pending: 'node.pending',
  ready: 'node.ready',
  running: 'node.started',
  'awaiting-human': 'node.awaiting-human',
  blocked: 'node.blocked',
  completed: 'node.completed',
  partial: 'node.partial',
  skipped: 'node.skipped',
  failed: 'node.failed',
  cancelled: 'node.cancelled',
};

/** Inner states whose beginning has an event of its own. */
const STATE_EVENT_TYPES: Readonly<Record<string, string>> = {
  backingOff: 'node.retry-scheduled',
  fallbackDue: 'node.fallback-due',
  stopping: 'node.stopping',
  waiting: 'node.waiting',
  fallback: 'node.fallback-started',
  escalating: 'node.escalated',
  checking: 'node.checking',
  checkingFallback: 'node.checking',
  judging: 'node.judging',
  judgingFallback: 'node.judging',
};

export function recordNodeStep(
  { turn }: Decider,
  run: NodeRun,
  from: NodeStatus,
  step: NodeStep,
  event: NodeRunEvent,
): void {
  const attempt = run.attempt === 0 ? null : run.attempt;
  run.seq = turn.event(nodeEventType(from, step), run.path, attempt, {
    from,
    to: step.to,
    generation: run.generation > 1 ? run.generation : undefined,
    reason: run.reason === null ? undefined : { ...run.reason },
    class: 'failure' in event ? event.failure.class : undefined,
    warnings: 'warnings' in event && event.warnings > 0 ? event.warnings : undefined,
    action: run.action ?? undefined,
    outcome: run.outcome ?? undefined,
  });
}

function nodeEventType(from: NodeStatus, step: NodeStep): string {
  const special = STATE_EVENT_TYPES[step.state];
  if (special !== undefined) return special;
  if (from === 'ready' && step.to === 'ready') return 'node.retry-due';
  return NODE_EVENT_TYPES[step.to];
}

/** Records a change of the run's status since it was last recorded, and what a run that ended leaves. */
export function recordRunStatus(decider: Decider): void {
  const { model, turn, tree } = decider;
  const from = decider.recordedStatus;
  const to = tree.runStatus;
  if (from === to) return;
  const { reason } = tree.runContext;
  // Before the terminal event, after which nothing is recorded.
  if (isFinal(to)) closeRunTask(decider, 'cancelled');
  const outputJson = to === 'completed' || to === 'partial' ? runOutput(decider) : null;
  turn.event(runEventType(from, to), null, null, {
    from,
    to,
    ...(from === null && { plan: model.record.planHash }),
    ...(reason !== null && { reason: { ...reason } }),
    ...(to === 'blocked' && { nodes: blockingNodes(decider) }),
  });
  decider.recordedStatus = to;
  if (isFinal(to)) {
    for (const id of model.timers.keys()) turn.clearTimer(id);
    model.timers.clear();
  }
  model.record = {
    ...model.record,
    status: to,
    updatedAt: turn.at,
    endedAt: isFinal(to) ? turn.at : null,
    reasonJson: reason === null ? null : JSON.stringify(reason),
    outputJson,
  };
  turn.changeRun(model.record);
}

function runEventType(from: RunStatus | null, to: RunStatus): string {
  if (from === null) return 'run.created';
  if (isFinal(to)) return `run.${to}`;
  if (to === 'ready') return 'run.admitted';
  return from === 'ready' && to === 'running' ? 'run.started' : 'run.status-changed';
}

/** Node runs that keep the run from going on, with why, in plan order; the first hundred. */
function blockingNodes({ model, tree }: Decider): JsonValue {
  const stopped = tree
    .openNodes()
    .flatMap((path) => model.find(path) ?? [])
    .filter((run) => run.status !== 'pending' && !isFinal(run.status))
    // What goes on inside of a loop or a map is named itself.
    .filter((run) => run.inside === null || childOf(run) !== undefined);
  return model
    .inPlanOrder([...stopped, ...[...model.scopes()].flatMap(waitingJoins)])
    .slice(0, 100)
    .map((run) => ({ node: run.path, reason: blockageOf(run) }));
}

/** Why a node run does not go on. */
function blockageOf(run: NodeRun): JsonObject {
  if (run.status === 'pending') {
    return {
      code: 'input-failed',
      message: 'it waits for a branch that has failed to begin again',
    };
  }
  const child = childOf(run);
  if (child === undefined) return { ...run.reason };
  const message = `its run ${child.id} is ${child.status}`;
  return { code: 'child-blocked', message, detail: { run: child.id } };
}

/** Joins that wait for a failed input to recover. */
function waitingJoins(scope: Scope): NodeRun[] {
  const { nodes } = scope.graph;
  return nodes.flatMap(({ join }, position) => {
    const waits = join?.onFailure === 'wait' && scope.progress.status(position) === 'pending';
    return waits && scope.progress.arrivals(position).failed > 0 ? [scope.at(position)] : [];
  });
}
