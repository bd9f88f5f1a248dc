/**
 * A whole run as the logic of one actor in somebody else's machine. Invariants: the id of the run is in the
 * first snapshot, before anything is started; an event is emitted once its number is to be in the snapshot,
 * in order, and none between is left out; the run is cancelled when an actor above decides to let it go,
 * and never because the root actor is stopped.
 */
import type { ActorLogic, AnyActorRef, AnyActorScope } from 'xstate';
import type { PlanFor } from '../plan/builder.js';
import { type EmbeddedStart, readRunId } from '../start-options.js';
import type { EmbeddedRuns } from './embedded-runs.js';
import type { EmittedEvent } from './emitted-event.js';
import { attend, type RunLogicEvent } from './run-attendance.js';
import {
  newPointer,
  persistedPointer,
  type RunLogicSnapshot,
  restoredPointer,
} from './run-pointer.js';

/** How the actor of a run behaves, beside what its plan says. */
export interface LogicOptions {
  /** What becomes of the run when its host lets it go: cancelled, unless `continue`. */
  readonly whenLetGo?: 'cancel' | 'continue';
}

/** What the actor is given: the input of the run, and what else its start may ask for. */
export type RunLogicInput<Input = unknown> = EmbeddedStart<Input>;

/** The logic of an actor that stands for a run: `invoke` or `spawn` it. */
export interface RunLogic<Input = unknown, Output = unknown>
  extends ActorLogic<
    RunLogicSnapshot<Input, Output>,
    RunLogicEvent,
    RunLogicInput<Input>,
    AnyActorRef['system'],
    EmittedEvent
  > {}

/** XState's word to an actor that it is stopped. */
const STOP = 'xstate.stop';

/** Makes the logic of runs of one plan. */
export function runLogic<Input, Output>(
  runs: EmbeddedRuns,
  plan: PlanFor<Input, Output>,
  { whenLetGo = 'cancel' }: LogicOptions = {},
): RunLogic<Input, Output> {
  type Pointer = RunLogicSnapshot<Input, Output>;
  /** What goes on for each actor that was started. */
  const attendances = new WeakMap<AnyActorRef, ReturnType<typeof attend>>();
  const restored = new WeakSet<AnyActorRef>();
  /** What was wrong with the snapshots of restored actors. */
  const faults = new WeakMap<AnyActorRef, unknown>();

  function stop(snapshot: Pointer, { self }: AnyActorScope): Pointer {
    const attendance = attendances.get(self);
    attendance?.end();
    const isRunning = attendance !== undefined && snapshot.status === 'active';
    if (isRunning && whenLetGo === 'cancel' && isLetGo(self)) {
      runs.letGo(snapshot.context.run, attendance.isThere);
    }
    return { ...snapshot, status: 'stopped', output: undefined, error: undefined };
  }

  return {
    config: plan,

    getInitialSnapshot(_scope, input) {
      const { id, ...start } = input ?? {};
      return newPointer(id === undefined ? runs.newId() : readRunId(id), start);
    },

    restoreSnapshot(persisted, { self }) {
      restored.add(self);
      try {
        return restoredPointer(persisted);
      } catch (error) {
        // Thrown here it would leave a child that its host never hears of.
        faults.set(self, error);
        return newPointer('', null);
      }
    },

    getPersistedSnapshot: persistedPointer,

    start(snapshot, scope) {
      if (snapshot.status !== 'active') return;
      const { self } = scope;
      if (faults.has(self)) throw faults.get(self);
      const tell = (event: RunLogicEvent) => self.send(event);
      const pointer = { ...snapshot.context, start: snapshot.start };
      attendances.set(self, attend({ runs, plan, pointer, isRestored: restored.has(self), tell }));
    },

    transition(snapshot, event, scope) {
      switch (event.type) {
        case STOP as never:
          return stop(snapshot, scope);
        case 'run.attached':
          return { ...snapshot, start: null };
        case 'run.told': {
          scope.defer(() => scope.emit(event.event));
          return { ...snapshot, context: { ...snapshot.context, ...event.progress } };
        }
        case 'run.ended':
          return { ...snapshot, status: 'done', output: event.output as Output, error: undefined };
        case 'run.lost':
          return { ...snapshot, status: 'error', output: undefined, error: event.error };
        default:
          return snapshot;
      }
    },
  };
}

/**
 * Whether somebody above decided to do without this actor: its host left the state that invoked it, stopped
 * it, or came to its end. A root that is stopped from outside decides nothing: its process goes down. By the
 * time an actor is told to stop, the snapshots of all above it are those after the decision.
 */
function isLetGo(self: AnyActorRef): boolean {
  let above = self._parent;
  while (above !== undefined && above.getSnapshot().status === 'stopped') above = above._parent;
  return above !== undefined;
}
