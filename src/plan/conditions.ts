/**
 * Conditions: CEL that is true or false. Those of edges and loops read `inputs`, `input`,
 * `output`, `outcome`, `action`, `loop` and `nodes`; those of joins read numbers of edges.
 */

import type { Facts } from './condition-syntax.js';
import type { Evaluator } from './evaluator.js';
import {
  compileText,
  EDGE_LANGUAGE,
  type Failed,
  failed,
  type Language,
  newEnvironment,
  type ProgramResult,
} from './expressions.js';
import type { Condition, CountCondition, EdgeScope, JoinCounts } from './plan-version.js';

export interface ParsedCondition extends Facts {
  readonly condition: Condition;
  /** The value, where the expression reads nothing. */
  readonly constant: boolean | undefined;
}

export type ConditionResult =
  | { readonly ok: true; readonly parsed: ParsedCondition | undefined }
  | Failed;

export type CountConditionResult =
  | { readonly ok: true; readonly condition: CountCondition }
  | Failed;

/** Parses a condition. `parsed` is undefined where it is always true: empty, or `always`. */
export function parseCondition(text: string, evaluator?: Evaluator): ConditionResult {
  const trimmed = text.trim();
  if (trimmed === '' || trimmed === 'always') return { ok: true, parsed: undefined };
  const result = compileCondition(text, CONDITIONS, evaluator);
  if (!result.ok) return result;
  const { facts, evaluate } = result.program;
  const condition: Condition = { text, evaluate };
  const constant = facts.readsNothing ? constantOf(condition) : undefined;
  return { ok: true, parsed: { condition, ...facts, constant } };
}

/** Parses the rule of a join: a condition over the numbers of its inbound edges, nothing else. */
export function parseCountCondition(text: string, evaluator?: Evaluator): CountConditionResult {
  const result = compileCondition(text, COUNT_CONDITIONS, evaluator);
  if (!result.ok) return result;
  const { evaluate } = result.program;
  const probe = evaluate(NO_COUNTS);
  if (!probe.ok && WRONG_TYPES.has(probe.code)) return failed(probe.message, 0);
  return { ok: true, condition: { text, evaluate } };
}

function compileCondition<Scope>(
  text: string,
  language: Language<Scope, boolean>,
  evaluator: Evaluator | undefined,
): ProgramResult<Scope, boolean> {
  const result = compileText(text, language, evaluator);
  if (!result.ok) return result;
  const { type } = result.program;
  if (type === 'bool' || type === 'dyn') return result;
  return failed(`A condition is true or false, this is of type ${type}`, 0);
}

const NOT_BOOLEAN = 'The condition is neither true nor false';

/** Throws where a value is no boolean. */
export function asBoolean(value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  throw Object.assign(new Error(NOT_BOOLEAN), { code: 'not-boolean', summary: NOT_BOOLEAN });
}

const CONDITIONS: Language<EdgeScope, boolean> = {
  ...EDGE_LANGUAGE,
  jsonMaps: false,
  conclude: asBoolean,
};

const NO_COUNTS: JoinCounts = { taken: 0, dead: 0, failed: 0, open: 0, total: 0 };
const COUNTS = new Set(Object.keys(NO_COUNTS));
/** Errors that numbers give whatever they are. */
const WRONG_TYPES: ReadonlySet<string> = new Set(['not-boolean', 'no-such-overload']);

const COUNT_CONDITIONS: Language<JoinCounts, boolean> = {
  variables: COUNTS,
  environment: newEnvironment(COUNTS),
  jsonMaps: false,
  contextOf: (counts) => ({ ...counts }),
  conclude: asBoolean,
};

/** With nothing in it, for what does not depend on it. */
export const EMPTY_SCOPE: EdgeScope = {
  inputs: null,
  input: undefined,
  output: undefined,
  outcome: undefined,
  node: () => undefined,
};

function constantOf(condition: Condition): boolean | undefined {
  const result = condition.evaluate(EMPTY_SCOPE);
  return result.ok ? result.value : undefined;
}
