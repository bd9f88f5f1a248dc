/**
 * Keeps a thread's event loop from falling asleep for a moment. Waking a thread that sleeps costs
 * both sides about as much as a commit; a loop that is awake finds its message at once.
 */
import { availableParallelism } from 'node:os';

export class Alertness {
  readonly #durationMs: number;
  #until = 0;
  #isAwake = false;

  /** Where threads share one core, staying awake would only take it from the other. */
  constructor(durationMs: number) {
    this.#durationMs = availableParallelism() > 1 ? durationMs : 0;
  }

  /** Stays awake from now on, for the duration or until `relax`. Other work of the loop goes on. */
  extend(): void {
    if (this.#durationMs === 0) return;
    this.#until = performance.now() + this.#durationMs;
    if (this.#isAwake) return;
    this.#isAwake = true;
    setImmediate(() => this.#poll());
  }

  relax(): void {
    this.#until = 0;
  }

  #poll(): void {
    this.#isAwake = performance.now() < this.#until;
    if (this.#isAwake) setImmediate(() => this.#poll());
  }
}
