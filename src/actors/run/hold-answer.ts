/** Puts an answer that is valid to the checks that take time: the handlers and people of its node. */

import { RunchartError } from '../../errors.js';
import type { NodeRunEvent } from '../../machines/node-run-events.js';
import type { Issue } from '../../plan/issue.js';
import type { TaskRecord } from '../records.js';
import type { Product } from './assess-result.js';
import { openAttempt } from './attempts.js';
import { hold } from './checks.js';
import type { Decider } from './decider.js';
import { type HeldAnswer, productOf } from './held-answer.js';
import { reportIssues } from './report-issues.js';
import type { NodeRun } from './scope.js';

/** Whether there is anybody to look at an answer before it counts. */
export function isJudged({ node }: NodeRun): boolean {
  return node.checks.judges.length > 0;
}

/** Who answers what other people judge is known: says why an answer without a name is refused, or nothing. */
export function refuseUnnamed(
  { id, kind }: TaskRecord,
  { node }: NodeRun,
  responder: string | null,
): RunchartError | undefined {
  const isOwn = kind === node.kind && node.checks.judges.some((check) => 'ask' in check);
  if (responder !== null || !isOwn) return undefined;
  return new RunchartError('responder-refused', `others judge the answer to task ${id}`, {
    hint: 'say who answers',
  });
}

/** The answer is an attempt of its node from now on; `event` is what brought it, and closes its task. */
export function holdAnswer(
  decider: Decider,
  run: NodeRun,
  given: Pick<Product, 'output' | 'action' | 'artifacts'>,
  { answer, warnings }: { readonly answer: HeldAnswer; readonly warnings: readonly Issue[] },
  event: NodeRunEvent,
): void {
  // The chart counts it with the event; what is said of it before that is of this attempt too.
  run.attempt += 1;
  reportIssues(decider, run, warnings);
  openAttempt(decider, run, {
    worker: answer.responder ?? '',
    leaseJson: null,
    givenErrorJson: null,
  });
  hold(decider, run, { product: productOf(given), issues: warnings, answer });
  decider.step(run, event);
}
