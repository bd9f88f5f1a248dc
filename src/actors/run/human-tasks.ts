/** The durable request to a person: opened and closed with its node run, answered at most once. */

import { RunchartError } from '../../errors.js';
import type { NodeRunEvent } from '../../machines/node-run-events.js';
import type { Issue } from '../../plan/issue.js';
import { blockingIssues } from '../../plan/issue.js';
import type { JsonObject, JsonValue } from '../../plan/json.js';
import type { PlanNode } from '../../plan/node-schemas.js';
import type { CompiledNode } from '../../plan/plan-version.js';
import type { TaskPeople, TaskRecord } from '../records.js';
import { assessResponse, type Surroundings } from './assess-completion.js';
import type { Decider } from './decider.js';
import type { NodeRun } from './scope.js';
import { armTimer, clearTimer } from './timers.js';

export type ApprovalOutcome = 'approved' | 'changes-requested' | 'rejected';

/** What a reviewer may say about work that failed. */
const REVIEW_RESPONSE: JsonObject = {
  type: 'object',
  required: ['decision'],
  properties: {
    decision: { enum: ['accept', 'retry', 'abort'] },
    output: { description: 'With accept: what the node gives in place of what failed' },
    comments: { type: 'string' },
  },
};

/** What a person may say about a run that has used up what it may. */
const GRANT_RESPONSE: JsonObject = {
  type: 'object',
  required: ['approved'],
  properties: { approved: { type: 'boolean' }, comments: { type: 'string' } },
};

/** What a person is asked. */
interface Question {
  readonly kind: string;
  readonly presented: JsonObject;
  readonly responseSchema: JsonValue;
  readonly responders: readonly string[] | undefined;
  readonly deadlineMs: number | undefined;
}

/** Opens the task of a node run: a human node's own, or a review of work that failed. */
export function openTask(decider: Decider, run: NodeRun): void {
  const question =
    run.node.source.kind === 'human-approval'
      ? approvalOf(decider, run, run.node.source)
      : reviewOf(run);
  open(decider, run, question);
}

function approvalOf(
  { model }: Decider,
  { node, input }: NodeRun,
  source: Extract<PlanNode, { kind: 'human-approval' }>,
): Question {
  return {
    kind: node.kind,
    presented: {
      objective: source.objective ?? model.version.plan.objective ?? null,
      instructions: source.instructions ?? null,
      criteria: source.criteria ?? [],
      deliverables: (source.deliverables ?? []) as unknown as JsonValue,
      input: input ?? null,
    },
    responseSchema: node.outputSchema ?? null,
    responders: source.responders,
    deadlineMs: source.deadlineMs,
  };
}

/** A review presents the failure, and what it is about; a level of an escalation says who is asked. */
function reviewOf({ node, input, reason, level }: NodeRun): Question {
  const asked = level > 0 ? node.escalation[level - 1] : undefined;
  return {
    kind: asked === undefined ? 'human-review' : 'escalation',
    presented: {
      objective: `Decide about the failure of ${node.source.title ?? node.id}`,
      instructions: asked?.instructions ?? null,
      failure: reason === null ? null : { ...reason },
      input: input ?? null,
      outputSchema: node.outputSchema ?? null,
    },
    responseSchema: REVIEW_RESPONSE,
    responders: asked?.responders,
    deadlineMs: asked?.deadlineMs,
  };
}

/** Asks about the run itself: whether it may have once more what it has used up. */
export function openRunTask(
  decider: Decider,
  kind: 'budget' | 'deadline',
  presented: JsonObject,
): void {
  const objective = 'Decide whether the run may go on: it has used up what it may';
  open(decider, undefined, {
    kind,
    presented: { objective, ...presented, usage: { ...decider.model.usage } },
    responseSchema: GRANT_RESPONSE,
    responders: undefined,
    deadlineMs: undefined,
  });
}

function open(decider: Decider, run: NodeRun | undefined, question: Question): void {
  const { model, turn, services } = decider;
  const { kind, presented, responders, deadlineMs, responseSchema } = question;
  const deadlineAt = deadlineMs === undefined ? null : turn.at + deadlineMs;
  const task: TaskRecord = {
    id: services.environment.id(),
    run: model.record.run,
    node: run?.path ?? '',
    kind,
    status: 'open',
    presentedJson: JSON.stringify(presented),
    responseSchemaJson: JSON.stringify(responseSchema),
    peopleJson: responders === undefined ? null : JSON.stringify({ responders }),
    deadlineAt,
    openedAt: turn.at,
    closedAt: null,
    presentedDigest: '',
    generation: run?.generation ?? 1,
    level: run?.level ?? 0,
    round: 1,
    assignee: null,
    reminders: 0,
  };
  model.tasks.set(task.node, task);
  turn.putTask(task);
  turn.event('task.opened', run?.path ?? null, null, { task: task.id, kind, deadlineAt });
  if (deadlineAt !== null) armTimer(decider, 'task-deadline', run, deadlineAt);
}

