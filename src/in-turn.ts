/** Does work under one key in the order of asking, one at a time. */
export class InTurn {
  /** The end of the last work under a key; never rejects. */
  readonly #ends = new Map<string, Promise<void>>();

  /** Resolves or rejects as `work` does. */
  do<T>(key: string, work: () => Promise<T>): Promise<T> {
    const done = (this.#ends.get(key) ?? Promise.resolve()).then(work);
    const end: Promise<void> = done.then(
      () => this.#forget(key, end),
      () => this.#forget(key, end),
    );
    this.#ends.set(key, end);
    return done;
  }

  /** Whether work is under way under a key. */
  has(key: string): boolean {
    return this.#ends.has(key);
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    while (this.#ends.size > 0) await Promise.all(this.#ends.values());
  }

  #forget(key: string, end: Promise<void>): void {
    if (this.#ends.get(key) === end) this.#ends.delete(key);
  }
}
