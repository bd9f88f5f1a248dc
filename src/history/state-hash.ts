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
  return atOnce(hashing(snapshot));
}

function* hashing(snapshot: RunSnapshot): Generator<void, string> {
  const hash = createHash('sha256').update(canonicalJson(headOf(snapshot)));
  let parts = 0;
  for (const name of PART_NAMES) {
    const own = snapshot[name] as ReadonlyMap<string, object>;
    for (const key of [...own.keys()].sort()) {
      hash.update(`\n${canonicalJson([name, own.get(key) as JsonValue])}`);
      parts += 1;
      if (parts % STEP_PARTS === 0) yield;
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
  return atOnce(comparing(events, rows));
}

function* comparing(
  events: RunSnapshot,
  rows: RunSnapshot,
): Generator<void, readonly Difference[]> {
  const found: Difference[] = [];
  const compare = (part: string, key: string, told: JsonValue, kept: JsonValue): void => {
    if (found.length < MAX_DIFFERENCES && !isSame(told, kept)) {
      found.push({ part, key, events: told, rows: kept });
    }
  };
  compare('run', '', headOf(events), headOf(rows));
  let parts = 0;
  for (const name of PART_NAMES) {
    const told = events[name] as ReadonlyMap<string, unknown> as ReadonlyMap<string, JsonValue>;
    const kept = rows[name] as ReadonlyMap<string, unknown> as ReadonlyMap<string, JsonValue>;
    for (const key of [...new Set([...told.keys(), ...kept.keys()])].sort()) {
      compare(name, key, told.get(key) ?? null, kept.get(key) ?? null);
      parts += 1;
      if (parts % STEP_PARTS === 0) yield;
    }
  }
  return found;
}

function isSame(a: JsonValue, b: JsonValue): boolean {
  return JSON.stringify(a) === JSON.stringify(b) || canonicalJson(a) === canonicalJson(b);
}

/** Parts after which others may have their turn. */
const STEP_PARTS = 1_000;

export interface Comparison {
  /** Hash of what the events say. */
  readonly hash: string;
  readonly differences: readonly Difference[];
}

/** Hash and differences as above, and lets other work go on in between: a run may have many parts. */
export async function compareCalmly(events: RunSnapshot, rows: RunSnapshot): Promise<Comparison> {
  const differences = await calmly(comparing(events, rows));
  return { hash: await calmly(hashing(events)), differences };
}

function atOnce<T>(steps: Generator<void, T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

async function calmly<T>(steps: Generator<void, T>): Promise<T> {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    await new Promise((resolve) => setImmediate(resolve));
  }
}
