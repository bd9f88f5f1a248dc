/** What people are asked: by a human node, about what a node gave or failed with, or about the run itself. Pure. */
import type { Reason } from '../../machines/node-run-events.js';
import { type HumanNode, isHuman } from '../../plan/human-schemas.js';
import type { JsonObject, JsonValue } from '../../plan/json.js';
import type { DecisionOption, HumanSettings } from '../../plan/plan-version.js';
import { choiceResponse, GRANT_RESPONSE, reviewResponse } from '../../plan/responses.js';
import { roundsOf } from './feedback.js';
import { REFUSED } from './held-answer.js';
import { judgedBy } from './held-product.js';
import { judgeQuestion } from './judge-question.js';
import { type Question, Unanswerable } from './question.js';
import { presentRefused } from './review.js';
import type { RunModel } from './run-model.js';
import type { NodeRun } from './scope.js';
import { type Evaluate, evaluator, isName, whoIsAsked } from './whom-to-ask.js';

type Asked =
  | { readonly ok: true; readonly question: Question }
  | { readonly ok: false; readonly reason: Reason };

/** What a node run asks now, or why it cannot ask. */
export function questionOf(model: RunModel, run: NodeRun): Asked {
  try {
    return { ok: true, question: putBy(model, run) };
  } catch (error) {
    if (error instanceof Unanswerable) return { ok: false, reason: error.reason };
    throw error;
  }
}

/** By people who judge what it has given, by the node itself, or about its failure. */
function putBy(model: RunModel, run: NodeRun): Question {
  const judging = judgedBy(model.work, run);
  if (judging !== undefined) return judgeQuestion(model, run, judging);
  const { source, human } = run.node;
  if (human === undefined || !isHuman(source)) return reviewOf(run);
  return ask(model, run, source, human);
}

/** Whether the run may have once more what it has used up. */
export function grantQuestion(presented: JsonObject): Question {
  const objective = 'Decide whether the run may go on: it has used up what it may';
  return {
    kind: String(presented.kind) === 'deadline' ? 'deadline' : 'budget',
    presented: { objective, ...presented },
    responseSchema: GRANT_RESPONSE,
    people: {},
    assignee: null,
    deadlineMs: undefined,
    reminders: undefined,
    level: 0,
  };
}

function ask(model: RunModel, run: NodeRun, node: HumanNode, human: HumanSettings): Question {
  const scope = model.scopeOf(run);
  const evaluate = evaluator(scope);
  const options = node.kind === 'human-decision' ? optionsOf(human, evaluate) : undefined;
  const level = run.level > 0 ? run.node.escalation[run.level - 1] : undefined;
  const { people, assignee } = whoIsAsked(model, human, level, { scope, givenBy: [] });
  return {
    kind: node.kind,
    presented: {
      objective: node.objective ?? model.version.plan.objective ?? null,
      instructions: level?.instructions ?? node.instructions ?? null,
      criteria: node.criteria ?? [],
      deliverables: (node.deliverables ?? []) as unknown as JsonValue,
      input: run.input ?? null,
      ...(options !== undefined && { options: options as unknown as JsonValue }),
      ...(node.kind === 'human-review-edit' && draftOf(run, human, evaluate)),
      ...(roundsOf(run).length > 0 && { history: roundsOf(run) as unknown as JsonValue }),
    },
    responseSchema: human.responseSchema ?? (options && choiceResponse(options)) ?? null,
    people,
    assignee,
    deadlineMs: level === undefined ? human.deadlineMs : level.deadlineMs,
    reminders: human.reminders,
    level: run.level,
  };
}

/** Texts are options by themselves. */
function optionsOf({ options }: HumanSettings, evaluate: Evaluate): readonly DecisionOption[] {
  if (options === undefined || !('evaluate' in options)) return options ?? [];
  const given = evaluate(options);
  const read = Array.isArray(given) ? given.map(readOption) : [];
  const isSound = read.length > 0 && read.length <= MAX_OPTIONS && read.every(isThere);
  if (isSound && new Set(read.map(({ id }) => id)).size === read.length) return read;
  const wanted = `1 to ${MAX_OPTIONS} different options, as texts or {id, title?, description?}`;
  throw new Unanswerable('options-invalid', `${options.text} does not give ${wanted}`);
}

const MAX_OPTIONS = 256;

function readOption(value: JsonValue): DecisionOption | undefined {
  if (isName(value)) return { id: value };
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const { id, title, description } = value;
  if (!isName(id)) return undefined;
  return {
    id,
    ...(typeof title === 'string' && { title }),
    ...(typeof description === 'string' && { description }),
  };
}

/** What is under review: as it was edited, or accepted in vain, last in this round, else as it came. */
function draftOf(run: NodeRun, { subject }: HumanSettings, evaluate: Evaluate): JsonObject {
  const last = roundsOf(run).at(-1);
  const isOfNow = (last?.generation ?? run.generation) === run.generation;
  const draft =
    (last?.outcome === 'edited' || last?.outcome === REFUSED) && isOfNow
      ? last.output
      : subject === undefined
        ? run.input
        : evaluate(subject);
  const issues = run.node.validateOutput?.(draft) ?? [];
  return { subject: draft ?? null, issues: issues as unknown as JsonValue };
}

/** A review presents the failure, and what it is about; a level of an escalation says who is asked. */
function reviewOf(run: NodeRun): Question {
  const { node, input, reason, level, feedback } = run;
  const asked = level > 0 ? node.escalation[level - 1] : undefined;
  return {
    kind: asked === undefined ? 'human-review' : 'escalation',
    presented: {
      objective: `Decide about the failure of ${node.source.title ?? node.id}`,
      instructions: asked?.instructions ?? null,
      failure: reason === null ? null : { ...reason },
      input: input ?? null,
      outputSchema: node.outputSchema ?? null,
      ...presentRefused(run),
      ...(feedback !== undefined && { history: feedback.rounds ?? [] }),
    },
    responseSchema: reviewResponse(node.outputSchema),
    people: asked?.responders === undefined ? {} : { responders: asked.responders },
    assignee: null,
    deadlineMs: asked?.deadlineMs,
    reminders: undefined,
    level,
  };
}

function isThere<T>(value: T | undefined): value is T {
  return value !== undefined;
}
