/**
 * The hash of what a run amounts to, and where two accounts of it differ. The hash is SHA-256 over
 * canonical JSON (RFC 8785): a line for the run itself, then one for each part, by name of the part and
 * by key. Two runs with the same events have the same hash, wherever they are kept.
 */
import { createHash } from 'node:crypto';
import { canonicalJson } from '../plan/canonical.js';
import type { JsonValue } from '../plan/json.js';
import { PART_NAMES, type RunSnapshot } from './run-snapshot.js';

export function stateHash(snapshot: RunSnapshot): string {
  const hash = createHash('sha256').update(canonicalJson(headOf(snapshot)));
  for (const name of PART_NAMES) {
    const parts = snapshot[name] as ReadonlyMap<string, object>;
    for (const key of [...parts.keys()].sort()) {
      hash.update(`\n${canonicalJson([name, parts.get(key) as JsonValue])}`);
    }
  }
  return `sha256:${hash.digest('hex')}`;
}

function headOf({ seq, status, reason, plan }: RunSnapshot): JsonValue {
  return { seq, status, reason: reason as JsonValue, plan };
}

/** Where rows say something else than events. */
export interface Difference {
  /** Name of the part; `run` for the run itself. */
  readonly part: string;
  readonly key: string;
  /** Null where there is nothing. */
  readonly events: JsonValue;
  readonly rows: JsonValue;
}

const MAX_DIFFERENCES = 100;

/** The first hundred differences between what events and what rows say; none where they agree. */
export function differencesOf(events: RunSnapshot, rows: RunSnapshot): readonly Difference[] {
  const found: Difference[] = [];
  const compare = (part: string, key: string, told?: JsonValue, kept?: JsonValue): void => {
    const pair = { events: told ?? null, rows: kept ?? null };
    if (found.length >= MAX_DIFFERENCES) return;
    if (canonicalJson(pair.events) !== canonicalJson(pair.rows)) found.push({ part, key, ...pair });
  };
  compare('run', '', headOf(events), headOf(rows));
  for (const name of PART_NAMES) {
    const told = events[name] as ReadonlyMap<string, object>;
    const kept = rows[name] as ReadonlyMap<string, object>;
    for (const key of [...new Set([...told.keys(), ...kept.keys()])].sort()) {
      compare(name, key, told.get(key) as JsonValue, kept.get(key) as JsonValue);
    }
  }
  return found;
}
