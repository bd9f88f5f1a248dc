/**
 * Events of all runs for those in this process who want them. Invariants: 1. a subscriber is a cursor over
 * the log: it holds one page, and is behind by no more than what lies on disk; 2. each gets the events of
 * a run in order and one at a time; 3. what a listener throws, and how long it takes, harms nobody else.
 */
import { setImmediate } from 'node:timers/promises';
import type { LoggedEvent, LogPosition, LogRows } from '../actors/delivery-records.js';
import { atMost, type Clock, elapse } from '../actors/environment.js';
import type { Logger } from '../actors/handlers.js';
import type { LiveIndex } from '../actors/live-index.js';
import { DEFAULT_TENANT } from '../actors/tenant.js';
import { ChangeSignal } from '../change-signal.js';
import { RunchartError } from '../errors.js';
import { toEvent } from '../row-views.js';
import type { RunEvent } from '../views.js';
import { assertFilter, type EventFilter, EventMatcher } from './event-filter.js';
import { formatPosition, isLater, parsePosition } from './log-position.js';

/** An event with its place among those of all runs. */
export interface BusEvent extends RunEvent {
  /**
   * Number of the turn that decided it: what one message caused has one. It grows through the database; to a tenant
   * other than the default one it is a number without an order.
   */
  readonly turn: number;
  /** Where to go on behind it; to a tenant other than the default one a sealed text. */
  readonly position: string;
}

/** Events that retention has removed before they were read: some lay between these two positions. */
export interface BusGap {
  readonly from: string;
  readonly to: string;
}

/** What is asked of the bus, however it is read. */
interface Wanted extends EventFilter {
  /** Only those of runs of this tenant; the empty text is the default tenant. */
  readonly tenant?: string | undefined;
}

/** Where a page begins, and how long it is. */
export interface BusPageOptions extends Wanted {
  /** Position of the last event already known; `0/0` is from the first. From now on unless given. */
  readonly after?: string | undefined;
  /** Most events to give; 500 unless given, 1,000 at most. */
  readonly limit?: number | undefined;
}

/** A page of the events of all runs. */
export interface BusPage {
  readonly events: readonly BusEvent[];
  /** Where to go on behind it, also where it has no events. */
  readonly position: string;
  /** Null where nothing is missing. */
  readonly gap: BusGap | null;
}

/** Which events of all runs are wanted, and from where on. */
export interface BusOptions extends Wanted {
  /** Position of the last event already known; `0/0` is from the first. From now on unless given. */
  readonly after?: string | undefined;
  /** Ends the iteration. */
  readonly signal?: AbortSignal;
  /** Events read from the log at a time; 500 unless given, 1,000 at most. */
  readonly pageSize?: number | (() => number);
  /** Told of events that are gone, before those that come after them; logged as a warning unless given. */
  onGap?(gap: BusGap): void;
  /** Told how far it has come whenever everything up to there was given, wanted or not. */
  onPassed?(position: string): void;
}

/** Is told of one event at a time; a promise that it gives is waited for. */
export type BusListener = (event: BusEvent) => unknown;

export interface BusParts {
  readonly log: LogRows;
  readonly live: Pick<LiveIndex, 'watchAll'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The newest turn that is known to be durable. */
  durableTurn(): number;
}

/** What a subscriber wants beside its events. */
export type SubscribeOptions = Pick<BusOptions, 'onGap'>;

/** Subscribers at a time. */
const MAX_SUBSCRIBERS = 1_000;
/** Of one tenant other than the default one, so that it leaves room for others. */
const MAX_OF_TENANT = 256;
const PAGE = 500;
const MAX_PAGE = 1_000;
/** Events that one page looks at, however few of them are wanted. */
const MAX_LOOKED_AT = 5_000;
/** How long a listener may take for one event before it gets the next, in milliseconds. */
const LISTENER_PATIENCE_MS = 30_000;

/** The events of all runs, for subscribers in this process. */
export class EventBus {
  readonly #parts: BusParts;
  readonly #cursors = new Set<Cursor>();
  #isClosed = false;

  constructor(parts: BusParts) {
    this.#parts = parts;
  }

