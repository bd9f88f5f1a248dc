/** The language of completion checks: a condition over what a node gives, before it is final. */
import type { Facts } from './condition-syntax.js';
import { asBoolean } from './conditions.js';
import type { Evaluator } from './evaluator.js';
import {
  compileText,
  EDGE_LANGUAGE,
  type Failed,
  failed,
  type Language,
  newEnvironment,
} from './expressions.js';
import type { CheckScope, ExpressionCheck } from './plan-version.js';

type ParsedCheck =
  | ({ readonly ok: true; readonly condition: ExpressionCheck['condition'] } & Facts)
  | Failed;

const VARIABLES = new Set([...EDGE_LANGUAGE.variables, 'artifacts', 'node']);

const CHECKS: Language<CheckScope, boolean> = {
  variables: VARIABLES,
  environment: newEnvironment(VARIABLES),
  jsonMaps: false,
  contextOf: (scope, nodeIds) => ({
    ...EDGE_LANGUAGE.contextOf(scope, nodeIds),
    artifacts: scope.artifacts,
    node: scope.about,
  }),
  conclude: asBoolean,
};

/** Parses the condition of a check; a fault has its place in the text. */
export function parseCheck(text: string, evaluator?: Evaluator): ParsedCheck {
  const result = compileText(text, CHECKS, evaluator);
  if (!result.ok) return result;
  const { facts, type, evaluate } = result.program;
  if (type !== 'bool' && type !== 'dyn') {
    return failed(`A check is true or false, this is of type ${type}`, 0);
  }
  return { ok: true, condition: { text, evaluate }, ...facts };
}
