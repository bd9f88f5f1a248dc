/** DatabaseStorage on real files, and child processes that use them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { createClient } from '@libsql/client/sqlite3';
import { onTestFinished } from 'vitest';
import { CommitError } from '../../../src/actors/ports.js';
import {
  type DatabaseStorage,
  openStorage,
  type StorageOptions,
} from '../../../src/persistence/storage.js';
import { StorageError } from '../../../src/persistence/storage-error.js';

/** Opened storage that is closed when the test is over. */
export async function openTestStorage(
  database: string,
  options: Partial<StorageOptions> = {},
): Promise<DatabaseStorage> {
  const storage = await openStorage({ retryDelaysMs: [1, 1], ...options, database });
  onTestFinished(() => storage.close());
  await storage.journal.storePlan('plan', '{"nodes":[]}', 'A plan', 0);
  return storage;
}

/** Runs statements on a connection of its own. */
export async function tamper(database: string, ...statements: string[]): Promise<void> {
  const client = createClient({ url: `file:${database}`, concurrency: 1 });
  try {
    for (const statement of statements) await client.execute(statement);
  } finally {
    client.close();
  }
}

/** The single number that a query gives. */
export async function count(database: string, query: string): Promise<number> {
  const client = createClient({ url: `file:${database}`, concurrency: 1 });
  try {
    const { rows } = await client.execute(query);
    return Number(rows[0]?.[0]);
  } finally {
    client.close();
  }
}

/** `durable`, or the code of the error with which a commit was refused. */
export async function outcome(commit: Promise<unknown>): Promise<string> {
  try {
    await commit;
    return 'durable';
  } catch (error) {
    if (error instanceof CommitError || error instanceof StorageError) return error.code;
    throw error;
  }
}

export function outcomes(commits: readonly Promise<unknown>[]): Promise<string[]> {
  return Promise.all(commits.map(outcome));
}

const TYPESCRIPT = fileURLToPath(new URL('./typescript.mjs', import.meta.url));

export interface ChildOptions {
  /** Largest file that the child may write, in blocks of 1,024 bytes. */
  readonly fileLimit?: number;
  readonly uid?: number;
}

/** Starts a script of this folder under Node; `lines` yields what it prints. */
export function startChild(
  script: string,
  args: readonly string[],
  { fileLimit, uid }: ChildOptions = {},
): {
  readonly child: ChildProcess;
  readonly lines: AsyncIterable<string>;
  readonly ended: Promise<void>;
} {
  const path = fileURLToPath(new URL(`./${script}`, import.meta.url));
  const limit = fileLimit === undefined ? '' : `ulimit -f ${fileLimit}; `;
  const child = spawn(
    'bash',
    ['-c', `${limit}exec "$0" "$@"`, process.execPath, '--import', TYPESCRIPT, path, ...args],
    { stdio: ['ignore', 'pipe', 'inherit'], ...(uid === undefined ? {} : { uid, gid: uid }) },
  );
  onTestFinished(() => void child.kill('SIGKILL'));
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  return { child, lines: createInterface({ input: child.stdout }), ended };
}
