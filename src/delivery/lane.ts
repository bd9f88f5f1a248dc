/** A run that a webhook is behind with: its own cursor over the log of the run, until it has caught up. */
import type { LaneRecord, LoggedEvent, LogPosition, LogRows } from '../actors/delivery-records.js';
import { Fifo } from '../actors/fifo.js';
import type { EventMatcher } from './event-filter.js';

/** Events of a run that are read at a time. */
const PAGE = 100;

export class Lane {
  /** A delivery is under way, or being recorded. */
  isBusy = false;
  /** Turn of the last event that needs no delivery any more; 0 where it is not there any more. */
  passedTurn = 0;
  /** Events of the run have been passed over since the lane was read last. */
  isStale = false;
  #record: LaneRecord;
  readonly #ahead = new Fifo<LoggedEvent>();
  #readTo: number;

  constructor(record: LaneRecord) {
    this.#record = record;
    // The last one that was passed is read once more, for its turn.
    this.#readTo = record.seq - 1;
  }

  get record(): LaneRecord {
    return this.#record;
  }

  set record(record: LaneRecord) {
    this.#record = record;
  }

  /** The next event that is wanted, none beyond what the webhook has read itself; undefined at the end. */
  async next(
    log: Pick<LogRows, 'runLogAfter'>,
    matcher: EventMatcher,
    read: () => LogPosition,
  ): Promise<LoggedEvent | undefined> {
    for (;;) {
      if (this.#ahead.size === 0) await this.#readOn(log);
      const logged = this.#ahead.peek();
      if (logged === undefined) return undefined;
      if (logged.event.seq <= this.#record.seq) this.passedTurn = logged.turn;
      // One that has failed was read before, if not by this process.
      else if (this.#record.tries === 0 && isBeyond(logged, read())) return undefined;
      else if (await matcher.matches(logged)) return logged;
      this.#ahead.shift();
    }
  }

  /** The event was accepted. */
  pass({ event }: LoggedEvent): void {
    this.#record = { ...this.#record, seq: event.seq, tries: 0, errorJson: 'null' };
  }

  /** It is tried again at `at`. */
  dueBy(at: number): void {
    this.#record = { ...this.#record, dueAt: at };
  }

  async #readOn(log: Pick<LogRows, 'runLogAfter'>): Promise<void> {
    const page = await log.runLogAfter(this.#record.run, this.#readTo, PAGE);
    for (const logged of page) this.#ahead.push(logged);
    this.#readTo = page.at(-1)?.event.seq ?? this.#readTo;
  }
}

function isBeyond({ turn, event }: LoggedEvent, read: LogPosition): boolean {
  return turn > read.turn || (turn === read.turn && event.seq > read.seq);
}
