/**
 * The runs that a webhook is behind with. Invariants: 1. an event of such a run is delivered by its lane and
 * by nobody else; 2. the row of a lane that is over stays until the webhook's own cursor has passed what the
 * lane gave up, so that it is not delivered again behind later events.
 */
import type { LaneRecord, LoggedEvent, LogPosition } from '../actors/delivery-records.js';
import { Heap } from '../actors/heap.js';
import { Lane } from './lane.js';

export class Lanes {
  readonly #lanes = new Map<number, Lane>();
  /** Those that nobody is at, the one that is due first in front. */
  readonly #idle = new Heap<Lane>(isBefore);
  /** Where lanes ended whose rows stay. */
  readonly #ended = new Map<number, LogPosition>();

  constructor(records: readonly LaneRecord[]) {
    for (const record of records) {
      const lane = new Lane(record);
      this.#lanes.set(record.run, lane);
      this.#idle.push(lane);
    }
  }

  get size(): number {
    return this.#lanes.size;
  }

  get records(): readonly LaneRecord[] {
    return [...this.#lanes.values()].map((lane) => lane.record);
  }

  /** A lane for a run whose event has failed; somebody is at it. */
  open({ id: webhook }: { readonly id: string }, { event }: LoggedEvent): Lane {
    const { run, seq } = event;
    const lane = new Lane({ webhook, run, seq: seq - 1, tries: 0, dueAt: 0, errorJson: 'null' });
    this.#lanes.set(run, lane);
    this.#ended.delete(run);
    return lane;
  }

  /** The run has caught up. */
  end({ record, passedTurn }: Lane): void {
    this.#lanes.delete(record.run);
    this.#ended.set(record.run, { turn: passedTurn, seq: record.seq });
  }

  /** Whether an event that was read is a lane's matter, or was. */
  takes({ event: { run, seq } }: LoggedEvent): boolean {
    const lane = this.#lanes.get(run);
    if (lane !== undefined) lane.isStale = true;
    return lane !== undefined || seq <= (this.#ended.get(run)?.seq ?? 0);
  }

  /** How many somebody is at. */
  get busy(): number {
    return this.#lanes.size - this.#idle.size;
  }

  /** One that is due, for somebody who is at it until `release` or `end`. */
  take(now: number): Lane | undefined {
    return this.nextDue <= now ? this.#idle.shift() : undefined;
  }

  /** Nobody is at it any more. */
  release(lane: Lane): void {
    lane.rest();
    if (this.#lanes.get(lane.record.run) === lane) this.#idle.push(lane);
  }

  /** When the next one is due; infinite where none is. */
  get nextDue(): number {
    return this.#idle.peek()?.dueAt ?? Number.POSITIVE_INFINITY;
  }

  /** The receiver is back: none needs to wait any longer. */
  hasten(now: number): void {
    for (const lane of this.#lanes.values()) {
      if (lane.canHasten) this.#move(lane, () => lane.hasten(now));
    }
  }

  /** All are due. */
  beginAnew(now: number): void {
    for (const lane of this.#lanes.values()) this.#move(lane, () => lane.dueBy(now));
  }

  /** One that somebody is at says itself when it is due next. */
  #move(lane: Lane, change: () => void): void {
    if (!this.#idle.remove(lane)) return;
    change();
    this.#idle.push(lane);
  }

  /** Runs whose rows can go, now that the webhook has passed a turn. */
  takeEnded(turn: number): number[] {
    const runs = [...this.#ended].filter(([, end]) => end.turn <= turn).map(([run]) => run);
    for (const run of runs) this.#ended.delete(run);
    return runs;
  }
}

function isBefore(a: Lane, b: Lane): boolean {
  return a.dueAt < b.dueAt || (a.dueAt === b.dueAt && a.record.run < b.record.run);
}
