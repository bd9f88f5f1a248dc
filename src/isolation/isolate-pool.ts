/**
 * The isolates of one handler, and the calls that wait for one. Invariants: an isolate works on one
 * call at a time; one that is dying takes up its place until it is gone, and is never used again.
 */
import { RunchartError } from '../errors.js';
import type { Isolate, IsolateEnd, StartIsolate } from './isolate.js';
import { IsolationError } from './isolation-error.js';

export interface PoolLimits {
  /** Isolates at work. */
  readonly concurrency: number;
  /** Isolates that are kept for the next call. */
  readonly maxIdle: number;
  /** How long one is kept, in milliseconds. */
  readonly idleMs: number;
}

/** A call as the pool sees it. */
export interface PooledCall {
  /** `done` gives the isolate back, later than this returns; a call that had it killed never does. */
  begin(isolate: Isolate, done: () => void): void;
  message(message: unknown): void;
  /** The isolate ended under the call. */
  ended(end: IsolateEnd): void;
  /** The call will not begin. */
  refuse(error: Error): void;
}

interface Seat {
  readonly isolate: Isolate;
  call: PooledCall | undefined;
  idleTimer: NodeJS.Timeout | undefined;
}

const MAX_WAITING = 10_000;

export class IsolatePool {
  readonly #start: StartIsolate;
  readonly #limits: PoolLimits;
  readonly #busy = new Set<Seat>();
  /** The one used last is at the end, and is used next. */
  readonly #idle: Seat[] = [];
  readonly #waiting = new Set<PooledCall>();
  #isClosed = false;

  constructor(start: StartIsolate, limits: PoolLimits) {
    this.#start = start;
    this.#limits = limits;
  }

  /** Begins the call, has it wait in order of arrival, or refuses it as `overloaded` where 10,000 wait. */
  run(call: PooledCall): void {
    if (this.#busy.size < this.#limits.concurrency) this.#begin(call);
    else if (this.#waiting.size < MAX_WAITING) this.#waiting.add(call);
    else {
      const message = `${MAX_WAITING} calls of this isolated handler wait already`;
      call.refuse(new RunchartError('overloaded', message));
    }
  }

  /** Takes a call out of the queue. False where it had begun. */
  withdraw(call: PooledCall): boolean {
    return this.#waiting.delete(call);
  }

  /** Ends idle isolates and keeps none from now on. Calls under way, and later ones, are done as ever. */
  close(): void {
    this.#isClosed = true;
    for (const seat of this.#idle.splice(0)) this.#retire(seat);
  }

  #begin(call: PooledCall): void {
    let seat: Seat;
    try {
      seat = this.#idle.pop() ?? this.#open();
    } catch (error) {
      return call.refuse(new IsolationError('handler-exited', 'no isolate could start', error));
    }
    clearTimeout(seat.idleTimer);
    seat.call = call;
    this.#busy.add(seat);
    seat.isolate.hold();
    call.begin(seat.isolate, () => this.#giveBack(seat));
  }

  #open(): Seat {
    const seat: Seat = {
      isolate: this.#start({
        message: (message) => seat.call?.message(message),
        ended: (end) => this.#onEnded(seat, end),
      }),
      call: undefined,
      idleTimer: undefined,
    };
    return seat;
  }

  #giveBack(seat: Seat): void {
    if (!this.#busy.delete(seat)) return;
    seat.call = undefined;
    seat.isolate.letGo();
    const isKept = !this.#isClosed && this.#idle.length < this.#limits.maxIdle;
    // A call that waits takes it at once.
    if (isKept || this.#waiting.size > 0) this.#keep(seat);
    else this.#retire(seat);
    this.#beginNext();
  }

  #keep(seat: Seat): void {
    this.#idle.push(seat);
    seat.idleTimer = setTimeout(() => {
      this.#forget(seat);
      this.#retire(seat);
    }, this.#limits.idleMs).unref();
  }

  #retire(seat: Seat): void {
    clearTimeout(seat.idleTimer);
    seat.isolate.retire();
  }

  #onEnded(seat: Seat, end: IsolateEnd): void {
    clearTimeout(seat.idleTimer);
    this.#forget(seat);
    this.#busy.delete(seat);
    seat.call?.ended(end);
    seat.call = undefined;
    this.#beginNext();
  }

  #forget(seat: Seat): void {
    const index = this.#idle.indexOf(seat);
    if (index >= 0) this.#idle.splice(index, 1);
  }

  #beginNext(): void {
    for (const call of this.#waiting) {
      if (this.#busy.size >= this.#limits.concurrency) return;
      this.#waiting.delete(call);
      this.#begin(call);
    }
  }
}
