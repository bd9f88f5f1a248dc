/**
 * What people say who judge what a node has given, and what applies where they say nothing in time.
 * Invariant: the answer, or the deadline, closes the task; the verdict is that of the checks as a whole.
 */
import type { Issue } from '../../plan/issue.js';
import type { JsonObject, JsonValue } from '../../plan/json.js';
import type { PersonCheck } from '../../plan/plan-version.js';
import { asObject, outcomeOf } from '../../plan/responses.js';
import type { ResponseRecord, TaskRecord } from '../records.js';
import { putQuestion } from './ask-judge.js';
import { checkErrored } from './assess-completion.js';
import { goOnChecking, noteFindings } from './checks.js';
import { countVote } from './count-vote.js';
import type { Decider } from './decider.js';
import { keepRound } from './feedback.js';
import { UNANSWERED } from './held-answer.js';
import { judgedBy, underCheck } from './held-product.js';
import { judgementOf } from './judge-check.js';
import type { NodeRun } from './scope.js';
import { roundOf } from './votes.js';

/** The outcome, or undefined where the votes of others are awaited. */
export function takeJudgement(
  decider: Decider,
  task: TaskRecord,
  run: NodeRun,
  vote: ResponseRecord,
): string | undefined {
  const counted = countVote(decider, task, run, vote);
  if (counted === undefined) return undefined;
  const { outcome, votes, isByQuorum } = counted;
  const said = isByQuorum ? roundOf(votes, outcome) : read(vote.responseJson);
  if (outcome !== 'approved' && isOfWork(decider, run)) {
    keepRound(run, { ...vote, outcome, responseJson: JSON.stringify(said) });
  }
  noteFindings(decider, run, evaluate(decider, run, { outcome, said: asObject(said) }));
  decider.step(run, { type: 'response.judged' });
  return outcome;
}

/** Who does work again is told what was said of it; of an answer that is refused it is an issue of its round. */
function isOfWork({ model }: Decider, run: NodeRun): boolean {
  return underCheck(model.work, run).held.answer === undefined;
}

/** The deadline has passed: the next level is asked, the default answer taken, or the check not decided. */
export function expireJudgement(decider: Decider, run: NodeRun): void {
  const { model } = decider;
  const { held } = underCheck(model.work, run);
  const check = judging(decider, run);
  const isRaised = held.level < check.ask.escalation.length;
  if (isRaised) model.work.hold(run, { ...held, level: held.level + 1 });
  else noteFindings(decider, run, unanswered(decider, run, check));
  const reason = UNANSWERED;
  const otherwise = isRaised ? 'escalate' : 'default';
  decider.step(run, { type: 'deadline.passed', otherwise, reason });
}

/** The delay of a level is over. */
export function enterJudgingLevel(decider: Decider, run: NodeRun): void {
  const found = putQuestion(decider, run, judging(decider, run));
  if (found === undefined) return;
  noteFindings(decider, run, found);
  goOnChecking(decider, run);
}

const NOBODY = UNANSWERED.message;

function unanswered(decider: Decider, run: NodeRun, check: PersonCheck): readonly Issue[] {
  const { model, turn } = decider;
  const { defaultResponse } = check.ask;
  if (defaultResponse === undefined) {
    turn.event('check.failed', run.path, run.attempt, { check: check.name, message: NOBODY });
    return [checkErrored(run.node, check, NOBODY)];
  }
  const outcome = outcomeOf('human-check', defaultResponse, check.threshold);
  const { id } = model.tasks.get(run.path) ?? {};
  turn.event('task.defaulted', run.path, null, { task: id, outcome });
  if (outcome !== 'approved' && isOfWork(decider, run)) {
    const responseJson = JSON.stringify(defaultResponse);
    keepRound(run, { outcome, responder: null, at: turn.at, responseJson });
  }
  return evaluate(decider, run, { outcome, said: asObject(defaultResponse) });
}

interface Said {
  readonly outcome: string;
  readonly said: JsonObject;
}

function evaluate(decider: Decider, run: NodeRun, { outcome, said }: Said): readonly Issue[] {
  const check = judging(decider, run);
  const { fulfilled, score, issues } = judgementOf(run.node, check, {
    ok: outcome === 'approved',
    score: typeof said.score === 'number' ? said.score : undefined,
    issues: outcome === 'approved' ? undefined : remarksOf(said),
  });
  decider.turn.event('check.evaluated', run.path, run.attempt, {
    check: check.name,
    result: fulfilled,
    score: check.threshold === undefined ? undefined : score,
    threshold: check.threshold,
  });
  return issues;
}

/** What has to change, and why: remarks weigh as much as the check. */
function remarksOf({ requiredEdits = [], comments = [] }: JsonObject): JsonValue[] {
  return [requiredEdits, comments]
    .flat()
    .filter((remark) => remark !== null && remark !== '')
    .map((remark) => (typeof remark === 'string' ? remark : JSON.stringify(remark)));
}

function judging({ model }: Decider, run: NodeRun): PersonCheck {
  const check = judgedBy(model.work, run);
  if (check === undefined) throw new Error(`nobody judges what "${run.path}" has given`);
  return check;
}

function read(json: string): JsonValue {
  return JSON.parse(json) as JsonValue;
}
