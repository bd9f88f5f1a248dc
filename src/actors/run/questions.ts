/** What people are asked: by a human node, about work that failed, or about the run itself. Pure. */
import type { Reason } from '../../machines/node-run-events.js';
import { type HumanNode, isHuman } from '../../plan/human-schemas.js';
import type { JsonObject, JsonValue } from '../../plan/json.js';
import type {
  DecisionOption,
  EscalationLevel,
  Evaluation,
  Expression,
  HumanSettings,
} from '../../plan/plan-version.js';
import { choiceResponse, GRANT_RESPONSE, reviewResponse } from '../../plan/responses.js';
import type { TaskPeople } from '../records.js';
import { roundsOf } from './feedback.js';
import { presentRefused } from './review.js';
import type { RunModel } from './run-model.js';
import type { NodeRun } from './scope.js';

export interface Question {
  readonly kind: string;
  readonly presented: JsonObject;
  readonly responseSchema: JsonValue;
  readonly people: TaskPeople;
  readonly assignee: string | null;
  readonly deadlineMs: number | undefined;
}

type Asked =
  | { readonly ok: true; readonly question: Question }
  | { readonly ok: false; readonly reason: Reason };

/** What a node run asks now, or why it cannot ask. */
export function questionOf(model: RunModel, run: NodeRun): Asked {
  const { source, human } = run.node;
  if (human === undefined || !isHuman(source)) return { ok: true, question: reviewOf(run) };
  try {
    return { ok: true, question: ask(model, run, source, human) };
  } catch (error) {
    if (error instanceof Unanswerable) return { ok: false, reason: error.reason };
    throw error;
  }
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
  };
}

/** A question to nobody, or about nothing: the node fails instead. */
class Unanswerable extends Error {
  readonly reason: Reason;

  constructor(code: string, message: string) {
    super(message);
    this.reason = { code, message, class: 'policy' };
  }
}

function ask(model: RunModel, run: NodeRun, node: HumanNode, human: HumanSettings): Question {
  const scope = model.scopeOf(run);
  const evaluate = (expression: Expression) =>
    resultOf(expression.evaluate(scope), expression.text);
  const options = node.kind === 'human-decision' ? optionsOf(human, evaluate) : undefined;
  const level = run.level > 0 ? run.node.escalation[run.level - 1] : undefined;
  const who = level ?? {
    responders: respondersOf(human, evaluate),
    groups: human.groups.length === 0 ? undefined : human.groups,
    assignee: assigneeOf(human, evaluate),
  };
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
    people: peopleOf(model, human, who, level === undefined),
    assignee: who.assignee ?? null,
    deadlineMs: level === undefined ? human.deadlineMs : level.deadlineMs,
  };
}

function peopleOf(
  model: RunModel,
  { quorum, fourEyes, delegation }: HumanSettings,
  { responders, groups }: Pick<EscalationLevel, 'responders' | 'groups'>,
  isFirst: boolean,
): TaskPeople {
  const { requestedBy } = model.settings;
  if (fourEyes && requestedBy === undefined) {
    throw new Unanswerable('requester-unknown', 'nobody is known to have asked for the run');
  }
  // Whoever an escalation turns to decides alone.
  const isQuorum = isFirst && quorum.approvals + quorum.rejections > 2;
  if (isQuorum && responders !== undefined && groups === undefined) {
    const excluded = fourEyes ? requestedBy : undefined;
    const people = new Set(responders.filter((name) => name !== excluded)).size;
    if (people < quorum.approvals) {
      const message = `${people} people cannot give ${quorum.approvals} approvals`;
      throw new Unanswerable('quorum-unreachable', message);
    }
  }
  return {
    ...(responders !== undefined && { responders: [...new Set(responders)] }),
    ...(groups !== undefined && { groups }),
    ...(fourEyes && requestedBy !== undefined && { excluded: requestedBy }),
    ...(delegation !== 'entitled' && { delegation }),
    ...(isQuorum && { quorum }),
  };
}

type Evaluate = (expression: Expression) => JsonValue;

function resultOf(evaluation: Evaluation<JsonValue>, text: string): JsonValue {
  if (evaluation.ok) return evaluation.value;
  throw new Unanswerable(evaluation.code, `${text}: ${evaluation.message}`);
}

function respondersOf({ responders }: HumanSettings, evaluate: Evaluate) {
  if (responders === undefined || !('evaluate' in responders)) return responders;
  const names = evaluate(responders);
  if (Array.isArray(names) && names.length > 0 && names.every(isName)) return names;
  throw new Unanswerable('responders-invalid', `${responders.text} gives no list of names`);
}

function assigneeOf({ assignee }: HumanSettings, evaluate: Evaluate): string | undefined {
  if (assignee === undefined || typeof assignee === 'string') return assignee;
  const name = evaluate(assignee);
  if (isName(name)) return name;
  throw new Unanswerable('assignee-invalid', `${assignee.text} gives no name`);
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

/** What is under review: as it was edited last in this round, else as it came. */
function draftOf(run: NodeRun, { subject }: HumanSettings, evaluate: Evaluate): JsonObject {
  const last = roundsOf(run).at(-1);
  const isOfNow = (last?.generation ?? run.generation) === run.generation;
  const draft =
    last?.outcome === 'edited' && isOfNow
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
  };
}

function isName(value: JsonValue | undefined): value is string {
  return typeof value === 'string' && value !== '' && value.length <= 256;
}

function isThere<T>(value: T | undefined): value is T {
  return value !== undefined;
}
