/** Makes a plan immutable for good. */

/** Freezes `value` and everything below it. Values come from JSON: no cycles, bounded depth. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const member of Object.values(value)) deepFreeze(member);
  return Object.freeze(value);
}
