/**
 * The statechart of one node run. Top-level states are its statuses; waiting, hosting, checking,
 * fallback, escalating and stopping are inside running, what backs off or waits for a slot is inside
 * ready, judging is inside awaiting-human. No I/O and no clock: the actions marked as held are intentions, which the durable
 * wrapper collects for the turn.
 */
import { and, assign, setup } from 'xstate';
import type { NodeRunEvent, Reason } from './node-run-events.js';
import { mayRetry } from './retry-policy.js';

/** Persisted with the snapshot: bump the version with every change that old snapshots would not survive. */
export const NODE_RUN_MACHINE = { id: 'node-run', version: 4 } as const;

/** What the chart of a node run remembers. */
export interface NodeRunContext {
  /** Number of the newest attempt; 0 before the first. Never reused within a generation. */
  readonly attempt: number;
  /** Failed tries that count against the retry policy. */
  readonly tries: number;
  /** Crashes and shutdowns survived; they use up no try. */
  readonly interruptions: number;
  /** Number of the escalation level that is at work; 0 before the first. */
  readonly level: number;
  /** Why it ended, waits or is blocked, where that is not plain success. */
  readonly reason: Reason | null;
}

/** Actions that only state what is wanted. The names are those of the effects in a turn. */
export const NODE_RUN_INTENTIONS = [
  'startAttempt',
  'startFallback',
  'startCheck',
  'startChild',
  'awaitSlot',
  'beginLevel',
  'abortAttempt',
  'armRetryTimer',
  'openTask',
  'closeTask',
] as const;

const definitions = setup({
  types: {
    context: {} as NodeRunContext,
    events: {} as NodeRunEvent,
  },
  guards: {
    mayRetry: ({ context, event }) =>
      event.type === 'attempt.failed' && mayRetry(event.handling, context.tries, event.failure),
    retriesAtOnce: ({ event }) => event.type === 'attempt.failed' && !event.handling.backsOff,
    maySurvive: ({ context, event }) =>
      event.type === 'attempt.interrupted' &&
      context.interruptions < event.handling.maxInterruptions,
    fallsBack: ({ event }) => 'handling' in event && event.handling.otherwise === 'fallback',
    escalatesFailure: ({ event }) => 'handling' in event && event.handling.otherwise === 'escalate',
    asksReviewer: ({ event }) => 'handling' in event && event.handling.otherwise === 'human-review',
    awaitsReplan: ({ event }) => 'handling' in event && event.handling.otherwise === 'replan',
    isSkipped: ({ event }) => 'handling' in event && event.handling.otherwise === 'skip',
    hasDefaultOutput: ({ event }) =>
      'handling' in event && event.handling.otherwise === 'default-output',
    hasWarnings: ({ event }) => 'warnings' in event && (event.warnings ?? 0) > 0,
    takesDefault: ({ event }) => event.type === 'deadline.passed' && event.otherwise === 'default',
    holdsDefault: ({ event }) =>
      event.type === 'deadline.passed' && event.otherwise === 'default-held',
    skipsOnDeadline: ({ event }) => event.type === 'deadline.passed' && event.otherwise === 'skip',
    isCovered: ({ event }) =>
      event.type === 'deadline.passed' && event.otherwise === 'default-output',
    escalates: ({ event }) => event.type === 'deadline.passed' && event.otherwise === 'escalate',
  },
  actions: {
    startAttempt: () => {},
    startFallback: () => {},
    startCheck: () => {},
    startChild: () => {},
    awaitSlot: () => {},
    beginLevel: () => {},
    abortAttempt: () => {},
    armRetryTimer: () => {},
    openTask: () => {},
    closeTask: () => {},
    countAttempt: assign({ attempt: ({ context }) => context.attempt + 1, reason: null }),
    /** Its work is told the reason. */
    countFallback: assign({ attempt: ({ context }) => context.attempt + 1 }),
    countTry: assign({ tries: ({ context }) => context.tries + 1 }),
    raiseLevel: assign({ level: ({ context }) => context.level + 1 }),
    countInterruption: assign({ interruptions: ({ context }) => context.interruptions + 1 }),
    /** What it failed with before it succeeded is history. */
    clearReason: assign({ reason: null }),
    keepReason: assign({ reason: ({ event }) => reasonOf(event) }),
  },
});

