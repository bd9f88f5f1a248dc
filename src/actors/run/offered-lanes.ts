/** Ready work that is done outside: lanes like those of other work, and how much there is for each handler. */
import { ReadyLanes } from '../admission/ready-lanes.js';

export class OfferedLanes<T> extends ReadyLanes<T> {
  readonly #handlerOf: (item: T) => string;
  readonly #counts = new Map<string, number>();

  constructor(handlerOf: (item: T) => string) {
    super();
    this.#handlerOf = handlerOf;
  }

  /** Number of items by handler; some may have left since. */
  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  override push(lane: string, item: T): void {
    super.push(lane, item);
    this.#count(item, 1);
  }

  override shift(): T | undefined {
    const item = super.shift();
    if (item !== undefined) this.#count(item, -1);
    return item;
  }

  #count(item: T, change: 1 | -1): void {
    const handler = this.#handlerOf(item);
    const count = (this.#counts.get(handler) ?? 0) + change;
    if (count === 0) this.#counts.delete(handler);
    else this.#counts.set(handler, count);
  }
}
