import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Journal } from '../../src/actors/ports.js';
import type {
  AttemptRecord,
  NodeRunRecord,
  RunRecord,
  TaskRecord,
  TurnRecord,
} from '../../src/actors/records.js';
import { snapshotDigest } from '../../src/machines/snapshot-digest.js';
import { sqlRows } from '../../src/persistence/sql-rows.js';
import { openStorage } from '../../src/persistence/storage.js';
import type { AttemptKey, RunRows } from '../../src/storage/run-rows.js';
import { memoryRows } from '../../src/testing/memory-rows.js';
import { MemoryStorage } from '../../src/testing/memory-storage.js';
import { AT, TurnMaker } from '../persistence/support/turns.js';

interface Opened {
  readonly journal: Journal;
  readonly rows: RunRows;
  close(): Promise<void>;
}

async function openDatabase(): Promise<Opened> {
  const directory = mkdtempSync(join(tmpdir(), 'runchart-rows-'));
  const storage = await openStorage({ database: join(directory, 'runs.db') });
  const close = async () => {
    await storage.close();
    rmSync(directory, { recursive: true, force: true });
  };
  return { journal: storage.journal, rows: sqlRows(storage.reader), close };
}

async function openMemory(): Promise<Opened> {
  const storage = new MemoryStorage();
  return { journal: storage.journal, rows: memoryRows(storage), close: async () => {} };
}

function task(id: string, run: number, status: TaskRecord['status']): TaskRecord {
  return {
    id,
    run,
    node: 'node-0',
    kind: 'human-approval',
    status,
    presentedJson: '{}',
    responseSchemaJson: null,
    peopleJson: null,
    deadlineAt: null,
    openedAt: AT,
    closedAt: null,
    presentedDigest: '',
    generation: 1,
    level: 0,
    round: 1,
    assignee: null,
    reminders: 0,
    issuesJson: null,
  };
}

const STORED = {
  generation: 1,
  standing: 'accepted' as const,
  schemaJson: null,
  digest: null,
  bytes: null,
};

function artifact(name: string, version: number) {
  const from = { run: 1, node: 'node-0', attempt: 1, at: AT };
  return { ...from, name, version, kind: 'text', pointer: null, payloadJson: '1', ...STORED };
}

function snapshot(actor: string, seq: number) {
  const digest = snapshotDigest('{}');
  return { run: 1, actor, seq, machine: 'm', version: 1, snapshotJson: '{}', digest };
}

function pastInput(attempt: number, inputJson: string | null) {
  return { run: 1, node: 'b', generation: 2, attempt, inputJson };
}

const NODES = ['b', '\u{1f600}', 'B', '\uff5e', 'a10', 'a9'];
const COMPLETED = { status: 'completed', updatedAt: AT + 1, endedAt: null } as const;

/** Three runs; the first has a bit of everything, its event 4 in the middle of a turn. */
function story(): TurnRecord[] {
  const turns = new TurnMaker();
  const starts = [1, 2, 3].map((run) => turns.start(run));
  const { nodeRuns, attempts } = new TurnMaker().typical(1, 0).rows;
  const [row, attempt] = [nodeRuns[0] as NodeRunRecord, attempts[1] as AttemptRecord];
  const ended = { ...attempt, outcome: 'completed', endedAt: AT } as const;
  return [
    ...starts,
    turns.turn(1, 1, {
      nodeRuns: NODES.map((node) => ({ ...row, node, generation: node === 'b' ? 2 : 1 })),
      pastNodeRuns: [{ ...row, node: 'b', outputJson: '"old"' }],
      attempts: [attempt],
      tasks: [task('t2', 1, 'open'), task('t1', 1, 'open')],
    }),
    turns.turn(1, 2, {
      actorVersions: [snapshot('b', 4), snapshot('', 4)],
      attempts: [ended, { ...ended, generation: 2 }, { ...ended, attempt: 10 }],
      tasks: [{ ...task('t1', 1, 'answered'), issuesJson: '[]' }],
      pastInputs: [pastInput(2, '"first"'), pastInput(10, null)],
    }),
    turns.turn(1, 2, {
      actorVersions: [snapshot('b', 6), snapshot('a', 6)],
      attempts: [
        { ...ended, attempt: 2, issuesJson: '[{"code":"x"}]' },
        { ...ended, attempt: 10, issuesJson: '[{"code":"y"}]' },
      ],
      // What is there already stays.
      pastInputs: [pastInput(2, '"other"')],
      artifacts: [
        artifact('b', 1),
        artifact('a', 1),
        artifact('b', 2),
        { ...artifact('b', 3), standing: 'rejected' },
      ],
    }),
    turns.turn(2, 1, {
      runChanged: { ...(starts[1]?.rows.runCreated as RunRecord), ...COMPLETED },
      tasks: [task('t3', 2, 'open')],
    }),
  ];
}

