/**
 * The form in which a turn crosses to the worker: rows as JSON text, ready to be joined. Invariant:
 * `FRAGMENT` and `CHAINED` are part of the format of the hash chain and never change for old turns.
 */
import type { AddedTable, FreeRow } from '../actors/ports.js';
import type { RunTable } from '../actors/records.js';

/** Place of each table in `EncodedTurn.fragments`. */
export const FRAGMENT = {
  runsCreated: 0,
  runsChanged: 1,
  nodeRuns: 2,
  actorVersions: 3,
  attempts: 4,
  events: 5,
  tasks: 6,
  responses: 7,
  artifacts: 8,
  signals: 9,
  plans: 10,
  pastNodeRuns: 11,
  idempotencyKeys: 12,
  pastInputs: 13,
} as const;
export type FragmentIndex = (typeof FRAGMENT)[keyof typeof FRAGMENT];
export const FRAGMENT_COUNT = 14;

/** Tables that are only added to, by event number, and so can be hashed again from what is stored. */
export const CHAINED: readonly FragmentIndex[] = [FRAGMENT.events, FRAGMENT.actorVersions];

export type SqlValue = string | number | null;

/** A row with a large payload: bound value by value, outside the JSON arrays. */
export interface LargeRow {
  readonly table: FragmentIndex;
  readonly values: readonly SqlValue[];
}

export interface EncodedTimer {
  readonly id: string;
  readonly run: number;
  /** The row as a JSON array; null clears the timer. */
  readonly row: string | null;
}

export interface EncodedTurn {
  readonly kind: 'turn';
  readonly turn: number;
  readonly run: number;
  readonly seq: number;
  /** Number of events: the turn follows the event `seq - eventCount`. */
  readonly eventCount: number;
  /** The checkpoint row as a JSON array that still lacks its hash and its closing bracket. */
  readonly head: string;
  /** Per table, JSON arrays joined by commas; empty where there are none. */
  readonly fragments: readonly string[];
  readonly large: readonly LargeRow[];
  readonly timers: readonly EncodedTimer[];
  /** Approximate size, for the limits of queue and batch. */
  readonly bytes: number;
}

export interface EncodedPlan {
  readonly kind: 'plan';
  readonly hash: string;
  readonly values: readonly SqlValue[];
  readonly bytes: number;
}

/** Rows that belong to no run. */
export interface EncodedRows {
  readonly kind: 'rows';
  readonly rows: readonly EncodedRow[];
  readonly bytes: number;
}

/** Names a statement for rows that belong to no turn: a type of row, with its table where there are many. */
export type FreeRowName =
  | Exclude<FreeRow['type'], 'history.add' | 'history.remove'>
  | `history.add ${AddedTable}`
  | `history.remove ${RunTable}`;

/** Values of the statement in statements.ts that goes by the name. */
export interface EncodedRow {
  readonly name: FreeRowName;
  readonly values: readonly SqlValue[];
}

/** What the journal takes, in order. */
export type EncodedItem = EncodedTurn | EncodedPlan | EncodedRows;
