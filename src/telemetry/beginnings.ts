/**
 * When node runs became ready: remembered by the process that saw it, read off the log by one that did not.
 * Invariant: the log of a run is read once at most, and only for a node run that began before this process.
 */
import type { EventRecord } from '../actors/records.js';
import type { JsonObject } from '../plan/json.js';
import { RecentMap } from '../recent-map.js';
import { type EventRows, MAX_PAGE_ROWS } from '../storage/run-rows.js';

/** Node runs that are remembered, and runs whose log was read; the oldest is forgotten. */
const MAX_NODE_RUNS = 100_000;
const MAX_RUNS = 10_000;

export class Beginnings {
  readonly #rows: Pick<EventRows, 'eventsOfType'>;
  readonly #times = new RecentMap<string, number>(MAX_NODE_RUNS);
  readonly #recalled = new RecentMap<number, Promise<void>>(MAX_RUNS);

  constructor(rows: Pick<EventRows, 'eventsOfType'>) {
    this.#rows = rows;
  }

  /** A node run is ready; that it is so again, to be tried once more, is no beginning. */
  note({ run, node, at, detailJson }: EventRecord): void {
    if (node === null || (JSON.parse(detailJson) as JsonObject).from !== 'pending') return;
    this.#times.set(`${run}/${node}`, at);
  }

  /** When a node run that is over became ready, in ms since the epoch, as far as this process remembers. */
  take(run: number, node: string): number | undefined {
    const key = `${run}/${node}`;
    const time = this.#times.get(key);
    this.#times.delete(key);
    return time;
  }

  /** Remembers what the log of a run says. Rejects where it cannot be read. */
  recall(run: number): Promise<void> {
    const known = this.#recalled.get(run);
    if (known !== undefined) return known;
    const read = this.#read(run);
    this.#recalled.set(run, read);
    read.catch(() => this.#recalled.delete(run));
    return read;
  }

  async #read(run: number): Promise<void> {
    for (let after: number | undefined = 0; after !== undefined; ) {
      const page = await this.#rows.eventsOfType(run, 'node.ready', MAX_PAGE_ROWS, after);
      for (const event of page) {
        // What was seen meanwhile is newer.
        if (!this.#times.has(`${run}/${event.node}`)) this.note(event);
      }
      after = page.length < MAX_PAGE_ROWS ? undefined : page.at(-1)?.seq;
    }
  }
}
