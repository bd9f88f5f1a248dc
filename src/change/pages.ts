/** Lists of a run that are read a page at a time. */

/** Rows of a page. */
export const PAGE = 1_000;

/** Rows of a run that lie behind a list with a key. */
export async function* pages<R>(
  read: (after: R | undefined) => Promise<readonly R[]>,
): AsyncIterableIterator<R> {
  for (let after: R | undefined; ; ) {
    const page = await read(after);
    yield* page;
    after = page.at(-1);
    if (after === undefined || page.length < PAGE) return;
  }
}
