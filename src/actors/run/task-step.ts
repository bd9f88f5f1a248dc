/** Takes an event to a task's statechart. The row is the snapshot: status and context are columns of it. Pure. */
import { transition } from 'xstate';
import type { TaskEvent } from '../../machines/task-events.js';
import { taskMachine } from '../../machines/task-machine.js';
import type { TaskRecord } from '../records.js';

/** The task after the event. Throws where the chart does not allow it: that was to be refused before. */
export function stepTask(task: TaskRecord, event: TaskEvent): TaskRecord {
  const { assignee, deadlineAt, reminders } = task;
  const inside = assignee === null ? 'free' : 'taken';
  const before = taskMachine.resolveState({
    value: task.status === 'open' ? { open: inside } : task.status,
    context: { assignee, deadlineAt, reminders },
  });
  if (!before.can(event)) throw new Error(`a task that is ${task.status} knows no ${event.type}`);
  const [after] = transition(taskMachine, before, event);
  const status = typeof after.value === 'string' ? after.value : 'open';
  return { ...task, ...after.context, status: status as TaskRecord['status'] };
}
