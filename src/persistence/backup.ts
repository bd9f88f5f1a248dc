/**
 * Online backup and restore. Invariants: a backup has its name only once it is whole and verified; what
 * is left of one that was cut off is called `….partial-…`, and of a restore `….restoring-…`.
 */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Backup, BackupOptions } from '../storage/storage.js';
import { artifactsPath } from './artifact-files.js';
import type { BackupManifest } from './backup-manifest.js';
import type { BackupOutcome, BackupWork } from './backup-worker.js';
import { headPath, parseDatabasePath } from './database-path.js';
import { flush } from './durable-files.js';
import { StorageError } from './storage-error.js';

/**
 * Copies a database, while it is written to, into a new folder, and verifies the copy. Throws a
 * StorageError: `backup-exists`, `backup-failed`, `backup-damaged`, `disk-full`, `cannot-open`.
 */
export async function backupDatabase(
  url: string,
  target: string,
  options: BackupOptions & { readonly now?: () => number } = {},
): Promise<Backup> {
  const database = parseDatabasePath(url);
  if (!existsSync(database)) {
    throw new StorageError('cannot-open', `There is no database at ${database}.`);
  }
  const path = resolve(target);
  assertNew(path);
  const draft = `${path}.partial-${randomUUID()}`;
  const { now = Date.now, acceptDamage = false, encodedPayloads: encoded = false } = options;
  try {
    const how = { now: now(), acceptDamage, encoded };
    const manifest = await atWork({ type: 'backup', database, draft, ...how }, options.signal);
    assertNew(path);
    await rename(draft, path);
    await flush(dirname(path));
    return toBackup(path, manifest);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    throw error;
  }
}

/**
 * Puts a backup in a new place and verifies it there. Throws a StorageError: `backup-damaged`,
 * `database-exists`, `schema-newer`, `backup-failed`, `cannot-open`.
 */
export async function restoreDatabase(backup: string, url: string): Promise<Backup> {
  const database = parseDatabasePath(url);
  const path = resolve(backup);
  const draft = `${database}.restoring-${randomUUID()}`;
  try {
    return toBackup(path, await atWork({ type: 'restore', backup: path, database, draft }));
  } finally {
    await rm(draft, { force: true });
    await rm(headPath(draft), { force: true });
    await rm(artifactsPath(draft), { recursive: true, force: true });
  }
}

function assertNew(path: string): void {
  if (!existsSync(path)) return;
  throw new StorageError('backup-exists', `${path} is there already.`, {
    hint: 'Name a folder that is not there: backups are never overwritten.',
  });
}

function toBackup(path: string, manifest: BackupManifest): Backup {
  const { createdAt, runs, head, database, payloads, findings } = manifest;
  const turn = head?.turn ?? null;
  return { path, createdAt, runs, turn, bytes: database.bytes, payloads: payloads.count, findings };
}

async function atWork(work: BackupWork, signal?: AbortSignal): Promise<BackupManifest> {
  const worker = new Worker(new URL('./backup-worker.js', import.meta.url), { workerData: work });
  const stop = () => void worker.terminate();
  signal?.addEventListener('abort', stop, { once: true });
  if (signal?.aborted) stop();
  try {
    const outcome = await outcomeOf(worker);
    if ('manifest' in outcome) return outcome.manifest;
    const { code, message, hint } = outcome;
    throw new StorageError(code, message, hint === undefined ? {} : { hint });
  } finally {
    signal?.removeEventListener('abort', stop);
    await worker.terminate();
  }
}

function outcomeOf(worker: Worker): Promise<BackupOutcome> {
  return new Promise((resolve) => {
    const failed = (message: string) =>
      resolve({ code: 'backup-failed', message, hint: 'Try again.' });
    worker.once('message', resolve);
    worker.once('error', (error) => failed(error.message));
    worker.once('exit', () => failed('It was given up.'));
  });
}
