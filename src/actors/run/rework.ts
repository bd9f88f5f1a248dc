/** Requested changes: the work is done again from a node before, and then the same people are asked again. */
import type { Decider } from './decider.js';
import { ownRoundsOf } from './feedback.js';
import { renewFrom } from './restart.js';
import type { NodeRun } from './scope.js';

/** Sends the run back where a node that was just answered asks for that; false where it goes on instead. */
export function reworkFrom(decider: Decider, run: NodeRun): boolean {
  const rework = run.node.human?.rework;
  if (rework === undefined || run.outcome !== 'changes-requested') return false;
  const { scope, feedback } = run;
  const position = scope.graph.positionOf.get(rework.to);
  const round = ownRoundsOf(run).filter(({ outcome }) => outcome === 'changes-requested').length;
  if (position === undefined || round > rework.maxRounds) return false;
  const to = scope.pathAt(position);
  decider.turn.event('run.reworked', run.path, null, { to, round });
  renewFrom(decider, scope, position);
  for (const told of [scope.at(position), run]) {
    told.feedback = feedback;
    decider.touch(told);
  }
  return true;
}
