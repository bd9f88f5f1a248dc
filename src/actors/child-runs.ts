/**
 * The runs of subplans, as their parents deal with them: started once the parent's turn is durable, told what the
 * parent wants of them, and told of to the parent when their status means something to it. Invariants: a start is
 * repeated until it is taken or refused, and a refusal is the child's end, as is a cancel that meets no run; what a
 * child is told comes after its start; a parent hears of each end and of each rest, from this process or, where it
 * was stopped before, from the next.
 */
import { RunchartError } from '../errors.js';
import { InTurn } from '../in-turn.js';
import type { RunStatus } from '../machines/statuses.js';
import { isPausedWithParent, reportOf } from './child-report.js';
import { type Clock, elapse } from './environment.js';
import type { Outcome } from './idempotency.js';
import type { ChildMessage, RunMessage } from './messages.js';
import type { RunStore } from './ports.js';
import type { RunRecord } from './records.js';
import type { Residency } from './residency.js';
import type { Effect } from './turn.js';

export type ChildStart = Extract<Effect, { type: 'child.start' }>;
type ChildOrder = Extract<Effect, { type: 'child.cancel' | 'child.pause' | 'child.resume' }>;

export interface ChildRunsParts {
  readonly clock: Clock;
  readonly store: RunStore;
  /** Starts the run of a subplan; rejects with a RunchartError. */
  startChild(parent: RunRecord, child: ChildStart): Promise<void>;
  /** Hands a message to a run; resolves when its turn is durable or was refused. */
  tell(run: string, message: RunMessage): Promise<Outcome>;
}

const ORDERS: Readonly<Record<ChildOrder['type'], RunMessage>> = {
  'child.cancel': { type: 'run.cancel', reason: 'its parent ended', by: null },
  'child.pause': { type: 'run.pause', isWithParent: true },
  'child.resume': { type: 'run.resume', isWithParent: true },
};

/** Wait before a start that storage did not take is repeated, in milliseconds. */
const START_RETRY_MS = 1_000;

export class ChildRuns {
  readonly #parts: ChildRunsParts;
  /** Children whose start is under way, with what waits for it. */
  readonly #starting = new InTurn();
  #isClosed = false;

  constructor(parts: ChildRunsParts) {
    this.#parts = parts;
  }

  /** Starts the run of a subplan, which may be there already. */
  start(parent: RunRecord, child: ChildStart): void {
    void this.#starting.do(child.id, () => this.#start(parent, child));
  }

  /** Tells the run of a subplan what its parent wants of it. */
  order(parent: string, { type, node, id }: ChildOrder): void {
    const tell = () => {
      const answered = this.#parts.tell(id, ORDERS[type]);
      if (type === 'child.cancel')
        void answered.then((outcome) => this.#afterCancel(parent, node, id, outcome));
    };
    if (this.#starting.has(id)) void this.#starting.do(id, async () => tell());
    else tell();
  }

  /** Tells the run that a child works for when the child's status has changed. */
  report(child: Residency, report: ChildMessage | undefined): void {
    const parent = child.actor?.record.parentId ?? null;
    if (report === undefined || parent === null) return;
    const news = isPausedWithParent(report) ? 'paused with it' : report.status;
    if (child.reported === news || !isWorthTelling(report.status)) return;
    child.reported = news;
    void this.#parts.tell(parent, report);
  }

  /** Tells parents what an earlier process did not get to tell them, `page` at a time. */
  async reportUntold(page: number): Promise<void> {
    let after = '';
    for (;;) {
      const untold = await this.#parts.store.untoldChildren(after, page);
      await Promise.all(
        untold.map((child) => this.#parts.tell(child.parentId ?? '', reportOf(child))),
      );
      after = untold.at(-1)?.id ?? '';
      if (untold.length < page) return;
    }
  }

  /** Starts nothing any more: the next process does. */
  close(): void {
    this.#isClosed = true;
  }

  async #start(parent: RunRecord, child: ChildStart): Promise<void> {
    while (!this.#isClosed) {
      try {
        return await this.#parts.startChild(parent, child);
      } catch (error) {
        const refusal = error instanceof RunchartError ? error : undefined;
        if (refusal?.retryable !== true) return this.#refuse(parent, child, error);
        await elapse(this.#parts.clock, START_RETRY_MS);
      }
    }
  }

  /** One that was never started has nothing to call off. */
  #afterCancel(parent: string, node: string, child: string, outcome: Outcome): void {
    if (!('error' in outcome) || outcome.error.code !== 'run-unknown') return;
    void this.#parts.tell(parent, { type: 'child.changed', node, child, status: 'cancelled' });
  }

  #refuse({ id }: RunRecord, child: ChildStart, error: unknown): void {
    const { code, message } =
      error instanceof RunchartError ? error : { code: 'internal', message: String(error) };
    const reason = { code, message };
    const report = { node: child.node, child: child.id, status: 'failed', reason } as const;
    void this.#parts.tell(id, { type: 'child.changed', ...report });
  }
}

/** Statuses that mean something to the run that a child works for. */
function isWorthTelling(status: RunStatus): boolean {
  return status !== 'pending' && status !== 'ready';
}
