/**
 * Where an orchestrator keeps what it decides, as a port: a database of libSQL unless `createOrchestrator` is
 * given another one. docs/storage.md says what each part promises.
 */
import type { ArtifactStore, Journal, RunStore } from '../actors/ports.js';
import type { RunRows } from './run-rows.js';

/** A backup that is whole. */
export interface Backup {
  /** Its folder. */
  readonly path: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly runs: number;
  /** Number of the newest turn in it; null where there is none. */
  readonly turn: number | null;
  /** Size of the database in it. */
  readonly bytes: number;
  readonly payloads: number;
  /** Damage that was accepted. */
  readonly findings: readonly string[];
}

/** How a backup is made. */
export interface BackupOptions {
  /** Copies a database that is damaged, and says in the backup what was found. */
  readonly acceptDamage?: boolean;
  /** Payloads are stored by a codec: contents of payload files cannot be told from their names. */
  readonly encodedPayloads?: boolean;
  /** Gives the backup up. */
  readonly signal?: AbortSignal;
}

/** All that an orchestrator reads and writes. It has one owner at a time, the one that opened it. */
export interface Storage {
  /** The single writer. */
  readonly journal: Journal;
  /** What runs are restored from. */
  readonly store: RunStore;
  /** What runs are shown from. */
  readonly rows: RunRows;
  /** Payloads that are too large for rows. */
  readonly artifacts: ArtifactStore;
  /** Tells other processes where the owner can be reached; null where it cannot any more. */
  announce?(address: string | null): Promise<void>;
  /** Copies everything, while it is written to, into a new folder. */
  backup?(target: string, options: BackupOptions): Promise<Backup>;
  /** Commits what is queued, then gives up ownership. */
  close(): Promise<void>;
}
