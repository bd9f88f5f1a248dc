/**
 * The deadline of a node's question, or of a review, has passed: others are asked, the default answer is
 * taken, or the policy settles it. Invariant: a default answer is as good as one of a person has to be.
 */
import { blockingIssues, type Issue } from '../../plan/issue.js';
import type { JsonValue } from '../../plan/json.js';
import { asObject, outcomeOf, responseIssues } from '../../plan/responses.js';
import type { TaskRecord } from '../records.js';
import { keepAnswerIssues } from './answer-issues.js';
import { completionIssues } from './assess-completion.js';
import type { Decider } from './decider.js';
import { deadlineHandling } from './failure-policy.js';
import { acceptHeld, type HeldAnswer, UNANSWERED } from './held-answer.js';
import { holdAnswer, isJudged } from './hold-answer.js';
import { refusedIn } from './review.js';
import type { RunModel } from './run-model.js';
import type { NodeRun } from './scope.js';
import { surroundingsOf } from './surroundings.js';

export function onDeadline(decider: Decider, run: NodeRun): void {
  const { model } = decider;
  const task = model.tasks.get(run.path);
  const { plan } = model.version;
  let otherwise = deadlineHandling(plan, run, hasDefaultResponse(task, run));
  let warnings = 0;
  if (otherwise === 'default') {
    const found = defaultIssues(model, task, run);
    if (!isJudged(run) || blockingIssues(found).length > 0) keepAnswerIssues(decider, run, found);
    if (blockingIssues(found).length > 0) otherwise = deadlineHandling(plan, run, false);
    else if (isJudged(run)) return holdDefaultResponse(decider, task, run, found);
    else {
      warnings = found.length;
      takeDefaultResponse(decider, task, run);
    }
  }
  // Whoever an escalation turns to is shown what was refused, as the one before.
  run.refused = refusedIn(task);
  decider.step(run, { type: 'deadline.passed', otherwise, reason: UNANSWERED, warnings });
  run.refused = undefined;
}

/** Whether the node has an answer for when nobody gives one: a choice is one of what there was to choose from. */
function hasDefaultResponse(task: TaskRecord | undefined, { node }: NodeRun): boolean {
  const response = node.human?.defaultResponse;
  if (response === undefined || node.kind !== 'human-decision') return response !== undefined;
  const { options } = presentedIn(task);
  const form = { kind: node.kind, validateOutput: undefined, options: options as never };
  return responseIssues(form, response).length === 0;
}

/** Of what would be the output; a default answer has nothing to hand over, and is not asked for it. */
function defaultIssues(
  model: RunModel,
  task: TaskRecord | undefined,
  run: NodeRun,
): readonly Issue[] {
  const { node } = run;
  const response = node.human?.defaultResponse ?? null;
  const isEnd = node.kind === 'human-review-edit' && asObject(response).decision !== 'accept';
  if (isEnd) return [];
  return completionIssues(
    { ...node, deliverables: [] },
    outputOf(task, run, response),
    [],
    surroundingsOf(model, run),
  );
}

interface DefaultAnswer {
  readonly output: JsonValue;
  readonly action: string | null;
  readonly answer: HeldAnswer;
}

/** What is taken for an answer, and who is told so. */
function defaultAnswer(
  { turn }: Decider,
  task: TaskRecord | undefined,
  run: NodeRun,
): DefaultAnswer {
  const { kind, human } = run.node;
  const said = human?.defaultResponse ?? null;
  const outcome = outcomeOf(kind, said);
  turn.event('task.defaulted', run.path, null, { task: task?.id, outcome });
  return {
    output: outputOf(task, run, said),
    action: kind === 'human-decision' ? outcome : null,
    answer: { outcome, responder: null, givenBy: [], at: turn.at, said, isDefault: true },
  };
}

function takeDefaultResponse(decider: Decider, task: TaskRecord | undefined, run: NodeRun): void {
  const { output, action, answer } = defaultAnswer(decider, task, run);
  run.setOutput(output);
  run.action = action;
  acceptHeld(run, answer);
}

/** Handlers and people judge it as an answer that somebody gave. */
function holdDefaultResponse(
  decider: Decider,
  task: TaskRecord | undefined,
  run: NodeRun,
  warnings: readonly Issue[],
): void {
  const { output, action, answer } = defaultAnswer(decider, task, run);
  const given = { output, action, artifacts: [] };
  const event = { type: 'deadline.passed', otherwise: 'default-held', reason: UNANSWERED } as const;
  holdAnswer(decider, run, given, { answer, warnings }, event);
}

/** What is accepted is the draft, or what the answer has in its place, as when a person accepts it. */
function outputOf(task: TaskRecord | undefined, { node }: NodeRun, response: JsonValue): JsonValue {
  const { decision, output } = asObject(response);
  if (node.kind !== 'human-review-edit' || decision !== 'accept') return response;
  return output === undefined ? (presentedIn(task).subject ?? null) : output;
}

function presentedIn(task: TaskRecord | undefined) {
  return asObject(JSON.parse(task?.presentedJson ?? '{}') as JsonValue);
}
