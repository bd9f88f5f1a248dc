/** What people do with a task beside answering it: claim, release, hand on, assign, extend. */
import { RunchartError } from '../../errors.js';
import type { TaskEvent } from '../../machines/task-events.js';
import { MAX_DURATION_MS } from '../../plan/schema-parts.js';
import type { TaskChange, TaskChangeMessage } from '../messages.js';
import type { TaskRecord } from '../records.js';
import type { Decider } from './decider.js';
import { refuseAssignment, refuseClaim, refuseDelegation, refuseResponder } from './entitlement.js';
import { changeTask } from './human-tasks.js';
import { armTimer } from './timers.js';

export function onTaskChange(decider: Decider, message: TaskChangeMessage): void {
  const { model, turn } = decider;
  const task = model.taskById(message.task);
  if (task === undefined) {
    turn.refusal = new RunchartError('task-closed', `task ${message.task} is not open any more`);
    return;
  }
  const { change } = message;
  turn.refusal = refusalOf(task, change, turn.at);
  if (turn.refusal !== undefined) return;
  const event = eventOf(change);
  const changed = isDone(task, event) ? task : apply(decider, task, change, event);
  const { id, assignee, deadlineAt } = changed;
  turn.reply = { run: model.record.id, node: task.node, task: id, assignee, deadlineAt };
}

function apply(decider: Decider, task: TaskRecord, change: TaskChange, event: TaskEvent) {
  const { turn, model } = decider;
  const changed = changeTask(decider, task, event);
  turn.event(event.type, task.node || null, null, {
    task: task.id,
    by: change.by?.name ?? null,
    assignee: changed.assignee,
    ...(event.type === 'task.extended' && { deadlineAt: event.deadlineAt }),
  });
  if (event.type === 'task.extended') {
    const run = task.node === '' ? undefined : model.nodeRun(task.node);
    armTimer(decider, 'task-deadline', run, event.deadlineAt);
  }
  return changed;
}

/** Said twice it is done once. */
function isDone(task: TaskRecord, event: TaskEvent): boolean {
  if (event.type === 'task.extended') return task.deadlineAt === event.deadlineAt;
  return event.type === 'task.released' ? task.assignee === null : hasOwner(task, event);
}

function hasOwner({ assignee }: TaskRecord, event: TaskEvent): boolean {
  return 'to' in event && event.to === assignee;
}

function eventOf(change: TaskChange): TaskEvent {
  switch (change.type) {
    case 'claim':
      return { type: 'task.claimed', to: change.by.name };
    case 'release':
      return { type: 'task.released' };
    case 'delegate':
      return { type: 'task.delegated', to: change.to.name };
    case 'assign':
      return { type: 'task.assigned', to: change.to?.name ?? null };
    case 'extend':
      return { type: 'task.extended', deadlineAt: change.deadlineAt };
  }
}

function refusalOf(task: TaskRecord, change: TaskChange, now: number): RunchartError | undefined {
  switch (change.type) {
    case 'claim':
      return refuseClaim(task, change.by);
    case 'release':
      return task.assignee === null ? undefined : refuseResponder(task, change.by);
    case 'delegate':
      return refuseDelegation(task, change.by, change.to);
    case 'assign':
      return change.to === null ? undefined : refuseAssignment(task, change.to);
    case 'extend':
      return refuseDeadline(task, change.deadlineAt, now);
  }
}

/** A deadline is put off, and never brought forward. */
function refuseDeadline(
  { id, node, deadlineAt }: TaskRecord,
  wanted: number,
  now: number,
): RunchartError | undefined {
  const least = Math.max(now + 1, deadlineAt ?? 0);
  const isSound =
    node !== '' &&
    Number.isSafeInteger(wanted) &&
    wanted >= least &&
    wanted <= now + MAX_DURATION_MS;
  if (isSound) return undefined;
  const message = `the deadline of task ${id} cannot be put off to ${wanted}`;
  return new RunchartError('argument-invalid', message, {
    hint: `give a time in milliseconds since the epoch, ${least} or later, within ten years`,
  });
}