  /** Position of the newest event that is known to be durable: what comes behind it is new. */
  get position(): string {
    return formatPosition(this.#now);
  }

  /** The same place; to a tenant written as it never was before, so that it does not tell whether others were at work. */
  renewed(position: string): string {
    return position;
  }

  /**
   * The events of all runs, in the order in which they became durable, without a gap; live, until the
   * signal or the orchestrator ends it. Throws `argument-invalid`, `overloaded`, `closing`; whoever takes the first
   * step later may find that it rejects with those, too.
   */
  events(options: BusOptions = {}): AsyncIterableIterator<BusEvent> {
    assertFilter(options);
    const { pageSize = PAGE } = options;
    if (typeof pageSize !== 'function') assertPage('pageSize', pageSize);
    this.#assertRoom(options);
    return this.#iterate(options, this.#from(options));
  }

  /**
   * Events behind a position, as many as there are now and fit. It looks at 5,000 of the log at most, so that it may
   * have none and be followed by more. Rejects with `argument-invalid`.
   */
  async page(options: BusPageOptions = {}): Promise<BusPage> {
    assertFilter(options);
    const { limit = PAGE } = options;
    assertPage('limit', limit);
    const { log } = this.#parts;
    const matcher = new EventMatcher(options, log);
    const events: BusEvent[] = [];
    let at = this.#from(options);
    let gap: BusGap | null = null;
    for (let lookedAt = 0; lookedAt < MAX_LOOKED_AT && events.length < limit; ) {
      const page = await log.logAfter(at, PAGE, options.tenant);
      gap ??= gapIn(at, page.trimmedTo) ?? null;
      // A tenant with little to tell has the log of others looked through.
      lookedAt += Math.max(page.events.length, PAGE);
      for (const logged of page.events) {
        if (events.length >= limit) break;
        if (await matcher.matches(logged)) events.push(toBusEvent(logged));
        at = { turn: logged.turn, seq: logged.event.seq };
      }
      if (events.length >= limit) break;
      at = page.upTo;
      if (page.isLast) break;
    }
    return { events, position: formatPosition(at), gap };
  }

  #from({ after }: { readonly after?: string | undefined }): LogPosition {
    return after === undefined ? this.#now : parsePosition(after);
  }

  /**
   * Calls the listener for each event from now on, one after the other; a promise that it returns is
   * waited for, 30 seconds at most. What it throws is logged. Returns a function that ends it. Throws
   * `argument-invalid`, `overloaded`.
   */
  subscribe(
    wanted: string | EventFilter,
    listener: BusListener,
    options: SubscribeOptions = {},
  ): () => void {
    const filter = typeof wanted === 'string' ? { types: [wanted] } : wanted;
    assertFilter(filter);
    const cursor = this.#open({ ...filter, ...options }, this.#now);
    void this.#serve(cursor, listener);
    return () => cursor.end();
  }

  /** Resolves when everything that is durable by now has been delivered to all listeners. */
  async drain(): Promise<void> {
    const newest = await this.#parts.log.newestTurn();
    const listening = [...this.#cursors].filter(({ isServed }) => isServed);
    await Promise.all(listening.map((cursor) => cursor.reached(newest)));
  }

  /** Ends all iterations and subscriptions. */
  close(): void {
    this.#isClosed = true;
    for (const cursor of this.#cursors) cursor.end();
  }

  get #now(): LogPosition {
    return { turn: this.#parts.durableTurn(), seq: Number.MAX_SAFE_INTEGER };
  }

  #open(options: BusOptions, from: LogPosition): Cursor {
    this.#assertRoom(options);
    const { log, live } = this.#parts;
    const cursor = new Cursor(from, new EventMatcher(options, log), options);
    const unwatch = live.watchAll(() => cursor.change.raise());
    cursor.onEnd = () => {
      unwatch();
      this.#cursors.delete(cursor);
    };
    this.#cursors.add(cursor);
    return cursor;
  }

  #assertRoom({ tenant = DEFAULT_TENANT }: BusOptions): void {
    if (this.#isClosed) throw new RunchartError('closing', 'the orchestrator is closing');
    if (this.#cursors.size >= MAX_SUBSCRIBERS) {
      throw new RunchartError('overloaded', `there are ${MAX_SUBSCRIBERS} subscribers already`);
    }
    if (tenant === DEFAULT_TENANT) return;
    const own = [...this.#cursors].filter(({ options }) => options.tenant === tenant).length;
    if (own < MAX_OF_TENANT) return;
    const message = `the tenant has ${MAX_OF_TENANT} subscribers already`;
    throw new RunchartError('overloaded', message);
  }

  async *#iterate(options: BusOptions, from: LogPosition): AsyncIterableIterator<BusEvent> {
    const { signal, pageSize = PAGE } = options;
    const cursor = this.#open(options, from);
    const onAbort = () => cursor.end();
    signal?.addEventListener('abort', onAbort);
    if (signal?.aborted) cursor.end();
    try {
      yield* this.#read(cursor, pageSize);
    } finally {
      signal?.removeEventListener('abort', onAbort);
      cursor.end();
    }
  }

  async *#read(cursor: Cursor, pageSize: number | (() => number)): AsyncIterableIterator<BusEvent> {
    const { log } = this.#parts;
    while (!cursor.isOver) {
      const size = typeof pageSize === 'function' ? pageSize() : pageSize;
      const page = await log.logAfter(cursor.at, size, cursor.options.tenant);
      const { events, upTo, isLast, trimmedTo } = page;
      this.#tellGap(cursor, trimmedTo);
      for (const logged of events) {
        const isWanted = !cursor.isOver && (await cursor.matcher.matches(logged));
        if (isWanted) yield toBusEvent(logged);
        cursor.passed({ turn: logged.turn, seq: logged.event.seq });
      }
      cursor.passed(upTo);
      cursor.options.onPassed?.(formatPosition(upTo));
      if (isLast && !cursor.isOver) await cursor.change.wait();
      // What is empty was no work for anybody: others have their turn.
      else if (events.length === 0) await setImmediate();
    }
  }

