/**
 * What of a run is at work: who holds a slot, attempts that are open, and products that are held for their checks.
 * Invariant: what is done by workers outside is counted beside all that holds a slot, whatever changes.
 */
import type { AttemptRecord } from '../records.js';
import type { HeldProduct } from './held-product.js';
import type { NodeRun } from './scope.js';

export class WorkUnderWay {
  readonly #openAttempts = new Map<string, AttemptRecord>();
  readonly #held = new Map<string, HeldProduct>();
  #slots = 0;
  #outside = 0;

  /** Number of node runs that hold a slot. */
  get slots(): number {
    return this.#slots;
  }

  /** Whether all of these have their work done by workers outside. */
  get isAllOutside(): boolean {
    return this.#slots === this.#outside;
  }

  takeSlot(run: NodeRun): void {
    if (run.hasSlot) return;
    run.hasSlot = true;
    this.#slots += 1;
    this.#notePlace(run);
  }

  /** Gives a slot back; false where it had none. */
  freeSlot(run: NodeRun): boolean {
    if (!run.hasSlot) return false;
    run.hasSlot = false;
    this.#slots -= 1;
    this.#notePlace(run);
    return true;
  }

  /** Attempts without an outcome, by path of their node run. */
  get openAttempts(): ReadonlyMap<string, AttemptRecord> {
    return this.#openAttempts;
  }

  /** Begins the attempt of a node run, or keeps it as it has become. */
  openAttempt(run: NodeRun, attempt: AttemptRecord): void {
    this.#openAttempts.set(run.path, attempt);
    this.#notePlace(run);
  }

  closeAttempt(run: NodeRun): void {
    this.#openAttempts.delete(run.path);
    this.#notePlace(run);
  }

  /** Products of open attempts whose checks are under way, by path of their node run. */
  get held(): ReadonlyMap<string, HeldProduct> {
    return this.#held;
  }

  hold(run: NodeRun, product: HeldProduct): void {
    this.#held.set(run.path, product);
    this.#notePlace(run);
  }

  letGo(run: NodeRun): void {
    this.#held.delete(run.path);
    this.#notePlace(run);
  }

  /** Checks are made here, wherever the work itself was done. */
  #notePlace(run: NodeRun): void {
    const { path, hasSlot } = run;
    const isLeased = (this.#openAttempts.get(path)?.leaseJson ?? null) !== null;
    const isOutside = hasSlot && isLeased && !this.#held.has(path);
    if (isOutside === run.isOutside) return;
    run.isOutside = isOutside;
    this.#outside += isOutside ? 1 : -1;
  }
}
