/** How much one event names: what is more is told by further events. */
const NAMED_AT_ONCE = 100;

export function* inParts<T>(list: readonly T[]): Generator<T[]> {
  for (let start = 0; start < list.length; start += NAMED_AT_ONCE) {
    yield list.slice(start, start + NAMED_AT_ONCE);
  }
}
