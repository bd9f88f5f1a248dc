/** What the votes on a task amount to. One answer decides, unless the task names a quorum. Pure. */
import type { JsonObject, JsonValue } from '../../plan/json.js';
import { type ApprovalOutcome, asObject } from '../../plan/responses.js';
import type { ResponseRecord, TaskPeople } from '../records.js';
import { barredFrom } from './entitlement.js';

/**
 * The outcome, or undefined while the votes decide nothing: approved with enough approvals, else
 * with enough refusals changes-requested where all of them ask for changes, and rejected otherwise.
 * Where everybody who is named and may vote has done so and neither is enough, it is rejected.
 */
export function tally(
  votes: readonly Pick<ResponseRecord, 'outcome'>[],
  people: TaskPeople,
): ApprovalOutcome | undefined {
  const { quorum, responders, groups } = people;
  const { approvals, rejections } = quorum ?? { approvals: 1, rejections: 1 };
  const refused = votes.filter(({ outcome }) => outcome !== 'approved');
  if (votes.length - refused.length >= approvals) return 'approved';
  const barred = barredFrom(people);
  const voters = responders?.filter((name) => !barred.includes(name)).length ?? 0;
  const hasAllVoted = responders !== undefined && groups === undefined && votes.length >= voters;
  if (refused.length < rejections && !hasAllVoted) return undefined;
  return refused.every(({ outcome }) => outcome === 'changes-requested') && refused.length > 0
    ? 'changes-requested'
    : 'rejected';
}

/** What several have said together: all edits that were asked for, and every comment. */
export function roundOf(votes: readonly ResponseRecord[], outcome: string): JsonObject {
  const { requiredEdits = [] } = verdictOf(votes, outcome);
  const comments = votes.flatMap(({ responseJson }) => {
    const { comments: comment } = asObject(JSON.parse(responseJson) as JsonValue);
    return comment === undefined ? [] : [comment];
  });
  return { requiredEdits, ...(comments.length > 0 && { comments }) };
}

/** The output of an approval by several: what it came to, all edits that were asked for, and each vote. */
export function verdictOf(votes: readonly ResponseRecord[], outcome: string): JsonObject {
  const responses = votes.map(({ responseJson }) => JSON.parse(responseJson) as JsonValue);
  const edits = responses.flatMap((response) => {
    const { requiredEdits } = asObject(response);
    return Array.isArray(requiredEdits) ? requiredEdits : [];
  });
  return {
    approved: outcome === 'approved',
    requiredEdits: edits,
    votes: votes.map(({ responder, outcome: vote }, index) => ({
      responder,
      outcome: vote,
      response: responses[index] ?? null,
    })),
  };
}
