/**
 * Makes a machine durable: the named actions are held back as intentions for the turn instead of
 * being executed, all others run as usual. The result is still that machine's logic: its types,
 * `provide`, persistence and inspection are untouched.
 */
import type { AnyActorScope, AnyMachineSnapshot, AnyStateMachine } from 'xstate';

/** An action that the machine wants, in the order in which it decided. */
export interface Intention {
  /** Id of the actor that wants it. */
  readonly actor: string;
  readonly type: string;
}

export type IntentionSink = (intention: Intention) => void;

/**
 * Wraps `machine` so that the actions in `held` go to `sink` and nowhere else. `onStart` receives
 * the actor's scope when it starts, fresh or restored: whoever spawns children beside the machine
 * stops them through it.
 */
export function durable<M extends AnyStateMachine>(
  machine: M,
  held: readonly string[],
  sink: IntentionSink,
  onStart?: (scope: AnyActorScope) => void,
): M {
  const names = new Set(held);

  // Both entry points are wrapped: initial entry actions never pass through `transition`.
  function holding<T>(scope: AnyActorScope, step: () => T): T {
    const execute = scope.actionExecutor;
    scope.actionExecutor = (action) => {
      if (names.has(action.type)) sink({ actor: scope.id, type: action.type });
      else execute(action);
    };
    try {
      return step();
    } finally {
      scope.actionExecutor = execute;
    }
  }

  const overrides: Partial<AnyStateMachine> = {
    transition: (snapshot, event, scope) =>
      holding(scope, () => machine.transition(snapshot, event, scope)),
    getInitialSnapshot: (scope, input) =>
      holding(scope, () => machine.getInitialSnapshot(scope, input)),
    provide: (implementations) => durable(machine.provide(implementations), held, sink, onStart),
  };
  const start = (snapshot: AnyMachineSnapshot, scope: AnyActorScope) => {
    onStart?.(scope);
    machine.start(snapshot);
  };
  return Object.assign(Object.create(machine) as M, overrides, { start });
}
