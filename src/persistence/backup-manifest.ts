/**
 * What a backup says of itself, and where its parts lie. Invariant: a folder is a backup only if its
 * manifest is there and fits its own digest; it is the last file that is written.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StorageError } from './storage-error.js';

export interface BackupManifest {
  readonly format: 'runchart-backup';
  readonly version: 1;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** Number of migrations that the database has. */
  readonly schema: number;
  readonly runs: number;
  /** Newest turn and its chain hash; null where nothing was ever committed. */
  readonly head: { readonly turn: number; readonly hash: string } | null;
  readonly database: { readonly bytes: number; readonly sha256: string };
  /** Payload files; `sha256` is that of their names and digests, a line each. `encoded`: by a codec. */
  readonly payloads: {
    readonly count: number;
    readonly bytes: number;
    readonly sha256: string;
    readonly encoded: boolean;
  };
  /** Damage that the database had, and that whoever made the backup accepted. */
  readonly findings: readonly string[];
}

const MANIFEST = 'manifest.json';
const DATABASE = 'runs.db';

/** Path of the database in a backup; its payload files lie beside it, as those of any database. */
export function databaseIn(folder: string): string {
  return join(folder, DATABASE);
}

export function manifestIn(folder: string): string {
  return join(folder, MANIFEST);
}

export function writeManifest(manifest: BackupManifest): string {
  return `${JSON.stringify({ ...manifest, sha256: digestOf(manifest) }, null, 2)}\n`;
}

/** Throws `backup-damaged` where the folder is no backup, or its manifest is not whole. */
export async function readManifest(folder: string): Promise<BackupManifest> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(await readFile(manifestIn(folder), 'utf8'));
  } catch (cause) {
    throw damaged(`${folder} has no whole ${MANIFEST}.`, cause);
  }
  if (typeof parsed !== 'object' || parsed === null) throw damaged(`${folder} is no backup.`);
  const { sha256, ...manifest } = parsed as BackupManifest & { readonly sha256?: string };
  if (manifest.format !== 'runchart-backup' || sha256 !== digestOf(manifest)) {
    throw damaged(`${MANIFEST} in ${folder} does not fit its digest.`);
  }
  if (manifest.version === 1) return manifest;
  throw damaged(`${folder} has format ${manifest.version}; this version knows 1.`);
}

export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

export function damaged(message: string, cause?: unknown): StorageError {
  return new StorageError('backup-damaged', message, {
    hint: 'It was cut off or changed: take another backup.',
    ...(cause === undefined ? {} : { cause }),
  });
}

function digestOf(manifest: BackupManifest): string {
  return sha256(JSON.stringify(manifest));
}
