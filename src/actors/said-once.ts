/** What may be remembered of all runs; beyond it the run is forgotten that was told of longest ago. */
const MAX_SAID = 100_000;

/** What this process has said of its runs already, as far as its memory reaches. */
export class SaidOnce {
  readonly #runs = new Map<string, Set<string>>();
  #size = 0;

  /** Whether it was not said of the run before; it is now. */
  isNew(run: string, what: string): boolean {
    const said = this.#runs.get(run) ?? new Set<string>();
    if (said.has(what)) return false;
    said.add(what);
    this.#size += 1;
    this.#runs.delete(run);
    this.#runs.set(run, said);
    const [oldest] = this.#runs.keys();
    if (this.#size > MAX_SAID && oldest !== undefined) this.forget(oldest);
    return true;
  }

  has(run: string, what: string): boolean {
    return this.#runs.get(run)?.has(what) === true;
  }

  /** What was said of the run last may have come to nothing: all of it may be said again. */
  forget(run: string): void {
    this.#size -= this.#runs.get(run)?.size ?? 0;
    this.#runs.delete(run);
  }
}
