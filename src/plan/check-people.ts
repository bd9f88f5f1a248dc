/** Checks that what nodes and checks say of people can come true: quorums, deadlines, answers, ways back. */
import type { PersonDraft } from './check-schemas.js';
import { checkWayBack } from './check-way-back.js';
import type { Reporter } from './findings.js';
import type { HumanNode } from './human-schemas.js';
import { pointer } from './pointer.js';
import { asObject, type ResponseForm, responseIssues } from './responses.js';
import type { Topology } from './topology.js';

/** Where a node stands, and what its answers are checked against. */
interface Place {
  readonly index: number;
  readonly topology: Topology;
  readonly validateOutput: ResponseForm['validateOutput'];
}

export function checkPeople(node: HumanNode, place: Place, findings: Reporter): void {
  const at = (...segments: readonly (string | number)[]) =>
    pointer('nodes', place.index, ...segments);
  if ('rework' in node && node.rework !== undefined) {
    checkWayBack(node.id, node.rework.to, at('rework', 'to'), place.topology, findings);
  }
  if (node.kind === 'human-approval') checkQuorum(node, at, findings);
  if (node.kind === 'human-decision') checkOptions(node, at, findings);
  checkDeadlines(node, at, findings);
  checkDefault(node, place, at, findings);
}

/** People who judge what node `id` gives; `path` is that of the check. */
export function checkJudges(
  id: string,
  { ask, threshold }: PersonDraft,
  path: string,
  findings: Reporter,
): void {
  const at = (...segments: readonly (string | number)[]) => path + pointer('ask', ...segments);
  const asked = { ...ask, id };
  checkQuorum(asked, at, findings);
  checkDeadlines(asked, at, findings);
  checkScore(id, ask, threshold, at, findings);
  const form = {
    kind: 'human-check',
    validateOutput: undefined,
    score: threshold === undefined ? undefined : (ask.score ?? {}),
  };
  checkAnswer(asked, form, at, findings);
}

type At = (...segments: readonly (string | number)[]) => string;

/** A score that nobody asks for, or that can never be high enough, or never too low. */
function checkScore(
  id: string,
  { score }: PersonDraft['ask'],
  threshold: number | undefined,
  at: At,
  findings: Reporter,
): void {
  if (score === undefined) return;
  const isWithin = threshold !== undefined && threshold > score.min && threshold <= score.max;
  if (isWithin) return;
  findings.block({
    code: 'threshold-out-of-range',
    message:
      threshold === undefined
        ? `A check of '${id}' has a scale, and no threshold on it`
        : `The threshold ${threshold} of a check of '${id}' is not on its scale, above ${score.min} and up to ${score.max}`,
    path: at('score'),
    node: id,
    hint: 'Give a `threshold` on the scale',
  });
}

type Asking = Pick<HumanNode, 'id' | 'deadlineMs' | 'escalation' | 'defaultResponse' | 'reminders'>;
type Voting = Pick<
  Extract<HumanNode, { kind: 'human-approval' }>,
  'id' | 'quorum' | 'responders' | 'groups' | 'assignee'
>;

function checkQuorum(node: Voting, at: At, findings: Reporter): void {
  const { quorum, responders, groups } = node;
  if (quorum === undefined) return;
  const { approvals, rejections = 1 } = quorum;
  if (node.assignee !== undefined && approvals + rejections > 2) {
    findings.block({
      code: 'quorum-of-one',
      message: `'${node.id}' is given to one person, and needs the votes of several`,
      path: at('assignee'),
      node: node.id,
      hint: 'Remove `assignee`, and name responders or groups',
    });
  }
  if (!Array.isArray(responders) || groups !== undefined) return;
  const people = new Set(responders).size;
  if (Math.max(approvals, rejections) <= people && approvals + rejections - 1 <= people) return;
  findings.block({
    code: 'quorum-unreachable',
    message: `${people} people cannot always decide '${node.id}' by ${approvals} approvals or ${rejections} rejections`,
    path: at('quorum'),
    node: node.id,
    hint: 'Together the two are at most one more than there are responders',
  });
}

function checkOptions(
  node: Extract<HumanNode, { kind: 'human-decision' }>,
  at: At,
  findings: Reporter,
): void {
  if (!Array.isArray(node.options)) return;
  const seen = new Set<string>();
  node.options.forEach(({ id }, index) => {
    if (seen.has(id)) {
      findings.block({
        code: 'duplicate-option',
        message: `'${node.id}' has two options with the id '${id}'`,
        path: at('options', index, 'id'),
        node: node.id,
      });
    }
    seen.add(id);
  });
}

/** What follows a deadline, where there is one. */
function checkDeadlines(node: Asking, at: At, findings: Reporter): void {
  const { deadlineMs, escalation = [], defaultResponse, reminders } = node;
  const deadlines = [deadlineMs, ...escalation.map((level) => level.deadlineMs)];
  const warn = (property: string, what: string) =>
    findings.warn({
      code: 'deadline-missing',
      message: `${what} of '${node.id}' never comes about: nothing before it has a deadline`,
      path: at(property),
      node: node.id,
      hint: 'Add `deadlineMs`',
    });
  if (escalation.length > 0 && deadlines.slice(0, -1).includes(undefined)) {
    warn('escalation', 'A level of the escalation');
  } else if (defaultResponse !== undefined && deadlines.at(-1) === undefined) {
    warn('defaultResponse', 'The default response');
  }
  if (reminders !== undefined && deadlineMs !== undefined && reminders.afterMs >= deadlineMs) {
    findings.warn({
      code: 'reminder-too-late',
      message: `Nobody is reminded of '${node.id}': its deadline comes first`,
      path: at('reminders', 'afterMs'),
      node: node.id,
    });
  }
}

/** A default answer is taken as an answer of a person is. */
function checkDefault(node: HumanNode, place: Place, at: At, findings: Reporter): void {
  if (node.defaultResponse === undefined) return;
  if (node.kind === 'human-review-edit' && asObject(node.defaultResponse).decision === 'edit') {
    findings.block({
      code: 'default-response-invalid',
      message: `The default response of '${node.id}' is no end of the review: an edit is looked at again`,
      path: at('defaultResponse', 'decision'),
      node: node.id,
      hint: 'Accept, with an output if need be, send back or reject',
    });
    return;
  }
  const options =
    node.kind === 'human-decision' && Array.isArray(node.options) ? node.options : undefined;
  if (node.kind === 'human-decision' && options === undefined) return;
  const form = { kind: node.kind, validateOutput: place.validateOutput, options };
  checkAnswer(node, form, at, findings);
}

function checkAnswer(node: Asking, form: ResponseForm, at: At, findings: Reporter): void {
  if (node.defaultResponse === undefined) return;
  for (const { message, path } of responseIssues(form, node.defaultResponse)) {
    findings.block({
      code: 'default-response-invalid',
      message: `The default response of '${node.id}' is no answer to it: ${message}`,
      path: at('defaultResponse') + path,
      node: node.id,
    });
  }
}
