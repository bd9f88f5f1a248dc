import { describe, expect, it, vi } from 'vitest';
import {
  type AnyMachineSnapshot,
  type AnyStateMachine,
  createActor,
  type EventObject,
} from 'xstate';
import { getShortestPaths, getSimplePaths } from 'xstate/graph';
import type { FailureHandling, NodeRunEvent } from '../../src/machines/node-run-events.js';
import { nodeRunMachine } from '../../src/machines/node-run-machine.js';
import type { RunEvent } from '../../src/machines/run-events.js';
import { runMachine } from '../../src/machines/run-machine.js';
import {
  isFinal,
  NODE_STATUSES,
  NODE_TRANSITIONS,
  type NodeStatus,
  RUN_STATUSES,
  RUN_TRANSITIONS,
} from '../../src/machines/statuses.js';

const reason = { code: 'test', message: 'because' };
const handlings = (
  ['abort', 'skip', 'continue', 'default-output', 'fallback', 'human-review', 'replan'] as const
).flatMap((otherwise): FailureHandling[] =>
  [1, 2].flatMap((maxAttempts) =>
    [true, false].map((backsOff) => ({
      maxAttempts,
      retryOn: [],
      maxInterruptions: 1,
      backsOff,
      otherwise,
    })),
  ),
);
const failures = [true, false].map((retryable) => ({ ...reason, class: 'exception', retryable }));

const nodeEvents: NodeRunEvent[] = [
  { type: 'inputs.resolved' },
  { type: 'inputs.refused', reason },
  { type: 'branch.died', reason },
  { type: 'slot.granted' },
  { type: 'person.asked' },
  { type: 'structure.decided' },
  { type: 'wait.begun' },
  { type: 'wait.over' },
  { type: 'retry.due' },
  { type: 'start.refused', reason },
  { type: 'attempt.succeeded', warnings: 0 },
  { type: 'attempt.succeeded', warnings: 1 },
  ...handlings.flatMap((handling) =>
    failures.map((failure): NodeRunEvent => ({ type: 'attempt.failed', failure, handling })),
  ),
  ...handlings.map((handling): NodeRunEvent => ({ type: 'attempt.interrupted', reason, handling })),
  { type: 'attempt.released', reason },
  { type: 'attempt.blocked', reason },
  { type: 'response.accepted', warnings: 0 },
  { type: 'response.accepted', warnings: 1 },
  { type: 'response.retry' },
  { type: 'response.abort', reason },
  ...(['default', 'escalate', 'skip', 'fail'] as const).map(
    (otherwise): NodeRunEvent => ({ type: 'deadline.passed', otherwise, reason }),
  ),
  { type: 'operator.completed', reason },
  { type: 'operator.skipped', reason },
  { type: 'operator.retried' },
  { type: 'replan.kept' },
  { type: 'work.withdrawn', reason },
  { type: 'grace.over' },
];

const runEvents: RunEvent[] = [
  { type: 'run.admitted' },
  { type: 'run.started' },
  { type: 'node.aborted', reason },
  { type: 'cancel.requested', reason },
  { type: 'pause.requested' },
  { type: 'resume.requested' },
  { type: 'parent.paused', reason },
  { type: 'parent.resumed' },
  { type: 'grace.over' },
  ...[0, 1].flatMap((active) =>
    [0, 1].flatMap((awaitingHuman) =>
      [0, 1].flatMap((blocked) =>
        [0, 1].map(
          (tolerated): RunEvent => ({
            type: 'progress.settled',
            active,
            awaitingHuman,
            unfinished: active + awaitingHuman + blocked,
            tolerated,
            isShort: false,
          }),
        ),
      ),
    ),
  ),
  {
    type: 'progress.settled',
    active: 0,
    awaitingHuman: 0,
    unfinished: 0,
    tolerated: 1,
    isShort: true,
  },
];

const statusOf = (snapshot: AnyMachineSnapshot): string =>
  typeof snapshot.value === 'string' ? snapshot.value : (Object.keys(snapshot.value)[0] as string);

// Counters that guards read belong to the state; a few of each are enough to reach every transition.
const serializeState = (snapshot: AnyMachineSnapshot): string => {
  const { attempt, tries, interruptions } = snapshot.context;
  return JSON.stringify([snapshot.value, attempt, tries, interruptions]);
};
const stopWhen = (snapshot: AnyMachineSnapshot): boolean =>
  snapshot.status === 'done' || snapshot.context.attempt > 3;

function transitionsTaken(
  paths: { steps: { state: AnyMachineSnapshot }[]; state: AnyMachineSnapshot }[],
) {
  const taken = new Set<string>();
  for (const path of paths) {
    const statuses = [...path.steps.map((step) => statusOf(step.state)), statusOf(path.state)];
    for (let i = 1; i < statuses.length; i++) {
      if (statuses[i - 1] !== statuses[i]) taken.add(`${statuses[i - 1]} -> ${statuses[i]}`);
    }
  }
  return taken;
}

const tableOf = (table: Readonly<Record<string, readonly string[]>>): Set<string> =>
  new Set(
    Object.entries(table).flatMap(([from, to]) => to.map((status) => `${from} -> ${status}`)),
  );

