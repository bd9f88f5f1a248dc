/**
 * The durable request to a person: opened and closed with its node run. Invariant: what a task
 * presents never changes; what would change it closes the task as superseded and opens another.
 */
import type { NodeRunEvent } from '../../machines/node-run-events.js';
import { snapshotDigest } from '../../machines/snapshot-digest.js';
import type { TaskEnding, TaskEvent } from '../../machines/task-events.js';
import { canonicalJson } from '../../plan/canonical.js';
import { judges } from '../../plan/human-schemas.js';
import type { JsonObject } from '../../plan/json.js';
import { approvalOutcome } from '../../plan/responses.js';
import type { TaskRecord } from '../records.js';
import type { Decider } from './decider.js';
import { nextRound } from './feedback.js';
import { acceptHeld } from './held-answer.js';
import { judgedBy } from './held-product.js';
import type { Question } from './question.js';
import { grantQuestion, questionOf } from './questions.js';
import type { NodeRun } from './scope.js';
import { stepTask } from './task-step.js';
import { armTimer, clearTimer } from './timers.js';

/** A human node is ready: it asks, or fails where it cannot. */
export function askPerson(decider: Decider, run: NodeRun): void {
  const asked = questionOf(decider.model, run);
  if (asked.ok) decider.step(run, { type: 'person.asked' });
  else decider.step(run, { type: 'start.refused', reason: asked.reason });
}

/** Opens the task of a node run: a human node's own, or a review of work that failed. */
export function openTask(decider: Decider, run: NodeRun): void {
  const asked = questionOf(decider.model, run);
  // It was asked before the node run came here, and nothing has changed since.
  if (!asked.ok) throw new Error(`"${run.path}" cannot ask: ${asked.reason.message}`);
  open(decider, run, asked.question);
}

/** Asks about the run itself: whether it may have once more what it has used up. */
export function openRunTask(decider: Decider, presented: JsonObject): void {
  open(decider, undefined, grantQuestion(presented));
}

function open(decider: Decider, run: NodeRun | undefined, question: Question): void {
  const { model, turn, services } = decider;
  const { kind, presented, people, assignee, deadlineMs, responseSchema, reminders } = question;
  const deadlineAt = deadlineMs === undefined ? null : turn.at + deadlineMs;
  const isForAll = Object.keys(people).length === 0;
  const task: TaskRecord = {
    id: services.environment.id(),
    run: model.record.run,
    node: run?.path ?? '',
    kind,
    status: 'open',
    presentedJson: JSON.stringify(presented),
    responseSchemaJson: JSON.stringify(responseSchema),
    peopleJson: isForAll ? null : JSON.stringify(people),
    deadlineAt,
    openedAt: turn.at,
    closedAt: null,
    presentedDigest: snapshotDigest(canonicalJson({ presented, responseSchema })),
    generation: run?.generation ?? 1,
    level: question.level,
    round: run === undefined ? 1 : nextRound(run),
    assignee,
    reminders: 0,
    issuesJson: null,
  };
  keepTask(decider, task);
  turn.event('task.opened', run?.path ?? null, null, {
    task: task.id,
    kind,
    deadlineAt,
    assignee: assignee ?? undefined,
    round: task.round > 1 ? task.round : undefined,
  });
  if (deadlineAt !== null) armTimer(decider, 'task-deadline', run, deadlineAt);
  if (reminders !== undefined) armTimer(decider, 'reminder', run, turn.at + reminders.afterMs);
}

/** Takes an event to an open task, and has it stored. */
export function changeTask(decider: Decider, task: TaskRecord, event: TaskEvent): TaskRecord {
  const changed = stepTask(task, event);
  keepTask(decider, changed);
  return changed;
}

/** Puts off the deadline of an open task, and has the log say until when. */
export function extendTask(decider: Decider, task: TaskRecord, deadlineAt: number): void {
  const { assignee } = changeTask(decider, task, { type: 'task.extended', deadlineAt });
  const detail = { task: task.id, by: null, assignee, deadlineAt };
  decider.turn.event('task.extended', task.node, null, detail);
  armTimer(decider, 'task-deadline', decider.model.nodeRun(task.node), deadlineAt);
}

function keepTask({ model, turn }: Decider, task: TaskRecord): void {
  model.tasks.set(task.node, task);
  turn.putTask(task);
}

/** Closes the task of a node run that leaves awaiting-human; `cause` is what made it leave. */
export function closeTask(decider: Decider, run: NodeRun, cause: NodeRunEvent): void {
  close(decider, run.path, endingOf(cause));
  clearTimer(decider, 'task-deadline', run);
  clearTimer(decider, 'reminder', run);
}

/** Closes the run's own task. */
export function closeRunTask(decider: Decider, ending: TaskEnding): void {
  if (decider.model.tasks.has('')) close(decider, '', ending);
}

function close({ model, turn }: Decider, path: string, ending: TaskEnding): void {
  const task = model.tasks.get(path);
  if (task === undefined) throw new Error(`node run "${path}" has no open task`);
  model.tasks.delete(path);
  model.votes.delete(task.id);
  turn.putTask({ ...stepTask(task, { type: `task.${ending}` }), closedAt: turn.at });
  turn.event('task.closed', path === '' ? null : path, null, { task: task.id, status: ending });
}

function endingOf(cause: NodeRunEvent): TaskEnding {
  if (cause.type === 'deadline.passed') return 'expired';
  if (cause.type === 'work.superseded') return 'superseded';
  return cause.type.startsWith('response.') ? 'answered' : 'cancelled';
}

/** Who has not answered is reminded, and again as often as the node wants. */
export function remind(decider: Decider, run: NodeRun): void {
  const { model, turn } = decider;
  const task = model.tasks.get(run.path);
  const { reminders } = judgedBy(model.work, run)?.ask ?? run.node.human ?? {};
  if (task === undefined || reminders === undefined) return;
  const { id, assignee, reminders: number } = changeTask(decider, task, { type: 'task.reminded' });
  turn.event('task.reminded', run.path, null, { task: id, number, assignee });
  const { everyMs, max } = reminders;
  if (everyMs !== undefined && number < max) armTimer(decider, 'reminder', run, turn.at + everyMs);
}

/** A node run that failed gives its default output; that of an approval has an outcome like any answer. */
export function coverWithDefault(decider: Decider, run: NodeRun): void {
  const { defaultOutput, kind } = run.node;
  run.setOutput(defaultOutput);
  if (!judges(kind)) return;
  const said = defaultOutput ?? null;
  const outcome = approvalOutcome(said);
  // A round like any: rework that it asks for comes to an end.
  acceptHeld(run, {
    outcome,
    said,
    responder: null,
    givenBy: [],
    at: decider.turn.at,
    isDefault: true,
  });
}
