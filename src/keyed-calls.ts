/**
 * Calls that are about no single run and name themselves with an idempotency key. Invariants: 1. one key is at
 * work once at a time; 2. an answer is durable before it is given; 3. what may succeed later without a change
 * is not kept; 4. an answer is kept for a time and forgotten after it, so that keys do not grow for ever.
 */
import type { Clock } from './actors/environment.js';
import { answerAgain, type KeyedCall, keptAnswer, type Outcome } from './actors/idempotency.js';
import type { FreeRow, Journal, RunStore } from './actors/ports.js';
import { qualifyId, qualifyKey } from './actors/tenant.js';
import { durable } from './durable.js';
import { RunchartError } from './errors.js';
import { InTurn } from './in-turn.js';

/** How long answers are kept unless the options say otherwise, in milliseconds: a week. */
const ANSWERS_MS = 7 * 86_400_000;
/** Time between two removals of answers that are too old, in milliseconds. */
const REMOVE_EVERY_MS = 3_600_000;

/** Number of no run. */
const NO_RUN = 0;

export class KeyedCalls {
  readonly #clock: Clock;
  readonly #journal: Pick<Journal, 'write'>;
  readonly #store: Pick<RunStore, 'findAnswer'>;
  readonly #answersMs: number;
  readonly #inTurn = new InTurn();
  #removedAt = 0;

  constructor(parts: {
    readonly clock: Clock;
    readonly journal: Pick<Journal, 'write'>;
    readonly store: Pick<RunStore, 'findAnswer'>;
    /** How long answers are kept, in milliseconds; a week unless given. */
    readonly answersMs?: number | undefined;
  }) {
    this.#clock = parts.clock;
    this.#journal = parts.journal;
    this.#store = parts.store;
    this.#answersMs = parts.answersMs ?? ANSWERS_MS;
  }

  /** A key is one of a tenant. Rejects as the work does, and with `idempotency-key-reused`. The reply is JSON. */
  once<Reply>(asked: KeyedCall, tenant: string, work: () => Promise<Reply>): Promise<Reply> {
    const call = { ...asked, key: qualifyKey(tenant, asked.key) };
    return this.#inTurn.do(call.key, async () => {
      const known = await this.#store.findAnswer(call.key);
      const isKept = known !== undefined && known.at >= this.#oldest;
      const outcome = !isKept ? await this.#do(call, tenant, work) : answerAgain(known, call);
      if ('error' in outcome) throw outcome.error;
      return outcome.reply as Reply;
    });
  }

  async #do(call: KeyedCall, tenant: string, work: () => Promise<unknown>): Promise<Outcome> {
    const outcome = await outcomeOf(work);
    if ('error' in outcome && outcome.error.retryable) return outcome;
    const record = keptAnswer(NO_RUN, call, outcome, this.#clock.now());
    const row = { type: 'idempotency-key.put', of: qualifyId(tenant, ''), record } as const;
    await durable(this.#journal.write([...this.#removal(), row]));
    return outcome;
  }

  /** Answers from before are forgotten. */
  get #oldest(): number {
    return this.#clock.now() - this.#answersMs;
  }

  /** Removes what is too old, now and then, with whatever is stored anyway. */
  #removal(): readonly FreeRow[] {
    const now = this.#clock.now();
    if (now - this.#removedAt < REMOVE_EVERY_MS) return [];
    this.#removedAt = now;
    return [{ type: 'idempotency-keys.remove', before: this.#oldest }];
  }
}

/** Throws what is no refusal: that is the program's fault, and may be mended. */
async function outcomeOf(work: () => Promise<unknown>): Promise<Outcome> {
  try {
    return { reply: await work() };
  } catch (error) {
    if (error instanceof RunchartError && error.code !== 'internal') return { error };
    throw error;
  }
}
