/**
 * Puts a backup in a new place. Invariants: 1. nothing that is there is overwritten; 2. what is restored
 * is byte for byte what was backed up, brought to this version's schema, and found whole; 3. the database
 * appears last and as one, so that a restore which is cut off leaves none.
 */
import { existsSync } from 'node:fs';
import { link, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { artifactsPath } from './artifact-files.js';
import { type BackupManifest, damaged, databaseIn, readManifest } from './backup-manifest.js';
import { checkSchemaVersion } from './database-file.js';
import { headPath, lockPath } from './database-path.js';
import { copyDurably, flush } from './durable-files.js';
import { HeadFile } from './head-file.js';
import { loadMigrations, migrate } from './migrations.js';
import { copyPayloads, measurePayloads } from './payload-copies.js';
import { Reader } from './reader.js';
import { openConnection } from './sql.js';
import { StorageError } from './storage-error.js';
import { verifyDatabase } from './verify-database.js';

export interface RestoreTask {
  /** Folder of the backup. */
  readonly backup: string;
  /** Path of the database that is to be. */
  readonly database: string;
  /** Path that nobody else uses, beside it. */
  readonly draft: string;
}

/** Blocks its thread. Throws `backup-damaged`, `database-exists`, `schema-newer`. */
export async function restoreBackup({
  backup,
  database,
  draft,
}: RestoreTask): Promise<BackupManifest> {
  assertFree(database);
  const manifest = await readManifest(backup);
  checkSchemaVersion(manifest.schema, loadMigrations().length);
  await copyParts(backup, draft, manifest);
  await bringUpToDate(draft);
  await assertWhole(draft, manifest);
  await flush(draft);
  await putInPlace(draft, database, manifest);
  return manifest;
}

/** Any of the files of a database: it may be at work, or have been left by one that was. */
function assertFree(database: string): void {
  const files = [database, `${database}-wal`, `${database}-shm`, headPath(database)];
  const found = [...files, lockPath(database), artifactsPath(database)].find(existsSync);
  if (found === undefined) return;
  throw new StorageError('database-exists', `${found} is there already.`, {
    hint: 'Name a new place; or stop what uses it, and move all files of that database away.',
  });
}

async function copyParts(backup: string, draft: string, manifest: BackupManifest): Promise<void> {
  const source = databaseIn(backup);
  const { bytes, sha256 } = await copyDurably(source, draft).catch((cause) => {
    throw damaged(`${source} cannot be read.`, cause);
  });
  if (bytes !== manifest.database.bytes || sha256 !== manifest.database.sha256) {
    throw damaged(`${source} is not what was backed up.`);
  }
  await copyPayloads(source, draft);
  const payloads = await measurePayloads(draft);
  if (payloads.sha256 === manifest.payloads.sha256) return;
  throw damaged(`The payload files of ${backup} are not the ${manifest.payloads.count} it had.`);
}

async function bringUpToDate(draft: string): Promise<void> {
  const client = openConnection(draft);
  try {
    await migrate(client, loadMigrations());
  } finally {
    client.close();
  }
}

async function assertWhole(
  draft: string,
  { head, findings, payloads }: BackupManifest,
): Promise<void> {
  const reader = new Reader(draft);
  try {
    const sql = 'select count(*) from checkpoints where turn = ? and hash = ?';
    const [[found] = []] = head === null ? [[1]] : await reader.cells(sql, [head.turn, head.hash]);
    if (Number(found) === 0) throw damaged(`Turn ${head?.turn} is not in the backup.`);
    const [finding] = await verifyDatabase(reader, draft, payloads.encoded);
    if (finding !== undefined && findings.length === 0) throw damaged(finding);
  } finally {
    reader.close();
  }
}

async function putInPlace(
  draft: string,
  database: string,
  { head }: BackupManifest,
): Promise<void> {
  assertFree(database);
  if (existsSync(artifactsPath(draft))) {
    await rename(artifactsPath(draft), artifactsPath(database));
  }
  if (head !== null) {
    const file = new HeadFile(headPath(database));
    file.write(head);
    file.close();
    await flush(headPath(database));
  }
  // Unlike a rename this fails where somebody else has put a database there.
  await link(draft, database);
  await rm(draft);
  await flush(dirname(database));
}
