/** Who may store what after what, on a real file. */
import { expect, it } from 'vitest';
import { count, openTestStorage, outcome, tamper } from '../persistence/support/storage.js';
import { TurnMaker } from '../persistence/support/turns.js';
import { temporaryDatabase } from '../support/temporary.js';

it('S158 of two turns computed after one event, the first is stored and the second refused whole', async () => {
  const database = temporaryDatabase();
  const { journal, store, rows } = await openTestStorage(database);
  const turns = new TurnMaker();
  await journal.commit(turns.start(1));
  const first = turns.typical(1, 0);
  turns.resume(1, 1);
  const second = turns.typical(1, 5);
  expect(second.seq).toBe(first.seq);
  expect(await outcome(journal.commit(first))).toBe('durable');
  expect(await outcome(journal.commit(second))).toBe('turn-refused');
  journal.release(1);
  expect((await store.loadRun('run-1'))?.seq).toBe(first.seq);
  expect((await rows.listNodeRuns(1)).map(({ node }) => node)).toEqual(['node-0', 'node-1']);
  expect(
    await count(database, `select count(*) from checkpoints where turn = ${second.turn}`),
  ).toBe(0);
  turns.resume(1, first.seq);
  expect(await outcome(journal.commit(turns.typical(1, 1)))).toBe('durable');
});

it('S158 a turn that leaves out or repeats an event of its run is refused, and others are not', async () => {
  const { journal, store } = await openTestStorage(temporaryDatabase());
  const turns = new TurnMaker();
  for (const run of [1, 2]) await journal.commit(turns.start(run));
  for (const seq of [0, 2]) {
    turns.resume(1, seq);
    expect(await outcome(journal.commit(turns.typical(1, 0)))).toBe('turn-refused');
    journal.release(1);
  }
  expect(await outcome(journal.commit(turns.typical(2, 0)))).toBe('durable');
  expect((await store.loadRun('run-1'))?.seq).toBe(1);
  turns.resume(1, 1);
  expect(await outcome(journal.commit(turns.typical(1, 0)))).toBe('durable');
});

it('S158 the right turn is refused too from a process that does not own the database any more', async () => {
  const database = temporaryDatabase();
  const { journal } = await openTestStorage(database);
  const turns = new TurnMaker();
  await journal.commit(turns.start(1));
  await tamper(database, 'update owner set epoch = epoch + 1');
  expect(await outcome(journal.commit(turns.typical(1, 0)))).toBe('ownership-lost');
  expect(await count(database, 'select max(seq) from run_events')).toBe(1);
});
