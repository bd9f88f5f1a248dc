/**
 * What an attempt has to pass beside the limit of the process: the gate of its handler, and that of
 * its concurrency key. Invariant: nobody begins before those that wait there, except runs that the
 * gate itself, or the other gate of the attempt, has called.
 */
import { Heap } from '../heap.js';
import {
  type AttemptOutcome,
  type BreakerPhase,
  type BreakerState,
  breakerRoom,
  CLOSED_BREAKER,
  nextBreaker,
} from './circuit-breaker.js';
import { FairLine, type Place } from './fair-line.js';
import type { HandlerPolicy } from './handler-policy.js';
import { admit, available, FULL_BUCKET, type RateState } from './rate-limit.js';

/** Why an attempt may not begin: `busy` is the process, `handler` its handler's own concurrency. */
export type RefusalReason = 'busy' | 'handler' | 'rate' | 'breaker' | 'key';

export interface Refusal {
  readonly refused: RefusalReason;
  /** When it is worth asking again, in milliseconds since the epoch; missing where an end decides. */
  readonly retryAt?: number;
}

/**
 * A run waits for a slot, or for a gate. `aside`: the gate is shut. `queued`: in line for a slot, the
 * gate having called it. `offered`: a slot is kept for it until its turn is over.
 */
export interface Wait extends Place {
  readonly run: string;
  readonly priority: number;
  /** Undefined for a wait for nothing but a slot. */
  readonly gate: Gate | undefined;
  readonly order: number;
  since: number;
  level: number;
  state: 'aside' | 'queued' | 'offered';
  ticket: number;
}

/** An attempt at work. */
export interface Held {
  readonly handler: string;
  readonly key: string | undefined;
  readonly gates: readonly Gate[];
}

export class Gate {
  readonly kind: 'handler' | 'key';
  readonly name: string;
  /** Runs that were put aside here. */
  readonly waiting = new FairLine<Wait>();
  /** Runs for which there is room, the least urgent first: each will have it unless others need it more. */
  readonly called = new Heap<Wait>(
    (a, b) => a.level < b.level || (a.level === b.level && a.order > b.order),
  );
  /** When it has to be looked at again. */
  wakeAt = Number.POSITIVE_INFINITY;
  /** Attempts at work at the same time. */
  concurrency: number;
  readonly #policy: HandlerPolicy;
  #atWork = 0;
  #bucket: RateState = FULL_BUCKET;
  #breaker: BreakerState = CLOSED_BREAKER;
  #probe: Held | undefined;

  constructor(kind: 'handler' | 'key', name: string, policy: HandlerPolicy) {
    this.kind = kind;
    this.name = name;
    this.concurrency = policy.concurrency ?? Number.POSITIVE_INFINITY;
    this.#policy = policy;
  }

  get atWork(): number {
    return this.#atWork;
  }

  get phase(): BreakerPhase {
    return this.#breaker.phase;
  }

  /** Until when its breaker is open. */
  get openUntil(): number | undefined {
    return this.#breaker.phase === 'open' ? this.#breaker.until : undefined;
  }

  /** Number of runs that wait here, those called included. */
  get waitingRuns(): number {
    return this.waiting.size + this.called.size;
  }

  get isIdle(): boolean {
    return this.#atWork === 0 && this.waitingRuns === 0;
  }

  /** How many attempts may begin now. */
  room(now: number): number {
    return Math.max(0, Math.min(this.#places, breakerRoom(this.#breaker), this.#tokens(now)));
  }

  /** Why an attempt may not begin while `ahead` others were called before it, or nothing. */
  refusal(ahead: number, now: number): Refusal | undefined {
    if (breakerRoom(this.#breaker) <= ahead) return refusal('breaker', this.openUntil);
    if (this.#places <= ahead) return { refused: this.kind };
    if (this.#tokens(now) <= ahead) return refusal('rate', this.#refillAt(now));
    return undefined;
  }

  /** When time alone lets somebody begin who cannot now. */
  opensAt(now: number): number {
    const refillAt = this.waiting.size > 0 ? this.#refillAt(now) : undefined;
    return this.openUntil ?? refillAt ?? Number.POSITIVE_INFINITY;
  }

  /** Lets the cooldown of an open breaker end. */
  pass(now: number): void {
    this.#tell('time', now);
  }

  /** Counts an attempt that begins. */
  begin(held: Held, now: number): void {
    this.resume();
    const { rateLimit } = this.#policy;
    if (rateLimit !== undefined) {
      const admission = admit(rateLimit, this.#bucket, now);
      if (admission.ok) this.#bucket = admission.state;
    }
    this.#tell('started', now);
    if (this.#breaker.phase === 'half-open') this.#probe = held;
  }

  /** Counts an attempt that has begun before. */
  resume(): void {
    this.#atWork += 1;
  }

  /** Counts an attempt off. While the breaker is not closed, only its probe has a say. */
  end(held: Held, outcome: AttemptOutcome, now: number): void {
    this.#atWork -= 1;
    if (this.#breaker.phase === 'half-open' && held !== this.#probe) return;
    this.#probe = undefined;
    this.#tell(outcome, now);
  }

  get #places(): number {
    return this.concurrency - this.#atWork;
  }

  #tokens(now: number): number {
    const { rateLimit } = this.#policy;
    if (rateLimit === undefined) return Number.POSITIVE_INFINITY;
    return available(rateLimit, this.#bucket, now);
  }

  #refillAt(now: number): number | undefined {
    const { rateLimit } = this.#policy;
    if (rateLimit === undefined) return undefined;
    const admission = admit(rateLimit, this.#bucket, now);
    return admission.ok ? undefined : admission.at;
  }

  #tell(event: 'time' | 'started' | AttemptOutcome, now: number): void {
    const { circuitBreaker } = this.#policy;
    if (circuitBreaker === undefined) return;
    this.#breaker = nextBreaker(circuitBreaker, this.#breaker, event, now);
  }
}

function refusal(refused: RefusalReason, retryAt: number | undefined): Refusal {
  return retryAt === undefined ? { refused } : { refused, retryAt };
}
