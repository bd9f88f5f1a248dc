/** Did-you-mean for ids and properties. */

const MAX_CANDIDATES = 2_000;

/** `Did you mean 'x'?`, where a known name is close to the unknown one. */
export function didYouMean(unknown: string, known: Iterable<string>): string | undefined {
  // Names of one letter are all close to each other.
  const limit = unknown.length < 2 ? 0 : Math.max(1, Math.floor(unknown.length / 3));
  let best: string | undefined;
  let bestDistance = limit + 1;
  let seen = 0;
  for (const candidate of known) {
    if (++seen > MAX_CANDIDATES) break;
    const distance = editDistance(unknown.toLowerCase(), candidate.toLowerCase(), bestDistance);
    if (distance >= bestDistance) continue;
    best = candidate;
    bestDistance = distance;
  }
  return best === undefined ? undefined : `Did you mean '${best}'?`;
}

/** Levenshtein distance, or `limit` where it is at least that. */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit;
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const replaced = (previous[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      const removed = (previous[column] ?? 0) + 1;
      const added = (current[column - 1] ?? 0) + 1;
      current.push(Math.min(replaced, removed, added));
    }
    previous = current;
  }
  return Math.min(limit, previous[b.length] ?? limit);
}
