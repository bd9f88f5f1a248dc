/** Counts an answer as one of as many as its task takes. */
import type { ApprovalOutcome } from '../../plan/responses.js';
import type { ResponseRecord, TaskRecord } from '../records.js';
import type { Decider } from './decider.js';
import { peopleOf } from './entitlement.js';
import type { NodeRun } from './scope.js';
import { tally } from './votes.js';

interface Counted {
  readonly outcome: ApprovalOutcome;
  /** All of them, oldest first. */
  readonly votes: readonly ResponseRecord[];
  readonly isByQuorum: boolean;
}

/** Undefined where the votes of others are awaited. */
export function countVote(
  { model, turn }: Decider,
  task: TaskRecord,
  run: NodeRun,
  vote: ResponseRecord,
): Counted | undefined {
  const people = peopleOf(task);
  const votes = [...model.votesOn(task.id), vote];
  const outcome = tally(votes, people);
  if (outcome !== undefined) return { outcome, votes, isByQuorum: people.quorum !== undefined };
  model.keepVote(vote);
  turn.event('task.vote-counted', run.path, null, { task: task.id, votes: votes.length });
  return undefined;
}
