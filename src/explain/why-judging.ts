/** What people judge, and who is asked to when nobody has. */
import type { NodeRunRecord, TaskRecord } from '../actors/records.js';
import { isHuman } from '../plan/human-schemas.js';
import type { JsonObject } from '../plan/json.js';
import type { PlanNode } from '../plan/node-schemas.js';
import { checksOf } from '../plan/node-settings.js';
import type { ExplanationCause } from '../views.js';
import { cause, timeText } from './cause.js';
import { type Fact, parseJson } from './run-facts.js';

/** What is judged, and by which check. */
export function explainJudging(
  { attempt }: NodeRunRecord,
  { presentedJson, level }: Pick<TaskRecord, 'presentedJson' | 'level'>,
): ExplanationCause {
  const { check = '', threshold } = parseJson<JsonObject>(presentedJson) ?? {};
  const least = threshold === undefined ? '' : `, and a score of at least ${String(threshold)}`;
  const message = `${givenIn(presentedJson, attempt)}, which the check "${String(check)}" asks a person about${least}`;
  return cause('judged', message, { attempt, check, threshold, level });
}

/** What is judged: the answer to a question has an outcome, a result of work has none. */
function givenIn(presentedJson: string, attempt: number): string {
  const { outcome } = parseJson<JsonObject>(presentedJson) ?? {};
  return outcome === undefined
    ? `attempt ${attempt} has given its result`
    : `it was answered ${String(outcome)}, as attempt ${attempt}`;
}

/** Nobody is asked to judge until the delay of a level is over. */
export function explainJudgingLevel(
  { attempt }: NodeRunRecord,
  { at, detail }: Fact,
  node: PlanNode,
): ExplanationCause[] {
  const { level = 1, check = '' } = detail;
  const asking = checksOf(node).find(({ name }) => name === check);
  const levels = asking !== undefined && 'ask' in asking ? (asking.ask.escalation ?? []) : [];
  const dueAt = at + (levels[Number(level) - 1]?.delayMs ?? 0);
  const given = isHuman(node) ? 'has its answer' : 'has given its result';
  const message = `attempt ${attempt} ${given}: level ${String(level)} of ${levels.length} of the check "${String(check)}" is asked about it at ${timeText(dueAt)}`;
  return [cause('escalating', message, { level, check, dueAt })];
}
