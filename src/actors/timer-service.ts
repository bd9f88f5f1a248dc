/**
 * Fires the timers that lie in the database. Holds no timer in memory but the next one to wake up
 * for, so any number may be pending. Invariants: never early; a timer is delivered again only after
 * its delivery came to nothing.
 */
import type { Clock } from './environment.js';
import type { Logger } from './handlers.js';
import type { RunStore } from './ports.js';

/** Timers read at a time. */
const PAGE = 500;
/** Deliveries under way, above which no further timer is read. */
const MAX_UNDER_WAY = 1_000;
/** Wait after storage did not answer. */
const RETRY_MS = 1_000;

export class TimerService {
  readonly #clock: Clock;
  readonly #store: RunStore;
  readonly #logger: Logger;
  /** Delivers a timer; resolves true where its turn is durable or the run has no use for it. */
  readonly #fire: (run: string, timer: string) => Promise<boolean>;
  /** Whether this process moves the run; timers of others are left to theirs. */
  readonly #serves: (run: string) => boolean;
  /** Timers under way, and those that this process cannot serve. */
  readonly #handled = new Set<string>();
  #wakeAt = Number.POSITIVE_INFINITY;
  #callOff: (() => void) | undefined;
  #closed = false;
  #underWay = 0;
  /** More is due than could be delivered at once. */
  #isBehind = false;

  constructor(params: {
    readonly clock: Clock;
    readonly store: RunStore;
    readonly logger: Logger;
    readonly serves: (run: string) => boolean;
    readonly fire: (run: string, timer: string) => Promise<boolean>;
  }) {
    this.#clock = params.clock;
    this.#store = params.store;
    this.#logger = params.logger;
    this.#serves = params.serves;
    this.#fire = params.fire;
  }

  /** A timer was stored: wake up for it. */
  arm(dueAt: number): void {
    if (this.#closed || dueAt >= this.#wakeAt) return;
    this.#callOff?.();
    this.#wakeAt = dueAt;
    this.#callOff = this.#clock.wakeAt(dueAt, () => {
      this.#wakeAt = Number.POSITIVE_INFINITY;
      void this.tick();
    });
  }

  /** Fires what is due, and wakes up again for the next. */
  async tick(): Promise<void> {
    if (this.#closed) return;
    try {
      // One reading of the clock for both questions: a timer between two would be lost.
      const now = this.#clock.now();
      const { fresh, isLast } = await this.#dueTimers(now);
      for (const { id, runId } of fresh) this.#deliver(runId, id);
      if (!isLast) return this.#goOn(now);
      const next = await this.#store.nextDue(now);
      if (next !== undefined) this.arm(next);
    } catch (error) {
      if (this.#closed) return;
      this.#logger.error({ error }, 'due timers could not be read');
      this.arm(this.#clock.now() + RETRY_MS);
    }
  }

  /** Reads on, now or when some of what is under way has been delivered. */
  #goOn(now: number): void {
    this.#isBehind = this.#underWay >= MAX_UNDER_WAY;
    if (!this.#isBehind) this.arm(now);
  }

  close(): void {
    this.#closed = true;
    this.#callOff?.();
  }

  /** A page of timers to fire. Those that are under way or not served lie in front of it: then it widens. */
  async #dueTimers(now: number) {
    for (let limit = PAGE + this.#handled.size; ; limit *= 2) {
      const due = await this.#store.dueTimers(now, limit);
      const fresh = due.filter(({ id, runId }) => !this.#handled.has(id) && this.#serves(runId));
      const isLast = due.length < limit;
      if (isLast || fresh.length > 0) return { fresh, isLast };
    }
  }

  #deliver(run: string, timer: string): void {
    this.#handled.add(timer);
    this.#underWay += 1;
    this.#fire(run, timer).then(
      (done) => {
        if (done) this.#handled.delete(timer);
        this.#onDelivered();
      },
      () => {
        this.#handled.delete(timer);
        this.arm(this.#clock.now() + RETRY_MS);
        this.#onDelivered();
      },
    );
  }

  #onDelivered(): void {
    this.#underWay -= 1;
    if (this.#isBehind && this.#underWay < MAX_UNDER_WAY) this.#goOn(this.#clock.now());
  }
}
