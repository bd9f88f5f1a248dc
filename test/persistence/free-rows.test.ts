/** Rows that belong to no run: schedules, and keys that runs were started under. */
import type { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import type {
  FreeRow,
  Journal,
  RunKeyRecord,
  RunStore,
  ScheduleRecord,
} from '../../src/actors/ports.js';
import { startWorkerThread } from '../../src/persistence/journal-thread.js';
import { MemoryStorage } from '../../src/testing/memory-storage.js';
import { temporaryDatabase } from '../support/temporary.js';
import { count, openTestStorage, outcome, outcomes, tamper } from './support/storage.js';
import { TurnMaker } from './support/turns.js';

function record(id: string, changes: Partial<ScheduleRecord> = {}): ScheduleRecord {
  return {
    id,
    planHash: 'plan',
    label: 'audit ☃',
    cadenceJson: '{"everyMs":60000}',
    inputJson: JSON.stringify({ text: '\ud800', large: 'x'.repeat(40_000) }),
    overlap: 'skip',
    catchUpJson: '"latest"',
    startAt: null,
    endAt: 9_000,
    jitterMs: 0,
    paused: 0,
    decidedUntil: 5,
    lastOccurrence: null,
    activeRun: null,
    queuedJson: '[]',
    dueAt: 10,
    countersJson: '{}',
    createdAt: 1,
    updatedAt: 2,
    runOptionsJson: '{"priority":3}',
    ...changes,
  };
}

const put = (id: string, changes: Partial<ScheduleRecord> = {}): FreeRow => ({
  type: 'schedule.put',
  record: record(id, changes),
});

const key = (changes: Partial<RunKeyRecord> = {}): RunKeyRecord => ({
  purpose: 'debounce',
  key: 'k',
  runId: 'run-2',
  startAt: 20,
  supersededId: 'run-1',
  supersededStartAt: 10,
  ...changes,
});

interface Opened {
  readonly journal: Journal;
  readonly store: RunStore;
}

const storages: [string, () => Promise<Opened>][] = [
  ['a database', () => openTestStorage(temporaryDatabase())],
  ['storage in memory', async () => new MemoryStorage()],
];

describe.each(storages)('%s', (_, open) => {
  it('S222 gives a schedule back as it was stored last, and none that was removed', async () => {
    const { journal, store } = await open();
    await journal.write([put('a'), put('b', { dueAt: null, paused: 1 })]);
    expect(await store.schedules.find('a')).toEqual(record('a'));
    await journal.write([put('a', { label: 'other' }), { type: 'schedule.remove', id: 'b' }]);
    expect(await store.schedules.list('', 10)).toEqual([record('a', { label: 'other' })]);
    expect(await store.schedules.find('b')).toBeUndefined();
  });

  it('S222 lists schedules by id, and by when they are due', async () => {
    const { journal, store } = await open();
    const due = { c: 10, a: 30, b: 10, e: 20 };
    const rows = Object.entries(due).map(([id, dueAt]) => put(id, { dueAt }));
    await journal.write([...rows, put('d', { dueAt: null })]);
    const ids = (records: readonly ScheduleRecord[]) => records.map(({ id }) => id).join('');
    expect(ids(await store.schedules.list('', 3))).toBe('abc');
    expect(ids(await store.schedules.list('c', 3))).toBe('de');
    expect(ids(await store.schedules.due(20, 10))).toBe('bce');
    expect(ids(await store.schedules.due(20, 1))).toBe('b');
    expect(await store.schedules.nextDue(10)).toBe(20);
    expect(await store.schedules.nextDue(30)).toBeUndefined();
  });

  it('S222 finds the runs of a schedule by their ids', async () => {
    const { journal, store } = await open();
    const turns = new TurnMaker();
    for (const [run, id] of ['s:2', 's:3', 's:manual:9', 't:4'].entries()) {
      const turn = turns.start(run + 1);
      const { runCreated } = turn.rows;
      if (runCreated === undefined) throw new Error('no run');
      await journal.commit({ ...turn, rows: { ...turn.rows, runCreated: { ...runCreated, id } } });
    }
    const { schedules } = store;
    expect(await schedules.runsBetween('s:0', 's::')).toEqual({ count: 2, last: 's:3' });
    expect(await schedules.runsBetween('s:4', 's::')).toEqual({ count: 0, last: undefined });
  });

  it('S232 finds a key, and pending runs that another one has superseded', async () => {
    const { journal, store } = await open();
    const turns = new TurnMaker();
    const pending = (run: number) => {
      const turn = turns.start(run);
      const { runCreated } = turn.rows;
      const rows = {
        ...turn.rows,
        ...(runCreated && { runCreated: { ...runCreated, status: 'pending' as const } }),
      };
      return { ...turn, rows };
    };
    await journal.commit(pending(1));
    await journal.write([{ type: 'run-key.put', record: key() }]);
    expect(await store.runKeys.find('debounce', 'k')).toEqual(key());
    expect(await store.runKeys.find('singleton', 'k')).toBeUndefined();
    expect(await store.runKeys.superseded('', 10)).toEqual([]);
    await journal.commit(pending(2));
    expect(await store.runKeys.superseded('', 10)).toEqual(['run-1']);
    expect(await store.runKeys.superseded('run-1', 10)).toEqual([]);
  });

  it('writes rows and turns in the order in which they were handed over', async () => {
    const { journal, store } = await open();
    const turns = new TurnMaker();
    const told: string[] = [];
    const tell = (name: string, work: Promise<void>) => work.then(() => told.push(name));
    await Promise.all([
      tell('turn 1', journal.commit(turns.start(1))),
      tell('row 1', journal.write([put('a', { label: '1' })])),
      tell('turn 2', journal.commit(turns.turn(1, 1))),
      tell('row 2', journal.write([put('a', { label: '2' })])),
    ]);
    expect(told).toEqual(['turn 1', 'row 1', 'turn 2', 'row 2']);
    expect((await store.schedules.find('a'))?.label).toBe('2');
  });
});

describe('the journal', () => {
  const bad = put('bad', { label: null as unknown as string });

  it('S157 stores all rows of a write, or none, and leaves others alone', async () => {
    const { journal, store } = await openTestStorage(temporaryDatabase());
    const turns = new TurnMaker();
    const results = await outcomes([
      journal.write([put('before')]),
      journal.write([put('beside'), bad]),
      journal.write([put('beside'), put('half \ud800')]),
      journal.commit(turns.start(1)),
      journal.write([put('after')]),
    ]);
    expect(results).toEqual(['durable', 'turn-refused', 'turn-refused', 'durable', 'durable']);
    const stored = await store.schedules.list('', 10);
    expect(stored.map(({ id }) => id)).toEqual(['after', 'before']);
  });

  it('S157 promise 12: a value that is none is refused alone, and the journal goes on', async () => {
    const { journal, store } = await openTestStorage(temporaryDatabase());
    for (const strange of [Symbol('s'), () => 1, 10n, true, undefined, {}, [], new Date(0)]) {
      const label = strange as unknown as string;
      expect(await outcome(journal.write([put('strange', { label })]))).toBe('turn-refused');
    }
    expect(await outcome(journal.write([put('after')]))).toBe('durable');
    expect((await store.schedules.list('', 10)).map(({ id }) => id)).toEqual(['after']);
  });

  it('S157 rows that were acknowledged are there after a restart', async () => {
    const database = temporaryDatabase();
    const first = await openTestStorage(database);
    await first.journal.write([put('a'), { type: 'run-key.put', record: key() }]);
    await first.close();
    const { store } = await openTestStorage(database);
    expect(await store.schedules.find('a')).toEqual(record('a'));
    expect(await store.runKeys.find('debounce', 'k')).toEqual(key());
  });

  it('promise 5: a fenced journal writes no rows', async () => {
    const database = temporaryDatabase();
    const { journal } = await openTestStorage(database);
    await tamper(database, 'update owner set epoch = epoch + 1');
    expect(await outcome(journal.write([put('a')]))).toBe('ownership-lost');
    expect(await count(database, 'select count(*) from schedules')).toBe(0);
  });

  it('promise 15: refuses rows beyond its limit', async () => {
    const { journal } = await openTestStorage(temporaryDatabase(), { maxQueuedTurns: 1 });
    const writes = ['a', 'b'].map((id) => journal.write([put(id)]));
    expect(await outcomes(writes)).toEqual(['durable', 'journal-full']);
    expect(await outcome(journal.write([put('b')]))).toBe('durable');
  });

  it('tells what became of rows when its thread dies, and takes more', async () => {
    const threads: Worker[] = [];
    const { journal, store } = await openTestStorage(temporaryDatabase(), {
      startWorker: (options) => {
        const thread = startWorkerThread(options);
        threads.push(thread);
        return thread;
      },
    });
    await journal.write([put('gone')]);
    const ids = Array.from({ length: 20 }, (_, place) => `s${place}`);
    const removal = outcome(journal.write([{ type: 'schedule.remove', id: 'gone' }]));
    const writes = outcomes(ids.map((id) => journal.write([put(id)])));
    await Promise.resolve();
    await threads[0]?.terminate();
    const told = await writes;
    for (const [place, id] of ids.entries()) {
      const isStored = (await store.schedules.find(id)) !== undefined;
      expect(told[place]).toBe(isStored ? 'durable' : 'storage-unavailable');
    }
    const isGone = (await store.schedules.find('gone')) === undefined;
    expect(await removal).toBe(isGone ? 'durable' : 'storage-unavailable');
    expect(await outcome(journal.write([put('later')]))).toBe('durable');
  });
});
