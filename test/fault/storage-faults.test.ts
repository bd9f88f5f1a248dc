/** An orchestrator in a process of its own while its files or the process itself are in trouble. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { takePicture } from './database-copy.js';
import { ProductCopy, STORAGE_WORKER_MODULES } from './product-copy.js';
import type { StorageLine } from './protocol.js';
import { REPORT_FD } from './report.js';

/** Room for the tables and some hundred turns. */
const FEW_KIB = 700;
const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;
const hasLimits = process.platform === 'linux';

let copy: ProductCopy;
beforeAll(() => {
  copy = new ProductCopy(STORAGE_WORKER_MODULES);
});
afterAll(() => copy.remove());

/** A child at work, and what it said so far. */
class Worker {
  readonly process: ChildProcess;
  readonly lines: StorageLine[] = [];
  readonly closed: Promise<number | null>;
  #errors = '';

  constructor(database: string, options: { fileKib?: number; uid?: number } = {}) {
    const { fileKib, uid } = options;
    const limit = fileKib === undefined ? '' : `ulimit -S -f ${fileKib}; `;
    const command = [process.execPath, copy.module('storage-worker'), copy.build, database];
    this.process = spawn('bash', ['-c', `${limit}exec "$0" "$@"`, ...command], {
      cwd: copy.folder,
      env: { PATH: process.env.PATH, NODE_ENV: 'production' },
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
      ...(uid !== undefined && { uid, gid: uid }),
    });
    onTestFinished(() => void this.process.kill('SIGKILL'));
    this.process.stderr?.on('data', (chunk: Buffer) => {
      this.#errors += chunk.toString();
    });
    const reader = createInterface({ input: this.process.stdio[REPORT_FD] as Readable });
    reader.on('line', (text) => this.lines.push(JSON.parse(text) as StorageLine));
    this.closed = new Promise((resolve) => this.process.once('close', resolve));
  }

  count(is: StorageLine['is']): number {
    return this.lines.filter((line) => line.is === is).length;
  }

  runs(is: 'started' | 'ended' | 'failed'): string[] {
    return this.lines.flatMap((line) => (line.is === is ? [line.run] : []));
  }

  async until(what: string, isReached: () => boolean): Promise<void> {
    const deadline = Date.now() + 20_000;
    while (!isReached()) {
      if (Date.now() > deadline || this.process.exitCode !== null) {
        const tail = JSON.stringify(this.lines.slice(-10));
        throw new Error(`waited in vain for ${what}: ${tail} ${this.#errors}`);
      }
      await sleep(5);
    }
  }

  /** Waits for that many starts more. */
  more(starts: number): Promise<void> {
    const goal = this.count('started') + starts;
    return this.until(`${starts} starts more`, () => this.count('started') >= goal);
  }

  async finish(): Promise<void> {
    this.process.kill('SIGTERM');
    await this.until('the end', () => this.lines.at(-1)?.is === 'done');
    expect(await this.closed).toBe(0);
  }

  health(): string[] {
    return this.lines.flatMap((line) => (line.is === 'health' ? [line.status] : []));
  }
}

/** All that was acknowledged is there and finished, and the files are sound. */
async function expectNothingLost(worker: Worker, database: string): Promise<void> {
  const picture = await takePicture(database, copy.makeFolder());
  const statuses = new Map(picture.runs.map(({ id, status }) => [id, status]));
  const started = worker.runs('started');
  expect(started.filter((run) => statuses.get(run) !== 'completed')).toEqual([]);
  expect(worker.runs('failed').filter((run) => statuses.has(run))).toEqual([]);
  expect(worker.runs('ended').sort()).toEqual(started.sort());
  expect(picture.integrity).toBe('ok');
  expect(picture.damage).toEqual([]);
  expect(picture.attempts.filter(({ outcome }) => outcome !== 'completed')).toEqual([]);
}

describe('an orchestrator whose storage fails', () => {
  it.runIf(hasLimits)(
    'acknowledges nothing on a full disk, says so, and goes on when there is room: promise twelve',
    async () => {
      const database = join(copy.makeFolder(), 'runs.db');
      const worker = new Worker(database, { fileKib: FEW_KIB });
      await worker.until('a failed start', () => worker.count('failed') > 0);
      expect(worker.health()).toContain('failing');
      const before = worker.count('started');
      await sleep(300);
      expect(worker.count('started')).toBe(before);
      for (const line of worker.lines) {
        if (line.is !== 'failed') continue;
        expect(line).toMatchObject({ code: 'commit-failed', retryable: true });
      }
      execFileSync('bash', ['-c', `prlimit --pid ${worker.process.pid} --fsize=unlimited`]);
      await worker.more(5);
      await worker.until('health', () => worker.health().at(-1) === 'ok');
      await worker.finish();
      await expectNothingLost(worker, database);
    },
    60_000,
  );

  it('refuses a second process by name, and the first goes on: promise five', async () => {
    const database = join(copy.makeFolder(), 'runs.db');
    const worker = new Worker(database);
    await worker.more(3);
    const second = new Worker(database);
    await second.closed;
    expect(second.lines).toEqual([{ is: 'refused', code: 'database-owned' }]);
    await worker.more(3);
    await worker.finish();
    await expectNothingLost(worker, database);
  }, 60_000);

  it('keeps the database while it is stopped by a signal, and goes on afterwards', async () => {
    const database = join(copy.makeFolder(), 'runs.db');
    const worker = new Worker(database);
    await worker.more(3);
    worker.process.kill('SIGSTOP');
    const second = new Worker(database);
    await second.closed;
    expect(second.lines).toEqual([{ is: 'refused', code: 'database-owned' }]);
    worker.process.kill('SIGCONT');
    await worker.more(3);
    await worker.finish();
    expect(worker.runs('failed')).toEqual([]);
    await expectNothingLost(worker, database);
  }, 60_000);

  it('takes over from a process that is killed, at once', async () => {
    const database = join(copy.makeFolder(), 'runs.db');
    const first = new Worker(database);
    await first.more(3);
    first.process.kill('SIGKILL');
    await first.closed;
    const second = new Worker(database);
    await second.until('opening', () => second.lines[0]?.is === 'opened');
    await second.more(first.count('started') + 3);
    await second.finish();
    const picture = await takePicture(database, copy.makeFolder());
    const statuses = new Map(picture.runs.map(({ id, status }) => [id, status]));
    for (const run of first.runs('started')) expect(statuses.get(run)).toBe('completed');
  }, 60_000);

  it.runIf(isRoot)(
    'refuses a folder and a file that it cannot write, by name',
    async () => {
      const folder = copy.makeFolder();
      chmodSync(folder, 0o755);
      const closed = join(folder, 'closed');
      mkdirSync(closed, { mode: 0o555 });
      const inClosedFolder = new Worker(join(closed, 'runs.db'), { uid: NOBODY });
      await inClosedFolder.closed;
      const open = join(folder, 'open');
      mkdirSync(open);
      chownSync(open, NOBODY, NOBODY);
      const database = join(open, 'runs.db');
      writeFileSync(database, '', { mode: 0o444 });
      const onReadOnlyFile = new Worker(database, { uid: NOBODY });
      await onReadOnlyFile.closed;
      expect(inClosedFolder.lines).toEqual([{ is: 'refused', code: 'read-only' }]);
      expect(onReadOnlyFile.lines).toEqual([{ is: 'refused', code: 'read-only' }]);
    },
    60_000,
  );
});