/** A failed try that may be repeated; everything else is decided by `running`. */
const RETRIES = [
  {
    guard: and(['mayRetry', 'retriesAtOnce']),
    target: '#node-run.ready.due',
    actions: ['countTry', 'keepReason'],
  },
  {
    guard: 'mayRetry',
    target: '#node-run.ready.backingOff',
    actions: ['countTry', 'keepReason', 'armRetryTimer'],
  },
] as const;

/** What becomes of a failure that is not tried again: its policy says. */
const LAST_RESORTS = [
  { guard: 'fallsBack', target: '#node-run.ready.fallbackDue', actions: 'keepReason' },
  { guard: 'escalatesFailure', target: '#node-run.running.escalating', actions: 'keepReason' },
  { guard: 'asksReviewer', target: '#node-run.awaiting-human', actions: 'keepReason' },
  { guard: 'awaitsReplan', target: '#node-run.blocked', actions: 'keepReason' },
  { guard: 'isSkipped', target: '#node-run.skipped', actions: 'keepReason' },
  { guard: 'hasDefaultOutput', target: '#node-run.partial', actions: 'keepReason' },
  { target: '#node-run.failed', actions: 'keepReason' },
] as const;

/** A process that stops while a check is under way has the check asked again, not the work done again. */
const CHECKED_AGAIN = {
  guard: 'maySurvive',
  target: 'checking',
  reenter: true,
  actions: 'countInterruption',
} as const;
const CHECKED_AGAIN_IN_PLACE = { ...CHECKED_AGAIN, target: 'checkingFallback' } as const;

/** Whatever the person says, or does not say in time: its checks go on. */
function judgedAs<Target extends string>(target: Target) {
  return {
    'response.judged': target,
    'deadline.passed': target,
    'work.withdrawn': { target: '#node-run.running.stopping', actions: 'keepReason' },
  } as const;
}

