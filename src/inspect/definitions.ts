/** Definitions of the statecharts as JSON text, made once. */
import { type AnyStateMachine, createActor } from 'xstate';
import { NODE_RUN_MACHINE, nodeRunMachine } from '../machines/node-run-machine.js';
import { RUN_MACHINE, runMachine } from '../machines/run-machine.js';
import type { InspectedSnapshot } from './inspection-event.js';

export type MachineId = typeof RUN_MACHINE.id | typeof NODE_RUN_MACHINE.id;

const MACHINES: Readonly<Record<MachineId, Pick<AnyStateMachine, 'config'>>> = {
  [RUN_MACHINE.id]: runMachine,
  [NODE_RUN_MACHINE.id]: nodeRunMachine,
};
const made = new Map<MachineId, string>();

/** The configuration of a machine as JSON text; functions are there by name. */
export function definitionOf(machine: MachineId): string {
  const known = made.get(machine);
  if (known !== undefined) return known;
  const text = JSON.stringify(MACHINES[machine].config, (_, value: unknown) =>
    typeof value === 'function' ? { type: nameOf(value) } : value,
  );
  made.set(machine, text);
  return text;
}

/** How an actor of a machine begins. */
export function initialSnapshot(machine: MachineId): InspectedSnapshot {
  const actor = createActor(MACHINES[machine] as AnyStateMachine);
  const { status, value, context } = actor.getPersistedSnapshot() as never;
  return { status, value, context };
}

/** A guard made of others says of which. */
function nameOf(implementation: { readonly name: string; readonly guards?: unknown }): string {
  const { name, guards } = implementation;
  return Array.isArray(guards) ? guards.map(String).join(` ${name} `) : name;
}
