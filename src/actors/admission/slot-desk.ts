/**
 * Admission on this process's clock, for one engine: runs stand in line after their turns and are
 * offered slots by message. Invariants: a wake-up is armed for whatever time alone will make
 * possible; once closed nothing is let in, and nothing is offered that would only be asked for again.
 */
import type { Clock } from '../environment.js';
import type { Logger } from '../handlers.js';
import type { Slots } from '../run/decider.js';
import type { Permit } from '../run/permits.js';
import { qualifyKey, tenantOf } from '../tenant.js';
import { Admission, type AdmissionReport } from './admission.js';
import type { HandlerPolicy } from './handler-policy.js';

export interface SlotDeskParts {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Attempts at work in this process. */
  readonly concurrency: number;
  readonly policies?: ReadonlyMap<string, HandlerPolicy>;
  /** An attempt has given back what it was let in with. */
  onReleased?(): void;
  /** Offers a run a slot; `onAnswered` is to be called once, however the run answers. */
  offer(run: string, onAnswered: () => void): void;
}

/** A run after a turn, as far as it concerns slots. */
export interface Applicant {
  readonly id: string;
  readonly priority: number;
  readonly wantsSlot: boolean;
}

export class SlotDesk {
  readonly #clock: Clock;
  readonly #admission: Admission;
  readonly #onReleased: (() => void) | undefined;
  #wakeAt: number | undefined;
  #callOffWake: (() => void) | undefined;
  #isClosed = false;

  constructor({ clock, logger, concurrency, policies, onReleased, offer }: SlotDeskParts) {
    this.#clock = clock;
    this.#onReleased = onReleased;
    this.#admission = new Admission({
      concurrency,
      offer: (run, ticket) => {
        // However the run answers, the slot that was kept for it and not taken is free again.
        offer(run, () => {
          this.#admission.endOffer(run, ticket);
          this.#admit();
        });
      },
      onBreaker: (handler, from, to) => logger.warn({ handler, from, to }, 'a circuit breaker'),
      ...(policies && { policies }),
    });
  }

  /** After each turn of a run: it waits for a slot, or for none. */
  turnEnded({ id: run, priority, wantsSlot }: Applicant): void {
    const waiting = { run, priority, tenant: tenantOf(run) };
    if (wantsSlot) this.#admission.enqueue(waiting, this.#clock.now());
    else this.#admission.withdraw(run);
    this.#admit();
  }

  /** Sets what a run has at work, after it was loaded. */
  adopt(run: string, permits: readonly Permit[]): void {
    this.#admission.adopt(
      run,
      permits.map((permit) => withOwnKey(run, permit)),
      this.#clock.now(),
    );
    this.#admit();
  }

  /** What the turns of one run take slots from, and give them back to. */
  slotsOf(run: string): Slots {
    return {
      tryTake: (permit) => this.#tryTake(run, permit),
      release: (node, outcome) => {
        this.#admission.release(run, node, outcome, this.#clock.now());
        this.#onReleased?.();
      },
    };
  }

  report(): AdmissionReport {
    return this.#admission.report();
  }

  close(): void {
    this.#isClosed = true;
    this.#callOffWake?.();
  }

  #tryTake(run: string, permit: Permit): ReturnType<Slots['tryTake']> {
    if (this.#isClosed) return 'busy';
    const answer = this.#admission.tryTake({ ...withOwnKey(run, permit), run }, this.#clock.now());
    if (answer.granted) return 'granted';
    return answer.refused === 'busy' ? 'busy' : 'shut';
  }

  /** Lets in what has become possible, and wakes up for what time will make possible. */
  #admit(): void {
    if (this.#isClosed) return;
    this.#admission.tick(this.#clock.now());
    const wakeAt = this.#admission.nextWake();
    if (wakeAt === this.#wakeAt) return;
    this.#callOffWake?.();
    this.#wakeAt = wakeAt;
    this.#callOffWake =
      wakeAt === undefined ? undefined : this.#clock.wakeAt(wakeAt, () => this.#wakeUp());
  }

  #wakeUp(): void {
    this.#wakeAt = undefined;
    this.#admit();
  }
}

/** Concurrency keys are those of the run's tenant. */
function withOwnKey(run: string, permit: Permit): Permit {
  const { key } = permit;
  return key === undefined ? permit : { ...permit, key: qualifyKey(tenantOf(run), key) };
}
