/** A priority queue of node positions, lowest first, each at most once: the order among equal candidates. */
export class PositionQueue {
  readonly #heap: number[] = [];
  readonly #queued: Uint8Array;

  /** `size` is the number of positions. */
  constructor(size: number) {
    this.#queued = new Uint8Array(size);
  }

  get isEmpty(): boolean {
    return this.#heap.length === 0;
  }

  push(position: number): void {
    if (this.#queued[position] === 1) return;
    this.#queued[position] = 1;
    const heap = this.#heap;
    let index = heap.push(position) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent] as number;
      if (above <= position) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = position;
  }

  pop(): number | undefined {
    const heap = this.#heap;
    const lowest = heap[0];
    const last = heap.pop();
    if (lowest === undefined || last === undefined) return undefined;
    this.#queued[lowest] = 0;
    if (heap.length > 0) this.#sink(last);
    return lowest;
  }

  #sink(position: number): void {
    const heap = this.#heap;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      const right = child + 1;
      if (right < heap.length && (heap[right] as number) < (heap[child] as number)) child = right;
      const below = heap[child] as number;
      if (below >= position) break;
      heap[index] = below;
      index = child;
    }
    heap[index] = position;
  }
}
