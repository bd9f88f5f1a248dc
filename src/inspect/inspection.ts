/**
 * Watches one run: first its actors as they stand, then everything that becomes durable, in order. It is fed from
 * the log and wakes with commits, so that it shows nothing that is not on disk, costs nothing while nobody watches,
 * and holds no more than a page for a reader however slow. A reader that falls too far behind is told so, and
 * everything is described anew.
 */
import type { ActorVersionRecord, RunRecord } from '../actors/records.js';
import { RunchartError } from '../errors.js';
import { isFinal } from '../machines/statuses.js';
import { readCount } from '../read-arguments.js';
import { Conversion, type ConversionOptions, isDone, type Mask } from './conversion.js';
import type { InspectionEvent } from './inspection-event.js';
import { type InspectionRows, readTurns, type TurnPage } from './turn-pages.js';

/** What a watcher wants to be told, and how. */
export interface InspectOptions extends ConversionOptions {
  /** Which actors are described at first: those that are not final, unless `all`. Untouched nodes have none. */
  readonly actors?: 'live' | 'all';
  /** Describes the run as it was at this event, and ends. */
  readonly at?: number;
  /** Events by which a reader may be behind before the rest is skipped and all described anew; 20,000 unless given. */
  readonly maxLag?: number;
  /** Detaches. */
  readonly signal?: AbortSignal;
}

export interface InspectionParts {
  readonly rows: InspectionRows;
  /** Yields at once, and whenever the run may have changed; ends when the signal is aborted. */
  changes(run: string, signal: AbortSignal): AsyncIterable<void>;
  /** What nobody may see of a run; asked before each page, since what nodes give may be secret too. */
  maskFor?(run: RunRecord): Promise<Mask | undefined>;
}

const DEFAULT_MAX_LAG = 20_000;
/** Actors that are described before the event loop has a turn. */
const PAGE_ACTORS = 250;

/** A watcher of one run: what it is told is iterated once; leaving the loop, or `detach()`, ends it. */
export class Inspection implements AsyncIterableIterator<InspectionEvent, void, undefined> {
  readonly #stop = new AbortController();
  readonly #parts: InspectionParts;
  readonly #id: string;
  readonly #options: InspectOptions;
  readonly #conversion: Conversion;
  readonly #events: AsyncGenerator<InspectionEvent, void, undefined>;
  #seq = 0;

  /** Nothing is read before the first event is asked for. */
  constructor(parts: InspectionParts, run: string, options: InspectOptions = {}) {
    this.#parts = parts;
    this.#id = run;
    this.#options = options;
    this.#conversion = new Conversion(run, options);
    this.#events = this.#watch();
  }

  /** Actors that are remembered for this reader. */
  get actorsKnown(): number {
    return this.#conversion.size;
  }

  /** Rejects with `run-unknown`, `argument-invalid`; with `history-trimmed` where `at` is gone. */
  next(): Promise<IteratorResult<InspectionEvent, void>> {
    return this.#events.next();
  }

  return(): Promise<IteratorResult<InspectionEvent, void>> {
    this.detach();
    return this.#events.return();
  }

