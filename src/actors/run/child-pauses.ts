/**
 * A pause goes down to the runs of subplans, and so does its end. Invariants: what a child is told follows from
 * the rows of its parent, so that it is told again where a stop came between; a child that somebody paused by
 * itself stays paused, and one that somebody set going by itself goes on.
 */
import { isFinal } from '../../machines/statuses.js';
import type { ChildMessage } from '../messages.js';
import { type Child, childOf, setChild } from './child.js';
import type { Decider } from './decider.js';
import type { NodeRun } from './scope.js';

/** Code of the reason for which a run is paused that its parent took along. */
export const PARENT_PAUSED = 'parent-paused';

/** The run is paused: the runs that work for it are told. */
export function pauseChildren(decider: Decider): void {
  for (const { child } of childrenOf(decider)) {
    if (child.status !== 'paused') decider.turn.effects.push({ type: 'child.pause', id: child.id });
  }
}

/** The run goes on: those that were paused with it do, and count as at work from now on. */
export function resumeChildren(decider: Decider): void {
  const { model, turn } = decider;
  for (const { run, child } of childrenOf(decider)) {
    turn.effects.push({ type: 'child.resume', id: child.id });
    if (child.pause === undefined) continue;
    const isShared = child.pause === 'shared';
    if (isShared) model.countChild(child.status, -1);
    setChild(run, { id: child.id, status: isShared ? 'running' : child.status });
    decider.touch(run);
  }
}

/**
 * What is known of a child after its report. One that has not heard of a pause, or of its end, is told again;
 * until it has heard of the end it is known as before.
 */
export function afterReport(
  { tree, turn }: Decider,
  child: Child,
  { status, reason }: Pick<ChildMessage, 'status' | 'reason'>,
): Child {
  const { id } = child;
  const isShared = status === 'paused' && reason?.code === PARENT_PAUSED;
  if (isFinal(status)) return { id, status };
  if (tree.runStatus !== 'paused') {
    if (!isShared) return { id, status };
    turn.effects.push({ type: 'child.resume', id });
    return child;
  }
  if (status === 'paused') return { id, status, ...(isShared && { pause: 'shared' }) };
  // It was paused, so that somebody has set it going by itself.
  if (child.pause === 'exempt' || child.status === 'paused') return { id, status, pause: 'exempt' };
  turn.effects.push({ type: 'child.pause', id });
  return { id, status };
}

function childrenOf({ model, tree }: Decider): { readonly run: NodeRun; readonly child: Child }[] {
  return tree.openNodes().flatMap((path) => {
    const run = model.find(path);
    const child = run && childOf(run);
    if (run?.status !== 'running' || child === undefined || isFinal(child.status)) return [];
    return [{ run, child }];
  });
}
