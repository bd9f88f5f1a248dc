/**
 * The statechart of a human task. Top-level states are its statuses; a task that is open belongs to
 * nobody or to one. Whether an answer decides is for the votes to say, who may do what for the
 * people that it names; the chart says what can follow what. No I/O and no clock.
 */
import { assign, setup } from 'xstate';
import type { TaskEvent } from './task-events.js';

/** Persisted as the row of the task: its status, and the members of the context as columns. */
export const TASK_MACHINE = { id: 'human-task', version: 1 } as const;

/** What the chart of a human task remembers. */
export interface TaskContext {
  /** To whom it belongs: nobody else may answer. */
  readonly assignee: string | null;
  /** When it expires, in milliseconds since the epoch. */
  readonly deadlineAt: number | null;
  /** Number of reminders sent. */
  readonly reminders: number;
}

/** The statechart of one human task. */
export const taskMachine = setup({
  types: {
    context: {} as TaskContext,
    events: {} as TaskEvent,
    input: {} as Partial<TaskContext>,
  },
  guards: {
    isTaken: ({ context }) => context.assignee !== null,
    isGiven: ({ event }) => event.type === 'task.assigned' && event.to !== null,
  },
  actions: {
    give: assign({ assignee: ({ event }) => ('to' in event ? event.to : null) }),
    free: assign({ assignee: null }),
    countReminder: assign({ reminders: ({ context }) => context.reminders + 1 }),
    extend: assign({
      deadlineAt: ({ context, event }) =>
        event.type === 'task.extended' ? event.deadlineAt : context.deadlineAt,
    }),
  },
}).createMachine({
  id: TASK_MACHINE.id,
  context: ({ input }) => ({ assignee: null, deadlineAt: null, reminders: 0, ...input }),
  initial: 'open',
  states: {
    open: {
      initial: 'free',
      on: {
        'task.reminded': { actions: 'countReminder' },
        'task.extended': { actions: 'extend' },
        'task.answered': 'answered',
        'task.expired': 'expired',
        'task.cancelled': 'cancelled',
        'task.superseded': 'superseded',
      },
      states: {
        free: {
          always: { guard: 'isTaken', target: 'taken' },
          on: {
            'task.claimed': { target: 'taken', actions: 'give' },
            'task.delegated': { target: 'taken', actions: 'give' },
            'task.assigned': { guard: 'isGiven', target: 'taken', actions: 'give' },
          },
        },
        taken: {
          on: {
            'task.released': { target: 'free', actions: 'free' },
            'task.delegated': { actions: 'give' },
            'task.assigned': [
              { guard: 'isGiven', actions: 'give' },
              { target: 'free', actions: 'free' },
            ],
          },
        },
      },
    },
    answered: { type: 'final' },
    expired: { type: 'final' },
    cancelled: { type: 'final' },
    superseded: { type: 'final' },
  },
});
