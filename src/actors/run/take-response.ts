/** What an answer that is no longer to be refused means to its node run. */
import type { JsonValue } from '../../plan/json.js';
import { asObject } from '../../plan/responses.js';
import type { ResponseRecord, TaskRecord } from '../records.js';
import { keepAnswerIssues } from './answer-issues.js';
import { storeArtifacts } from './artifacts.js';
import { completionIssues } from './assess-completion.js';
import type { ProducedArtifact } from './assess-result.js';
import { beginAgain } from './begin-node.js';
import { countVote } from './count-vote.js';
import type { Decider } from './decider.js';
import { keepRound } from './feedback.js';
import { askedOf } from './handed-over.js';
import { acceptHeld, type HeldAnswer } from './held-answer.js';
import { holdAnswer, isJudged } from './hold-answer.js';
import { takeJudgement } from './on-judgement.js';
import { acceptReviewed, reviewedBy } from './review.js';
import type { NodeRun } from './scope.js';
import { surroundingsOf } from './surroundings.js';
import { roundOf, verdictOf } from './votes.js';

/** The outcome, or undefined where the votes of others are awaited. */
export function takeResponse(
  decider: Decider,
  task: TaskRecord,
  run: NodeRun,
  vote: ResponseRecord,
  artifacts: readonly ProducedArtifact[],
): string | undefined {
  const response = JSON.parse(vote.responseJson) as JsonValue;
  switch (task.kind) {
    case 'human-approval':
      return vouch(decider, task, run, vote, { response, artifacts });
    case 'human-review-edit':
      return edit(decider, task, run, vote, { response, artifacts });
    case 'human-check':
      return takeJudgement(decider, task, run, vote);
    case 'human-review':
    case 'escalation':
      return review(decider, task, run, vote, { response, artifacts });
    default: {
      const { outcome } = vote;
      const given = { output: response, judged: response, artifacts };
      return complete(decider, run, { ...given, answer: answerOf([vote], outcome, response) });
    }
  }
}

/** What somebody said, and what he handed over with it. */
interface Given {
  readonly response: JsonValue;
  readonly artifacts: readonly ProducedArtifact[];
}

interface Completion {
  readonly output: JsonValue | undefined;
  /** What the node's conditions look at; undefined where its checks have nothing to say. */
  readonly judged: JsonValue | undefined;
  readonly artifacts: readonly ProducedArtifact[];
  readonly answer: HeldAnswer;
}

/** Of those who gave it; the last of them answers for all. */
function answerOf(votes: readonly ResponseRecord[], outcome: string, said: JsonValue): HeldAnswer {
  const { responder = null, at = 0 } = votes.at(-1) ?? {};
  const givenBy = votes.flatMap((vote) => vote.responder ?? []);
  return { outcome, responder, givenBy, at, said, isDefault: false };
}

/** Blocking issues were refused before: what is left are warnings. */
function complete(
  decider: Decider,
  run: NodeRun,
  { output, judged, artifacts, answer }: Completion,
): string {
  const { outcome } = answer;
  const around = surroundingsOf(decider.model, run);
  const asked = askedOf(run.node, artifacts);
  const warnings = judged === undefined ? [] : completionIssues(asked, judged, artifacts, around);
  const action = run.node.kind === 'human-decision' ? outcome : null;
  if (judged !== undefined && isJudged(run)) {
    const given = { output, action, artifacts };
    holdAnswer(decider, run, given, { answer, warnings }, { type: 'response.held' });
    return outcome;
  }
  keepAnswerIssues(decider, run, warnings);
  storeArtifacts(decider, run, artifacts, 'accepted');
  run.setOutput(output);
  run.action = action;
  acceptHeld(run, answer);
  decider.step(run, { type: 'response.accepted', warnings: warnings.length });
  return outcome;
}

/** One vote of as many as the approval takes. */
function vouch(
  decider: Decider,
  task: TaskRecord,
  run: NodeRun,
  vote: ResponseRecord,
  { response, artifacts }: Given,
): string | undefined {
  const counted = countVote(decider, task, run, vote);
  if (counted === undefined) return undefined;
  const { outcome, votes, isByQuorum } = counted;
  const output = isByQuorum ? verdictOf(votes, outcome) : response;
  const said = isByQuorum ? roundOf(votes, outcome) : response;
  const answer = answerOf(votes, outcome, said);
  return complete(decider, run, { output, judged: response, artifacts, answer });
}

/** An edit is shown and checked again; everything else is the end of the review. */
function edit(
  decider: Decider,
  { presentedJson }: TaskRecord,
  run: NodeRun,
  vote: ResponseRecord,
  { response, artifacts }: Given,
): string {
  const { outcome } = vote;
  const answer = answerOf([vote], outcome, response);
  if (outcome === 'approved') {
    const { subject } = asObject(JSON.parse(presentedJson) as JsonValue);
    const { output = subject } = asObject(response);
    return complete(decider, run, { output, judged: output, artifacts, answer });
  }
  if (outcome !== 'edited') {
    return complete(decider, run, { output: response, judged: undefined, artifacts, answer });
  }
  keepRound(run, vote);
  decider.step(run, { type: 'response.edited' });
  return outcome;
}

/** What a reviewer decided about work that failed. */
function review(
  decider: Decider,
  task: TaskRecord,
  run: NodeRun,
  vote: ResponseRecord,
  { response, artifacts }: Given,
): string {
  const { decision, comments } = asObject(response);
  const reviewed = reviewedBy(task, response, artifacts);
  if (decision === 'accept' && reviewed !== undefined) {
    acceptReviewed(decider, run, reviewed);
  } else if (decision === 'retry') {
    keepRound(run, vote);
    decider.step(run, { type: 'response.retry' });
    beginAgain(decider, run);
  } else {
    const message = typeof comments === 'string' ? comments : 'the reviewer gave it up';
    const reason = { code: 'review-aborted', message, class: run.reason?.class ?? 'policy' };
    decider.step(run, { type: 'response.abort', reason });
  }
  return vote.outcome;
}
