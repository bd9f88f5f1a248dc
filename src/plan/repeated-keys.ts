/** Finds keys that stand twice in an object of a JSON text: parsing keeps the last one, and says nothing. */

export interface RepeatedKey {
  readonly key: string;
  /** Index in the text of the one that comes later. */
  readonly offset: number;
}

/** Of a text that is JSON, in order. */
export function* repeatedKeys(text: string): Generator<RepeatedKey, void, undefined> {
  /** Keys of the objects that are open, the innermost last. */
  const open: Set<string>[] = [];
  for (let offset = 0; offset < text.length; offset += 1) {
    const character = text[offset];
    if (character === '{') open.push(new Set());
    else if (character === '}') open.pop();
    else if (character === '"') {
      const end = endOfString(text, offset);
      const keys = open.at(-1);
      if (keys !== undefined && isKey(text, end)) {
        const key = JSON.parse(text.slice(offset, end)) as string;
        if (keys.has(key)) yield { key, offset };
        else keys.add(key);
      }
      offset = end - 1;
    }
  }
}

/** Index behind the quote that ends the string. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end !== -1 && isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end === -1 ? text.length : end + 1;
}

function isEscaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (text[at - 1 - backslashes] === '\\') backslashes += 1;
  return backslashes % 2 === 1;
}

const COLON = /[ \t\n\r]*:/y;

/** No value of an array or an object has a colon behind it. */
function isKey(text: string, end: number): boolean {
  COLON.lastIndex = end;
  return COLON.test(text);
}
