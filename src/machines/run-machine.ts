/**
 * The statechart of one run. Top-level states are its statuses; ending is inside running. What the
 * node runs amount to arrives as one `progress.settled` at the end of each turn, so that a status
 * changes once per turn at most. No I/O and no clock.
 */
import { assign, setup } from 'xstate';
import type { Reason } from './node-run-events.js';
import type { RunEvent } from './run-events.js';

/** Persisted with the snapshot: bump the version with every change that old snapshots would not survive. */
export const RUN_MACHINE = { id: 'run', version: 1 } as const;

/** What the chart of a run remembers. */
export interface RunContext {
  /** Why the run is ending early: the first failure, or the request to cancel. While it is paused with its parent, that. */
  readonly reason: Reason | null;
}

/** Actions that only state what is wanted. The names are those of the effects in a turn. */
export const RUN_INTENTIONS = [
  'withdrawWork',
  'expireGrace',
  'pauseChildren',
  'resumeChildren',
] as const;

const TOO_FEW_SUCCEEDED: Reason = {
  code: 'too-few-succeeded',
  message: 'a smaller share of its nodes succeeded than its plan asks for',
};

/** The statechart of one run. */
export const runMachine = setup({
  types: {
    context: {} as RunContext,
    events: {} as RunEvent,
  },
  guards: {
    isComplete: ({ event }) =>
      event.type === 'progress.settled' && event.unfinished === 0 && event.tolerated === 0,
    isPartial: ({ event }) =>
      event.type === 'progress.settled' && event.unfinished === 0 && event.tolerated > 0,
    isShort: ({ event }) =>
      event.type === 'progress.settled' && event.unfinished === 0 && event.isShort,
    isOver: ({ event }) => event.type === 'progress.settled' && event.unfinished === 0,
    isActive: ({ event }) => event.type === 'progress.settled' && event.active > 0,
    isAwaitingHuman: ({ event }) => event.type === 'progress.settled' && event.awaitingHuman > 0,
  },
  actions: {
    withdrawWork: () => {},
    expireGrace: () => {},
    pauseChildren: () => {},
    resumeChildren: () => {},
    keepShortage: assign({ reason: TOO_FEW_SUCCEEDED }),
    clearReason: assign({ reason: null }),
    keepReason: assign({ reason: ({ event }) => ('reason' in event ? event.reason : null) }),
  },
}).createMachine({
  id: RUN_MACHINE.id,
  context: { reason: null },
  initial: 'pending',
  on: {
    'node.aborted': { target: '.running.ending.failing', actions: 'keepReason' },
    'cancel.requested': { target: '.running.ending.cancelling', actions: 'keepReason' },
    'pause.requested': '.paused',
    'parent.paused': { target: '.paused.withParent', actions: 'keepReason' },
    'progress.settled': [
      { guard: 'isShort', target: '.failed', actions: 'keepShortage' },
      { guard: 'isComplete', target: '.completed' },
      { guard: 'isPartial', target: '.partial' },
      { guard: 'isActive', target: '.running.working' },
      { guard: 'isAwaitingHuman', target: '.awaiting-human' },
      { target: '.blocked' },
    ],
  },
  states: {
    pending: {
      on: {
        'run.admitted': 'ready',
        'cancel.requested': { target: 'cancelled', actions: 'keepReason' },
        'node.aborted': {},
        'pause.requested': {},
        'parent.paused': {},
        'progress.settled': {},
      },
    },
    ready: {
      on: {
        'run.started': 'running',
        'cancel.requested': { target: 'cancelled', actions: 'keepReason' },
        'node.aborted': {},
        'pause.requested': {},
        'parent.paused': {},
        'progress.settled': {},
      },
    },
    running: {
      initial: 'working',
      states: {
        working: {
          on: {
            'progress.settled': [
              { guard: 'isShort', target: '#run.failed', actions: 'keepShortage' },
              { guard: 'isComplete', target: '#run.completed' },
              { guard: 'isPartial', target: '#run.partial' },
              { guard: 'isActive' },
              { guard: 'isAwaitingHuman', target: '#run.awaiting-human' },
              { target: '#run.blocked' },
            ],
          },
        },
        ending: {
          entry: 'withdrawWork',
          initial: 'failing',
          on: {
            'grace.over': { actions: 'expireGrace' },
            'node.aborted': {},
            'cancel.requested': {},
            'pause.requested': {},
            'parent.paused': {},
          },
          states: {
            failing: {
              on: { 'progress.settled': [{ guard: 'isOver', target: '#run.failed' }, {}] },
            },
            cancelling: {
              on: { 'progress.settled': [{ guard: 'isOver', target: '#run.cancelled' }, {}] },
            },
          },
        },
      },
    },
    'awaiting-human': {},
    blocked: {},
    paused: {
      initial: 'byItself',
      entry: 'pauseChildren',
      exit: 'clearReason',
      on: {
        'pause.requested': { actions: 'pauseChildren' },
        'parent.paused': { actions: 'pauseChildren' },
        'resume.requested': { target: 'running', actions: 'resumeChildren' },
        'progress.settled': [
          { guard: 'isShort', target: 'failed', actions: 'keepShortage' },
          { guard: 'isComplete', target: 'completed' },
          { guard: 'isPartial', target: 'partial' },
          {},
        ],
      },
      states: {
        byItself: {},
        withParent: {
          on: {
            'pause.requested': { target: 'byItself', actions: ['clearReason', 'pauseChildren'] },
            'parent.resumed': { target: '#run.running', actions: 'resumeChildren' },
          },
        },
      },
    },
    completed: { type: 'final' },
    partial: { type: 'final' },
    failed: { type: 'final' },
    cancelled: { type: 'final' },
  },
});
