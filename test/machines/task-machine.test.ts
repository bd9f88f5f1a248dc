import { expect, it } from 'vitest';
import { getShortestPaths } from 'xstate/graph';
import type { TaskEvent } from '../../src/machines/task-events.js';
import { taskMachine } from '../../src/machines/task-machine.js';

const EVENTS: readonly TaskEvent[] = [
  { type: 'task.claimed', to: 'a' },
  { type: 'task.delegated', to: 'b' },
  { type: 'task.assigned', to: 'c' },
  { type: 'task.assigned', to: null },
  { type: 'task.released' },
  { type: 'task.extended', deadlineAt: 9 },
  { type: 'task.reminded' },
  { type: 'task.answered' },
  { type: 'task.expired' },
  { type: 'task.cancelled' },
  { type: 'task.superseded' },
];

const paths = getShortestPaths(taskMachine, {
  input: {},
  events: [...EVENTS],
  stopWhen: ({ status, context }) => status === 'done' || context.reminders > 1,
  serializeState: ({ value, context }) => JSON.stringify([value, context]),
});

it('S206 on every way a task is taken exactly while it belongs to somebody', () => {
  expect(paths.length).toBeGreaterThan(30);
  for (const { state } of paths) {
    if (state.status === 'done') continue;
    expect(state.matches({ open: 'taken' })).toBe(state.context.assignee !== null);
  }
});

it('S129 on every way a task that is over knows no event', () => {
  const over = paths.filter(({ state }) => state.status === 'done');
  expect(new Set(over.map(({ state }) => String(state.value)))).toEqual(
    new Set(['answered', 'expired', 'cancelled', 'superseded']),
  );
  for (const { state } of over) for (const event of EVENTS) expect(state.can(event)).toBe(false);
});