/** Status after every event was sent to an actor restored from `state`. */
function sendAll(
  machine: AnyStateMachine,
  state: AnyMachineSnapshot | undefined,
  events: readonly EventObject[],
): string {
  // XState warns of each event that a stopped actor is sent; that it stays as it is, is the point.
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
  const actor = createActor(machine, { snapshot: state?.toJSON() as never }).start();
  for (const event of events) actor.send(event);
  warn.mockRestore();
  return statusOf(actor.getSnapshot());
}

describe('the node-run chart', () => {
  const paths = getShortestPaths(nodeRunMachine, { events: nodeEvents, serializeState, stopWhen });

  it('S40 reaches every status', () => {
    expect(new Set(paths.map((path) => statusOf(path.state)))).toEqual(new Set(NODE_STATUSES));
  });

  it('S41 makes exactly the transitions of the table', () => {
    const taken = new Set<string>();
    for (const { state } of paths) {
      for (const event of nodeEvents) {
        if (state.status !== 'active') continue;
        const actor = createActor(nodeRunMachine, { snapshot: state.toJSON() as never }).start();
        actor.send(event);
        const to = statusOf(actor.getSnapshot());
        if (to !== statusOf(state)) taken.add(`${statusOf(state)} -> ${to}`);
      }
    }
    expect(taken).toEqual(tableOf(NODE_TRANSITIONS));
  });

  it('trap 12 follows every path to its end without looping', () => {
    expect(paths.length).toBeGreaterThan(50);
    for (const path of paths) expect(path.state.status).not.toBe('error');
  });

  it('S105 counts every try, and interruptions apart from tries', () => {
    for (const { state } of paths) {
      const { attempt, tries, interruptions } = state.context;
      expect(attempt).toBeGreaterThanOrEqual(tries);
      expect(interruptions).toBeLessThanOrEqual(1);
    }
  });

  it('S31 takes no event in a final status', () => {
    for (const status of NODE_STATUSES.filter(isFinal)) {
      const path = paths.find(({ state }) => statusOf(state) === status);
      expect(sendAll(nodeRunMachine, path?.state, nodeEvents)).toBe(status);
    }
  });

  it('S45 ends a returned and a thrown result in the same chart', () => {
    const working: NodeRunEvent[] = [{ type: 'inputs.resolved' }, { type: 'slot.granted' }];
    const end = (last: NodeRunEvent): NodeStatus => {
      const actor = createActor(nodeRunMachine).start();
      for (const event of [...working, last]) actor.send(event);
      return statusOf(actor.getSnapshot()) as NodeStatus;
    };
    const handling = handlings[0] as FailureHandling;
    const failure = { ...reason, class: 'exception', retryable: true };
    expect(end({ type: 'attempt.succeeded', warnings: 0 })).toBe('completed');
    expect(end({ type: 'attempt.failed', failure, handling })).toBe('failed');
  });
});

describe('the run chart', () => {
  const paths = getSimplePaths(runMachine, {
    events: runEvents,
    serializeState: (snapshot) => JSON.stringify(snapshot.value),
    stopWhen: (snapshot) => snapshot.status === 'done',
  });

  it('S28 reaches every status', () => {
    expect(new Set(paths.map((path) => statusOf(path.state)))).toEqual(new Set(RUN_STATUSES));
  });

  it('S29 makes only transitions of the table, and all that one event can make', () => {
    const table = tableOf(RUN_TRANSITIONS);
    for (const transition of transitionsTaken(paths)) {
      // Ending passes through running within one turn: the turn as a whole is in the table.
      const viaEnding = transition.endsWith('-> running');
      expect(table.has(transition) || viaEnding, transition).toBe(true);
    }
  });

  it('S30 S31 stays in its final status whatever comes', () => {
    const ended = paths.filter(({ state }) => state.status === 'done');
    expect(ended.length).toBeGreaterThan(0);
    for (const status of RUN_STATUSES.filter(isFinal)) {
      const path = ended.find(({ state }) => statusOf(state) === status);
      expect(sendAll(runMachine, path?.state, runEvents)).toBe(status);
    }
  });

  it('S32 S33 ends well only when no node run is unfinished', () => {
    for (const path of paths) {
      const last = path.steps.at(-1)?.event as RunEvent | undefined;
      const status = statusOf(path.state);
      if (status !== 'completed' && status !== 'partial') continue;
      expect(last).toMatchObject({ type: 'progress.settled', unfinished: 0 });
      expect(last).toMatchObject(status === 'partial' ? { tolerated: 1 } : { tolerated: 0 });
    }
  });

  it('S34 is blocked when something is unfinished, nothing goes on and nobody is asked', () => {
    const actor = createActor(runMachine).start();
    actor.send({ type: 'run.admitted' });
    actor.send({ type: 'run.started' });
    actor.send({
      type: 'progress.settled',
      active: 0,
      awaitingHuman: 0,
      unfinished: 1,
      tolerated: 0,
      isShort: false,
    });
    expect(actor.getSnapshot().value).toBe('blocked');
  });
});
