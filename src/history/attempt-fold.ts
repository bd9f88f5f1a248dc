/** Attempts as the log tells of them: begun by the events of their node runs, ended by their own or by those. */
import type { AttemptRecord, EventRecord } from '../actors/records.js';
import type { NodeStatus } from '../machines/statuses.js';
import { type AttemptPart, attemptKey, type NodeRunPart } from './run-snapshot.js';

type AttemptOutcome = NonNullable<AttemptRecord['outcome']>;

/** The attempt is still open: it is told to stop, or its result is checked or judged. */
const GOES_ON: ReadonlySet<string> = new Set(['node.stopping', 'node.checking', 'node.judging']);

/** An answer of people that is to be checked is an attempt from then on. */
const BEGINS: ReadonlySet<string> = new Set([
  'node.started',
  'node.fallback-started',
  'node.checking',
]);

/** Ends that have an event of their own. */
const ENDS: Readonly<Record<string, AttemptOutcome>> = {
  'attempt.failed': 'failed',
  'attempt.interrupted': 'interrupted',
  'attempt.cancelled': 'cancelled',
};

/** What an operator decides about a node run ends what works for it. */
const CALLED_OFF_BY_OPERATOR = /^operator\.(completed|skipped)$/;

export class AttemptFold {
  readonly #attempts = new Map<string, AttemptPart>();
  /** Key of the open attempt by path. */
  readonly #open = new Map<string, string>();

  parts(): Map<string, AttemptPart> {
    return new Map(this.#attempts);
  }

  /** A node run has changed: its attempt goes on, has ended, or begins. */
  takeNode(
    { type, node: path, attempt: number, at }: EventRecord,
    { generation, status, reason }: Pick<NodeRunPart, 'generation' | 'status' | 'reason'>,
  ): void {
    const node = path ?? '';
    if (GOES_ON.has(type) && this.#open.has(node)) return;
    this.#close(node, outcomeBy(status, reason), at);
    const attempt = number ?? 0;
    const key = attemptKey({ node, generation, attempt });
    // A loop, a map or a subplan that begins works by no attempt of its own.
    if (!BEGINS.has(type) || attempt === 0 || this.#attempts.has(key)) return;
    this.#attempts.set(key, {
      node,
      generation,
      attempt,
      outcome: null,
      startedAt: at,
      endedAt: null,
    });
    this.#open.set(node, key);
  }

  takeFact({ type, node, at }: EventRecord): void {
    if (node === null) return;
    const outcome = CALLED_OFF_BY_OPERATOR.test(type) ? 'cancelled' : ENDS[type];
    if (outcome !== undefined) this.#close(node, outcome, at);
  }

  #close(node: string, outcome: AttemptOutcome, at: number): void {
    const key = this.#open.get(node);
    const open = key === undefined ? undefined : this.#attempts.get(key);
    if (key === undefined || open === undefined) return;
    this.#open.delete(node);
    this.#attempts.set(key, { ...open, outcome, endedAt: at });
  }
}

/** How an attempt ended that was open still as its node run changed. */
function outcomeBy(status: NodeStatus, reason: NodeRunPart['reason']): AttemptOutcome {
  // It stopped its process too often while its result was checked.
  if (reason?.class === 'interrupted') return 'interrupted';
  return status === 'completed' || status === 'partial' ? status : 'cancelled';
}
