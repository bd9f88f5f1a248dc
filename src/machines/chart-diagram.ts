/** Draws a statechart as a Mermaid state diagram, from the machine itself. */
import type { AnyStateMachine, AnyStateNode } from 'xstate';

/** Mermaid text for `machine`: nested states, guards in brackets, held and other actions after a slash. */
export function machineToMermaid(machine: AnyStateMachine): string {
  const lines = ['stateDiagram-v2', '  state "any not final" as any'];
  drawChildren(machine.root, lines, 1);
  for (const state of allStates(machine.root)) drawTransitions(state, lines);
  return `${lines.join('\n')}\n`;
}

function drawChildren(parent: AnyStateNode, lines: string[], depth: number): void {
  const indent = '  '.repeat(depth);
  for (const target of parent.initial?.target ?? []) {
    lines.push(`${indent}[*] --> ${nameOf(target)}`);
  }
  for (const state of Object.values(parent.states)) {
    if (Object.keys(state.states).length > 0) {
      lines.push(`${indent}state "${state.key}" as ${nameOf(state)} {`);
      drawChildren(state, lines, depth + 1);
      lines.push(`${indent}}`);
    } else lines.push(`${indent}state "${state.key}" as ${nameOf(state)}`);
    if (state.type === 'final') lines.push(`${indent}${nameOf(state)} --> [*]`);
  }
}

/** Transitions of the root hold in every state: they are drawn from a state of their own, "any". */
function drawTransitions(source: AnyStateNode, lines: string[]): void {
  const from = source.parent === undefined ? 'any' : nameOf(source);
  for (const [event, transitions] of source.transitions) {
    for (const transition of transitions) {
      // A transition that goes nowhere and does nothing only shields from the ones around it.
      if (transition.target === undefined && transition.actions.length === 0) continue;
      const targets = transition.target ?? [source];
      for (const target of targets) {
        const guard = describeGuard(transition.guard);
        const actions = transition.actions.map(describeAction).join(', ');
        const label = `${event}${guard && ` [${guard}]`}${actions && ` / ${actions}`}`;
        lines.push(
          `  ${from} --> ${target.parent === undefined ? 'any' : nameOf(target)}: ${label}`,
        );
      }
    }
  }
}

function* allStates(state: AnyStateNode): Generator<AnyStateNode> {
  yield state;
  for (const child of Object.values(state.states)) yield* allStates(child);
}

function nameOf(state: AnyStateNode): string {
  return state.path.join('_').replaceAll('-', '');
}

function describeGuard(guard: unknown): string {
  if (typeof guard === 'string') return guard;
  if (typeof guard === 'function' && 'guards' in guard && Array.isArray(guard.guards)) {
    return guard.guards.map(describeGuard).join(' and ');
  }
  return guard === undefined ? '' : String((guard as { type?: unknown }).type ?? 'guard');
}

function describeAction(action: unknown): string {
  return typeof action === 'string' ? action : String((action as { type?: unknown }).type ?? '');
}
