/**
 * Events that were read from the log and wait for their delivery. Invariants: 1. of a run one event at a
 * time is out, in order; runs take turns; 2. `floor` is a turn up to which nothing waits here.
 */
import type { LoggedEvent } from '../actors/delivery-records.js';
import { Fifo } from '../actors/fifo.js';

export class Backlog {
  /** Events of a run, the one that is out in front. */
  readonly #runs = new Map<number, Fifo<LoggedEvent>>();
  /** Runs of which none is out. */
  readonly #ready = new Fifo<number>();
  /** How many events of each turn are here, oldest turn first. */
  readonly #turns = new Map<number, number>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Whether there is one to take. */
  get isReady(): boolean {
    return this.#ready.size > 0;
  }

  add(logged: LoggedEvent): void {
    const { run } = logged.event;
    let waiting = this.#runs.get(run);
    if (waiting === undefined) {
      waiting = new Fifo();
      this.#runs.set(run, waiting);
      this.#ready.push(run);
    }
    waiting.push(logged);
    this.#size += 1;
    this.#turns.set(logged.turn, (this.#turns.get(logged.turn) ?? 0) + 1);
  }

  /** The next event of the run whose turn it is; it is out until `done` or `drop`. */
  take(): LoggedEvent | undefined {
    const run = this.#ready.shift();
    return run === undefined ? undefined : this.#runs.get(run)?.peek();
  }

  /** The event of this run that is out needs nothing more. */
  done(run: number): void {
    const waiting = this.#runs.get(run);
    this.#forget(waiting?.shift());
    if (waiting !== undefined && waiting.size > 0) this.#ready.push(run);
    else this.#runs.delete(run);
  }

  /** None of the events of this run, of which one is out, needs anything more. */
  drop(run: number): void {
    const waiting = this.#runs.get(run);
    this.#runs.delete(run);
    while (waiting !== undefined && waiting.size > 0) this.#forget(waiting.shift());
  }

  /** The newest turn up to which nothing waits, where everything up to `read` has been read. */
  floor(read: number): number {
    const [oldest] = this.#turns.keys();
    return oldest === undefined ? read : Math.min(read, oldest - 1);
  }

  #forget(logged: LoggedEvent | undefined): void {
    if (logged === undefined) return;
    this.#size -= 1;
    const left = (this.#turns.get(logged.turn) ?? 0) - 1;
    if (left > 0) this.#turns.set(logged.turn, left);
    else this.#turns.delete(logged.turn);
  }
}
