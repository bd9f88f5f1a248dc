import { RecentMap } from '../recent-map.js';

/** Runs, and what was said of each: beyond these the oldest is forgotten, and may be said again. */
const MAX_RUNS = 10_000;
const MAX_OF_RUN = 100;

/** What this process has said of its runs already, as far as its memory reaches. */
export class SaidOnce {
  readonly #runs = new RecentMap<string, RecentMap<string, true>>(MAX_RUNS);

  /** Whether it was not said of the run before; it is now. */
  isNew(run: string, what: string): boolean {
    const said = this.#runs.get(run) ?? new RecentMap<string, true>(MAX_OF_RUN);
    if (said.has(what)) return false;
    said.set(what, true);
    this.#runs.set(run, said);
    return true;
  }

  has(run: string, what: string): boolean {
    return this.#runs.get(run)?.has(what) === true;
  }

  /** What was said of the run last may have come to nothing: all of it may be said again. */
  forget(run: string): void {
    this.#runs.delete(run);
  }
}
