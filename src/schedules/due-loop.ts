/**
 * The loop that looks at the schedules that are due, and sleeps until the next one is. Invariants: no
 * tick looks at a schedule that another still looks at; one that fails is tried again later and holds up
 * no other.
 */
import type { ScheduleParts } from './ports.js';
import { Rests } from './rests.js';
import { MAX_LISTED } from './schedule-reader.js';

/** Schedules read at a time. */
const PAGE = 50;
/** Wait after storage did not answer. */
const RETRY_MS = 1_000;

export interface DueLoopParts extends Pick<ScheduleParts, 'clock' | 'store' | 'logger'> {
  /** Looks at a schedule, and does what it asks for. */
  look(id: string): Promise<void>;
}

export class DueLoop {
  readonly #parts: DueLoopParts;
  /** Schedules that failed, until they are tried again. */
  readonly #rests = new Rests();
  /** Schedules that a tick looks at now. */
  readonly #attended = new Set<string>();
  #isRunning = false;
  #isRecovered = false;
  #isClosed = false;
  #wakeAt = Number.POSITIVE_INFINITY;
  #callOff: (() => void) | undefined;

  constructor(parts: DueLoopParts) {
    this.#parts = parts;
  }

  /** Whether there was a first tick. */
  get isRunning(): boolean {
    return this.#isRunning;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Looks at every schedule that is due, wakes up again for the next, and resolves when its looks are over. */
  async tick(): Promise<void> {
    if (this.#isClosed) return;
    this.#isRunning = true;
    const { clock, store, logger } = this.#parts;
    const now = clock.now();
    try {
      const recovered = await this.#recover();
      const { fresh, isLast } = await this.#dueSchedules(now);
      const next = isLast ? await store.nextDue(now) : now;
      this.wakeBy(Math.min(next ?? Number.POSITIVE_INFINITY, this.#rests.next(now)));
      this.#isRecovered = true;
      const ids = new Set([...recovered, ...this.#rests.over(now), ...fresh]);
      await Promise.all([...ids].map((id) => this.#attendOnce(id)));
    } catch (error) {
      if (this.#isClosed) return;
      logger.error({ error }, 'due schedules could not be read');
      this.wakeBy(now + RETRY_MS);
    }
  }

  /** Looks at a schedule, due or not; never rejects. */
  async attend(id: string): Promise<void> {
    const { clock, logger, look } = this.#parts;
    try {
      await look(id);
      this.#rests.end(id);
    } catch (error) {
      // What closing cut off is found by the next process.
      if (this.#isClosed) return;
      const until = this.#rests.begin(id, clock.now());
      logger.error({ error, schedule: id }, 'a schedule failed and is tried again');
      this.wakeBy(until);
    }
  }

  /** A schedule is due at `at`; before the first tick nothing wakes up. */
  wakeBy(at: number): void {
    if (this.#isClosed || !this.#isRunning || at >= this.#wakeAt) return;
    this.#callOff?.();
    this.#wakeAt = at;
    this.#callOff = this.#parts.clock.wakeAt(at, () => {
      this.#wakeAt = Number.POSITIVE_INFINITY;
      void this.tick();
    });
  }

  /** A schedule is gone. */
  forget(id: string): void {
    this.#rests.end(id);
  }

  close(): void {
    this.#isClosed = true;
    this.#callOff?.();
  }

  /** Whoever waits for the end of a run may have missed it while no process ran. */
  async #recover(): Promise<string[]> {
    if (this.#isRecovered) return [];
    const waiting: string[] = [];
    for (let after = ''; ; ) {
      const page = await this.#parts.store.list(after, MAX_LISTED);
      waiting.push(...page.filter(({ queued }) => queued.length > 0).map(({ id }) => id));
      const last = page.at(-1);
      if (last === undefined || page.length < MAX_LISTED) return waiting;
      after = last.id;
    }
  }

  /** A page of due schedules. Those that rest or are looked at lie in front of it: then it widens. */
  async #dueSchedules(now: number): Promise<{ fresh: string[]; isLast: boolean }> {
    for (let limit = PAGE + this.#attended.size; ; limit *= 2) {
      const due = await this.#parts.store.due(now, limit);
      const ids = due.map(({ id }) => id);
      const fresh = ids.filter((id) => !this.#attended.has(id) && !this.#rests.isResting(id, now));
      const isLast = due.length < limit;
      if (isLast || fresh.length > 0) return { fresh, isLast };
    }
  }

  async #attendOnce(id: string): Promise<void> {
    if (this.#attended.has(id)) return;
    this.#attended.add(id);
    await this.attend(id);
    this.#attended.delete(id);
  }
}
