/** Lists that are read a page at a time. */

/** Rows of a page. */
export const PAGE = 1_000;

/** All rows of a list; `read` gives a page of those that come after one. */
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
