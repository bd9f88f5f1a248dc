/**
 * An answer to a human task: refused and audited, counted as one vote of several, or taken. Invariant:
 * an answer is recorded before the task closes, and the task before its node run is final.
 */
import { RunchartError } from '../../errors.js';
import { isFinal } from '../../machines/statuses.js';
import { MAX_ROUNDS } from '../../plan/human-schemas.js';
import type { Issue } from '../../plan/issue.js';
import type { JsonValue } from '../../plan/json.js';
import type { DecisionOption } from '../../plan/plan-version.js';
import { asObject, outcomeOf, responseIssues, type ScoreScale } from '../../plan/responses.js';
import type { TaskResponseMessage } from '../messages.js';
import type { ResponseRecord, TaskRecord } from '../records.js';
import { completionIssues } from './assess-completion.js';
import type { Exhausted } from './budget.js';
import { askNext, exhaustion, grantBudget } from './budget.js';
import type { Decider } from './decider.js';
import { refuseResponder } from './entitlement.js';
import { askedOf, handedOver, MALFORMED_ARTIFACTS, refuseArtifacts } from './handed-over.js';
import { refuseUnnamed } from './hold-answer.js';
import { closeRunTask } from './human-tasks.js';
import { questionOf } from './questions.js';
import { acceptanceIssues, reviewedBy } from './review.js';
import type { RunModel } from './run-model.js';
import type { NodeRun } from './scope.js';
import { surroundingsOf } from './surroundings.js';
import { takeResponse } from './take-response.js';

export function onResponse(decider: Decider, message: TaskResponseMessage): void {
  const { model, turn } = decider;
  const task = model.taskById(message.task);
  if (task === undefined) {
    refuse(decider, message, refuseClosed(decider, message));
    return;
  }
  const run = task.node === '' ? undefined : model.nodeRun(task.node);
  const votes = model.votesOn(task.id);
  const earlier = votes.find(({ messageId }) => isSame(messageId, message.messageId));
  if (earlier !== undefined) return repeat(decider, task, earlier, message);
  const refusal = refuseResponse(decider, task, run, message);
  if (refusal !== undefined) return refuse(decider, message, refusal);
  const vote = record(decider, task, message);
  const outcome =
    run === undefined
      ? vote.outcome
      : takeResponse(decider, task, run, vote, handedOver(message) ?? []);
  if (run === undefined) applyGrant(decider, task, vote.outcome);
  turn.reply = replyOf(decider, task, vote, outcome !== undefined);
}

function isSame(known: string | null, given: string | null): boolean {
  return given !== null && known === given;
}

/** The same message again is the same answer; another one under its id is a mistake. */
function repeat(
  decider: Decider,
  task: TaskRecord,
  earlier: ResponseRecord,
  message: TaskResponseMessage,
): void {
  const isSameAnswer = earlier.responseJson === JSON.stringify(message.response);
  if (isSameAnswer && earlier.responder === message.responder) {
    decider.turn.reply = replyOf(decider, task, earlier, false);
    return;
  }
  const text = `message ${message.messageId} has answered task ${task.id} otherwise`;
  refuse(decider, message, new RunchartError('message-conflict', text));
}

function replyOf(
  { model }: Decider,
  { node, id }: TaskRecord,
  { outcome }: ResponseRecord,
  isDecided: boolean,
) {
  return { run: model.record.id, node, task: id, outcome, isDecided };
}

// Refusing -----------------------------------------------------------------------------------

function refuse(decider: Decider, message: TaskResponseMessage, refusal: RunchartError): void {
  const { model, turn } = decider;
  turn.refusal = refusal;
  // Nothing is recorded after the terminal event.
  if (isFinal(model.record.status)) return;
  const { task, responder } = message;
  const node = model.taskById(task) === undefined ? null : message.node || null;
  turn.event('task.response-refused', node, null, { task, responder, code: refusal.code });
}

/** Where the node asks again in another task, that one is shown. */
function refuseClosed({ model }: Decider, { task, node }: TaskResponseMessage): RunchartError {
  const successor = model.tasks.get(node);
  if (successor === undefined) {
    return new RunchartError('task-closed', `task ${task} is not open any more`);
  }
  const { id, presentedDigest, presentedJson } = successor;
  return new RunchartError('task-superseded', `task ${id} has taken the place of task ${task}`, {
    hint: 'look at what is presented now, and answer that',
    data: {
      task: id,
      digest: presentedDigest,
      presented: JSON.parse(presentedJson) as JsonValue,
    },
  });
}

