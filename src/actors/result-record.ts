/** Tells a result record from a value that is the output itself. */
import type { JsonObject, JsonValue } from '../plan/json.js';

/** An object with a boolean `ok`, or with an `error`, is a result record; every other value is the output itself. */
export function asResultRecord(value: JsonValue | undefined): JsonObject | undefined {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return undefined;
  const isRecord = typeof value.ok === 'boolean' || (value.error ?? null) !== null;
  return isRecord ? value : undefined;
}
