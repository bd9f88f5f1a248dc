/**
 * An answer of people to a node's own question, while handlers and others judge it: held as the product
 * of an attempt, as that of work is. Invariants: it becomes the node's answer when every check is over and
 * none blocks, never before; one that is refused is a round, which whoever is asked again is shown. Pure.
 */
import type { Failure } from '../../machines/node-run-events.js';
import { judges } from '../../plan/human-schemas.js';
import type { Issue } from '../../plan/issue.js';
import type { JsonValue } from '../../plan/json.js';
import type { Round } from '../records.js';
import type { Product } from './assess-result.js';
import { failure } from './failure.js';
import { addRound, keepRound, nextRound } from './feedback.js';
import type { NodeRun } from './scope.js';

/** What is known of an answer beside what it gives. */
export interface HeldAnswer {
  readonly outcome: string;
  readonly responder: string | null;
  /** All who have said it: they judge none of it. */
  readonly givenBy: readonly string[];
  readonly at: number;
  /** What is kept of it as a round, where that is what it comes to. */
  readonly said: JsonValue;
  /** It stands in for an answer that nobody gave in time. */
  readonly isDefault: boolean;
}

/** Outcome of a round whose answer was refused by the checks of its node. */
export const REFUSED = 'refused';

export const UNANSWERED = {
  code: 'deadline-passed',
  message: 'nobody answered before the deadline',
  class: 'deadline',
} as const;

/** What a product is that nobody's work has made. */
export function productOf(given: Pick<Product, 'output' | 'action' | 'artifacts'>): Product {
  const { output } = given;
  const outputJson = output === undefined ? null : JSON.stringify(output);
  const nothing = { notes: undefined, usage: undefined, additions: undefined, reports: [] };
  return { ...given, ...nothing, outputJson };
}

/** It is the node's answer from now on. */
export function acceptHeld(run: NodeRun, { outcome, responder, at, said }: HeldAnswer): void {
  run.outcome = outcome;
  if (!judges(run.node.kind) || outcome === 'approved') return;
  keepRound(run, { outcome, responder, at, responseJson: JSON.stringify(said) });
}

/** Whoever is asked again sees what was answered, and why it was refused. */
export function refuseHeld(
  run: NodeRun,
  { responder, at }: HeldAnswer,
  { output }: Product,
  issues: readonly Issue[],
): void {
  const round: Round = {
    node: run.path,
    round: nextRound(run),
    generation: run.generation,
    outcome: REFUSED,
    responder,
    at,
    ...(output !== undefined && { output }),
    issues: issues as unknown as JsonValue,
  };
  addRound(run, round);
}

/** A default answer that is refused is none: nobody has answered, and nobody is asked again. */
export function failureOf({ isDefault }: HeldAnswer, found: Failure): Failure {
  const { class: failureClass, code, message } = UNANSWERED;
  return isDefault ? failure(failureClass, code, message, false) : found;
}
