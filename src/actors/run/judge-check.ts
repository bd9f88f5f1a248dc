/** What the handler of a check said, or people did, as issues of the product that was judged. Pure. */
import type { Issue } from '../../plan/issue.js';
import type { JsonObject, JsonValue } from '../../plan/json.js';
import { toJsonValue } from '../../plan/json-values.js';
import type { CompiledNode, HandlerCheck, JudgedCheck } from '../../plan/plan-version.js';
import type { HandlerReturn } from '../messages.js';
import { checkUnfulfilled } from './assess-completion.js';

export type Judgement =
  | ({ readonly is: 'decided' } & Decided)
  /** Its handler failed, or said something else than was asked. */
  | { readonly is: 'undecided'; readonly why: string };

const ISSUE_LIMIT = 100;
const TEXT_LIMIT = 2_000;

/** A boolean, `{ok, issues?}` or `{score}`; with both, both have to be good enough. */
export function judgeCheck(
  node: CompiledNode,
  check: HandlerCheck,
  result: HandlerReturn,
): Judgement {
  if (result.type === 'aborted') return undecided('it was aborted');
  if (result.type === 'threw') return undecided(messageOf(result.error));
  const converted = toJsonValue(result.value);
  if (!converted.ok) return undecided(`its result is not JSON: ${converted.message}`);
  const { value } = converted;
  if (typeof value === 'boolean') return decided(node, check, { ok: value });
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    return undecided('it returned neither a boolean nor {ok} nor {score}');
  }
  return judgeRecord(node, check, value);
}

function judgeRecord(node: CompiledNode, check: HandlerCheck, value: JsonObject): Judgement {
  const { ok, score, issues } = value;
  if (score !== undefined && typeof score !== 'number') return undecided('its score is no number');
  if (ok !== undefined && typeof ok !== 'boolean') return undecided('its ok is no boolean');
  if (ok === undefined && score === undefined) {
    return undecided('it returned neither a boolean nor {ok} nor {score}');
  }
  if (score !== undefined && check.threshold === undefined) {
    return undecided('it gave a score, and the check has no threshold');
  }
  return decided(node, check, { ok: ok ?? true, score, issues });
}

function decided(node: CompiledNode, check: HandlerCheck, said: Said): Judgement {
  return { is: 'decided', ...judgementOf(node, check, said) };
}

interface Said {
  readonly ok: boolean;
  readonly score?: number | undefined;
  readonly issues?: JsonValue | undefined;
}

interface Decided {
  readonly fulfilled: boolean;
  readonly score: number | undefined;
  readonly issues: readonly Issue[];
}

/** What was said, held against the threshold of the check. */
export function judgementOf(node: CompiledNode, check: JudgedCheck, said: Said): Decided {
  const { ok, score } = said;
  const { threshold } = check;
  const isEnough = score === undefined || threshold === undefined || score >= threshold;
  const fulfilled = ok && isEnough;
  const detail = score === undefined ? {} : { score, threshold: threshold ?? null };
  const own = fulfilled ? [] : [checkUnfulfilled(node, check, detail)];
  // What it remarks on while it is content weighs no more than a warning.
  const severity = fulfilled ? 'warning' : check.severity;
  const remarks = readRemarks(said.issues).map((remark) => ({
    ...remark,
    severity,
    code: 'check-unfulfilled',
    node: node.id,
    detail: { check: check.name },
  }));
  return { fulfilled, score, issues: [...own, ...remarks] };
}

/** Texts, or objects with a message and a path; anything else is passed over. */
function readRemarks(value: JsonValue | undefined): { message: string; path: string }[] {
  if (!Array.isArray(value)) return [];
  return value.slice(0, ISSUE_LIMIT).flatMap((item) => {
    if (typeof item === 'string') return [{ message: item.slice(0, TEXT_LIMIT), path: '' }];
    if (item === null || typeof item !== 'object' || Array.isArray(item)) return [];
    const { message, path } = item;
    if (typeof message !== 'string') return [];
    const place = typeof path === 'string' ? path.slice(0, TEXT_LIMIT) : '';
    return [{ message: message.slice(0, TEXT_LIMIT), path: place }];
  });
}

/** Anything can be thrown. */
function messageOf(error: unknown): string {
  try {
    const message: unknown =
      typeof error === 'object' && error !== null
        ? (error as { message?: unknown }).message
        : error;
    return String(message ?? 'it failed without a message').slice(0, TEXT_LIMIT);
  } catch {
    return 'it failed with an error that cannot be read';
  }
}

function undecided(why: string): Judgement {
  return { is: 'undecided', why: why.replaceAll('\u0000', '\uFFFD').toWellFormed() };
}
