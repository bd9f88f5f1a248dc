import { statSync } from 'node:fs';
import type { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import type { TurnRecord } from '../../src/actors/records.js';
import { startWorkerThread } from '../../src/persistence/journal-thread.js';
import { temporaryDatabase } from '../support/temporary.js';
import { count, openTestStorage, outcome, outcomes, tamper } from './support/storage.js';
import { TurnMaker } from './support/turns.js';

/** A turn that breaks a constraint of the database: the number of an earlier turn. */
function bad(turn: TurnRecord): TurnRecord {
  return { ...turn, turn: 1 };
}

describe('the journal', () => {
  it('S157 commits all rows of a turn, or none', async () => {
    const database = temporaryDatabase();
    const { journal, store, rows } = await openTestStorage(database);
    const turns = new TurnMaker();
    await journal.commit(turns.start(1));
    expect(await outcome(journal.commit(bad(turns.typical(1, 0))))).toBe('turn-refused');
    expect(await rows.events(1, 0, 10)).toHaveLength(1);
    expect(await rows.listNodeRuns(1)).toEqual([]);
    expect((await store.loadRun('run-1'))?.seq).toBe(1);
  });

  it('decided 11: a bad turn in a batch voids itself and the later turns of its run', async () => {
    const { journal, store } = await openTestStorage(temporaryDatabase());
    const turns = new TurnMaker();
    await outcomes([1, 2, 3].map((run) => journal.commit(turns.start(run))));
    const batch = [
      turns.typical(1, 0),
      turns.typical(2, 0),
      bad(turns.typical(2, 1)),
      turns.typical(2, 2),
      turns.typical(3, 0),
      turns.typical(1, 1),
    ];
    expect(await outcomes(batch.map((turn) => journal.commit(turn)))).toEqual([
      'durable',
      'durable',
      'turn-refused',
      'turn-refused',
      'durable',
      'durable',
    ]);
    expect((await store.loadRun('run-1'))?.seq).toBe(7);
    expect((await store.loadRun('run-2'))?.seq).toBe(4);
    expect((await store.loadRun('run-3'))?.seq).toBe(4);
  });

  it('decided 11: refuses a void run until it is released, then goes on from the disk', async () => {
    const { journal, store } = await openTestStorage(temporaryDatabase());
    const turns = new TurnMaker();
    await journal.commit(turns.start(1));
    expect(await outcome(journal.commit(bad(turns.typical(1, 0))))).toBe('turn-refused');
    turns.resume(1, 1);
    const next = turns.typical(1, 0);
    expect(await outcome(journal.commit(next))).toBe('turn-refused');
    journal.release(1);
    expect(await outcome(journal.commit(next))).toBe('durable');
    expect((await store.loadRun('run-1'))?.seq).toBe(4);
  });

  it('S161 commits the turns of a run in the order in which they were handed over', async () => {
    const { journal, rows } = await openTestStorage(temporaryDatabase(), { maxBatchTurns: 3 });
    const turns = new TurnMaker();
    const committed: number[] = [];
    const batch = [
      turns.start(1),
      ...Array.from({ length: 50 }, (_, place) => turns.typical(1, place)),
    ];
    await Promise.all(
      batch.map((turn) => journal.commit(turn).then(() => committed.push(turn.turn))),
    );
    expect(committed).toEqual(batch.map(({ turn }) => turn));
    const checkpoints = await rows.checkpoints(1, 0, 100);
    expect(checkpoints.map(({ turn }) => turn)).toEqual(committed);
  });

  it('S159 refuses a turn that leaves a gap in the events of its run', async () => {
    const { journal } = await openTestStorage(temporaryDatabase());
    const turns = new TurnMaker();
    await journal.commit(turns.start(1));
    turns.turn(1, 2);
    expect(await outcome(journal.commit(turns.turn(1, 1)))).toBe('turn-refused');
  });

  it('stores the same plan once', async () => {
    const { journal, store } = await openTestStorage(temporaryDatabase());
    await journal.storePlan('hash', '{"a":1}', 'First', 1);
    await journal.storePlan('hash', '{"a":1}', 'Second', 2);
    expect(await store.loadPlan('hash')).toBe('{"a":1}');
  });

  it('promise 15: refuses turns beyond its limit, and takes more once there is room', async () => {
    const { journal } = await openTestStorage(temporaryDatabase(), { maxQueuedTurns: 2 });
    const turns = new TurnMaker();
    const commits = [1, 2, 3].map((run) => journal.commit(turns.start(run)));
    expect(await outcomes(commits)).toEqual(['durable', 'durable', 'journal-full']);
    expect(await outcome(journal.commit(turns.start(4)))).toBe('durable');
    expect(await outcome(journal.commit(turns.turn(3, 1)))).toBe('journal-full');
  });

  it('keeps the last word on a timer that is cleared and armed again in one batch', async () => {
    const { journal, store } = await openTestStorage(temporaryDatabase());
    const turns = new TurnMaker();
    const timer = {
      id: 'retry',
      run: 1,
      node: 'a',
      kind: 'retry',
      dueAt: 10,
      armedAt: 0,
      refusedJson: '{"output":1}',
    } as const;
    const later = { ...timer, dueAt: 20 };
    await outcomes(
      [
        turns.start(1, { timersArmed: [timer] }),
        turns.turn(1, 1, { timersCleared: ['retry'] }),
        turns.turn(1, 1, { timersArmed: [later] }),
        turns.turn(1, 1, { timersArmed: [{ ...timer, id: 'gone' }] }),
        turns.turn(1, 1, { timersCleared: ['gone'] }),
      ].map((turn) => journal.commit(turn)),
    );
    expect(await store.dueTimers(100, 10)).toEqual([{ ...later, runId: 'run-1' }]);
    expect(await store.nextDue(10)).toBe(20);
    expect(await store.nextDue(20)).toBeUndefined();
  });

  it('commits what is queued before it closes, and refuses what comes later', async () => {
    const database = temporaryDatabase();
    const storage = await openTestStorage(database);
    const turns = new TurnMaker();
    const commits = [1, 2, 3].map((run) => outcome(storage.journal.commit(turns.start(run))));
    await storage.close();
    expect(await Promise.all(commits)).toEqual(['durable', 'durable', 'durable']);
    expect(await outcome(storage.journal.commit(turns.start(4)))).toBe('journal-closed');
    const log = statSync(`${database}-wal`, { throwIfNoEntry: false });
    expect(log?.size ?? 0).toBe(0);
    expect(await count(database, 'select count(*) from runs')).toBe(3);
  });
});

describe('ownership', () => {
  it('promise 5: a fenced journal writes nothing and says so', async () => {
    const database = temporaryDatabase();
    const { journal } = await openTestStorage(database);
    const turns = new TurnMaker();
    await journal.commit(turns.start(1));
    await tamper(database, 'update owner set epoch = epoch + 1');
    const commits = [turns.typical(1, 0), turns.start(2)].map((turn) => journal.commit(turn));
    expect(await outcomes(commits)).toEqual(['ownership-lost', 'ownership-lost']);
    expect(journal.health().state).toBe('lost');
    expect(await outcome(journal.commit(turns.start(3)))).toBe('ownership-lost');
    expect(await count(database, 'select count(*) from checkpoints')).toBe(1);
  });

  it('survives the death of its thread: what was told durable is, the rest can be repeated', async () => {
    const database = temporaryDatabase();
    const threads: Worker[] = [];
    const { journal, store } = await openTestStorage(database, {
      startWorker: (options) => {
        const thread = startWorkerThread(options);
        threads.push(thread);
        return thread;
      },
    });
    const epoch = journal.epoch;
    const turns = new TurnMaker();
    await outcomes([1, 2, 3, 4].map((run) => journal.commit(turns.start(run))));
    const batch = [1, 2, 3, 4].flatMap((run) => [turns.typical(run, 0), turns.typical(run, 1)]);
    const commits = outcomes(batch.map((turn) => journal.commit(turn)));
    await Promise.resolve();
    await threads[0]?.terminate();
    const results = await commits;
    for (const [place, turn] of batch.entries()) {
      const isStored = await count(
        database,
        `select count(*) from checkpoints where turn = ${turn.turn}`,
      );
      expect(results[place]).toBe(isStored === 1 ? 'durable' : 'storage-unavailable');
    }
    journal.release(1);
    turns.resume(1, (await store.loadRun('run-1'))?.seq ?? 0);
    expect(await outcome(journal.commit(turns.turn(1, 1)))).toBe('durable');
    expect(journal.health()).toEqual({ state: 'ok', queued: 0 });
    expect(threads).toHaveLength(2);
    expect(journal.epoch).toBe(epoch + 1);
  });

  it('gives up when its thread died and another owner has written meanwhile', async () => {
    const database = temporaryDatabase();
    const threads: Worker[] = [];
    const { journal } = await openTestStorage(database, {
      startWorker: (options) => {
        const thread = startWorkerThread(options);
        threads.push(thread);
        return thread;
      },
    });
    const turns = new TurnMaker();
    await journal.commit(turns.start(1));
    await tamper(database, 'update owner set epoch = epoch + 1');
    const commit = outcome(journal.commit(turns.turn(1, 1)));
    await threads[0]?.terminate();
    expect(await commit).toBe('ownership-lost');
    expect(journal.health().state).toBe('lost');
  });
});
