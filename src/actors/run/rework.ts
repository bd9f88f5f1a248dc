/**
 * Requested changes: the work is done again from a node before, and then the same people are asked again.
 * Invariant: whoever is asked again knows what he said before, whichever node sent the run back; so each
 * node sends it back a bounded number of times.
 */
import type { JsonValue } from '../../plan/json.js';
import type { Round } from '../records.js';
import type { Decider } from './decider.js';
import { ownRoundsOf } from './feedback.js';
import { REFUSED } from './held-answer.js';
import { renewFrom } from './restart.js';
import type { NodeRun } from './scope.js';

/** Sends the run back where a node that was just answered asks for that; false where it goes on instead. */
export function reworkFrom(decider: Decider, run: NodeRun): boolean {
  const rework = run.node.human?.rework;
  if (rework === undefined || run.outcome !== 'changes-requested') return false;
  const { scope } = run;
  const position = scope.graph.positionOf.get(rework.to);
  const rounds = ownRoundsOf(run);
  const round = rounds.filter(({ outcome }) => outcome === 'changes-requested').length;
  if (position === undefined || round > rework.maxRounds) return false;
  const to = scope.at(position);
  decider.turn.event('run.reworked', run.path, null, { to: to.path, round });
  const known = new Map(
    [...scope.touchedRuns()].flatMap((asked) =>
      asked.node.human ? [[asked, ownRoundsOf(asked)] as const] : [],
    ),
  );
  renewFrom(decider, scope, position);
  for (const [asked, own] of known) if (asked !== to) tell(decider, asked, own);
  const before = to === run ? [] : (known.get(to) ?? []);
  // An answer that was refused was never given to who does the work.
  tell(decider, to, [...before, ...rounds.filter(({ outcome }) => outcome !== REFUSED)]);
  return true;
}

function tell(decider: Decider, run: NodeRun, rounds: readonly Round[]): void {
  if (run.feedback !== undefined || rounds.length === 0) return;
  run.feedback = { rounds: rounds as unknown as JsonValue };
  decider.touch(run);
}
