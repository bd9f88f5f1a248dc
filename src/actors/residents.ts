/**
 * The runs that are in memory: brought in by the first message for them, brought in again after a void
 * turn, and let go when only a message from outside can move them. Invariants: a run is in memory at most
 * once; it takes no message while its rows are read; internal messages outlast an outage of storage.
 */
import type { RunchartError } from '../errors.js';
import { type Clock, elapse } from './environment.js';
import type { Logger } from './handlers.js';
import type { Lifetime } from './lifetime.js';
import type { LiveIndex } from './live-index.js';
import type { Journal } from './ports.js';
import { type Envelope, Residency } from './residency.js';
import type { RunActor, RunActorServices } from './run/run-actor.js';
import type { RunLoader } from './run-loader.js';

export interface ResidentsParts {
  readonly clock: Clock;
  readonly journal: Journal;
  readonly loader: RunLoader;
  readonly live: LiveIndex;
  readonly lifetime: Lifetime;
  readonly logger: Logger;
  /** Runs in memory beyond which a run is let go as soon as nothing of it is under way. */
  readonly maxResidentRuns: number;
  servicesOf(run: string): RunActorServices;
  /** A run is in memory, or known not to exist; called before it takes its first message. */
  onLoaded(residency: Residency): void;
  /** It may have messages to take. */
  schedule(residency: Residency): void;
  onForgotten(): void;
}

/** A run met by this process that it cannot move on, for instance for want of a handler. */
export interface ObstructedRun {
  readonly run: string;
  readonly code: string;
  readonly message: string;
}

/** Wait before a run is loaded again after storage failed, in milliseconds. */
const STORAGE_RETRY_MS = 1_000;

export class Residents {
  readonly #parts: ResidentsParts;
  readonly #runs = new Map<string, Residency>();
  readonly #obstructed = new Map<string, RunchartError>();

  constructor(parts: ResidentsParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#runs.size;
  }

  has(run: string): boolean {
    return this.#runs.has(run);
  }

  actorOf(run: string): RunActor | undefined {
    return this.#runs.get(run)?.actor;
  }

  /** Messages that wait for a run. */
  waitingFor(run: string): number {
    return this.#runs.get(run)?.inbox.size ?? 0;
  }

  /** Nothing is under way for any of them, and nothing waits. */
  get isQuiet(): boolean {
    return [...this.#runs.values()].every((run) => run.isQuiet);
  }

  obstructed(): readonly ObstructedRun[] {
    return [...this.#obstructed].map(([run, { code, message }]) => ({ run, code, message }));
  }

  /** Puts a message into a run's inbox; the run is brought into memory for it. */
  deliver(run: string, envelope: Envelope): void {
    const known = this.#runs.get(run);
    const residency = known ?? new Residency(run);
    residency.inbox.push(envelope);
    if (known !== undefined) return this.#parts.schedule(known);
    this.#runs.set(run, residency);
    void this.#load(residency);
  }

  /** Brings in a run that was not there when it was asked for, by the message that starts it. */
  begin(residency: Residency, start: Envelope): void {
    residency.state = 'loading';
    residency.inbox.unshiftAll([start]);
    void this.#load(residency);
  }

  /** Brings a run in again, after a void turn and once none of its turns is under way. */
  async reload(residency: Residency): Promise<void> {
    const { lifetime, clock, journal } = this.#parts;
    residency.state = 'loading';
    residency.requeueVoided();
    if (lifetime.stopped !== undefined) return this.#refuse(residency, lifetime.stopped);
    if (residency.isStorageDown) await elapse(clock, STORAGE_RETRY_MS);
    if (residency.actor !== undefined) journal.release(residency.actor.record.run);
    residency.actor = undefined;
    residency.lastCommit = Promise.resolve();
    await this.#load(residency);
  }

  /** Forgets a run that only a message from outside can move, or that is one too many. */
  letGo(residency: Residency): void {
    if (!residency.isQuiet) return;
    const { actor, obstacle } = residency;
    const isOneTooMany = this.#runs.size > this.#parts.maxResidentRuns;
    const isNeeded = actor !== undefined && !actor.isIdle && !residency.isStuck;
    if (isNeeded && (!isOneTooMany || actor.wantsTurn)) return;
    if (obstacle === undefined) this.#obstructed.delete(residency.id);
    else this.#obstructed.set(residency.id, obstacle);
    this.#forget(residency);
  }

  async #load(residency: Residency): Promise<void> {
    const { loader, servicesOf, logger, onLoaded, schedule } = this.#parts;
    const { id } = residency;
    try {
      const creation = residency.inbox.peek()?.creation;
      const loaded = await loader.load(id, creation, servicesOf(id));
      Object.assign(residency, loaded, { state: 'active' });
    } catch (error) {
      logger.error({ run: id, error }, 'the run could not be loaded');
      return this.#onUnreadable(residency, error as RunchartError);
    }
    this.#show(residency);
    onLoaded(residency);
    schedule(residency);
    this.letGo(residency);
  }

  /** A run that cannot be restored is refused; one that cannot be read now keeps its internal messages. */
  async #onUnreadable(residency: Residency, error: RunchartError): Promise<void> {
    const { lifetime, clock } = this.#parts;
    residency.refuseInbox(error, error.retryable && !lifetime.isClosed);
    if (residency.inbox.size === 0) return this.#forget(residency);
    await elapse(clock, STORAGE_RETRY_MS);
    await this.#load(residency);
  }

  #show({ id, actor }: Residency): void {
    if (actor === undefined) return;
    const { live } = this.#parts;
    live.setResident(id, true);
    if (actor.seq > 0) live.committed(actor.live);
  }

  #refuse(residency: Residency, error: RunchartError): void {
    residency.refuseInbox(error);
    this.#forget(residency);
  }

  #forget(residency: Residency): void {
    if (this.#runs.get(residency.id) !== residency) return;
    this.#runs.delete(residency.id);
    this.#parts.live.setResident(residency.id, false);
    this.#parts.onForgotten();
  }
}
