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
import { type Head, HeadFile } from './head-file.js';
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
  if (found !== undefined) throw taken(found);
}

function taken(path: string): StorageError {
  return new StorageError('database-exists', `${path} is there already.`, {
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

/** The head file comes first and keeps the place: who finds it taken has put nothing there. */
async function putInPlace(
  draft: string,
  database: string,
  { head }: BackupManifest,
): Promise<void> {
  assertFree(database);
  const placed: string[] = [];
  try {
    if (head !== null) {
      await writeHead(draft, head);
      await linkNew(headPath(draft), headPath(database), placed);
    }
    if (existsSync(artifactsPath(draft))) {
      await rename(artifactsPath(draft), artifactsPath(database));
      placed.push(artifactsPath(database));
    }
    await linkNew(draft, database, placed);
  } catch (error) {
    for (const path of placed) await rm(path, { recursive: true, force: true });
    throw error;
  }
  await rm(draft);
  await flush(dirname(database));
}

async function writeHead(path: string, head: Head): Promise<void> {
  const file = new HeadFile(headPath(path));
  file.write(head);
  file.close();
  await flush(headPath(path));
}

/** Unlike a rename this fails where somebody else has put something meanwhile. */
async function linkNew(from: string, to: string, placed: string[]): Promise<void> {
  await link(from, to).catch((cause: NodeJS.ErrnoException) => {
    throw cause.code === 'EEXIST' ? taken(to) : cause;
  });
  placed.push(to);
}
