/** JSON Pointers (RFC 6901), the form of every path in an issue. */

export type PointerSegment = string | number;

/** `pointer('nodes', 3, 'id')` is `/nodes/3/id`. */
export function pointer(...segments: readonly PointerSegment[]): string {
  return segments.map((segment) => `/${escapeSegment(String(segment))}`).join('');
}

function escapeSegment(segment: string): string {
  if (!/[~/]/.test(segment)) return segment;
  return segment.replaceAll('~', '~0').replaceAll('/', '~1');
}