/** Closes the task of a node run that leaves awaiting-human; `cause` is what made it leave. */
export function closeTask(decider: Decider, run: NodeRun, cause: NodeRunEvent): void {
  close(decider, run.path, closingStatus(cause));
  clearTimer(decider, 'task-deadline', run);
}

/** Closes the run's own task. */
export function closeRunTask(decider: Decider, status: TaskRecord['status']): void {
  if (decider.model.tasks.has('')) close(decider, '', status);
}

function close({ model, turn }: Decider, path: string, status: TaskRecord['status']): void {
  const task = model.tasks.get(path);
  if (task === undefined) throw new Error(`node run "${path}" has no open task`);
  model.tasks.delete(path);
  turn.putTask({ ...task, status, closedAt: turn.at });
  turn.event('task.closed', path === '' ? null : path, null, { task: task.id, status });
}

function closingStatus(cause: NodeRunEvent): TaskRecord['status'] {
  if (cause.type === 'deadline.passed') return 'expired';
  if (cause.type === 'work.superseded') return 'superseded';
  return cause.type.startsWith('response.') ? 'answered' : 'cancelled';
}

/** Says why this answer is refused, or nothing. Asks who, then when, then what. */
export function refuseResponse(
  task: TaskRecord,
  node: CompiledNode | undefined,
  answer: {
    readonly response: JsonValue;
    readonly responder: string | null;
    readonly at: number;
    /** What checks of the node see; undefined where the task is the run's own. */
    readonly surroundings: Surroundings | undefined;
  },
): RunchartError | undefined {
  const { responders } =
    task.peopleJson === null ? {} : (JSON.parse(task.peopleJson) as TaskPeople);
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
  const issues = responseIssues(task, node, answer.response, answer.surroundings);
  if (issues.length === 0) return undefined;
  return new RunchartError('response-invalid', `the response does not fit task ${task.id}`, {
    issues,
    hint: 'correct the response and send it again; the task is still open',
  });
}

function responseIssues(
  { kind }: TaskRecord,
  node: CompiledNode | undefined,
  response: JsonValue,
  surroundings: Surroundings | undefined,
): readonly Issue[] {
  if (kind === 'budget' || kind === 'deadline') return grantIssues(response);
  if (kind === 'human-review' || kind === 'escalation') return reviewIssues(node, response);
  if (node === undefined || surroundings === undefined) return [];
  return blockingIssues(assessResponse(node, response, surroundings));
}

function grantIssues(response: JsonValue): readonly Issue[] {
  if (typeof asObject(response).approved === 'boolean') return [];
  return [mismatch('/approved', 'approved must be true or false')];
}

/** An accepted output has to be as good as one that the node's own work would give. */
function reviewIssues(node: CompiledNode | undefined, response: JsonValue): readonly Issue[] {
  const { decision, output } = asObject(response);
  if (decision !== 'accept' && decision !== 'retry' && decision !== 'abort') {
    return [mismatch('/decision', 'decision must be accept, retry or abort')];
  }
  if (decision !== 'accept') return [];
  const issues = blockingIssues(node?.validateOutput?.(output) ?? []);
  return issues.map((issue) => ({ ...issue, path: `/output${issue.path}` }));
}

function mismatch(path: string, message: string): Issue {
  return { severity: 'blocking', code: 'schema-mismatch', message, path };
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

/** A node run that failed gives its default output; that of an approval has an outcome like any answer. */
export function coverWithDefault(run: NodeRun): void {
  const { defaultOutput, kind } = run.node;
  run.setOutput(defaultOutput);
  if (kind === 'human-approval') run.outcome = approvalOutcome(defaultOutput ?? null);
}

/** An edit need not be a text: whatever is there, and is no blank text, asks for something. */
function isBlank(edit: JsonValue | undefined): boolean {
  return edit === undefined || edit === null || (typeof edit === 'string' && edit.trim() === '');
}

/** The members of a response, where it has any. */
export function asObject(value: JsonValue): JsonObject {
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? value : {};
}
