/**
 * The form of an exported run: JSON Lines. First what it is, then run after run, parents before the
 * runs of their subplans: its row, its turns in order, each plan version before the turn that names it,
 * its rows, and what it all amounts to; at the end a digest over all lines before. Records stand as
 * they are stored, numbers of run and turns included, so that the hash chain can be made again; those that a tenant
 * is given are numbered and chained anew, see export-numbers.ts.
 */
import type { PlanRecord, RunRecord, RunTables } from '../actors/records.js';
import type { StoredTurn } from '../storage/history-rows.js';

export const EXPORT_FORMAT = 'runchart-export';
/** Grows with every change that an older program would misread. */
export const EXPORT_VERSION = 1;
/** Longest line of a file, in bytes: a turn with all its events and snapshots. */
export const MAX_LINE_BYTES = 256 * 1024 * 1024;

export interface ExportHead {
  readonly format: typeof EXPORT_FORMAT;
  readonly version: number;
  /** Id of the run that was exported. */
  readonly run: string;
}

/** Tables of which a run that has ended has rows beside its turns. */
export const EXPORTED_TABLES = [
  'nodeRuns',
  'pastNodeRuns',
  'attempts',
  'pastInputs',
  'tasks',
  'responses',
  'artifacts',
  'signals',
] as const satisfies readonly (keyof RunTables)[];

export type ExportedTable = (typeof EXPORTED_TABLES)[number];

export type ExportedRow = {
  [T in ExportedTable]: { readonly table: T; readonly record: RunTables[T] };
}[ExportedTable];

/** A piece of the content of an artifact that is kept in a file of its own; its pieces follow each other. */
export interface ExportedContent {
  readonly digest: string;
  /** In base64. */
  readonly data: string;
  readonly isLast: boolean;
}

/** What a run amounts to. */
export interface ExportedEnd {
  /** Id of the run. */
  readonly run: string;
  /** Number of the newest event. */
  readonly seq: number;
  /** Hash of the state that its events replay to. */
  readonly hash: string;
}

export type ExportLine =
  | ExportHead
  | { readonly plan: PlanRecord }
  | { readonly run: RunRecord }
  | { readonly turn: StoredTurn }
  | { readonly row: ExportedRow }
  | { readonly content: ExportedContent }
  | { readonly ended: ExportedEnd }
  /** SHA-256 over all bytes before this line, in hexadecimal digits. */
  | { readonly sum: string };
