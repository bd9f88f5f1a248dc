/** What this process has said already, as far as its memory reaches. */

/** Beyond these the oldest is forgotten, and may be said again. */
const MAX_SAID = 10_000;

export class SaidOnce {
  readonly #said = new Set<string>();

  /** Whether it was not said before; it is now. */
  isNew(what: string): boolean {
    if (this.#said.has(what)) return false;
    this.#said.add(what);
    const [oldest] = this.#said;
    if (this.#said.size > MAX_SAID && oldest !== undefined) this.#said.delete(oldest);
    return true;
  }
}
