/** What was said about a piece of work in earlier rounds: shown to who is asked next, told to who does it again. */
import type { JsonValue } from '../../plan/json.js';
import { asObject } from '../../plan/responses.js';
import type { ResponseRecord, Round } from '../records.js';
import type { NodeRun } from './scope.js';

/** Rounds so far, oldest first. */
export function roundsOf({ feedback }: NodeRun): readonly Round[] {
  return (feedback?.rounds ?? []) as unknown as readonly Round[];
}

/** Number of the round that is asked next: what others said of the work does not count. */
export function nextRound(run: NodeRun): number {
  return ownRoundsOf(run).length + 1;
}

export function ownRoundsOf(run: NodeRun): readonly Round[] {
  return roundsOf(run).filter(({ node }) => node === run.path);
}

/** What was asked for is shown in the next round, and told to who does the work again. */
export function keepRound(
  run: NodeRun,
  answer: Pick<ResponseRecord, 'outcome' | 'responder' | 'at' | 'responseJson'>,
): void {
  const { outcome, responder, at, responseJson } = answer;
  const { requiredEdits, comments, output } = asObject(JSON.parse(responseJson) as JsonValue);
  const round: Round = {
    node: run.path,
    round: nextRound(run),
    generation: run.generation,
    outcome,
    responder,
    at,
    ...(requiredEdits !== undefined && { requiredEdits }),
    ...(comments !== undefined && { comments }),
    ...(output !== undefined && { output }),
  };
  addRound(run, round);
}

export function addRound(run: NodeRun, round: Round): void {
  run.feedback = { rounds: [...roundsOf(run), round] as unknown as JsonValue };
}
