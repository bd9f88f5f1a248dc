import { copyFileSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { TurnRows } from '../../src/actors/records.js';
import { snapshotDigest } from '../../src/machines/snapshot-digest.js';
import { openStorage } from '../../src/persistence/storage.js';
import { temporaryDatabase, temporaryDirectory } from '../support/temporary.js';
import { openTestStorage, outcome, startChild, tamper } from './support/storage.js';
import { TurnMaker } from './support/turns.js';

const MARK = 'snapshot-to-be-damaged';

/** The run actor's snapshot, with a text in it that can be found in the file. */
function markedSnapshot(run: number, seq: number): Partial<TurnRows> {
  const snapshotJson = JSON.stringify({ value: 'running', context: { note: MARK } });
  const digest = snapshotDigest(snapshotJson);
  return {
    actorVersions: [{ run, actor: '', seq, machine: 'run', version: 1, snapshotJson, digest }],
  };
}

/** A closed database with one run, in which one byte of the snapshot has become `byte`. */
async function damagedDatabase(byte: number): Promise<string> {
  const database = temporaryDatabase();
  const storage = await openTestStorage(database);
  const turns = new TurnMaker();
  await storage.journal.commit(turns.start(1, markedSnapshot(1, 1)));
  await storage.journal.commit(turns.start(2));
  await storage.close();
  const bytes = readFileSync(database);
  const place = bytes.indexOf(MARK);
  expect(place).toBeGreaterThan(0);
  bytes[place] = byte;
  writeFileSync(database, bytes);
  return database;
}

describe('damage', () => {
  it('S93 refuses a snapshot in which one byte has changed, and loads other runs', async () => {
    const { store } = await openTestStorage(await damagedDatabase(0x58));
    const error = await store.loadRun('run-1').catch((cause: unknown) => cause);
    expect(error).toMatchObject({ name: 'StorageError', code: 'snapshot-corrupt' });
    expect((error as Error).message).toContain('run-1');
    expect((await store.loadRun('run-2'))?.seq).toBe(1);
  });

  it('refuses bytes that are no UTF-8 instead of ending the process', async () => {
    const { store } = await openTestStorage(await damagedDatabase(0xff));
    expect(await outcome(store.loadRun('run-1'))).toBe('row-corrupt');
    expect((await store.loadRun('run-2'))?.seq).toBe(1);
  });

  it('S162 refuses a run whose newest event and newest checkpoint disagree', async () => {
    const database = temporaryDatabase();
    const { journal, store } = await openTestStorage(database);
    await journal.commit(new TurnMaker().start(1));
    await tamper(database, "insert into run_events values (1, 2, 'x', null, null, '{}', 0)");
    expect(await outcome(store.loadRun('run-1'))).toBe('run-corrupt');
  });

  it('trap 23: notices a log that lost its end, and opens it when the loss is accepted', async () => {
    const database = temporaryDatabase();
    const { journal } = await openTestStorage(database);
    const turns = new TurnMaker();
    await journal.commit(turns.start(1));
    const sizeAfterFirst = statSync(`${database}-wal`).size;
    await journal.commit(turns.typical(1, 0));
    const copy = join(temporaryDirectory(), 'copy.db');
    for (const suffix of ['', '-wal', '-head']) copyFileSync(database + suffix, copy + suffix);
    truncateSync(`${copy}-wal`, sizeAfterFirst);
    expect(await outcome(openStorage({ database: copy }))).toBe('journal-truncated');
    const accepted = await openTestStorage(copy, { acceptTruncation: true });
    expect((await accepted.store.loadRun('run-1'))?.seq).toBe(1);
    turns.resume(1, 1);
    expect(await outcome(accepted.journal.commit(turns.typical(1, 0)))).toBe('durable');
  });

  it('opens a complete copy, with or without its head file', async () => {
    const database = temporaryDatabase();
    const { journal } = await openTestStorage(database);
    await journal.commit(new TurnMaker().start(1));
    for (const suffixes of [
      ['', '-wal', '-head'],
      ['', '-wal'],
    ]) {
      const copy = join(temporaryDirectory(), 'copy.db');
      for (const suffix of suffixes) copyFileSync(database + suffix, copy + suffix);
      expect((await (await openTestStorage(copy)).store.loadRun('run-1'))?.seq).toBe(1);
    }
  });
});

describe('the chain of a run', () => {
  it('is whole after many turns, also across a restart', async () => {
    const database = temporaryDatabase();
    const first = await openTestStorage(database);
    const turns = new TurnMaker();
    await first.journal.commit(turns.start(1, markedSnapshot(1, 1)));
    for (let place = 0; place < 5; place += 1) await first.journal.commit(turns.typical(1, place));
    await first.close();
    const second = await openTestStorage(database);
    const commits = Array.from({ length: 300 }, (_, place) => turns.typical(1, place + 5));
    await Promise.all(commits.map((turn) => second.journal.commit(turn)));
    expect(await second.rows.verifyChain(1)).toMatchObject({
      turns: 306,
      end: { seq: turns.seq(1) },
      findings: [],
    });
  });

  it.each([
    [
      'an altered event',
      `update run_events set detail_json = '{"from":"x"}' where seq = 3`,
      'chain-broken',
    ],
    ['a missing event', 'delete from run_events where seq = 3', 'event-gap'],
    ['a missing snapshot', "delete from actor_versions where actor = 'node-1'", 'chain-broken'],
    ['an altered turn', "update checkpoints set reason = 'x' where seq = 4", 'chain-broken'],
    ['a missing turn', 'delete from checkpoints where seq = 4', 'chain-broken'],
    ['a missing last turn', 'delete from checkpoints where seq = 7', 'event-beyond-checkpoint'],
  ])('trap 23: shows %s', async (_, statement, code) => {
    const database = temporaryDatabase();
    const { journal, rows } = await openTestStorage(database);
    const turns = new TurnMaker();
    const commits = [turns.start(1), turns.typical(1, 0), turns.typical(1, 1)];
    for (const turn of commits) await journal.commit(turn);
    await tamper(database, statement);
    const { findings } = await rows.verifyChain(1);
    expect(findings.map((finding) => finding.code)).toContain(code);
  });
});

describe('durability', () => {
  it('promise 1: what was acknowledged survives kill -9', async () => {
    const database = temporaryDatabase();
    const { child, lines, ended } = startChild('committing-child.ts', [database]);
    const acknowledged: number[] = [];
    for await (const line of lines) {
      acknowledged.push(Number(line));
      if (acknowledged.length === 300) child.kill('SIGKILL');
    }
    await ended;
    await expectStored(database, acknowledged);
  });

  it('promise 12: on a full disk nothing more is acknowledged, and nothing acknowledged is lost', async () => {
    const database = temporaryDatabase();
    const { lines, ended } = startChild('committing-child.ts', [database], { fileLimit: 1_000 });
    const acknowledged: number[] = [];
    const endings: string[] = [];
    for await (const line of lines) {
      if (/^\d+$/.test(line)) acknowledged.push(Number(line));
      else endings.push(line);
    }
    await ended;
    expect(acknowledged.length).toBeGreaterThan(0);
    expect(endings).toEqual([...Array<string>(8).fill('storage-unavailable'), 'health failing']);
    await expectStored(database, acknowledged);
  });
});

/** Every acknowledged turn is in the database, and every run is whole and can go on. */
async function expectStored(database: string, acknowledged: readonly number[]): Promise<void> {
  const { store, rows } = await openTestStorage(database);
  const stored = new Set<number>();
  const runs = await rows.listRuns({ limit: 100 });
  for (const { run, id } of runs) {
    const loaded = await store.loadRun(id);
    const { end, findings } = await rows.verifyChain(run);
    expect(findings).toEqual([]);
    expect(loaded?.seq).toBe(end.seq);
    for (let after = 0; ; ) {
      const page = await rows.checkpoints(run, after, 1_000);
      for (const { turn } of page) stored.add(turn);
      if (page.length < 1_000) break;
      after = page.at(-1)?.seq ?? after;
    }
  }
  expect(acknowledged.filter((turn) => !stored.has(turn))).toEqual([]);
}
