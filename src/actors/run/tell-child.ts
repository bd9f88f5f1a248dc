/** What a run wants of the runs that work for it, once its turn is durable. */
import { correlationOf } from '../correlation.js';
import { remainingBudget } from './budget.js';
import { type Child, childOf } from './child.js';
import type { Decider } from './decider.js';
import type { NodeRun } from './scope.js';

/**
 * Wants the child started; again after a restart, when nobody knows whether it was. While the run is paused none
 * begins, but by a step: one that has begun all the same, unknown to its parent, is told.
 */
export function startChild(decider: Decider, run: NodeRun): void {
  const { model, turn, tree } = decider;
  const { source } = run.node;
  const child = childOf(run);
  if (child === undefined || source.kind !== 'subplan') return;
  const mayBegin = child.status !== 'pending' || child.pause === 'exempt';
  if (tree.runStatus === 'paused' && !mayBegin) return pauseChild(decider, run, child);
  const budget = remainingBudget(model);
  const { requestedBy, derivedBy, trace } = model.settings;
  turn.effects.push({
    type: 'child.start',
    node: run.path,
    id: child.id,
    plan: source.plan,
    input: run.copyInput(),
    settings: {
      depth: (model.settings.depth ?? 0) + 1,
      ...(budget && { budget }),
      ...(requestedBy !== undefined && { requestedBy }),
      ...(derivedBy !== undefined && { derivedBy }),
      ...(trace && { trace }),
      correlation: correlationOf(model.record),
    },
  });
}

/** What is called off before it could begin does not begin. */
export function cancelChild({ turn }: Decider, { path: node }: NodeRun, { id }: Child): void {
  const begun = turn.effects.findIndex(
    (effect) => effect.type === 'child.start' && effect.id === id,
  );
  if (begun !== -1) turn.effects.splice(begun, 1);
  turn.effects.push({ type: 'child.cancel', node, id });
}

export function pauseChild({ turn }: Decider, { path: node }: NodeRun, { id }: Child): void {
  turn.effects.push({ type: 'child.pause', node, id });
}

export function resumeChild({ turn }: Decider, { path: node }: NodeRun, { id }: Child): void {
  turn.effects.push({ type: 'child.resume', node, id });
}
