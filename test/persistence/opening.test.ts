import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { createClient } from '@libsql/client/sqlite3';
import { describe, expect, it } from 'vitest';
import { SqliteAccess } from '../../src/persistence/access.js';
import { loadMigrations, migrate } from '../../src/persistence/migrations.js';
import { readOwner } from '../../src/persistence/owner.js';
import { openStorage } from '../../src/persistence/storage.js';
import { STORAGE_ERROR_CODES } from '../../src/persistence/storage-error.js';
import { WriteConnection } from '../../src/persistence/write-connection.js';
import { temporaryDatabase, temporaryDirectory } from '../support/temporary.js';
import { count, openTestStorage, outcome, startChild, tamper } from './support/storage.js';
import { TurnMaker } from './support/turns.js';

/** Every file of a directory with its bytes. */
function contents(directory: string): Record<string, string> {
  return Object.fromEntries(
    readdirSync(directory)
      .filter((name) => !name.endsWith('-shm'))
      .map((name) => [name, readFileSync(join(directory, name), 'base64')]),
  );
}

async function firstLine(lines: AsyncIterable<string>): Promise<string> {
  for await (const line of lines) return line;
  return '';
}

describe('the errors of storage', () => {
  it('are those that docs/storage.md explains', () => {
    const docs = readFileSync(new URL('../../docs/storage.md', import.meta.url), 'utf8');
    const table = docs.slice(docs.indexOf('## Errors'), docs.indexOf('## Backup'));
    const explained = [...table.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, code]) => code);
    expect(explained.sort()).toEqual([...STORAGE_ERROR_CODES].sort());
  });
});

