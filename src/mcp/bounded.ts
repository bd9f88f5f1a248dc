/**
 * Keeps answers within what a model can take. Invariants: a value that is cut says how long it is and
 * where to read on; a page ends before it is too large, and says where the next one begins.
 */
import type { JsonValue } from '../plan/json.js';

/** Characters of one value, where it is read by itself. */
export const READ_CHARS = 8_000;
/** Characters of a value that is shown along with others. */
const ASIDE_CHARS = 600;
/** Characters of the entries of one page. */
const PAGE_CHARS = 24_000;

/** A value, or a part of its text: of JSON, unless it is a text itself. */
export type Shown =
  | { readonly value: JsonValue }
  | {
      readonly text: string;
      readonly offset: number;
      readonly totalChars: number;
      /** Where to read on; null at the end. */
      readonly nextOffset: number | null;
    };

/** A value as it is read by itself, from `offset` on. */
export function shown(value: unknown, offset = 0, max = READ_CHARS): Shown {
  const text = textOf(value);
  if (offset === 0 && text.length <= max) return { value: (value ?? null) as JsonValue };
  const end = wholeCharacters(text, Math.min(text.length, offset + max));
  return {
    text: text.slice(offset, Math.max(offset, end)),
    offset,
    totalChars: text.length,
    nextOffset: end < text.length && end > offset ? end : null,
  };
}

/** A value that is shown along with others: the beginning has to do. */
export function aside(value: unknown): Shown {
  return shown(value, 0, ASIDE_CHARS);
}

/** A text of at most `max` characters; `…` stands for the rest. */
export function cut(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, wholeCharacters(text, max - 1))}…`;
}

/** As many entries as a page takes, at least one, and whether there are more behind them. */
export function pageOf<Entry>(
  entries: readonly Entry[],
  limit: number,
): { readonly entries: readonly Entry[]; readonly hasMore: boolean } {
  let chars = 0;
  let count = 0;
  for (const entry of entries) {
    chars += JSON.stringify(entry).length;
    if (count === limit || (count > 0 && chars > PAGE_CHARS)) break;
    count += 1;
  }
  return { entries: entries.slice(0, count), hasMore: count < entries.length };
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value ?? null) as string);
}

/** No half of a surrogate pair at the end. */
function wholeCharacters(text: string, end: number): number {
  const last = text.charCodeAt(end - 1);
  const isHigh = end < text.length && last >= 0xd800 && last <= 0xdbff;
  return isHigh ? end - 1 : end;
}