describe.each([
  ['a database', openDatabase],
  ['memory', openMemory],
])('rows of runs in %s', (_name, open) => {
  let opened: Opened;
  let rows: RunRows;

  beforeAll(async () => {
    opened = await open();
    rows = opened.rows;
    await opened.journal.storePlan('plan', '{"nodes":[]}', 'A plan', 0);
    await Promise.all(story().map((turn) => opened.journal.commit(turn)));
  });
  afterAll(() => opened.close());

  it('S193 are listed newest run first, by status and page', async () => {
    const numbers = async (page: Parameters<RunRows['listRuns']>[0]) =>
      (await rows.listRuns(page)).map(({ run }) => run);
    expect(await numbers({ limit: 10 })).toEqual([3, 2, 1]);
    expect(await numbers({ limit: 1, before: 3 })).toEqual([2]);
    expect(await numbers({ limit: 10, status: 'running' })).toEqual([3, 1]);
    expect(await numbers({ limit: -1 })).toEqual([]);
    expect(await rows.getRun('run-2')).toMatchObject(COMPLETED);
    expect(await rows.getRun('run-9')).toBeUndefined();
  });

  it('S193 have node runs by id, in code points, after one of them', async () => {
    const nodes = async (after?: string, limit?: number) =>
      (await rows.listNodeRuns(1, after, limit)).map(({ node }) => node);
    expect(await nodes()).toEqual(['B', 'a10', 'a9', 'b', '\uff5e', '\u{1f600}']);
    expect(await nodes('a9', 2)).toEqual(['b', '\uff5e']);
    expect(await rows.listNodeRuns(2)).toEqual([]);
    expect(await rows.generations(1, 'b')).toMatchObject([
      { node: 'b', generation: 1, outputJson: '"old"' },
      { node: 'b', generation: 2 },
    ]);
  });

  it('S193 have events after a number and of a type, and a newest number', async () => {
    const events = async (after: number, limit: number) =>
      (await rows.events(1, after, limit)).map(({ seq }) => seq);
    expect(await events(0, 10)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(await events(1, 2)).toEqual([2, 3]);
    expect(await rows.eventsOfType(1, 'node.status-changed', 3)).toHaveLength(3);
    expect(await rows.eventsOfType(1, 'node.ready', 3)).toEqual([]);
    expect(await rows.newestSeq(1)).toBe(6);
    expect(await rows.newestSeq(9)).toBe(0);
  });

  it('S193 know the turn of an event, and the snapshots of its time', async () => {
    expect(await rows.checkpointOf(1, 3)).toMatchObject({ reason: 'attempt.result', at: AT });
    expect(await rows.checkpointOf(1, 7)).toBeUndefined();
    const versions = async (seq: number) =>
      (await rows.versionsAt(1, seq)).map(({ actor, seq: of }) => `${actor}@${of}`);
    expect(await versions(3)).toEqual([]);
    expect(await versions(5)).toEqual(['@4', 'b@4']);
    expect(await versions(6)).toEqual(['@4', 'a@6', 'b@6']);
  });

  it('S193 have attempts of a node oldest first, as they are now', async () => {
    const found = await rows.attempts(1, 'node-1');
    expect(found.map(({ generation, attempt }) => `${generation}/${attempt}`)).toEqual([
      '1/1',
      '1/2',
      '1/10',
      '2/1',
    ]);
    expect(found[0]?.outcome).toBe('completed');
    expect(await rows.attempts(1, 'node-9')).toEqual([]);
    const withIssues = await rows.attemptsWithIssues(1);
    expect(withIssues.map(({ attempt }) => attempt)).toEqual([2, 10]);
    expect(await rows.attemptsWithIssues(2)).toEqual([]);
    expect((await rows.tasksWithIssues(1)).map(({ id }) => id)).toEqual(['t1']);
    expect(await rows.tasksWithIssues(2)).toEqual([]);
  });

  it('S90 have the input that each attempt was given, in the order in which they are asked for', async () => {
    const key = (node: string, generation: number, attempt: number) => ({
      ...{ node, generation, attempt },
    });
    const [current] = await rows.listNodeRuns(1, 'a9', 1);
    const keys = [3, 1, 11, 2, 10].map((attempt) => key('b', 2, attempt));
    expect(current?.inputJson).not.toBeNull();
    expect(await rows.inputsOf(1, keys)).toEqual([
      null,
      '"first"',
      current?.inputJson,
      '"first"',
      null,
    ]);
    const others = [key('b', 1, 1), key('a9', 1, 1), key('b', 3, 1), key('none', 1, 1)];
    const [past] = await rows.generations(1, 'b');
    const own = (await rows.getNodeRun(1, 'a9'))?.inputJson;
    expect(await rows.inputsOf(1, others)).toEqual([past?.inputJson, own, null, null]);
    expect(await rows.inputsOf(2, keys.slice(0, 1))).toEqual([null]);
    expect(await rows.inputsOf(1, [])).toEqual([]);
  });

  it('S191 have attempts of all nodes a page at a time, and ends of turns', async () => {
    const paged: string[] = [];
    for (let after: AttemptKey | undefined; ; ) {
      const page = await rows.listAttempts(1, { limit: 2, ...(after && { after }) });
      paged.push(...page.map(({ node, generation: g, attempt }) => `${node}/${g}/${attempt}`));
      after = page.at(-1);
      if (after === undefined) break;
    }
    const all = await rows.listAttempts(1);
    expect(paged).toEqual(all.map(({ node, generation: g, attempt }) => `${node}/${g}/${attempt}`));
    expect(paged).toEqual(['node-1/1/1', 'node-1/1/2', 'node-1/1/10', 'node-1/2/1']);
    const key = { node: 'node-1', generation: 1, attempt: 2 };
    const later = await rows.listAttempts(1, { node: 'node-1', after: key });
    expect(later.map(({ attempt }) => attempt)).toEqual([10, 1]);
    expect(await rows.listAttempts(1, { node: 'node-0' })).toEqual([]);
    expect((await rows.checkpoints(1, 1, 2)).map(({ seq }) => seq)).toEqual([2, 4]);
    expect((await rows.checkpoints(1, 4, 9)).map(({ seq }) => seq)).toEqual([6]);
  });

  it('S193 have tasks by id, status, run and page, each with its run', async () => {
    const ids = async (page: Parameters<RunRows['listTasks']>[0]) =>
      (await rows.listTasks(page)).map(({ id }) => id);
    expect(await ids({ limit: 10 })).toEqual(['t1', 't2', 't3']);
    expect(await ids({ limit: 10, status: 'open' })).toEqual(['t2', 't3']);
    expect(await ids({ limit: 10, run: 1 })).toEqual(['t1', 't2']);
    expect(await ids({ limit: 1, after: 't1' })).toEqual(['t2']);
    expect(await rows.findTask('t3')).toMatchObject({ runId: 'run-2', status: 'open' });
    expect(await rows.findTask('t9')).toBeUndefined();
  });

  it('S193 have artifacts by name and version, and plans by hash', async () => {
    const found = await rows.artifacts(1);
    expect(found.map(({ name, version }) => `${name}/${version}`)).toEqual([
      'a/1',
      'b/1',
      'b/2',
      'b/3',
    ]);
    const after = await rows.artifacts(1, { name: 'a', version: 1 }, 2);
    expect(after.map(({ version }) => version)).toEqual([1, 2]);
    const last = await rows.artifacts(1, { name: 'b', version: 2 });
    expect(last.map(({ version }) => version)).toEqual([3]);
    expect(await rows.artifact(1, 'b')).toMatchObject({ version: 2 });
    expect(await rows.artifact(1, 'b', 3)).toMatchObject({ version: 3, standing: 'rejected' });
    expect(await rows.artifact(1, 'b', 4)).toBeUndefined();
    expect(await rows.artifact(2, 'b')).toBeUndefined();
    expect(await rows.loadPlan('plan')).toBe('{"nodes":[]}');
    expect(await rows.loadPlan('other')).toBeUndefined();
  });
});