  /** Told once, before what comes after it. */
  #tellGap(cursor: Cursor, trimmedTo: LogPosition): void {
    const gap = gapIn(isLater(cursor.toldTo, cursor.at) ? cursor.toldTo : cursor.at, trimmedTo);
    if (gap === undefined) return;
    cursor.toldTo = trimmedTo;
    const { onGap } = cursor.options;
    if (onGap !== undefined) return onGap(gap);
    this.#parts.logger.warn(
      { ...gap },
      'retention has removed events that a subscriber has not read',
    );
  }

  async #serve(cursor: Cursor, listener: BusListener): Promise<void> {
    const { logger, clock } = this.#parts;
    cursor.isServed = true;
    while (!cursor.isOver) {
      try {
        for await (const event of this.#read(cursor, PAGE)) {
          if (!cursor.isOver) await this.#tell(listener, event);
        }
      } catch (error) {
        if (cursor.isOver) return;
        logger.error({ error }, 'the log could not be read for a subscriber');
        await elapse(clock, RETRY_MS);
      }
    }
  }

  async #tell(listener: BusListener, event: BusEvent): Promise<void> {
    const { logger, clock } = this.#parts;
    const { id } = event;
    let isOver = false;
    const told = (async () => listener(event))().then(
      () => {
        isOver = true;
      },
      (error: unknown) => {
        isOver = true;
        logger.error({ event: id, error }, 'a subscriber failed');
      },
    );
    await atMost(clock, LISTENER_PATIENCE_MS, told);
    if (!isOver) logger.error({ event: id }, 'a subscriber takes too long and gets the next event');
  }
}

/** Wait before the log is read again after storage failed, in milliseconds. */
const RETRY_MS = 1_000;

/** How far one subscriber has come. */
class Cursor {
  readonly change = new ChangeSignal();
  readonly matcher: EventMatcher;
  /** Has a listener, for which `drain` waits. */
  isServed = false;
  isOver = false;
  onEnd: () => void = () => {};
  readonly options: BusOptions;
  /** Up to here it knows what is gone. */
  toldTo: LogPosition = { turn: 0, seq: 0 };
  #at: LogPosition;
  #waiters: { readonly turn: number; readonly resolve: () => void }[] = [];

  constructor(from: LogPosition, matcher: EventMatcher, options: BusOptions) {
    this.options = options;
    this.#at = from;
    this.matcher = matcher;
  }

  get at(): LogPosition {
    return this.#at;
  }

  /** Everything up to there is delivered. */
  passed(upTo: LogPosition): void {
    this.#at = upTo;
    if (this.#waiters.length === 0) return;
    const isWaiting = ({ turn }: { readonly turn: number }) =>
      !this.isOver && (upTo.turn < turn || upTo.seq !== Number.MAX_SAFE_INTEGER);
    for (const waiter of this.#waiters) if (!isWaiting(waiter)) waiter.resolve();
    this.#waiters = this.#waiters.filter(isWaiting);
  }

  /** Resolves when everything up to the end of a turn is delivered. */
  reached(turn: number): Promise<void> {
    if (this.isOver) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiters.push({ turn, resolve });
      this.change.raise();
    });
  }

  end(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.change.raise();
    this.passed(this.#at);
    this.onEnd();
  }
}

export function toBusEvent({ turn, runId, correlation, event }: LoggedEvent): BusEvent {
  const position = formatPosition({ turn, seq: event.seq });
  return { ...toEvent(event, runId, correlation), turn, position };
}

/** What retention has removed of what lies behind a place; undefined where that is nothing. */
function gapIn(at: LogPosition, trimmedTo: LogPosition): BusGap | undefined {
  if (!isLater(trimmedTo, at)) return undefined;
  return { from: formatPosition(at), to: formatPosition(trimmedTo) };
}

/** Throws `argument-invalid`. */
function assertPage(name: string, size: number): void {
  if (Number.isInteger(size) && size >= 1 && size <= MAX_PAGE) return;
  throw new RunchartError('argument-invalid', `${name} is a whole number from 1 to ${MAX_PAGE}`);
}
