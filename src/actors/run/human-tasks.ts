/** The durable request to a person: opened and closed with its node run, answered at most once. */

import { RunchartError } from '../../errors.js';
import type { NodeRunEvent } from '../../machines/node-run-events.js';
import type { Issue } from '../../plan/issue.js';
import { blockingIssues } from '../../plan/issue.js';
import type { JsonObject, JsonValue } from '../../plan/json.js';
import type { CompiledNode } from '../../plan/plan-version.js';
import type { Environment } from '../environment.js';
import type { TaskRecord } from '../records.js';
import type { Turn } from '../turn.js';
import type { RunModel } from './run-model.js';

export type ApprovalOutcome = 'approved' | 'changes-requested' | 'rejected';

/** What opening and closing a task needs of the turn that does it. */
export interface TaskScope {
  readonly model: RunModel;
  readonly turn: Turn;
  readonly services: { readonly environment: Environment };
  armTimer(kind: 'task-deadline', node: CompiledNode, dueAt: number): void;
  clearTimer(kind: 'task-deadline', node: CompiledNode): void;
}

/** Opens the task of a human node, with what the person is shown. */
export function openTask(scope: TaskScope, node: CompiledNode): void {
  const { model, turn, services } = scope;
  const { source } = node;
  if (source.kind !== 'human-approval') throw new Error(`node "${node.id}" asks nobody`);
  const deadlineAt = source.deadlineMs === undefined ? null : turn.at + source.deadlineMs;
  const presented = {
    objective: source.objective ?? model.version.plan.objective ?? null,
    instructions: source.instructions ?? null,
    criteria: source.criteria ?? [],
    deliverables: source.deliverables ?? [],
    input: model.state(node).input ?? null,
  };
  const task: TaskRecord = {
    id: services.environment.id(),
    run: model.record.run,
    node: node.id,
    kind: node.kind,
    status: 'open',
    presentedJson: JSON.stringify(presented),
    responseSchemaJson: JSON.stringify(node.outputSchema ?? null),
    respondersJson: source.responders === undefined ? null : JSON.stringify(source.responders),
    deadlineAt,
    openedAt: turn.at,
    closedAt: null,
  };
  model.tasks.set(node.id, task);
  turn.putTask(task);
  turn.event('task.opened', node.id, null, { task: task.id, kind: task.kind, deadlineAt });
  if (deadlineAt !== null) scope.armTimer('task-deadline', node, deadlineAt);
}

/** Closes the task of a node run that leaves awaiting-human; `cause` is what made it leave. */
export function closeTask(scope: TaskScope, node: CompiledNode, cause: NodeRunEvent): void {
  const { model, turn } = scope;
  const task = model.tasks.get(node.id);
  if (task === undefined) throw new Error(`node "${node.id}" has no open task`);
  const status = closingStatus(cause);
  model.tasks.delete(node.id);
  turn.putTask({ ...task, status, closedAt: turn.at });
  turn.event('task.closed', node.id, null, { task: task.id, status });
  scope.clearTimer('task-deadline', node);
}

function closingStatus(cause: NodeRunEvent): TaskRecord['status'] {
  if (cause.type === 'deadline.passed') return 'expired';
  return cause.type.startsWith('response.') ? 'answered' : 'cancelled';
}

/** Says why this answer is refused, or nothing. Asks who, then when, then what. */
export function refuseResponse(
  task: TaskRecord,
  node: CompiledNode,
  answer: { readonly response: JsonValue; readonly responder: string | null; readonly at: number },
): RunchartError | undefined {
  const responders =
    task.respondersJson === null ? undefined : (JSON.parse(task.respondersJson) as string[]);
  if (responders !== undefined && !responders.includes(answer.responder ?? '')) {
    return new RunchartError(
      'responder-refused',
      `${answer.responder ?? 'an unnamed responder'} may not answer task ${task.id}`,
      { hint: `name one of: ${responders.join(', ')}` },
    );
  }
  if (task.deadlineAt !== null && answer.at >= task.deadlineAt) {
    return new RunchartError('task-expired', `the deadline of task ${task.id} has passed`);
  }
  const issues = responseIssues(node, answer.response);
  if (issues.length === 0) return undefined;
  return new RunchartError('response-invalid', `the response does not fit task ${task.id}`, {
    issues,
    hint: 'correct the response and send it again; the task is still open',
  });
}

function responseIssues(node: CompiledNode, response: JsonValue): readonly Issue[] {
  return blockingIssues(node.validateOutput?.(response) ?? []);
}

/**
 * What an approval's response amounts to: changes-requested where any required edit is not blank,
 * approved only where `approved` is true, rejected otherwise.
 */
export function approvalOutcome(response: JsonValue): ApprovalOutcome {
  const { approved, requiredEdits } = asObject(response);
  const edits = Array.isArray(requiredEdits) ? requiredEdits : [requiredEdits];
  if (!edits.every(isBlank)) return 'changes-requested';
  return approved === true ? 'approved' : 'rejected';
}

/** An edit need not be a text: whatever is there, and is no blank text, asks for something. */
function isBlank(edit: JsonValue | undefined): boolean {
  return edit === undefined || edit === null || (typeof edit === 'string' && edit.trim() === '');
}

function asObject(value: JsonValue): JsonObject {
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? value : {};
}
