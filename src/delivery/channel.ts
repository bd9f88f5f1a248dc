/**
 * Delivers to one webhook. Invariants: 1. of a run one event at a time is under way, in order, and the next
 * one only when it was accepted or given up for good; 2. what is stored as delivered is: a stop of the
 * process repeats events and loses none; 3. a run that fails gets a lane, and holds up no other (agenda.ts);
 * 4. whoever finds that the database is another process's delivers nothing more.
 */
import type {
  LoggedEvent,
  LogPosition,
  LogRows,
  WebhookRecord,
} from '../actors/delivery-records.js';
import { type Environment, elapse } from '../actors/environment.js';
import type { Logger } from '../actors/handlers.js';
import type { Journal } from '../actors/ports.js';
import { tenantOf } from '../actors/tenant.js';
import { Agenda, type Work } from './agenda.js';
import { Courier, type Message, messageOf } from './courier.js';
import { decideFailure, type Refusal } from './decide-failure.js';
import { DurableWrites, isOver } from './durable-writes.js';
import { EventMatcher } from './event-filter.js';
import type { Lane } from './lane.js';
import type { DeliveryLimits } from './limits.js';
import type { SendWebhook } from './send.js';
import type { TenantPositions } from './tenant-positions.js';
import { type ChannelState, filterOf } from './webhook.js';
import { WebhookRow } from './webhook-row.js';

export interface ChannelParts {
  readonly environment: Environment;
  readonly journal: Pick<Journal, 'write'>;
  readonly log: LogRows;
  readonly logger: Logger;
  readonly send: SendWebhook;
  readonly limits: DeliveryLimits;
  /** What tenants are told of turns. */
  readonly positions: TenantPositions;
}

/** Events read from the log at a time. */
const PAGE = 200;
/** Events of a run that is behind before another one has its turn. */
const LANE_BURST = 50;
/** Longest time that what was delivered is not stored as such, in milliseconds. */
const SAVE_MS = 500;
/** Wait after storage failed, in milliseconds. */
const STORAGE_RETRY_MS = 1_000;

export class Channel {
  readonly #parts: ChannelParts;
  readonly #courier: Courier;
  #matcher: EventMatcher;
  readonly #agenda: Agenda;
  readonly #writes: DurableWrites;
  readonly #row: WebhookRow;
  #waiters: (() => void)[] = [];
  #deadLetters: number;
  /** Everything up to here has been read. */
  #read: LogPosition;
  #mayHaveMore = true;
  #isReading = false;
  #active = 0;
  #isClosed = false;
  #callOffWake = () => {};
  #callOffSave: (() => void) | undefined;

