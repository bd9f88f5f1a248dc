/** How far this process is with its own end: what it still begins, and what it still hears. */
import { RunchartError } from '../errors.js';

export class Lifetime {
  #isClosing = false;
  #isClosed = false;
  #stopped: RunchartError | undefined;

  /** It takes nothing new from outside, and starts no handler. */
  get isClosing(): boolean {
    return this.#isClosing;
  }

  /** Storage is about to go: what still comes, from handlers that ignored their signal, is dropped. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Why nothing that it decides can become durable any more. */
  get stopped(): RunchartError | undefined {
    return this.#stopped;
  }

  /** What is answered to whoever comes too late. */
  get refusal(): RunchartError {
    return this.#stopped ?? new RunchartError('closing', 'the orchestrator is closing');
  }

  beginClosing(): void {
    this.#isClosing = true;
  }

  close(): void {
    this.#isClosed = true;
  }

  /** Returns false where it had stopped before. */
  stop(why: string): boolean {
    if (this.#stopped !== undefined) return false;
    this.#stopped = new RunchartError('closing', `this process writes no more: ${why}`);
    this.#isClosing = true;
    return true;
  }
}
