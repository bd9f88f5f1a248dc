/** Who answered the question of a node run, and who judged that. */
import type { NodeRunRecord } from '../actors/records.js';
import { isHuman } from '../plan/human-schemas.js';
import type { JsonValue } from '../plan/json.js';
import type { ExplanationCause } from '../views.js';
import { cause, timeText } from './cause.js';
import type { Spot } from './plan-paths.js';
import type { RunFacts } from './run-facts.js';

/** Who answered, and what, right before a node run ended: the node's own question, or as its judge. */
export async function explainAnswer(
  facts: RunFacts,
  { node }: Spot,
  row: NodeRunRecord,
): Promise<readonly ExplanationCause[]> {
  const before = await facts.before(row);
  const last = before.findLast(({ type, seq }) => type === 'task.responded' && seq < row.seq);
  const attempts = isHuman(node) && row.attempt > 0 ? await facts.attempts(row) : [];
  const judged = attempts.find(({ attempt }) => attempt === row.attempt);
  const own = judged && answered({ ...judged, at: judged.startedAt, outcome: row.outcome });
  if (last === undefined) return own === undefined ? [] : [own];
  const { responder = null, outcome = null, task = null } = last.detail;
  // Nobody judges an answer of his own.
  const isOwn = judged === undefined || judged.worker === (responder ?? '');
  const worker = responder === null ? '' : String(responder);
  const said = answered({ worker, at: last.at, outcome, task, event: last.seq });
  return own === undefined || isOwn ? [said] : [own, said];
}

interface Answered {
  readonly worker: string;
  readonly at: number;
  readonly outcome: JsonValue;
  readonly task?: JsonValue;
  readonly event?: number;
  readonly attempt?: number;
}

function answered({ worker, at, outcome, task, event, attempt }: Answered): ExplanationCause {
  const as = attempt === undefined ? '' : `, as attempt ${attempt}`;
  const message = `${worker || 'somebody unnamed'} answered ${String(outcome)}, at ${timeText(at)}${as}`;
  const responder = worker === '' ? null : worker;
  return cause('answered', message, { responder, outcome, task, at, event, attempt });
}
