/**
 * The runs that a webhook is behind with. Invariants: 1. an event of such a run is delivered by its lane and
 * by nobody else; 2. the row of a lane that is over stays until the webhook's own cursor has passed what the
 * lane gave up, so that it is not delivered again behind later events.
 */
import type { LaneRecord, LoggedEvent, LogPosition } from '../actors/delivery-records.js';
import { Lane } from './lane.js';

export class Lanes {
  readonly #lanes = new Map<number, Lane>();
  /** Where lanes ended whose rows stay. */
  readonly #ended = new Map<number, LogPosition>();

  constructor(records: readonly LaneRecord[]) {
    for (const record of records) this.#lanes.set(record.run, new Lane(record));
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
    lane.isBusy = true;
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

  /** One that is due and that nobody is at. */
  due(now: number): Lane | undefined {
    for (const lane of this.#lanes.values()) {
      if (!lane.isBusy && lane.record.dueAt <= now) return lane;
    }
    return undefined;
  }

  /** When the next one is due; infinite where none is. */
  get nextDue(): number {
    const waiting = [...this.#lanes.values()].filter(({ isBusy }) => !isBusy);
    return Math.min(...waiting.map(({ record }) => record.dueAt));
  }

  /** None waits any longer. */
  hasten(now: number): void {
    for (const lane of this.#lanes.values()) lane.dueBy(now);
  }

  /** Runs whose rows can go, now that the webhook has passed a turn. */
  takeEnded(turn: number): number[] {
    const runs = [...this.#ended].filter(([, end]) => end.turn <= turn).map(([run]) => run);
    for (const run of runs) this.#ended.delete(run);
    return runs;
  }
}
