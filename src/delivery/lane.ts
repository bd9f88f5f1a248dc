/** A run that a webhook is behind with: its own cursor over the log of the run, until it has caught up. */
import type { LaneRecord, LoggedEvent, LogPosition, LogRows } from '../actors/delivery-records.js';
import { Fifo } from '../actors/fifo.js';
import type { EventMatcher } from './event-filter.js';

/** Events of a run that are read at a time. */
const PAGE = 100;

export class Lane {
  /** Turn of the last event that needs no delivery any more; 0 where it is not there any more. */
  passedTurn = 0;
  /** Events of the run have been passed over since the lane was read last. */
  isStale = false;
  #record: LaneRecord;
  /** When it is tried ahead of its time. */
  #aheadAt = Number.POSITIVE_INFINITY;
  /** It was, since it was tried in time. */
  #wasAhead = false;
  #pending = new Fifo<LoggedEvent>();
  #readTo: number;

  constructor(record: LaneRecord) {
    this.#record = record;
    // The last one that was passed is read once more, for its turn.
    this.#readTo = record.seq - 1;
  }

  get record(): LaneRecord {
    return this.#record;
  }

  /** When it is tried next. */
  get dueAt(): number {
    return Math.min(this.#record.dueAt, this.#aheadAt);
  }

  /** The next event that is wanted, none beyond what the webhook has read itself; undefined at the end. */
  async next(
    log: Pick<LogRows, 'runLogAfter'>,
    matcher: EventMatcher,
    read: () => LogPosition,
  ): Promise<LoggedEvent | undefined> {
    for (;;) {
      if (this.#pending.size === 0) await this.#readOn(log);
      const logged = this.#pending.peek();
      if (logged === undefined) return undefined;
      if (logged.event.seq <= this.#record.seq) this.passedTurn = logged.turn;
      // One that has failed was read before, if not by this process.
      else if (this.#record.tries === 0 && isBeyond(logged, read())) return undefined;
      else if (await matcher.matches(logged)) return logged;
      this.#pending.shift();
    }
  }

  /** The event was accepted. */
  pass({ event }: LoggedEvent): void {
    this.#follow({ ...this.#record, seq: event.seq, tries: 0, dueAt: 0, errorJson: 'null' });
  }

  /** The event was not, and this follows from it. */
  failed(record: LaneRecord): void {
    this.#follow(record);
  }

  /** Its next try is at `at`. */
  dueBy(at: number): void {
    this.#record = { ...this.#record, dueAt: at };
  }

  /** Nobody is at it any more: what was read ahead is read again. */
  rest(): void {
    this.#pending = new Fifo();
    this.#readTo = this.#record.seq - 1;
  }

  /** Whether it may be tried ahead of its time: once between two tries that are in time. */
  get canHasten(): boolean {
    return !this.#wasAhead;
  }

  /** Its next try is at `now`, ahead of its time. */
  hasten(now: number): void {
    this.#aheadAt = now;
    this.#wasAhead = true;
  }

  #follow(record: LaneRecord): void {
    const { seq, tries } = this.#record;
    // A try ahead of its time counts as none.
    if (record.seq !== seq || record.tries !== tries) this.#wasAhead = false;
    this.#aheadAt = Number.POSITIVE_INFINITY;
    this.#record = record;
  }

  async #readOn(log: Pick<LogRows, 'runLogAfter'>): Promise<void> {
    const page = await log.runLogAfter(this.#record.run, this.#readTo, PAGE);
    for (const logged of page) this.#pending.push(logged);
    this.#readTo = page.at(-1)?.event.seq ?? this.#readTo;
  }
}

function isBeyond({ turn, event }: LoggedEvent, read: LogPosition): boolean {
  return turn > read.turn || (turn === read.turn && event.seq > read.seq);
}
