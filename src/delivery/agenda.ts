/**
 * What a webhook is given next. Invariants: 1. runs that it is behind with and others take turns, and the former leave
 * a place where there are two or more; 2. others begin as fast as the receiver accepts them, see pace.ts; 3. what
 * is held in memory, and how many runs are behind, is limited: beyond it the log waits on disk.
 */
import type { LaneRecord, LoggedEvent } from '../actors/delivery-records.js';
import { Backlog } from './backlog.js';
import type { Lane } from './lane.js';
import { Lanes } from './lanes.js';
import { Pace } from './pace.js';

/** Below how many events the next are read. */
const LOW_WATER = 100;
/** Runs that one webhook may be behind with; beyond it no other begins. */
const MAX_LANES = 10_000;

export type Work = { readonly lane: Lane } | { readonly logged: LoggedEvent };

export class Agenda {
  readonly backlog = new Backlog();
  readonly lanes: Lanes;
  readonly #pace = new Pace();
  readonly #places: number;
  #isLanesTurn = true;

  /** `places`: how much of it may be under way at a time. */
  constructor(lanes: readonly LaneRecord[], places: number) {
    this.lanes = new Lanes(lanes);
    this.#places = places;
  }

  /** Whether more of the log is wanted. */
  get hasRoom(): boolean {
    return this.backlog.size < LOW_WATER && !this.#isFull;
  }

  /** What is due; undefined where nothing is. A lane is taken until it is released, an event until it is done. */
  take(now: number): Work | undefined {
    const isLanesTurn = this.#isLanesTurn;
    this.#isLanesTurn = !isLanesTurn;
    return isLanesTurn
      ? (this.#takeLane(now) ?? this.#takeLogged(now))
      : (this.#takeLogged(now) ?? this.#takeLane(now));
  }

  /** When something is due next, if nothing else happens; infinite where nothing is. */
  get nextDue(): number {
    const canBegin = this.backlog.isReady && !this.#isFull;
    return Math.min(
      this.#hasPlaceForLane ? this.lanes.nextDue : Number.POSITIVE_INFINITY,
      canBegin ? this.#pace.nextAt : Number.POSITIVE_INFINITY,
    );
  }

  /** An event of a run that it was not behind with has failed. */
  failed(): void {
    this.#pace.failed();
  }

  /** Something was accepted: if that is new, what waits is tried at once. */
  accepted(now: number): void {
    if (this.#pace.accepted()) this.lanes.hasten(now);
  }

  #takeLane(now: number): Work | undefined {
    if (!this.#hasPlaceForLane) return undefined;
    const lane = this.lanes.take(now);
    return lane && { lane };
  }

  #takeLogged(now: number): Work | undefined {
    if (this.#isFull || this.#pace.nextAt > now) return undefined;
    const logged = this.backlog.take();
    if (logged === undefined) return undefined;
    this.#pace.begin(now, this.lanes.size);
    return { logged };
  }

  /** Receivers that take their time with some runs leave a place for others. */
  get #hasPlaceForLane(): boolean {
    return this.lanes.busy < Math.max(1, this.#places - 1);
  }

  get #isFull(): boolean {
    return this.lanes.size >= MAX_LANES;
  }
}
