/** What people are shown who judge what a node has given. Pure. */
import type { JsonValue } from '../../plan/json.js';
import type { PersonCheck } from '../../plan/plan-version.js';
import { roundsOf } from './feedback.js';
import { underCheck } from './held-product.js';
import type { Question } from './question.js';
import { presentArtifact } from './review.js';
import type { RunModel } from './run-model.js';
import type { NodeRun } from './scope.js';
import { whoIsAsked } from './whom-to-ask.js';

/** Throws Unanswerable. */
export function judgeQuestion(
  model: RunModel,
  run: NodeRun,
  { name, ask, threshold }: PersonCheck,
): Question {
  const { held } = underCheck(model.work, run);
  const { answer } = held;
  const { output = null, artifacts } = held.product;
  const { source, id } = run.node;
  const level = held.level > 0 ? ask.escalation[held.level - 1] : undefined;
  const scope = { ...model.scopeOf(run), output };
  return {
    kind: 'human-check',
    ...whoIsAsked(model, ask, level, { scope, givenBy: answer?.givenBy ?? [] }),
    presented: {
      objective: ask.objective ?? `Judge what ${source.title ?? id} gives`,
      instructions: level?.instructions ?? ask.instructions ?? null,
      criteria: [...ask.criteria],
      check: name,
      input: run.input ?? null,
      output,
      ...(answer !== undefined && { outcome: answer.outcome }),
      artifacts: artifacts.map(presentArtifact),
      issues: held.issues as unknown as JsonValue,
      ...(threshold !== undefined && { threshold, score: { ...ask.score } }),
      ...(roundsOf(run).length > 0 && { history: roundsOf(run) as unknown as JsonValue }),
    },
    responseSchema: ask.responseSchema,
    deadlineMs: level === undefined ? ask.deadlineMs : level.deadlineMs,
    reminders: ask.reminders,
    level: held.level,
  };
}