describe('opening a database', () => {
  it('refuses a database in memory', async () => {
    expect(await outcome(openStorage({ database: ':memory:' }))).toBe('memory-refused');
    expect(await outcome(openStorage({ database: 'file::memory:' }))).toBe('memory-refused');
  });

  it('refuses a directory that does not exist, and a URL that is not a file', async () => {
    const missing = join(temporaryDirectory(), 'missing', 'runs.db');
    expect(await outcome(openStorage({ database: missing }))).toBe('cannot-open');
    expect(existsSync(join(missing, '..'))).toBe(false);
    expect(await outcome(openStorage({ database: 'libsql://example.org' }))).toBe('cannot-open');
    expect(await outcome(openStorage({ database: temporaryDirectory() }))).toBe('cannot-open');
  });

  it('takes plain paths and file URLs with any characters for the same file', async () => {
    const directory = join(temporaryDirectory(), 'a b%20#?ü');
    mkdirSync(directory);
    const path = join(directory, 'x.db');
    const first = await openTestStorage(path);
    await first.journal.commit(new TurnMaker().start(1));
    await first.close();
    const second = await openTestStorage(
      `file:${path.split('/').map(encodeURIComponent).join('/')}`,
    );
    expect((await second.store.loadRun('run-1'))?.seq).toBe(1);
    expect(readdirSync(directory)).toContain('x.db');
  });

  it('refuses a file that is no database, and leaves it as it was', async () => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, 'notes.txt'), 'not a database '.repeat(100));
    const before = contents(directory);
    expect(await outcome(openStorage({ database: join(directory, 'notes.txt') }))).toBe(
      'not-a-database',
    );
    expect(contents(directory)).toEqual(before);
  });

  it('refuses the database of another program, and leaves it as it was', async () => {
    const directory = temporaryDirectory();
    const database = join(directory, 'other.db');
    await tamper(database, 'create table other (a)', 'insert into other values (1)');
    const before = contents(directory);
    expect(await outcome(openStorage({ database }))).toBe('foreign-database');
    expect(contents(directory)).toEqual(before);
  });

  it('refuses the schema of a newer version, and leaves it as it was', async () => {
    const directory = temporaryDirectory();
    const database = join(directory, 'runs.db');
    await (await openTestStorage(database)).close();
    await tamper(database, 'pragma user_version = 99');
    const before = contents(directory);
    expect(await outcome(openStorage({ database }))).toBe('schema-newer');
    expect(contents(directory)).toEqual(before);
  });

  it('refuses a file and a directory that it may not write', async () => {
    const directory = temporaryDirectory();
    const database = join(directory, 'runs.db');
    await (await openTestStorage(database)).close();
    chmodSync(database, 0o444);
    chmodSync(directory, 0o755);
    const before = contents(directory);
    // The superuser may write everything: ask as nobody.
    const nobody = process.getuid?.() === 0 ? { uid: 65_534 } : {};
    const { lines, ended } = startChild('opening-child.ts', [database], nobody);
    expect(JSON.parse(await firstLine(lines))).toMatchObject({ code: 'read-only' });
    await ended;
    expect(contents(directory)).toEqual(before);
  });

  it('tells that there is no room for a new database', async () => {
    const database = temporaryDatabase();
    const { lines, ended } = startChild('opening-child.ts', [database], { fileLimit: 8 });
    const { code } = JSON.parse(await firstLine(lines)) as { code: string };
    expect(['disk-full', 'storage-unavailable']).toContain(code);
    await ended;
    const storage = await openTestStorage(database);
    expect(await outcome(storage.journal.commit(new TurnMaker().start(1)))).toBe('durable');
  });

  it('trap 22: synchronous is FULL and the log is WAL on the connection that writes', async () => {
    const database = temporaryDatabase();
    await (await openTestStorage(database)).close();
    const connection = new WriteConnection(database);
    expect(connection.firstRow('pragma synchronous')).toEqual([2]);
    expect(connection.firstRow('pragma journal_mode')).toEqual(['wal']);
    connection.close();
  });

  it('S197 counts the audit that an earlier version wrote', async () => {
    const database = temporaryDatabase();
    const client = createClient({ url: `file:${database}` });
    await migrate(client, loadMigrations().slice(0, 13));
    await client.execute(`insert into audit (id, at, tenant, action, target)
      values ('1', 1, '', 'a', '/'), ('2', 2, 'acme', 'a', '/'), ('3', 3, 'acme', 'a', '/')`);
    client.close();
    const storage = await openTestStorage(database);
    expect(await new SqliteAccess(storage.reader).auditSizes()).toEqual([
      { tenant: '', records: 1 },
      { tenant: 'acme', records: 2 },
    ]);
  });

  it('creates every table with several key columns WITHOUT ROWID', async () => {
    const database = temporaryDatabase();
    await (await openTestStorage(database)).close();
    const tables = "pragma_table_list t where t.schema = 'main' and t.type = 'table'";
    const keys = '(select count(*) from pragma_table_info(t.name) where pk > 0)';
    expect(await count(database, `select count(*) from ${tables} and ${keys} > 1`)).toBe(16);
    expect(
      await count(database, `select count(*) from ${tables} and ${keys} > 1 and t.wr = 0`),
    ).toBe(0);
  });
});

describe('the owner', () => {
  it('trap 24: a second opening in the same process is refused, naming the owner', async () => {
    const database = temporaryDatabase();
    const first = await openTestStorage(database);
    await expect(openStorage({ database })).rejects.toMatchObject({
      code: 'database-owned',
      owner: { pid: process.pid, epoch: 1 },
    });
    expect(await outcome(first.journal.commit(new TurnMaker().start(1)))).toBe('durable');
  });

  it('trap 24: a second process is refused until the first is gone, however it went', async () => {
    const database = temporaryDatabase();
    const { child, lines, ended } = startChild('opening-child.ts', [database]);
    expect(await firstLine(lines)).toBe('open');
    await expect(openStorage({ database })).rejects.toMatchObject({
      code: 'database-owned',
      owner: { pid: child.pid },
    });
    child.kill('SIGKILL');
    await ended;
    const storage = await openTestStorage(database);
    expect(storage.journal.epoch).toBe(2);
  });

  it('publishes its address for other processes, and forgets that of an earlier owner', async () => {
    const database = temporaryDatabase();
    expect(await readOwner(database)).toBeUndefined();
    const first = await openTestStorage(database);
    await first.journal.setAddress('http://127.0.0.1:4000');
    expect(await readOwner(database)).toMatchObject({
      pid: process.pid,
      address: 'http://127.0.0.1:4000',
    });
    await first.close();
    await openTestStorage(database);
    expect(await readOwner(database)).toMatchObject({ epoch: 2, address: null });
  });
});
