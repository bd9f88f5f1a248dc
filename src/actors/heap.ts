/** A binary heap that can give up any of its items: first by `before`, each operation logarithmic. */
export class Heap<T> {
  readonly #before: (a: T, b: T) => boolean;
  readonly #items: T[] = [];
  readonly #places = new Map<T, number>();

  /** `before` must not change its mind about items that are in the heap. */
  constructor(before: (a: T, b: T) => boolean) {
    this.#before = before;
  }

  get size(): number {
    return this.#items.length;
  }

  has(item: T): boolean {
    return this.#places.has(item);
  }

  peek(): T | undefined {
    return this.#items[0];
  }

  /** Adds an item that is not in the heap yet. */
  push(item: T): void {
    this.#items.push(item);
    this.#rise(this.#items.length - 1, item);
  }

  shift(): T | undefined {
    const first = this.#items[0];
    if (first !== undefined) this.remove(first);
    return first;
  }

  /** Takes an item out; false where it is not there. */
  remove(item: T): boolean {
    const place = this.#places.get(item);
    if (place === undefined) return false;
    this.#places.delete(item);
    const last = this.#items.pop() as T;
    if (last !== item) this.#sink(place, last);
    return true;
  }

  #rise(from: number, item: T): void {
    let place = from;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const parent = this.#items[above] as T;
      if (!this.#before(item, parent)) break;
      this.#put(place, parent);
      place = above;
    }
    this.#put(place, item);
  }

  #sink(from: number, item: T): void {
    let place = from;
    for (;;) {
      const below = this.#firstBelow(place);
      const child = this.#items[below];
      if (child === undefined || !this.#before(child, item)) break;
      this.#put(place, child);
      place = below;
    }
    this.#rise(place, item);
  }

  #firstBelow(place: number): number {
    const left = 2 * place + 1;
    const [a, b] = [this.#items[left], this.#items[left + 1]];
    return a !== undefined && b !== undefined && this.#before(b, a) ? left + 1 : left;
  }

  #put(place: number, item: T): void {
    this.#items[place] = item;
    this.#places.set(item, place);
  }
}
