/**
 * What answers to human tasks look like, by kind of task: the schema that a form can be made of, the
 * issues of an answer, and what an answer amounts to in one word. Pure.
 */
import type { Issue } from './issue.js';
import { blockingIssues } from './issue.js';
import { isJsonObject, type JsonObject, type JsonValue } from './json.js';
import type { DecisionOption, ValueValidator } from './plan-version.js';

export type ApprovalOutcome = 'approved' | 'changes-requested' | 'rejected';

const comments: JsonObject = { type: 'string' };
const MAX_EDITS = 1_000;
const requiredEdits: JsonObject = { type: 'array', items: { type: 'string' }, maxItems: MAX_EDITS };

/** What an answer to an approval looks like where its author does not say. */
export const APPROVAL_RESPONSE: JsonObject = {
  type: 'object',
  required: ['approved'],
  properties: { approved: { type: 'boolean' }, requiredEdits, comments },
};

/** What a person may say about a run that has used up what it may. */
export const GRANT_RESPONSE: JsonObject = {
  type: 'object',
  required: ['approved'],
  properties: { approved: { type: 'boolean' }, comments },
};

const REVIEW_DECISIONS = ['accept', 'retry', 'abort'] as const;
const EDIT_DECISIONS = ['accept', 'edit', 'send-back', 'reject'] as const;

/** What a reviewer may say about work that failed; `output` is the schema of the node's output. */
export function reviewResponse(output: JsonValue | undefined): JsonObject {
  return {
    type: 'object',
    required: ['decision'],
    properties: {
      decision: { enum: [...REVIEW_DECISIONS] },
      output: output ?? {},
      artifacts: { type: 'array', items: ARTIFACT },
      requiredEdits,
      comments,
    },
  };
}

const ARTIFACT: JsonObject = {
  type: 'object',
  required: ['name', 'kind'],
  properties: {
    name: { type: 'string' },
    kind: { type: 'string' },
    pointer: { type: 'string' },
    payload: {},
  },
};

/** What an editor may say about a draft. */
export function editResponse(output: JsonValue | undefined): JsonObject {
  return {
    type: 'object',
    required: ['decision'],
    properties: {
      decision: { enum: [...EDIT_DECISIONS] },
      output: output ?? {},
      requiredEdits,
      comments,
    },
  };
}

/** What a person may say who judges what a node gives; `score` is the scale of the score that is asked for. */
export function judgeResponse(score: Partial<ScoreScale> | undefined): JsonObject {
  const approved = { type: 'boolean' };
  if (score === undefined) {
    const properties = { approved, requiredEdits, comments };
    return { type: 'object', required: ['approved'], properties };
  }
  const { min, max } = score;
  const scale = {
    type: 'number',
    ...(min !== undefined && { minimum: min }),
    ...(max !== undefined && { maximum: max }),
  };
  const properties = { score: scale, approved, requiredEdits, comments };
  return { type: 'object', required: ['score'], properties };
}

export interface ScoreScale {
  readonly min: number;
  readonly max: number;
}

export function choiceResponse(options: readonly DecisionOption[]): JsonObject {
  return {
    type: 'object',
    required: ['choice'],
    properties: {
      choice: { oneOf: options.map(({ id, title }) => ({ const: id, title: title ?? id })) },
      comments,
    },
  };
}

/** What an answer is checked against. */
export interface ResponseForm {
  readonly kind: string;
  readonly validateOutput: ValueValidator | undefined;
  /** Of a decision. */
  readonly options?: readonly DecisionOption[] | undefined;
  /** What is accepted where an answer names no output of its own. */
  readonly subject?: JsonValue | undefined;
  /** Of a check that asks for a score: the scale of it. */
  readonly score?: Partial<ScoreScale> | undefined;
}

/** The issues that keep an answer from being taken, with paths into the answer. */
export function responseIssues(form: ResponseForm, response: JsonValue): readonly Issue[] {
  switch (form.kind) {
    case 'budget':
    case 'deadline':
      return grantIssues(response);
    case 'human-review':
    case 'escalation':
      return decisionIssues(form, response, REVIEW_DECISIONS);
    case 'human-review-edit':
      return decisionIssues(form, response, EDIT_DECISIONS);
    case 'human-decision':
      return choiceIssues(form, response);
    case 'human-check':
      return judgementIssues(form, response);
    default:
      return blockingIssues(form.validateOutput?.(response) ?? []);
  }
}

function grantIssues(response: JsonValue): readonly Issue[] {
  if (typeof asObject(response).approved === 'boolean') return [];
  return [mismatch('/approved', 'approved must be true or false')];
}

