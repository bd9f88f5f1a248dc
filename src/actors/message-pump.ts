/**
 * Decides whose message is next: runs take turns, a message each. Invariants: the event loop is never
 * held longer than a slice; while too many turns are not durable yet, nothing is handled.
 */
import { Fifo } from './fifo.js';
import type { Envelope, Residency } from './residency.js';

/** Longest time in which messages are handled without giving the event loop a turn, in milliseconds. */
const SLICE_MS = 4;

export class MessagePump {
  readonly #handle: (residency: Residency, envelope: Envelope) => void;
  readonly #onIdle: () => void;
  readonly #maxTurnsUnderWay: number;
  readonly #runnable = new Fifo<Residency>();
  #turnsUnderWay = 0;
  #isPumping = false;

  constructor(params: {
    readonly handle: (residency: Residency, envelope: Envelope) => void;
    readonly onIdle: () => void;
    readonly maxTurnsUnderWay: number;
  }) {
    this.#handle = params.handle;
    this.#onIdle = params.onIdle;
    this.#maxTurnsUnderWay = params.maxTurnsUnderWay;
  }

  /** Turns decided and not durable yet. */
  get turnsUnderWay(): number {
    return this.#turnsUnderWay;
  }

  /** No message waits for its turn, and no turn for its commit. */
  get isIdle(): boolean {
    return this.#turnsUnderWay === 0 && this.#runnable.size === 0;
  }

  /** Puts a run in line if it has messages and can take them. */
  schedule(residency: Residency): void {
    if (residency.isScheduled || residency.state !== 'active' || residency.inbox.size === 0) return;
    residency.isScheduled = true;
    this.#runnable.push(residency);
    this.#wake();
  }

  turnBegun(): void {
    this.#turnsUnderWay += 1;
  }

  /** A turn is durable or void. */
  turnSettled(): void {
    this.#turnsUnderWay -= 1;
    this.#wake();
    if (this.isIdle) this.#onIdle();
  }

  #wake(): void {
    if (this.#isPumping || this.#runnable.size === 0 || this.#isHeldBack) return;
    this.#isPumping = true;
    queueMicrotask(() => this.#pump());
  }

  #pump(): void {
    const until = performance.now() + SLICE_MS;
    while (!this.#isHeldBack) {
      const residency = this.#runnable.shift();
      if (residency === undefined) break;
      residency.isScheduled = false;
      const envelope = residency.state === 'active' ? residency.inbox.shift() : undefined;
      if (envelope !== undefined) this.#handle(residency, envelope);
      this.schedule(residency);
      if (performance.now() > until) {
        setImmediate(() => this.#pump());
        return;
      }
    }
    this.#isPumping = false;
    if (this.isIdle) this.#onIdle();
  }

  get #isHeldBack(): boolean {
    return this.#turnsUnderWay >= this.#maxTurnsUnderWay;
  }
}
