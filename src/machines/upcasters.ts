/**
 * Brings snapshots of earlier versions of a machine up to the present one, a version at a time. An
 * upcaster is pure: it takes a persisted snapshot of its version and returns one of the next.
 */
import type { JsonObject } from '../plan/json.js';

export type Upcaster = (snapshot: JsonObject) => JsonObject;

/** By machine id, then by the version that an upcaster starts from. */
export type Upcasters = Readonly<Record<string, Readonly<Record<number, Upcaster>>>>;

/** Those of this program's own machines. */
export const UPCASTERS: Upcasters = {
  run: {},
  'node-run': { 1: countLevels, 2: asItIs, 3: askItself },
};

/** Version 2 counts levels of escalation. */
function countLevels(snapshot: JsonObject): JsonObject {
  return { ...snapshot, context: { ...(snapshot.context as JsonObject), level: 0 } };
}

/** Version 3 has states for checks, in which no snapshot of version 2 is. */
function asItIs(snapshot: JsonObject): JsonObject {
  return snapshot;
}

/** Version 4 tells a node run that asks a question of its own from one whose product is judged. */
function askItself(snapshot: JsonObject): JsonObject {
  const { value } = snapshot;
  return value === 'awaiting-human'
    ? { ...snapshot, value: { 'awaiting-human': 'asked' } }
    : snapshot;
}

/** The snapshot at `to`; undefined where a step is missing, or the snapshot is newer. */
export function upcast(
  upcasters: Upcasters,
  machine: string,
  versions: { readonly from: number; readonly to: number },
  snapshot: JsonObject,
): JsonObject | undefined {
  if (versions.from > versions.to) return undefined;
  let current = snapshot;
  for (let version = versions.from; version < versions.to; version++) {
    const step = upcasters[machine]?.[version];
    if (step === undefined) return undefined;
    current = step(current);
  }
  return current;
}