/** An accepted output has to be as good as one that the node's own work would give. */
function decisionIssues(
  { validateOutput, subject }: ResponseForm,
  response: JsonValue,
  decisions: readonly string[],
): readonly Issue[] {
  const { decision, output, requiredEdits: edits } = asObject(response);
  if (typeof decision !== 'string' || !decisions.includes(decision)) {
    return [mismatch('/decision', `decision must be one of ${decisions.join(', ')}`)];
  }
  if (decision === 'edit' && output === undefined) {
    return [mismatch('/output', 'an edit has the edited output')];
  }
  if (decision === 'send-back' && isBlankEdits(edits)) {
    return [mismatch('/requiredEdits', 'what is sent back says what has to change')];
  }
  if (decision !== 'accept') return [];
  const issues = blockingIssues(validateOutput?.(output ?? subject) ?? []);
  return issues.map((issue) => ({ ...issue, path: `/output${issue.path}` }));
}

function choiceIssues({ options = [] }: ResponseForm, response: JsonValue): readonly Issue[] {
  const { choice } = asObject(response);
  if (options.some(({ id }) => id === choice)) return [];
  const ids = options.map(({ id }) => id).join(', ');
  return [mismatch('/choice', `choice must be one of ${ids}`)];
}

function judgementIssues({ score: scale }: ResponseForm, response: JsonValue): readonly Issue[] {
  const { score, approved, requiredEdits: edits = [] } = asObject(response);
  const issues: Issue[] = [];
  const isWanted = approved !== undefined || scale === undefined;
  if (isWanted && typeof approved !== 'boolean') {
    issues.push(mismatch('/approved', 'approved must be true or false'));
  }
  const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = scale ?? {};
  if (scale !== undefined && !(typeof score === 'number' && score >= min && score <= max)) {
    const within = scale.min === undefined ? '' : ` from ${min} to ${max}`;
    issues.push(mismatch('/score', `score must be a number${within}`));
  }
  if (!Array.isArray(edits) || edits.length > MAX_EDITS) {
    issues.push(mismatch('/requiredEdits', `requiredEdits is a list of at most ${MAX_EDITS}`));
  }
  return issues;
}

function mismatch(path: string, message: string): Issue {
  return { severity: 'blocking', code: 'schema-mismatch', message, path };
}

/** What an answer to a task of this kind amounts to, in one word; `threshold` is the least score that is good enough. */
export function outcomeOf(kind: string, response: JsonValue, threshold?: number): string {
  const { decision, choice } = asObject(response);
  switch (kind) {
    case 'human-review':
    case 'escalation':
      return String(decision);
    case 'human-review-edit':
      return EDIT_OUTCOMES[String(decision)] ?? 'rejected';
    case 'human-decision':
      return String(choice);
    case 'human-input':
      return 'answered';
    case 'human-check':
      return judgementOutcome(response, threshold);
    default:
      return approvalOutcome(response);
  }
}

/** A score that is high enough approves, unless more is said; with a threshold nothing else does. */
function judgementOutcome(response: JsonValue, threshold: number | undefined): ApprovalOutcome {
  if (threshold === undefined) return approvalOutcome(response);
  const { score, approved = true, requiredEdits: edits = null } = asObject(response);
  const isEnough = typeof score === 'number' && score >= threshold;
  return approvalOutcome({ approved: isEnough && approved, requiredEdits: edits });
}

const EDIT_OUTCOMES: Readonly<Record<string, string>> = {
  accept: 'approved',
  edit: 'edited',
  'send-back': 'changes-requested',
  reject: 'rejected',
};

/**
 * What an approval's response amounts to: changes-requested where any required edit is not blank,
 * approved only where `approved` is true, rejected otherwise.
 */
export function approvalOutcome(response: JsonValue): ApprovalOutcome {
  const { approved, requiredEdits: edits } = asObject(response);
  if (!isBlankEdits(edits)) return 'changes-requested';
  return approved === true ? 'approved' : 'rejected';
}

function isBlankEdits(edits: JsonValue | undefined): boolean {
  return (Array.isArray(edits) ? edits : [edits]).every(isBlank);
}

/** An edit need not be a text: whatever is there, and is no blank text, asks for something. */
function isBlank(edit: JsonValue | undefined): boolean {
  return edit === undefined || edit === null || (typeof edit === 'string' && edit.trim() === '');
}

/** The members of a response, where it has any. */
export function asObject(value: JsonValue | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}
