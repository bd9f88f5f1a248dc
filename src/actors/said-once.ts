import { RecentMap } from '../recent-map.js';

/** Beyond these the oldest is forgotten, and may be said again. */
const MAX_SAID = 10_000;

/** What this process has said already, as far as its memory reaches. */
export class SaidOnce {
  readonly #said = new RecentMap<string, true>(MAX_SAID);

  /** Whether it was not said before; it is now. */
  isNew(what: string): boolean {
    if (this.#said.has(what)) return false;
    this.#said.set(what, true);
    return true;
  }
}
