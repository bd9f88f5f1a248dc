/** Places in a text, as people count them. */

// A type and no interface, so that it is a JSON value.
export type TextPosition = {
  readonly offset: number;
  /** From 1 on. */
  readonly line: number;
  /** From 1 on. */
  readonly column: number;
};

export function positionIn(text: string, offset: number): TextPosition {
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf('\n') + 1;
  return { offset, line: before.split('\n').length, column: offset - lineStart + 1 };
}
