/** Looks a database over beside its owner: its files, its structure, its schema. Changes nothing. */
import { statSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { headPath } from './database-path.js';
import { readHead } from './head-file.js';
import { loadMigrations } from './migrations.js';
import { openExisting, type Reader } from './reader.js';

/** What was found in a database, for an operator. */
export interface DatabaseExamination {
  readonly path: string;
  /** Sizes of the database and of its log. */
  readonly bytes: number;
  readonly logBytes: number;
  /** What its disk has left for this user. */
  readonly freeBytes: number;
  /** Number of migrations that it has, and that this version knows. */
  readonly schema: number;
  readonly newestSchema: number;
  /** What SQLite finds wrong with its structure. */
  readonly faults: readonly string[];
  /** Time of the newest turn, in milliseconds since the epoch; null where there is none. */
  readonly lastTurnAt: number | null;
  /** `missing`: nothing is claimed. `lost`: the turn that it names is not there. */
  readonly head: 'fits' | 'missing' | 'lost';
}

const MAX_FAULTS = 20;
const HEAD_READ = 'select count(*) from checkpoints where turn = ? and hash = ?';
const NEWEST = 'select turn, at from checkpoints order by turn desc limit 1';

/** Throws a StorageError where it cannot be read at all. */
export async function examineDatabase(url: string): Promise<DatabaseExamination> {
  const { reader, path } = openExisting(url, 'Start a run first, or name another database.');
  try {
    const { bavail, bsize } = await statfs(dirname(path));
    const head = await headOf(reader, path);
    const [[schema] = []] = await reader.cells('pragma user_version');
    const faults = await reader.cells(`pragma quick_check(${MAX_FAULTS})`);
    const [[, lastTurnAt] = []] = await reader.cells(NEWEST);
    return {
      path,
      bytes: sizeOf(path),
      logBytes: sizeOf(`${path}-wal`),
      freeBytes: bavail * bsize,
      schema: Number(schema),
      newestSchema: loadMigrations().length,
      faults: faults.map(([text]) => String(text)).filter((text) => text !== 'ok'),
      lastTurnAt: lastTurnAt === undefined ? null : Number(lastTurnAt),
      head,
    };
  } finally {
    reader.close();
  }
}

/** Read first: turns may be committed meanwhile, and none may be lost. */
async function headOf(reader: Reader, path: string): Promise<DatabaseExamination['head']> {
  const head = readHead(headPath(path));
  if (head === undefined) return 'missing';
  const [[found] = []] = await reader.cells(HEAD_READ, [head.turn, head.hash]);
  const [[newest] = []] = await reader.cells(NEWEST);
  return Number(found) === 1 || Number(newest ?? 0) > head.turn ? 'fits' : 'lost';
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
