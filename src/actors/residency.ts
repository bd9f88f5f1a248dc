/** What the supervisor keeps of one run while it is in memory: its actor, its inbox, its turns under way. */
import type { RunchartError } from '../errors.js';
import type { RunStatus } from '../machines/statuses.js';
import type { PlanVersion } from '../plan/plan-version.js';
import { Fifo } from './fifo.js';
import type { KeyedCall, Outcome } from './idempotency.js';
import type { RunMessage } from './messages.js';
import type { RunRecord } from './records.js';
import type { RunActor } from './run/run-actor.js';

/** What a start brings along: the run that it wants created. */
export interface Creation {
  /** The id was made for this run: nobody can have stored it before. */
  readonly isFresh: boolean;
  readonly record: RunRecord;
  readonly version: PlanVersion;
}

/** A message on its way, and who waits for its outcome. */
export interface Envelope {
  readonly message: RunMessage;
  /** Present on the first message of a run. */
  readonly creation?: Creation;
  /** Names the call by its idempotency key, where its caller did. */
  readonly call?: KeyedCall;
  /** Internal messages come back after a void turn; callers from outside get a retryable error. */
  readonly internal: boolean;
  /** How often its turn was void. */
  voids: number;
  settle(outcome: Outcome): void;
}

/**
 * `loading`: its rows are being read. `active`: takes messages. `voided`: a turn of it is void; the
 * rest of its turns under way are awaited, then it is loaded again.
 */
export type ResidencyState = 'loading' | 'active' | 'voided';

/** How often an internal message may end in a void turn by its own fault before it is given up. */
const MAX_VOIDS = 5;

export class Residency {
  readonly id: string;
  state: ResidencyState = 'loading';
  /** Undefined while loading, and where there is no such run. */
  actor: RunActor | undefined;
  /** Why this process cannot move the run on, for instance a missing handler; it can still be cancelled. */
  obstacle: RunchartError | undefined;
  /** The newest commit of the run. */
  lastCommit: Promise<void> = Promise.resolve();
  /** Whether storage failed, so that the run is loaded again later only. */
  isStorageDown = false;
  readonly inbox = new Fifo<Envelope>();
  /** Messages whose turns are not durable yet, in order. */
  readonly underWay = new Fifo<Envelope>();
  /** Internal messages of void turns, to be handled again first. */
  readonly #voided: Envelope[] = [];
  /** The message on which the program failed: it came after those whose turns are still under way. */
  #crashed: Envelope | undefined;
  isScheduled = false;
  /** What the run which this one works for was last told of. */
  reported: RunStatus | 'paused with it' | undefined;

  constructor(id: string) {
    this.id = id;
  }

  /** Nothing but a cancel moves it here: it meets an obstacle, and is not ending already. */
  get isStuck(): boolean {
    return this.obstacle !== undefined && this.actor?.isEnding !== true;
  }

  /** Nothing is under way and nothing waits. */
  get isQuiet(): boolean {
    return this.inbox.size === 0 && this.underWay.size === 0 && this.state === 'active';
  }

  /**
   * A turn is void: its caller is told, and an internal message is kept to be handled again. Returns
   * false where it was given up, because it failed too often by its own fault.
   */
  takeBack(envelope: Envelope, error: RunchartError, isOwnFault: boolean): boolean {
    this.state = 'voided';
    const kept = this.#retry(envelope, error, isOwnFault);
    if (kept !== undefined) this.#voided.push(kept);
    return !envelope.internal || kept === envelope;
  }

  /** Like `takeBack`, for the message on which the program failed. */
  takeBackLast(envelope: Envelope, error: RunchartError): boolean {
    this.state = 'voided';
    this.#crashed = this.#retry(envelope, error, true);
    return !envelope.internal || this.#crashed === envelope;
  }

  #retry(envelope: Envelope, error: RunchartError, isOwnFault: boolean): Envelope | undefined {
    if (isOwnFault) envelope.voids += 1;
    if (envelope.internal && envelope.voids <= MAX_VOIDS) return envelope;
    envelope.settle({ error });
    return envelope.internal ? unstorableResult(envelope.message, error) : undefined;
  }

  /** Puts the messages of void turns in front of the others, in order. */
  requeueVoided(): void {
    const crashed = this.#crashed === undefined ? [] : [this.#crashed];
    this.#crashed = undefined;
    this.inbox.unshiftAll([...this.#voided.splice(0), ...crashed]);
  }

  /** Answers waiting messages with an error; with `externalOnly`, internal ones stay. */
  refuseInbox(error: RunchartError, externalOnly = false): void {
    const kept: Envelope[] = [];
    for (let next = this.inbox.shift(); next !== undefined; next = this.inbox.shift()) {
      if (externalOnly && next.internal) kept.push(next);
      else next.settle({ error });
    }
    this.inbox.unshiftAll(kept);
  }
}

/** A result that cannot be stored fails its attempt instead. */
function unstorableResult(message: RunMessage, cause: RunchartError): Envelope | undefined {
  if (message.type !== 'attempt.result' || message.result.type === 'threw') return undefined;
  const error = { code: 'result-not-stored', message: cause.message, retryable: false };
  const replacement = { ...message, result: { type: 'threw', error } } as const;
  return { message: replacement, internal: true, voids: 0, settle: () => {} };
}