  constructor(parts: ChannelParts, record: WebhookRecord, { lanes, deadLetters }: ChannelState) {
    this.#parts = parts;
    const { environment, log, send, limits } = parts;
    this.#courier = new Courier({
      clock: environment.clock,
      send,
      timeoutMs: limits.timeoutMs,
    });
    this.#writes = new DurableWrites({ ...parts, clock: environment.clock });
    this.#matcher = matcherOf(record, log);
    this.#row = new WebhookRow(record, this.#writes);
    this.#agenda = new Agenda(lanes, limits.concurrency);
    this.#deadLetters = deadLetters;
    this.#read = { turn: record.turn, seq: Number.MAX_SAFE_INTEGER };
  }

  get record(): WebhookRecord {
    return this.#row.record;
  }

  get state(): ChannelState {
    return { lanes: this.#agenda.lanes.records, deadLetters: this.#deadLetters };
  }

  /** Turn up to which it has been given everything, for good. */
  get durableTurn(): number {
    return this.#row.durableTurn;
  }

  get isDisabled(): boolean {
    return this.#row.isDisabled;
  }

  /** There may be more in the log. */
  wake(): void {
    // Whatever is under way looks again when it ends.
    const isNoted = this.#mayHaveMore && (this.#isReading || this.#active > 0);
    if (isNoted) return;
    this.#mayHaveMore = true;
    this.#pump();
  }

  /** Resolves when nothing more happens without another commit, or time that passes. */
  async settled(): Promise<void> {
    while (this.#active > 0 || this.#isReading) await this.#whenChanged();
  }

  /** Resolves when everything up to a turn is accepted or given up, or the webhook is disabled. */
  async delivered(turn: number): Promise<void> {
    const { lanes, backlog } = this.#agenda;
    const isDone = () => lanes.size === 0 && backlog.floor(this.#readTurn) >= turn;
    while (!this.#isClosed && !this.isDisabled && !isDone()) await this.#whenChanged();
  }

  /** A dead letter is gone. */
  forgetDeadLetter(): void {
    this.#deadLetters -= 1;
  }

  /** Changes the row; resolves when that is durable. Rejects with `commit-failed`, and nothing is changed. */
  async change(changes: Partial<WebhookRecord>): Promise<void> {
    const wasDisabled = this.isDisabled;
    await this.#row.change({ ...changes, updatedAt: this.#now });
    this.#matcher = matcherOf(this.record, this.#parts.log);
    if (wasDisabled && !this.isDisabled) this.#agenda.lanes.beginAnew(this.#now);
  }

  /** Gives up what is under way: whoever comes next delivers it. */
  async close(): Promise<void> {
    this.#stop();
    while (this.#active > 0 || this.#isReading) await this.#whenChanged();
    await this.#save().catch(() => {});
    await this.#writes.close();
  }

  #stop(): void {
    this.#isClosed = true;
    this.#callOffWake();
    this.#callOffSave?.();
    this.#courier.abort();
    this.#noticeChange();
  }

  // What is next -------------------------------------------------------------------------------

  #pump(): void {
    if (this.#isClosed || this.isDisabled) return this.#noticeChange();
    // One reading of the clock for both questions: what is due between two would be lost.
    const now = this.#now;
    while (this.#active < this.#parts.limits.concurrency) {
      const work = this.#agenda.take(now);
      if (work === undefined) break;
      void this.#do(work);
    }
    if (this.#mayHaveMore && !this.#isReading && this.#agenda.hasRoom) void this.#readOn();
    this.#wakeWhenDue(now);
    this.#noticeChange();
  }

  async #do(work: Work): Promise<void> {
    this.#active += 1;
    try {
      await ('lane' in work ? this.#workLane(work.lane) : this.#deliver(work.logged));
    } catch (error) {
      await this.#rest(error, 'a delivery could not be made');
    }
    this.#active -= 1;
    this.#pump();
  }

  async #rest(error: unknown, message: string): Promise<void> {
    if (this.#isClosed) return;
    this.#parts.logger.error({ webhook: this.record.id, error }, message);
    if (isOver(error)) return this.#stop();
    await elapse(this.#parts.environment.clock, STORAGE_RETRY_MS);
  }

  async #readOn(): Promise<void> {
    const { lanes, backlog } = this.#agenda;
    this.#isReading = true;
    this.#mayHaveMore = false;
    try {
      const { events, upTo, isLast } = await this.#parts.log.logAfter(this.#read, PAGE);
      const wanted: LoggedEvent[] = [];
      for (const logged of events) if (await this.#matcher.matches(logged)) wanted.push(logged);
      for (const logged of wanted) if (!lanes.takes(logged)) backlog.add(logged);
      this.#read = upTo;
      if (!isLast) this.#mayHaveMore = true;
      this.#saveLater();
    } catch (error) {
      this.#mayHaveMore = true;
      await this.#rest(error, 'the log could not be read');
    }
    this.#isReading = false;
    this.#pump();
  }

  #wakeWhenDue(now: number): void {
    this.#callOffWake();
    this.#callOffWake = () => {};
    const at = this.#agenda.nextDue;
    if (at <= now || !Number.isFinite(at)) return;
    this.#callOffWake = this.#parts.environment.clock.wakeAt(at, () => this.#pump());
  }

  // Deliveries ---------------------------------------------------------------------------------

  async #deliver(logged: LoggedEvent): Promise<void> {
    const { lanes, backlog } = this.#agenda;
    const { run } = logged.event;
    const outcome = await this.#courier.deliver(this.record, this.#messageOf(logged));
    if (this.#isClosed) return;
    if (outcome.isAccepted) {
      backlog.done(run);
      return this.#succeeded();
    }
    this.#agenda.failed();
    const lane = lanes.open(this.record, logged);
    await this.#failed(lane, logged, outcome);
    // From now on the lane's row has them.
    backlog.drop(run);
    this.#saveLater();
    lanes.release(lane);
  }

  async #workLane(lane: Lane): Promise<void> {
    try {
      for (let count = 0; count < LANE_BURST; count += 1) {
        lane.isStale = false;
        const logged = await lane.next(this.#parts.log, this.#matcher, () => this.#read);
        if (this.#isClosed) return;
        if (logged === undefined && lane.isStale) continue;
        if (logged === undefined) return await this.#closeLane(lane);
        const outcome = await this.#courier.deliver(this.record, this.#messageOf(logged));
        if (this.#isClosed) return;
        if (!outcome.isAccepted) return await this.#failed(lane, logged, outcome);
        lane.pass(logged);
        this.#succeeded();
      }
      lane.dueBy(this.#now);
      await this.#writes.put([{ type: 'lane.put', record: lane.record }]);
    } finally {
      this.#agenda.lanes.release(lane);
    }
  }

  #messageOf(logged: LoggedEvent): Message {
    return messageOf(logged, this.record, this.#parts.positions);
  }

  /** The run has caught up. Its row stays until the webhook's own cursor has passed what the lane gave up. */
  async #closeLane(lane: Lane): Promise<void> {
    this.#agenda.lanes.end(lane);
    await this.#writes.put([{ type: 'lane.put', record: lane.record }]);
    this.#saveLater();
  }

  #succeeded(): void {
    this.#agenda.accepted(this.#now);
    if (this.record.failingSince !== null) this.#row.alter({ failingSince: null });
    this.#saveLater();
  }

  async #failed(lane: Lane, logged: LoggedEvent, refusal: Refusal): Promise<void> {
    const { limits, environment } = this.#parts;
    const { deadLetter, disabled, ...decision } = decideFailure(
      {
        webhook: this.record,
        lane: lane.record,
        logged,
        message: this.#messageOf(logged),
        refusal,
        deadLetters: this.#deadLetters,
        now: this.#now,
        chance: environment.random(),
      },
      limits,
    );
    lane.failed(decision.lane);
    this.#row.alter(decision.webhook);
    if (deadLetter !== undefined) this.#deadLetters += 1;
    await this.#writes.put([
      ...(deadLetter === undefined
        ? []
        : [{ type: 'dead-letter.put', record: deadLetter } as const]),
      { type: 'lane.put', record: decision.lane },
      { type: 'webhook.put', record: this.record },
    ]);
    this.#complain(logged, refusal, deadLetter !== undefined);
    if (disabled === undefined) return;
    const { id: webhook } = this.record;
    this.#parts.logger.error(
      { webhook, ...disabled },
      `a webhook is disabled: ${disabled.message}`,
    );
  }

  #complain({ runId, event }: LoggedEvent, { error }: Refusal, isGivenUp: boolean): void {
    const { logger } = this.#parts;
    const about = { webhook: this.record.id, event: `${runId}/${event.seq}`, ...error };
    if (isGivenUp) logger.error(about, 'a delivery is given up, and is a dead letter now');
    else logger.warn(about, 'a delivery failed and is tried again');
  }

  // What is stored -----------------------------------------------------------------------------

  get #readTurn(): number {
    const { turn, seq } = this.#read;
    return seq === Number.MAX_SAFE_INTEGER ? turn : turn - 1;
  }

  #saveLater(): void {
    if (this.#callOffSave !== undefined || this.#isClosed) return;
    const { clock } = this.#parts.environment;
    this.#callOffSave = clock.wakeAt(clock.now() + SAVE_MS, () => {
      this.#callOffSave = undefined;
      this.#save().catch((error: unknown) => this.#rest(error, 'its progress could not be stored'));
    });
  }

  #save(): Promise<void> {
    const { lanes, backlog } = this.#agenda;
    const turn = backlog.floor(this.#readTurn);
    return this.#row.save(turn, lanes.takeEnded(turn));
  }

  get #now(): number {
    return this.#parts.environment.clock.now();
  }

  // Those who wait -----------------------------------------------------------------------------

  #whenChanged(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiters.push(resolve);
    });
  }

  #noticeChange(): void {
    for (const resolve of this.#waiters.splice(0)) resolve();
  }
}

/** A webhook of a tenant is told of the tenant's runs alone, whatever its filter says. */
function matcherOf(record: WebhookRecord, log: LogRows): EventMatcher {
  return new EventMatcher(filterOf(record), log, tenantOf(record.id));
}
