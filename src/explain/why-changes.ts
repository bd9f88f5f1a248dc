/** What an operator has to do with the status of a node run: by hand, by going back, by another plan or run. */
import type { NodeRunRecord } from '../actors/records.js';
import type { JsonObject } from '../plan/json.js';
import type { ExplanationCause } from '../views.js';
import { cause } from './cause.js';
import type { Fact, RunFacts } from './run-facts.js';

/** Events after which node runs begin another generation. */
const RENEWING = ['run.backtracked', 'operator.rolled-back', 'operator.retried', 'run.replanned'];

/** Earlier generations, where there were any. */
export async function explainGeneration(
  facts: RunFacts,
  row: NodeRunRecord | undefined,
): Promise<readonly ExplanationCause[]> {
  if (row === undefined || row.generation === 1) return [];
  const renewals = await facts.ofType('nodes.renewed');
  const renewed = renewals.findLast(({ detail }) => {
    return Array.isArray(detail.nodes) && detail.nodes.includes(row.node);
  });
  if (renewed === undefined) return [];
  const before = await Promise.all(RENEWING.map((type) => facts.ofType(type)));
  const [newest] = before
    .flat()
    .filter(({ seq }) => seq < renewed.seq)
    .sort((a, b) => b.seq - a.seq);
  const because = newest === undefined ? 'it was to begin again' : renewalText(newest);
  const message = `it is generation ${row.generation}: ${because} (event ${renewed.seq})`;
  return [cause('generation', message, { generation: row.generation, event: renewed.seq })];
}

function renewalText({ type, node, detail }: Fact): string {
  const by = String(detail.by ?? 'somebody');
  switch (type) {
    case 'run.backtracked':
      return `"${node}" failed and the run went back to "${String(detail.to)}"`;
    case 'operator.rolled-back':
      return `${by} went back to "${node}"`;
    case 'run.replanned':
      return `${by} gave the run another plan`;
    default:
      return `"${node}" was to be tried again`;
  }
}

/** Codes of reasons that stand for an operator's doing. */
const BY_HAND = { 'operator-completed': 'completed', 'operator-skipped': 'skipped' } as const;

/** Who said that it is done or skipped; undefined where nobody did. */
export function explainByHand(reason: JsonObject | undefined): ExplanationCause | undefined {
  const words = BY_HAND[String(reason?.code) as keyof typeof BY_HAND];
  if (words === undefined || reason === undefined) return undefined;
  const { by } = (reason.detail ?? {}) as JsonObject;
  const message = `${String(by ?? 'an operator')} had it ${words}: ${String(reason.message)}`;
  return cause(String(reason.code), message, { by });
}

/** Where a node run comes from that another run had come to; undefined where it is this run's own. */
export function explainCarried(since: Fact | null | undefined): ExplanationCause | undefined {
  if (since?.type !== 'run.forked') return undefined;
  const { run, seq } = (since.detail.origin ?? {}) as JsonObject;
  const message = `it is carried over from run ${String(run)}, as it was at event ${String(seq)}`;
  return cause('carried-over', message, { run, event: seq });
}
