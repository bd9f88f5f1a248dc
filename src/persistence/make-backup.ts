/**
 * Copies a live database, with its payload files, beside its owner. Invariants: 1. the copy is one state
 * of the database, and no older than its head file said when the copy began; 2. nothing is written but in
 * `draft`, and the manifest comes last; 3. the writer is not held up: the copy is a read.
 */
import { mkdir, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import Database from 'libsql';
import { type BackupManifest, databaseIn, manifestIn, writeManifest } from './backup-manifest.js';
import { headPath } from './database-path.js';
import { flush, measure, writeDurably } from './durable-files.js';
import { describe } from './faults.js';
import { type Head, readHead } from './head-file.js';
import { loadMigrations } from './migrations.js';
import { copyPayloads, measurePayloads } from './payload-copies.js';
import { Reader } from './reader.js';
import { StorageError } from './storage-error.js';
import { verifyDatabase } from './verify-database.js';

export interface BackupTask {
  /** Path of the database. */
  readonly database: string;
  /** Folder that is made and filled. */
  readonly draft: string;
  readonly now: number;
  readonly acceptDamage: boolean;
  /** Whether payloads are stored by a codec. */
  readonly encoded: boolean;
}

/** Blocks its thread. Throws `backup-failed`, `backup-damaged`, `disk-full`. */
export async function makeBackup(task: BackupTask): Promise<BackupManifest> {
  const { database, draft, now } = task;
  const copy = databaseIn(draft);
  const head = readHead(headPath(database));
  await assertRoom(database, draft);
  await mkdir(draft);
  // Those that the copy names are among these, or among those that came while it was made.
  await copyPayloads(database, copy);
  copyDatabase(database, copy);
  await copyPayloads(database, copy);
  const reader = new Reader(copy);
  let content: Pick<BackupManifest, 'schema' | 'runs' | 'head' | 'findings'>;
  try {
    await assertNotOlder(reader, head);
    content = { ...(await contentOf(reader)), findings: await findingsIn(reader, task) };
  } finally {
    reader.close();
  }
  await flush(copy);
  const manifest: BackupManifest = {
    format: 'runchart-backup',
    version: 1,
    createdAt: now,
    schema: content.schema,
    runs: content.runs,
    head: content.head,
    database: await measure(copy),
    payloads: { ...(await measurePayloads(copy)), encoded: task.encoded },
    findings: content.findings,
  };
  await writeDurably(manifestIn(draft), writeManifest(manifest));
  await flush(draft);
  return manifest;
}

/** One read of one state: turns are committed meanwhile, and the log grows until it is over. */
function copyDatabase(from: string, to: string): void {
  const connection = new Database(from);
  try {
    connection.exec('pragma busy_timeout = 1000');
    connection.prepare('vacuum into ?').run(to);
  } catch (cause) {
    throw new StorageError('backup-failed', `${from} could not be copied: ${describe(cause)}`, {
      hint: 'Look for room on the disk and for faults of it, then try again.',
      cause,
    });
  } finally {
    connection.close();
  }
}

async function assertRoom(database: string, draft: string): Promise<void> {
  const reader = new Reader(database);
  try {
    const [[pages] = []] = await reader.cells('pragma page_count');
    const [[size] = []] = await reader.cells('pragma page_size');
    const needed = Number(pages) * Number(size);
    const { bavail, bsize } = await statfs(dirname(draft));
    if (bavail * bsize >= needed) return;
    const message = `The backup needs ${needed} bytes, and ${dirname(draft)} has ${bavail * bsize}.`;
    throw new StorageError('disk-full', message, { hint: 'Free some space.' });
  } finally {
    reader.close();
  }
}

const NEWEST = `select cast(json_array(turn, hash) as blob) from checkpoints
  order by turn desc limit 1`;

/** A copy that lacks what was committed before it began would be one of a log that lost its end. */
async function assertNotOlder(reader: Reader, head: Head | undefined): Promise<void> {
  if (head === undefined) return;
  const [newest] = (await reader.jsonRows(NEWEST)) as [number, string][];
  if (newest !== undefined && newest[0] > head.turn) return;
  if (newest?.[0] === head.turn && newest[1] === head.hash) return;
  const message = `Turn ${head.turn} was committed and is not in the copy.`;
  throw new StorageError('backup-failed', message, {
    hint: 'The log of the database may have lost its end: look at it with `runchart doctor`.',
  });
}

async function contentOf(
  reader: Reader,
): Promise<Pick<BackupManifest, 'schema' | 'runs' | 'head'>> {
  const [[schema] = []] = await reader.cells('pragma user_version');
  const [[runs] = []] = await reader.cells('select count(*) from runs');
  const [newest] = (await reader.jsonRows(NEWEST)) as [number, string][];
  return {
    schema: Number(schema),
    runs: Number(runs),
    head: newest === undefined ? null : { turn: newest[0], hash: newest[1] },
  };
}

/** Of another schema than this program's only the structure can be told. */
async function findingsIn(
  reader: Reader,
  { draft, acceptDamage, encoded }: BackupTask,
): Promise<readonly string[]> {
  const [[schema] = []] = await reader.cells('pragma user_version');
  const isOurs = Number(schema) === loadMigrations().length;
  const findings = isOurs ? await verifyDatabase(reader, databaseIn(draft), encoded) : [];
  if (findings.length === 0 || acceptDamage) return findings;
  throw new StorageError('backup-damaged', `The database is damaged: ${findings[0]}`, {
    hint: 'See `runchart doctor`. To copy it as it is, accept the damage.',
  });
}