/** The statechart of one node run. */
export const nodeRunMachine = definitions.createMachine({
  id: NODE_RUN_MACHINE.id,
  context: { attempt: 0, tries: 0, interruptions: 0, level: 0, reason: null },
  initial: 'pending',
  on: {
    'operator.completed': { target: '.completed', actions: 'keepReason' },
    'operator.skipped': { target: '.skipped', actions: 'keepReason' },
    'work.withdrawn': { target: '.cancelled', actions: 'keepReason' },
    'work.superseded': { target: '.cancelled', actions: 'keepReason' },
  },
  states: {
    pending: {
      on: {
        'inputs.resolved': 'ready',
        'inputs.refused': { target: 'failed', actions: 'keepReason' },
        'branch.died': { target: 'skipped', actions: 'keepReason' },
      },
    },
    ready: {
      initial: 'due',
      on: { 'start.refused': { target: 'failed', actions: 'keepReason' } },
      states: {
        due: {
          on: {
            'slot.granted': '#node-run.running.working',
            'wait.begun': '#node-run.running.waiting',
            'inside.begun': '#node-run.running.hosting',
            'person.asked': '#node-run.awaiting-human',
            'structure.decided': '#node-run.completed',
          },
        },
        backingOff: { on: { 'retry.due': 'due' } },
        // Its node's own work has given its slot back.
        fallbackDue: {
          entry: 'awaitSlot',
          on: { 'slot.granted': '#node-run.running.fallback' },
        },
      },
    },
    running: {
      initial: 'working',
      on: {
        'attempt.succeeded': [
          { guard: 'hasWarnings', target: 'partial', actions: 'clearReason' },
          { target: 'completed', actions: 'clearReason' },
        ],
        'attempt.interrupted': [
          { guard: 'maySurvive', target: 'ready.due', actions: 'countInterruption' },
          ...LAST_RESORTS,
        ],
        'attempt.released': 'ready.due',
        'attempt.blocked': { target: 'blocked', actions: 'keepReason' },
        'attempt.failed': LAST_RESORTS,
        'operator.completed': { target: 'completed', actions: ['keepReason', 'abortAttempt'] },
        'operator.skipped': { target: 'skipped', actions: ['keepReason', 'abortAttempt'] },
        'work.withdrawn': { target: '.stopping', actions: 'keepReason' },
        'work.superseded': { target: 'cancelled', actions: ['keepReason', 'abortAttempt'] },
      },
      states: {
        working: {
          entry: ['countAttempt', 'startAttempt'],
          on: { 'attempt.failed': RETRIES, 'attempt.produced': 'checking' },
        },
        checking: {
          entry: 'startCheck',
          on: {
            'attempt.failed': RETRIES,
            'attempt.interrupted': CHECKED_AGAIN,
            'person.asked': '#node-run.awaiting-human.judging',
          },
        },
        checkingFallback: {
          entry: 'startCheck',
          on: {
            'attempt.interrupted': CHECKED_AGAIN_IN_PLACE,
            'person.asked': '#node-run.awaiting-human.judgingFallback',
          },
        },
        hosting: {
          entry: 'startChild',
          on: {
            'attempt.failed': RETRIES,
            'inside.over': [
              { guard: 'hasWarnings', target: '#node-run.partial', actions: 'keepReason' },
              { target: '#node-run.completed' },
            ],
          },
        },
        fallback: {
          entry: ['countFallback', 'startFallback'],
          on: {
            'attempt.produced': 'checkingFallback',
            'attempt.released': '#node-run.ready.fallbackDue',
            'attempt.interrupted': {
              guard: 'maySurvive',
              target: '#node-run.ready.fallbackDue',
              actions: 'countInterruption',
            },
          },
        },
        escalating: {
          entry: ['raiseLevel', 'beginLevel'],
          on: {
            'level.worked': '#node-run.ready.fallbackDue',
            'level.asked': '#node-run.awaiting-human',
            'work.withdrawn': { target: '#node-run.cancelled', actions: 'keepReason' },
          },
        },
        waiting: {
          on: {
            'wait.over': '#node-run.completed',
            'work.withdrawn': { target: '#node-run.cancelled', actions: 'keepReason' },
          },
        },
        stopping: {
          entry: 'abortAttempt',
          on: {
            'attempt.failed': '#node-run.cancelled',
            'attempt.interrupted': '#node-run.cancelled',
            'attempt.released': '#node-run.cancelled',
            'attempt.blocked': '#node-run.cancelled',
            'grace.over': '#node-run.cancelled',
            'work.withdrawn': {},
          },
        },
      },
    },
    'awaiting-human': {
      initial: 'asked',
      entry: 'openTask',
      exit: 'closeTask',
      states: {
        // The node's own question, or what to do about its failure.
        asked: {
          on: {
            'response.accepted': [
              { guard: 'hasWarnings', target: '#node-run.partial', actions: 'clearReason' },
              { target: '#node-run.completed', actions: 'clearReason' },
            ],
            'response.held': { target: '#node-run.running.checking', actions: 'countAttempt' },
            'response.edited': {
              target: '#node-run.awaiting-human',
              reenter: true,
              actions: 'clearReason',
            },
            'response.retry': '#node-run.ready.due',
            'response.abort': { target: '#node-run.failed', actions: 'keepReason' },
            'deadline.passed': [
              {
                guard: and(['takesDefault', 'hasWarnings']),
                target: '#node-run.partial',
                actions: 'keepReason',
              },
              { guard: 'takesDefault', target: '#node-run.completed', actions: 'keepReason' },
              {
                guard: 'holdsDefault',
                target: '#node-run.running.checking',
                actions: 'countAttempt',
              },
              { guard: 'isCovered', target: '#node-run.partial', actions: 'keepReason' },
              {
                guard: 'escalates',
                target: '#node-run.running.escalating',
                actions: 'keepReason',
              },
              { guard: 'skipsOnDeadline', target: '#node-run.skipped', actions: 'keepReason' },
              { target: '#node-run.failed', actions: 'keepReason' },
            ],
          },
        },
        // What its work, its fallback or a person gave is looked at by another person.
        judging: { on: judgedAs('#node-run.running.checking') },
        judgingFallback: { on: judgedAs('#node-run.running.checkingFallback') },
      },
    },
    blocked: {
      on: { 'operator.retried': 'ready.due', 'replan.kept': 'ready.due' },
    },
    completed: { type: 'final' },
    partial: { type: 'final' },
    skipped: { type: 'final' },
    failed: { type: 'final' },
    cancelled: { type: 'final' },
  },
});

function reasonOf(event: NodeRunEvent): Reason | null {
  if ('failure' in event) {
    const { code, message, class: failureClass, detail } = event.failure;
    return { code, message, class: failureClass, ...(detail !== undefined && { detail }) };
  }
  return 'reason' in event ? (event.reason ?? null) : null;
}
