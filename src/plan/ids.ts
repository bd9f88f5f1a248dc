/** What an id may look like, and the keys that no path and no id may ever name. */

export const ID_PATTERN = /^[A-Za-z_][A-Za-z0-9_.-]{0,127}$/;

const FORBIDDEN_KEYS: ReadonlySet<string> = new Set(['__proto__', 'prototype', 'constructor']);

/** Keys through which a write could reach a prototype. */
export function isForbiddenKey(key: string): boolean {
  return FORBIDDEN_KEYS.has(key);
}

export function isId(value: unknown): value is string {
  return typeof value === 'string' && ID_PATTERN.test(value) && !isForbiddenKey(value);
}
