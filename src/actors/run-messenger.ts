/**
 * Takes messages to runs, which are brought into memory for them. Invariant: what comes from outside is
 * refused, with a retryable error, while the process closes or too many messages wait for the run; what
 * this process says itself always arrives, until storage is about to go.
 */
import { RunchartError } from '../errors.js';
import type { KeyedCall, Outcome } from './idempotency.js';
import type { Lifetime } from './lifetime.js';
import type { RunMessage } from './messages.js';
import type { Creation, Envelope } from './residency.js';
import type { Residents } from './residents.js';

export class RunMessenger {
  readonly #residents: Residents;
  readonly #lifetime: Lifetime;
  readonly #maxInbox: number;

  constructor(parts: {
    readonly residents: Residents;
    readonly lifetime: Lifetime;
    /** Messages that may wait for one run; further ones from outside are refused. */
    readonly maxInbox: number;
  }) {
    this.#residents = parts.residents;
    this.#lifetime = parts.lifetime;
    this.#maxInbox = parts.maxInbox;
  }

  /** Hands over a message from outside; resolves with its reply when the turn is durable. */
  ask(run: string, message: RunMessage, call?: KeyedCall, creation?: Creation): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#lifetime.isClosing) return reject(this.#lifetime.refusal);
      if (this.#residents.waitingFor(run) >= this.#maxInbox) return reject(overloaded(run));
      this.#post(run, {
        ...{ message, internal: false, voids: 0 },
        ...(creation && { creation }),
        ...(call && { call }),
        settle: (outcome) => ('error' in outcome ? reject(outcome.error) : resolve(outcome.reply)),
      });
    });
  }

  tell(run: string, message: RunMessage, onSettled: (outcome: Outcome) => void = () => {}): void {
    this.#post(run, { message, internal: true, voids: 0, settle: onSettled });
  }

  /** Resolves when the message's turn is durable, with whether the run could take it. */
  tellAndWait(run: string, message: RunMessage): Promise<boolean> {
    return new Promise((resolve) => {
      this.tell(run, message, (outcome) => resolve(!('error' in outcome)));
    });
  }

  #post(run: string, envelope: Envelope): void {
    if (!this.#lifetime.isClosed) return this.#residents.deliver(run, envelope);
    envelope.settle({ error: new RunchartError('closing', 'the orchestrator is closed') });
  }
}

function overloaded(run: string): RunchartError {
  const hint = 'try again when its queue is shorter';
  return new RunchartError('overloaded', `too many messages wait for run ${run}`, { hint });
}