  /** Ends the watching, also where it waits for an event. */
  detach(): void {
    this.#stop.abort();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async *#watch(): AsyncGenerator<InspectionEvent, void, undefined> {
    const { rows, changes } = this.#parts;
    const { signal } = this.#options;
    const stop =
      signal === undefined ? this.#stop.signal : AbortSignal.any([this.#stop.signal, signal]);
    const record = await this.#record();
    const { run } = record;
    await this.#hide(record);
    if (this.#options.at !== undefined) return yield* this.#describeAt(run, this.#options.at, stop);
    yield* this.#describe(run, await rows.newestSeq(run), stop);
    for await (const _ of changes(this.#id, stop)) {
      // Asked for first: once a run has ended, the pages that follow have all that is left of it.
      const now = await rows.getRun(this.#id);
      if (now === undefined) return;
      yield* this.#catchUp(now, stop);
      if (isFinal(now.status)) return;
    }
  }

  /** Values go out as both masks give them. */
  async #hide(record: RunRecord): Promise<void> {
    const { mask: own } = this.#options;
    const given = await this.#parts.maskFor?.(record);
    const both = (first: Mask, second: Mask): Mask => {
      return (value, place) => second(first(value, place), place);
    };
    this.#conversion.mask = given && own ? both(given, own) : (given ?? own);
  }

  async #record(): Promise<RunRecord> {
    const record = await this.#parts.rows.getRun(this.#id);
    if (record !== undefined) return record;
    throw new RunchartError('run-unknown', `there is no run ${this.#id}`, {
      hint: 'list the runs to see their ids',
    });
  }

  async *#describeAt(run: number, at: number, stop: AbortSignal): AsyncGenerator<InspectionEvent> {
    const { trimmedTo } = await this.#record();
    if (readCount(at, '`at`') < 1 || at > (await this.#parts.rows.newestSeq(run))) {
      throw new RunchartError('argument-invalid', `run ${this.#id} has no event ${at}`);
    }
    if (at < trimmedTo) {
      throw new RunchartError('history-trimmed', `event ${at} of run ${this.#id} is gone`, {
        hint: `ask for one from ${trimmedTo} on`,
      });
    }
    yield* this.#describe(run, at, stop);
  }

  /** Every actor as it was at an event, the run first. */
  async *#describe(run: number, seq: number, stop: AbortSignal): AsyncGenerator<InspectionEvent> {
    const { rows } = this.#parts;
    this.#seq = seq;
    const at = (await rows.checkpointOf(run, seq))?.at ?? 0;
    for (let after: string | undefined; !stop.aborted; ) {
      const page = await rows.versionsAt(run, seq, { after, limit: PAGE_ACTORS });
      // The run's own snapshot is taken when its turn ends: within its first turn there is none.
      const hasRun = after !== undefined || page[0]?.actor === '';
      if (!hasRun) yield* this.#conversion.actor('', { version: undefined, seq, at });
      for (const version of page) {
        const isWanted = version.actor === '' || this.#options.actors === 'all' || !isDone(version);
        if (isWanted) yield* this.#conversion.actor(version.actor, { version, seq, at });
      }
      after = page.at(-1)?.actor;
      if (page.length < PAGE_ACTORS) return;
      await nextTick();
    }
  }

  /** What has become durable since. */
  async *#catchUp(record: RunRecord, stop: AbortSignal): AsyncGenerator<InspectionEvent> {
    const { run } = record;
    while (!stop.aborted) {
      const page = await readTurns(this.#parts.rows, run, this.#seq);
      if (page === undefined) return;
      await this.#hide(record);
      if (await this.#isTooFar(run, page)) {
        yield* this.#describeAnew(run, stop);
      } else {
        yield* this.#conversion.page(page, await this.#snapshotsBefore(run, page));
        this.#seq = page.seq;
      }
      await nextTick();
    }
  }

  /** Behind by more than may be, or by what retention has removed. */
  async #isTooFar(run: number, page: TurnPage): Promise<boolean> {
    if (page.events[0]?.seq !== this.#seq + 1) return true;
    const newest = await this.#parts.rows.newestSeq(run);
    return newest - this.#seq > (this.#options.maxLag ?? DEFAULT_MAX_LAG);
  }

  async *#describeAnew(run: number, stop: AbortSignal): AsyncGenerator<InspectionEvent> {
    const { rows } = this.#parts;
    const after = this.#seq;
    const upTo = await rows.newestSeq(run);
    const at = (await rows.checkpointOf(run, upTo))?.at ?? 0;
    yield* this.#conversion.overflow({ after, upTo }, at);
    this.#conversion.forget();
    yield* this.#describe(run, upTo, stop);
  }

  /** Of actors that are not known and do not change, as what is said of one that is final: how they stand. */
  async #snapshotsBefore(
    run: number,
    { events, versions }: TurnPage,
  ): Promise<ReadonlyMap<string, ActorVersionRecord>> {
    const begun = new Set(versions.map(({ actor }) => actor));
    const strangers = new Set(
      events.flatMap(({ node }) =>
        node === null || begun.has(node) || this.#conversion.knows(node) ? [] : [node],
      ),
    );
    if (strangers.size === 0) return new Map();
    const range = { after: 0, upTo: this.#seq };
    const found = await this.#parts.rows.versionsBetween(run, range, [...strangers]);
    // By number: of each actor the last one stays.
    return new Map([...found].sort((a, b) => a.seq - b.seq).map((one) => [one.actor, one]));
  }
}

function nextTick(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
