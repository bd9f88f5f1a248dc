import { describe, expect, it } from 'vitest';
import type { NodeRunRecord, RunRecord } from '../../src/actors/records.js';
import type { RunStatus } from '../../src/machines/statuses.js';
import { temporaryDatabase } from '../support/temporary.js';
import { openTestStorage } from './support/storage.js';
import { AT, TurnMaker } from './support/turns.js';

/** Runs 1 to `statuses.length`, each in its status. */
async function storageWith(statuses: readonly RunStatus[]) {
  const storage = await openTestStorage(temporaryDatabase());
  const turns = new TurnMaker();
  const commits = statuses.flatMap((status, place) => {
    const run = place + 1;
    const runChanged = {
      run,
      status,
      updatedAt: AT + 1,
      endedAt: null,
      reasonJson: null,
      metadataJson: null,
      planHash: 'plan',
      usageJson: null,
      outputJson: null,
      pastPlansJson: null,
    };
    return [turns.start(run), turns.turn(run, 1, { runChanged })];
  });
  await Promise.all(commits.map((turn) => storage.journal.commit(turn)));
  return { ...storage, turns };
}

describe('lists', () => {
  it('gives runs newest first, page by page, by status', async () => {
    const { rows } = await storageWith([
      'completed',
      'running',
      'completed',
      'failed',
      'completed',
    ]);
    const all = await rows.listRuns({ limit: 10 });
    expect(all.map(({ run }) => run)).toEqual([5, 4, 3, 2, 1]);
    const page = await rows.listRuns({ status: 'completed', limit: 2 });
    expect(page.map(({ run }) => run)).toEqual([5, 3]);
    const next = await rows.listRuns({ status: 'completed', limit: 2, before: 3 });
    expect(next.map(({ run }) => run)).toEqual([1]);
    expect(await rows.getRun('run-4')).toMatchObject({
      run: 4,
      status: 'failed',
      updatedAt: AT + 1,
    });
    expect(await rows.getRun('unknown')).toBeUndefined();
  });

  it('gives events after a number, in order', async () => {
    const { journal, rows, turns } = await storageWith(['running']);
    await journal.commit(turns.typical(1, 0));
    expect((await rows.events(1, 2, 2)).map(({ seq }) => seq)).toEqual([3, 4]);
    expect(await rows.events(1, 5, 10)).toEqual([]);
  });
});

describe('the store', () => {
  it('starts numbers after the highest turn and run', async () => {
    const { store } = await storageWith(['running', 'running']);
    expect(await store.highWater()).toEqual({ turn: 4, run: 2 });
    const empty = await openTestStorage(temporaryDatabase());
    expect(await empty.store.highWater()).toEqual({ turn: 0, run: 0 });
  });

  it('S164 lists runs in motion oldest first, and paused ones with an open attempt', async () => {
    const { journal, store, turns } = await storageWith([
      'running',
      'paused',
      'awaiting-human',
      'ready',
      'completed',
      'paused',
      'pending',
    ]);
    await journal.commit(turns.typical(6, 0));
    const inMotion = ['run-1', 'run-4', 'run-6', 'run-7'];
    expect(await store.unfinishedRuns(undefined, 10, [])).toEqual(inMotion);
    expect(await store.unfinishedRuns('run-4', 1, ['nodes'])).toEqual(['run-6']);
  });

  it('finds a run by id, and nothing where there is none', async () => {
    const { store } = await storageWith(['running']);
    expect(await store.findRun('run-1')).toEqual({ run: 1, startDigest: 'digest' });
    expect(await store.findRun('run-2')).toBeUndefined();
    expect(await store.loadRun('run-2')).toBeUndefined();
    expect(await store.loadPlan('unknown')).toBeUndefined();
    expect(await store.findTask('unknown')).toBeUndefined();
  });

  it('loads a run with its open attempts, in one state', async () => {
    const { journal, store, turns } = await storageWith(['running']);
    await journal.commit(turns.typical(1, 0));
    await journal.commit(turns.typical(1, 1));
    const loaded = await store.loadRun('run-1');
    expect(loaded).toMatchObject({ seq: 8, planJson: '{"nodes":[]}' });
    expect(loaded?.nodeRuns.map(({ node, status }) => [node, status])).toEqual([
      ['node-0', 'completed'],
      ['node-1', 'completed'],
      ['node-2', 'running'],
    ]);
    expect(loaded?.snapshots.map(({ actor, seq }) => [actor, seq])).toEqual([['node-2', 8]]);
    expect(loaded?.openAttempts.map(({ node }) => node)).toEqual(['node-2']);
  });

  it('works with a plan of every index that a hot read needs', async () => {
    const { reader } = await storageWith(['running']);
    const plan = async (query: string): Promise<string> =>
      (await reader.cells(`explain query plan ${query}`)).map((cells) => cells[3]).join('; ');
    expect(
      await plan("select * from runs where status = 'x' and run < 9 order by run desc"),
    ).toMatch(/^SEARCH runs USING INDEX runs_status \(status=\? AND rowid<\?\)$/);
    expect(await plan('select * from timers where due_at <= 9 order by due_at')).toMatch(
      /timers_due/,
    );
    expect(await plan("select * from tasks where status = 'open' and run = 1")).toMatch(
      /tasks_status_run \(status=\? AND run=\?\)/,
    );
  });
});

