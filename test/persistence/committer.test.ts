import { createClient } from '@libsql/client/sqlite3';
import { describe, expect, it } from 'vitest';
import { type BatchWriter, Committer } from '../../src/persistence/committer.js';
import { encodeTurn } from '../../src/persistence/encode.js';
import type { EncodedItem, EncodedTurn } from '../../src/persistence/encoded-turn.js';
import { openWriter } from '../../src/persistence/writer.js';
import { temporaryDatabase } from '../support/temporary.js';
import { count, openTestStorage, outcome, outcomes, tamper } from './support/storage.js';
import { AT, TurnMaker } from './support/turns.js';

/** What the binding throws, with SQLite's own result code. */
function failure(rawCode: number): Error {
  return Object.assign(new Error(`result code ${rawCode}`), { rawCode });
}
const IOERR = 10;
const CONSTRAINT = 19;

/** A writer that keeps turns in memory and fails as told: before the work, or after it is done. */
class FaultyWriter implements BatchWriter {
  readonly stored: number[] = [];
  writes = 0;
  readonly #fault: (
    write: number,
    turns: readonly number[],
  ) => 'before' | 'after' | 'refuse' | 'none';

  constructor(fault: FaultyWriter['writeFault']) {
    this.#fault = fault;
  }

  get writeFault() {
    return this.#fault;
  }

  writeBatch(items: readonly EncodedItem[]): void {
    const turns = items.map((item) => (item as EncodedTurn).turn);
    const fault = this.#fault(this.writes, turns);
    this.writes += 1;
    if (fault === 'refuse') throw failure(CONSTRAINT);
    if (fault === 'before') throw failure(IOERR);
    this.stored.push(...turns);
    if (fault === 'after') throw failure(IOERR);
  }

  contains(items: readonly EncodedItem[]): boolean {
    return items.every((item) => this.stored.includes((item as EncodedTurn).turn));
  }
}

function committerOf(writer: BatchWriter, failings: string[] = []): Committer {
  return new Committer(writer, {
    retryDelaysMs: [0, 0, 0],
    onFailing: (detail) => failings.push(detail),
  });
}

function threeTurns(): EncodedTurn[] {
  const turns = new TurnMaker();
  return [1, 2, 3].map((run) => encodeTurn(turns.start(run)));
}

describe('a commit whose outcome is unknown', () => {
  it('decided 11: is durable when the batch is found, and is not written twice', async () => {
    const writer = new FaultyWriter((write) => (write === 0 ? 'after' : 'none'));
    const failings: string[] = [];
    expect(await committerOf(writer, failings).commit(threeTurns())).toEqual([null, null, null]);
    expect(writer.stored).toEqual([1, 2, 3]);
    expect(failings).toHaveLength(1);
  });

  it('is tried again when the batch is not found', async () => {
    const writer = new FaultyWriter((write) => (write < 2 ? 'before' : 'none'));
    expect(await committerOf(writer).commit(threeTurns())).toEqual([null, null, null]);
    expect(writer.stored).toEqual([1, 2, 3]);
    expect(writer.writes).toBe(3);
  });

  it('is looked up once more after the last try', async () => {
    const writer = new FaultyWriter((write) => (write === 3 ? 'after' : 'before'));
    expect(await committerOf(writer).commit(threeTurns())).toEqual([null, null, null]);
    expect(writer.writes).toBe(4);
  });

  it('promise 12: voids the whole batch when the fault lasts', async () => {
    const writer = new FaultyWriter(() => 'before');
    const results = await committerOf(writer).commit(threeTurns());
    expect(results.map((result) => result?.code)).toEqual(Array(3).fill('storage-unavailable'));
    expect(writer.stored).toEqual([]);
  });

  it('voids the turns not yet stored when the fault comes among turns committed one by one', async () => {
    const writer = new FaultyWriter((_, turns) => {
      if (turns.length > 1) return 'refuse';
      return turns[0] === 1 ? 'none' : 'before';
    });
    const results = await committerOf(writer).commit(threeTurns());
    expect(results.map((result) => result?.code)).toEqual([
      undefined,
      'storage-unavailable',
      'storage-unavailable',
    ]);
  });
});

describe('a fault of the real database', () => {
  it('trap 19: a lock held elsewhere voids turns, loses none, and leaves nothing behind', async () => {
    const database = temporaryDatabase();
    const { journal } = await openTestStorage(database);
    const turns = new TurnMaker();
    await journal.commit(turns.start(1));
    const intruder = createClient({ url: `file:${database}`, concurrency: 1 });
    const lock = await intruder.transaction('write');
    expect(
      await outcomes([journal.commit(turns.start(2)), journal.commit(turns.turn(1, 1))]),
    ).toEqual(['storage-unavailable', 'storage-unavailable']);
    expect(journal.health().state).toBe('failing');
    await lock.rollback();
    intruder.close();
    const later = [3, 4, 5].map((run) => journal.commit(turns.start(run)));
    expect(await outcomes(later)).toEqual(['durable', 'durable', 'durable']);
    expect(journal.health()).toEqual({ state: 'ok', queued: 0 });
    expect(await count(database, 'select count(*) from checkpoints')).toBe(4);
  });

  it('a damaged end of one chain voids the turns of that run alone', async () => {
    const database = temporaryDatabase();
    const turns = new TurnMaker();
    const first = await openTestStorage(database);
    await outcomes([1, 2].map((run) => first.journal.commit(turns.start(run))));
    await first.close();
    await tamper(database, "update checkpoints set hash = cast(x'41ff' as text) where run = 1");
    const { journal } = await openTestStorage(database, { acceptTruncation: true });
    const commits = [journal.commit(turns.turn(1, 1)), journal.commit(turns.turn(2, 1))];
    expect(await outcomes(commits)).toEqual(['turn-refused', 'durable']);
  });

  it('turns of one run and of others share a transaction, and later batches go on from it', async () => {
    const database = temporaryDatabase();
    const writer = await openWriter({ database, now: AT });
    const turns = new TurnMaker();
    const batch = [turns.start(1), turns.typical(1, 0), turns.start(2), turns.typical(1, 1)];
    writer.writeBatch(batch.map(encodeTurn));
    expect(writer.contains([encodeTurn(turns.typical(1, 2))])).toBe(false);
    expect(() => writer.writeBatch([encodeTurn(turns.typical(1, 3))])).toThrow(/after event 7/);
    turns.resume(1, 7);
    writer.writeBatch([turns.typical(1, 2), turns.typical(2, 0)].map(encodeTurn));
    writer.close();
    expect(await count(database, 'select count(*) from checkpoints')).toBe(6);
  });

  it('promise 5: the bare writer is fenced too', async () => {
    const database = temporaryDatabase();
    const writer = await openWriter({ database, now: AT });
    const turns = new TurnMaker();
    writer.writeBatch([encodeTurn(turns.start(1))]);
    await tamper(database, 'update owner set epoch = 7');
    const results = await committerOf(writer).commit([encodeTurn(turns.start(2))]);
    expect(results[0]?.code).toBe('ownership-lost');
    writer.close();
    expect(await outcome(openTestStorage(database))).toBe('durable');
  });
});
