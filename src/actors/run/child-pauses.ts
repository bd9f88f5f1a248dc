/**
 * A pause goes down to the runs of subplans, and so does its end. Invariants: what a child is told follows from
 * the rows of its parent and its own, so that it is told again where a stop came between; no child begins while its
 * parent is paused, but by a step; a child that somebody paused by itself stays paused, and one that somebody set
 * going by itself goes on.
 */
import { isFinal } from '../../machines/statuses.js';
import { isPausedWithParent } from '../child-report.js';
import type { ChildMessage } from '../messages.js';
import { type Child, childOf, setChild } from './child.js';
import type { Decider } from './decider.js';
import type { NodeRun } from './scope.js';
import { pauseChild, resumeChild, startChild } from './tell-child.js';

/** The run is paused, or once more: the runs that work for it are told, and none is exempt any more. */
export function pauseChildren(decider: Decider): void {
  const { turn } = decider;
  for (const { run, child } of childrenOf(decider)) {
    pauseChild(decider, run, child);
    if (child.pause !== 'exempt') continue;
    const { id, status } = child;
    setChild(run, { id, status });
    run.seq = turn.event('child.changed', run.path, null, { child: id, status });
    decider.touch(run);
  }
}

/** The run goes on: those that were paused with it do, and count as at work from now on. */
export function resumeChildren(decider: Decider): void {
  const { model } = decider;
  for (const { run, child } of childrenOf(decider)) {
    if (child.status === 'pending') startChild(decider, run);
    else resumeChild(decider, run, child);
    if (child.pause === undefined) continue;
    const { pause, ...known } = child;
    model.countChild(child, -1);
    const next: Child = pause === 'exempt' ? known : { ...known, pause: 'ending' };
    setChild(run, next);
    model.countChild(next, 1);
    decider.touch(run);
  }
}

/** The run takes a step: children that were wanted while it was paused are due. */
export function beginDueChildren(decider: Decider): void {
  for (const { run, child } of childrenOf(decider)) {
    if (child.status !== 'pending') continue;
    setChild(run, { ...child, pause: 'exempt' });
    decider.touch(run);
    startChild(decider, run);
  }
}

/**
 * What is known of a child after its report. One that has not heard of a pause, or of its end, is told again;
 * until it has heard of the end it is known as before.
 */
export function afterReport(
  decider: Decider,
  run: NodeRun,
  child: Child,
  report: ChildMessage,
): Child {
  const { tree, isEnding } = decider;
  const { id } = child;
  const { status } = report;
  const next: Child = { id, status };
  if (isFinal(status)) return next;
  // It is called off, and no pause counts any more.
  if (isEnding) return status === child.status ? child : next;
  const isShared = isPausedWithParent(report);
  if (tree.runStatus !== 'paused') {
    if (!isShared) return next;
    resumeChild(decider, run, child);
    return { ...next, pause: 'ending' };
  }
  if (status === 'paused') return isShared ? { ...next, pause: 'shared' } : next;
  if (isSetGoing(child)) return { ...next, pause: 'exempt' };
  pauseChild(decider, run, child);
  return next;
}

/** Whether a child that goes on while its parent is paused does so by somebody's doing. */
function isSetGoing({ status, pause }: Child): boolean {
  return pause === 'exempt' || (status === 'paused' && pause !== 'ending');
}

function childrenOf({ model, tree }: Decider): { readonly run: NodeRun; readonly child: Child }[] {
  const open = tree.openNodes().flatMap((path) => model.find(path) ?? []);
  const hosts = open.filter((run) => run.status === 'running' && childOf(run) !== undefined);
  return model.inPlanOrder(hosts).flatMap((run) => {
    const child = childOf(run);
    return child === undefined || isFinal(child.status) ? [] : [{ run, child }];
  });
}
