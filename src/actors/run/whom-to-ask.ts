/** Whom a node, or a check, asks: worked out from what it says of people, or from a level of its escalation. Pure. */
import type { JsonValue } from '../../plan/json.js';
import type {
  AskSettings,
  EdgeScope,
  EscalationLevel,
  Evaluation,
  Expression,
} from '../../plan/plan-version.js';
import type { TaskPeople } from '../records.js';
import { requestersOf } from './entitlement.js';
import { Unanswerable } from './question.js';
import type { RunModel } from './run-model.js';

export interface WhomToAsk {
  readonly people: TaskPeople;
  readonly assignee: string | null;
}

/** What a question is about: what its expressions see, and who gave what is judged by it. */
interface Subject {
  readonly scope: EdgeScope;
  readonly givenBy: readonly string[];
}

/** Throws Unanswerable. */
export function whoIsAsked(
  model: RunModel,
  settings: AskSettings,
  level: EscalationLevel | undefined,
  { scope, givenBy }: Subject,
): WhomToAsk {
  const evaluate = evaluator(scope);
  const who = level ?? {
    responders: respondersOf(settings, evaluate),
    groups: settings.groups.length === 0 ? undefined : settings.groups,
    assignee: assigneeOf(settings, evaluate),
  };
  refuseOwn(who, givenBy);
  const { assignee } = who;
  return {
    people: {
      ...peopleOf(model, settings, who, { isFirst: level === undefined, givenBy }),
      ...(givenBy.length > 0 && { givenBy }),
    },
    assignee: assignee === undefined || givenBy.includes(assignee) ? null : assignee,
  };
}

type Named = Pick<EscalationLevel, 'responders' | 'groups' | 'assignee'>;

/** Nobody judges an answer of his own. */
function refuseOwn({ responders, groups, assignee }: Named, givenBy: readonly string[]): void {
  const named = [...(responders ?? []), ...(assignee === undefined ? [] : [assignee])];
  const isOwn = named.length > 0 && named.every((name) => givenBy.includes(name));
  if (!isOwn || groups !== undefined) return;
  const message = `nobody but ${named.join(', ')}, who gave the answer, is there to judge it`;
  throw new Unanswerable('judge-excluded', message);
}

function peopleOf(
  model: RunModel,
  { quorum, fourEyes, delegation }: AskSettings,
  { responders, groups }: Named,
  { isFirst, givenBy }: Pick<Subject, 'givenBy'> & { readonly isFirst: boolean },
): TaskPeople {
  const requesters = fourEyes ? requestersOf(model.settings) : [];
  if (fourEyes && model.settings.requestedBy === undefined) {
    throw new Unanswerable('requester-unknown', 'nobody is known to have asked for the run');
  }
  // Whoever an escalation turns to decides alone.
  const isQuorum = isFirst && quorum.approvals + quorum.rejections > 2;
  if (isQuorum && responders !== undefined && groups === undefined) {
    const excluded = [...givenBy, ...requesters];
    const people = new Set(responders.filter((name) => !excluded.includes(name))).size;
    if (people < quorum.approvals) {
      const message = `${people} people cannot give ${quorum.approvals} approvals`;
      throw new Unanswerable('quorum-unreachable', message);
    }
  }
  return {
    ...(responders !== undefined && { responders: [...new Set(responders)] }),
    ...(groups !== undefined && { groups }),
    ...(fourEyes && { excluded: requesters.length > 1 ? requesters : requesters[0] }),
    ...(delegation !== 'entitled' && { delegation }),
    ...(isQuorum && { quorum }),
  };
}

export type Evaluate = (expression: Expression) => JsonValue;

/** Gives what expressions come to. Throws Unanswerable. */
export function evaluator(scope: EdgeScope): Evaluate {
  return (expression) => resultOf(expression.evaluate(scope), expression.text);
}

function resultOf(evaluation: Evaluation<JsonValue>, text: string): JsonValue {
  if (evaluation.ok) return evaluation.value;
  throw new Unanswerable(evaluation.code, `${text}: ${evaluation.message}`);
}

function respondersOf({ responders }: AskSettings, evaluate: Evaluate) {
  if (responders === undefined || !('evaluate' in responders)) return responders;
  const names = evaluate(responders);
  if (Array.isArray(names) && names.length > 0 && names.every(isName)) return names;
  throw new Unanswerable('responders-invalid', `${responders.text} gives no list of names`);
}

function assigneeOf({ assignee }: AskSettings, evaluate: Evaluate): string | undefined {
  if (assignee === undefined || typeof assignee === 'string') return assignee;
  const name = evaluate(assignee);
  if (isName(name)) return name;
  throw new Unanswerable('assignee-invalid', `${assignee.text} gives no name`);
}

export function isName(value: JsonValue | undefined): value is string {
  return typeof value === 'string' && value !== '' && value.length <= 256;
}