/** Says why this answer is refused, or nothing. Asks who, then when, then to what, then what. */
function refuseResponse(
  { model, turn }: Decider,
  task: TaskRecord,
  run: NodeRun | undefined,
  message: TaskResponseMessage,
): RunchartError | undefined {
  const { responder, groups, digest, response } = message;
  const who = responder === null ? null : { name: responder, groups };
  const refusal = refuseResponder(task, who) ?? (run && refuseUnnamed(task, run, responder));
  if (refusal !== undefined) return refusal;
  const votes = model.votesOn(task.id);
  if (votes.some((vote) => vote.responder === responder)) {
    return new RunchartError('vote-repeated', `${responder} has voted on task ${task.id}`);
  }
  if (task.deadlineAt !== null && turn.at >= task.deadlineAt) {
    return new RunchartError('task-expired', `the deadline of task ${task.id} has passed`);
  }
  if (digest !== null && digest !== task.presentedDigest) {
    return new RunchartError('presentation-outdated', `task ${task.id} presents something else`, {
      hint: 'look at what is presented, and answer with its digest',
      data: {
        task: task.id,
        digest: task.presentedDigest,
        presented: JSON.parse(task.presentedJson) as JsonValue,
      },
    });
  }
  const issues = issuesOf(model, task, run, message);
  if (issues.length === 0) return refuseRound(model, task, run, response);
  return new RunchartError('response-invalid', `the response does not fit task ${task.id}`, {
    issues,
    hint: 'correct the response and send it again; the task is still open',
  });
}

/** What is edited again and again comes to an end, and is edited only where somebody can be asked again. */
function refuseRound(
  model: RunModel,
  { id, kind, round }: TaskRecord,
  run: NodeRun | undefined,
  response: JsonValue,
) {
  if (kind !== 'human-review-edit' || asObject(response).decision !== 'edit') return undefined;
  const asked = run && questionOf(model, run);
  if (asked?.ok === false) {
    const text = `nobody can be asked again after an edit of task ${id}: ${asked.reason.message}`;
    return new RunchartError('response-invalid', text, { hint: 'accept, send back or reject' });
  }
  if (round < MAX_ROUNDS) return undefined;
  const message = `task ${id} is the last of ${MAX_ROUNDS} rounds: accept, send back or reject`;
  return new RunchartError('response-invalid', message);
}

function issuesOf(
  model: RunModel,
  task: TaskRecord,
  run: NodeRun | undefined,
  message: TaskResponseMessage,
): readonly Issue[] {
  const { kind } = task;
  const { response } = message;
  const artifacts = handedOver(message);
  if (artifacts === undefined) return [MALFORMED_ARTIFACTS];
  const refused = refuseArtifacts(task, outcomeOf(kind, response), artifacts);
  if (refused !== undefined) return [refused];
  const presented = asObject(JSON.parse(task.presentedJson) as JsonValue);
  const options = presented.options as unknown as readonly DecisionOption[] | undefined;
  const { subject } = presented;
  if (run === undefined) return responseIssues({ kind, validateOutput: undefined }, response);
  if (kind === 'human-check') {
    return responseIssues(
      { kind, validateOutput: undefined, score: scaleOf(task).score },
      response,
    );
  }
  if (isReview(task)) {
    const isAccepted = asObject(response).decision === 'accept';
    if (!isAccepted) return responseIssues({ kind, validateOutput: undefined }, response);
    return acceptanceIssues(model, run, reviewedBy(task, response, artifacts));
  }
  const around = surroundingsOf(model, run);
  const asked = askedOf(run.node, artifacts);
  const validateOutput = (value: JsonValue = null) =>
    completionIssues(asked, value, artifacts, around);
  return responseIssues({ kind, validateOutput, options, subject }, response);
}

/** Of a check that asks for a score: its scale, and the least one that is good enough. */
function scaleOf({ kind, presentedJson }: TaskRecord): {
  readonly score?: Partial<ScoreScale>;
  readonly threshold?: number;
} {
  return kind === 'human-check' ? (JSON.parse(presentedJson) as object) : {};
}

/** Whether a task is about work that failed. */
function isReview({ kind }: TaskRecord): boolean {
  return kind === 'human-review' || kind === 'escalation';
}

// Taking -------------------------------------------------------------------------------------

function record(
  { turn, services }: Decider,
  task: TaskRecord,
  { response, responder, messageId, comment }: TaskResponseMessage,
): ResponseRecord {
  const vote: ResponseRecord = {
    id: services.environment.id(),
    task: task.id,
    run: task.run,
    responder,
    responseJson: JSON.stringify(response),
    outcome: outcomeOf(task.kind, response, scaleOf(task).threshold),
    at: turn.at,
    presentedDigest: task.presentedDigest,
    messageId,
    comment,
  };
  turn.addResponse(vote);
  turn.event('task.responded', task.node || null, null, {
    task: task.id,
    response: vote.id,
    responder,
    outcome: vote.outcome,
    digest: task.presentedDigest,
  });
  return vote;
}

function applyGrant(decider: Decider, task: TaskRecord, outcome: string): void {
  const { kind } = JSON.parse(task.presentedJson) as { kind: Exhausted };
  closeRunTask(decider, 'answered');
  if (outcome !== 'approved') {
    return decider.stepRun({ type: 'node.aborted', reason: exhaustion(kind) });
  }
  grantBudget(decider, kind);
  askNext(decider);
}
