/**
 * A list in order, for items that come almost in order: adding at either end, taking the first and
 * taking out any take constant time; adding in between walks from the end.
 */
interface Entry<T> {
  readonly item: T;
  before: Entry<T> | undefined;
  after: Entry<T> | undefined;
}

export class SortedList<T> {
  readonly #precedes: (a: T, b: T) => boolean;
  readonly #entries = new Map<T, Entry<T>>();
  #first: Entry<T> | undefined;
  #last: Entry<T> | undefined;

  /** `precedes` must not change its mind about items that are in the list. */
  constructor(precedes: (a: T, b: T) => boolean) {
    this.#precedes = precedes;
  }

  get size(): number {
    return this.#entries.size;
  }

  peek(): T | undefined {
    return this.#first?.item;
  }

  /** Adds an item that is not in the list yet, behind its equals. */
  push(item: T): void {
    let before = this.#last;
    if (this.#first !== undefined && this.#precedes(item, this.#first.item)) before = undefined;
    while (before !== undefined && this.#precedes(item, before.item)) before = before.before;
    const after = before === undefined ? this.#first : before.after;
    const entry = { item, before, after };
    this.#entries.set(item, entry);
    this.#link(before, entry);
    this.#link(entry, after);
  }

  shift(): T | undefined {
    const first = this.#first?.item;
    if (first !== undefined) this.remove(first);
    return first;
  }

  /** Takes an item out; false where it is not there. */
  remove(item: T): boolean {
    const entry = this.#entries.get(item);
    if (entry === undefined) return false;
    this.#entries.delete(item);
    this.#link(entry.before, entry.after);
    return true;
  }

  #link(before: Entry<T> | undefined, after: Entry<T> | undefined): void {
    if (before === undefined) this.#first = after;
    else before.after = after;
    if (after === undefined) this.#last = before;
    else after.before = before;
  }
}