describe('runs of subplans that their parents have to be told of', () => {
  it('S149 are those that have ended, or rest otherwise than is known, while they are waited for', async () => {
    const { journal, store } = await openTestStorage(temporaryDatabase());
    const [host] = new TurnMaker().typical(1, 0).rows.nodeRuns;
    const turns = new TurnMaker();
    const children = [
      { node: 's', inside: 'run-2 awaiting-human', status: 'blocked' },
      { node: 't', inside: 'run-3 blocked', status: 'blocked' },
      { node: 'u', inside: 'run-4 running', status: 'completed' },
      { node: 'v', inside: 'run-5 running', status: 'running' },
    ] as const;
    const nodeRuns = children.map(({ node, inside }) => {
      return { ...(host as NodeRunRecord), node, inside, status: 'running' as const };
    });
    await journal.commit(turns.start(1, { nodeRuns }));
    for (const [index, { node, status }] of children.entries()) {
      const { rows, ...turn } = turns.start(index + 2);
      const of = { status, parentId: 'run-1', parentNode: node };
      const runCreated = { ...(rows.runCreated as RunRecord), ...of };
      await journal.commit({ ...turn, rows: { ...rows, runCreated } });
    }
    const untold = await store.untoldChildren('', 10);
    expect(untold.map(({ id, status }) => [id, status])).toEqual([
      ['run-2', 'blocked'],
      ['run-4', 'completed'],
    ]);
    expect(await store.untoldChildren('run-2', 10)).toMatchObject([{ id: 'run-4' }]);
  });

  it('S156 S149 are those that have not heard of a pause, or of its end', async () => {
    const told = async (parent: RunStatus) => {
      const { journal, store } = await openTestStorage(temporaryDatabase());
      const [host] = new TurnMaker().typical(1, 0).rows.nodeRuns;
      const turns = new TurnMaker();
      const children = [
        { inside: 'run-2 running', status: 'running' },
        { inside: 'run-3 awaiting-human', status: 'awaiting-human' },
        { inside: 'run-4 paused shared', status: 'paused', isShared: true },
        { inside: 'run-5 running exempt', status: 'running' },
        { inside: 'run-6 running', status: 'paused' },
        { inside: 'run-7 paused', status: 'paused' },
        { inside: 'run-8 paused shared', status: 'paused' },
        { inside: 'run-9 paused ending', status: 'paused', isShared: true },
        { inside: 'run-10 blocked exempt', status: 'blocked' },
      ] as const;
      const reasonJson = JSON.stringify({ code: 'parent-paused', message: 'it is' });
      const nodeRuns = children.map(({ inside }, index) => {
        const of = { node: `n${index}`, inside, status: 'running' as const };
        return { ...(host as NodeRunRecord), ...of };
      });
      const first = turns.start(1, { nodeRuns });
      const runCreated = { ...(first.rows.runCreated as RunRecord), status: parent };
      await journal.commit({ ...first, rows: { ...first.rows, runCreated } });
      for (const [index, child] of children.entries()) {
        const { rows, ...turn } = turns.start(index + 2);
        const of = {
          ...{ status: child.status, parentId: 'run-1', parentNode: `n${index}` },
          ...('isShared' in child && { reasonJson }),
        };
        const created = { ...(rows.runCreated as RunRecord), ...of };
        await journal.commit({ ...turn, rows: { ...rows, runCreated: created } });
      }
      return (await store.untoldChildren('', 10)).map(({ id }) => id);
    };
    expect(await told('paused')).toEqual(['run-2', 'run-3', 'run-6', 'run-8', 'run-9']);
    expect(await told('running')).toEqual(['run-6', 'run-8', 'run-9']);
  });
});
