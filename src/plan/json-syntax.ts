/** Finds the place where a text stops being JSON: the runtime's own errors do not always say. */

type Expected = 'value' | 'element' | 'key' | 'member' | 'colon' | 'next' | 'end';

const SPACE = /[ \t\n\r]*/y;
const STRING = /"(?:[^"\\\n\r\t]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const SCALAR = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;

/** Index of the first character that cannot stand where it stands. */
export function locateJsonError(text: string): number {
  const open: ('{' | '[')[] = [];
  let expected: Expected = 'value';
  let offset = skip(SPACE, text, 0);
  const afterValue = (): Expected => (open.length === 0 ? 'end' : 'next');

  while (offset < text.length) {
    const character = text[offset];
    const inObject = open.at(-1) === '{';
    let end = offset + 1;
    if (expected === 'colon' && character === ':') expected = 'value';
    else if (expected === 'next' && character === ',') expected = inObject ? 'key' : 'value';
    else if (isClosing(expected, character, inObject)) {
      open.pop();
      expected = afterValue();
    } else if (expected === 'key' || expected === 'member') {
      end = skip(STRING, text, offset);
      expected = 'colon';
    } else if (expected !== 'value' && expected !== 'element') return offset;
    else if (character === '{' || character === '[') {
      open.push(character);
      expected = character === '{' ? 'member' : 'element';
    } else {
      end = skip(character === '"' ? STRING : SCALAR, text, offset);
      expected = afterValue();
    }
    if (end === offset) return offset;
    offset = skip(SPACE, text, end);
  }
  return offset;
}

function isClosing(expected: Expected, character: string | undefined, inObject: boolean): boolean {
  if (character === '}') return inObject && (expected === 'next' || expected === 'member');
  return character === ']' && !inObject && (expected === 'next' || expected === 'element');
}

/** The index behind the match of a sticky pattern; `offset` itself where it does not match. */
function skip(pattern: RegExp, text: string, offset: number): number {
  pattern.lastIndex = offset;
  return offset + (pattern.exec(text)?.[0].length ?? 0);
}
