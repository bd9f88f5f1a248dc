import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type {
  ArtifactRecord,
  AttemptRecord,
  NodeRunRecord,
  PastInputRecord,
  ResponseRecord,
  TaskRecord,
  TimerRecord,
  TurnRecord,
} from '../../src/actors/records.js';
import { snapshotDigest } from '../../src/machines/snapshot-digest.js';
import { NODE_STATUSES } from '../../src/machines/statuses.js';
import { LARGE_ROW_LENGTH } from '../../src/persistence/encode.js';
import type { DatabaseStorage } from '../../src/persistence/storage.js';
import { temporaryDatabase } from '../support/temporary.js';
import { openTestStorage, outcome } from './support/storage.js';
import { AT, TurnMaker } from './support/turns.js';

const AWKWARD = 'ü☃😀 "quoted" \\ \u0000 \u001f \u2028 \ud800 \udfff end';

function nodeRun(run: number, seq: number, node: string, outputJson: string | null): NodeRunRecord {
  return {
    run,
    node,
    status: 'completed',
    generation: 1,
    attempt: 1,
    seq,
    inputJson: null,
    outputJson,
    outcome: null,
    action: null,
    reasonJson: null,
    edges: 'tdf',
    updatedAt: AT,
    scope: '',
    inside: null,
    feedbackJson: null,
  };
}

describe('values', () => {
  it('S93 payloads with lone surrogates, NUL and any Unicode come back unchanged', async () => {
    const { journal, rows } = await openTestStorage(temporaryDatabase());
    const turns = new TurnMaker();
    const json = JSON.stringify({ [AWKWARD]: AWKWARD });
    await journal.commit(turns.start(1, { nodeRuns: [nodeRun(1, 1, 'ü☃😀\u0000"', json)] }));
    const [stored] = await rows.listNodeRuns(1);
    expect(stored).toEqual(nodeRun(1, 1, 'ü☃😀\u0000"', json));
    expect(JSON.parse(stored?.outputJson ?? '')).toEqual({ [AWKWARD]: AWKWARD });
    expect((await rows.verifyChain(1)).findings).toEqual([]);
  });

  it('S93 refuses half a surrogate pair outside JSON, and leaves other runs alone', async () => {
    const { journal } = await openTestStorage(temporaryDatabase());
    const turns = new TurnMaker();
    for (const [run, node] of ['\ud800', '\\\ud800', '\\\\\udc00x'].entries()) {
      const turn = turns.start(run + 1, { nodeRuns: [nodeRun(run + 1, 1, node, null)] });
      expect(await outcome(journal.commit(turn))).toBe('turn-refused');
    }
    const large = `"\ud800${'x'.repeat(LARGE_ROW_LENGTH)}"`;
    const turn = turns.start(8, { nodeRuns: [nodeRun(8, 1, 'a', large)] });
    expect(await outcome(journal.commit(turn))).toBe('turn-refused');
    expect(await outcome(journal.commit(turns.start(9)))).toBe('durable');
  });

  it('takes the escape of a surrogate in a payload for what it is: text', async () => {
    const { journal, rows } = await openTestStorage(temporaryDatabase());
    const json = '{"a":"\\ud800","b":"\\\\ud800"}';
    const turn = new TurnMaker().start(1, { nodeRuns: [nodeRun(1, 1, 'a', json)] });
    expect(await outcome(journal.commit(turn))).toBe('durable');
    expect((await rows.getNodeRun(1, 'a'))?.outputJson).toBe(json);
  });

  it('keeps the order of turns around payloads that are bound on their own', async () => {
    const { journal, rows } = await openTestStorage(temporaryDatabase());
    const turns = new TurnMaker();
    const large = JSON.stringify('😀'.repeat(LARGE_ROW_LENGTH));
    const batch = [
      turns.start(1, { nodeRuns: [nodeRun(1, 1, 'a', '1'), nodeRun(1, 1, 'b', large)] }),
      turns.turn(1, 1, { nodeRuns: [nodeRun(1, 2, 'a', large), nodeRun(1, 2, 'b', '2')] }),
      turns.turn(1, 1, { nodeRuns: [nodeRun(1, 3, 'c', large)] }),
      turns.turn(1, 1, { nodeRuns: [nodeRun(1, 4, 'c', '3')] }),
    ];
    await Promise.all(batch.map((turn) => journal.commit(turn)));
    expect((await rows.listNodeRuns(1)).map(({ outputJson }) => outputJson)).toEqual([
      large,
      '2',
      '3',
    ]);
    expect((await rows.verifyChain(1)).findings).toEqual([]);
  });

  it('carries a payload of many megabytes, and snapshots and events that are large', async () => {
    const { journal, rows, store } = await openTestStorage(temporaryDatabase());
    const snapshotJson = JSON.stringify({ text: 'x'.repeat(100_000) });
    const output = JSON.stringify('y'.repeat(12_000_000));
    const turns = new TurnMaker();
    const start = turns.start(1, {
      nodeRuns: [nodeRun(1, 1, 'a', output)],
      actorVersions: [
        {
          run: 1,
          actor: '',
          seq: 1,
          machine: 'run',
          version: 1,
          snapshotJson,
          digest: snapshotDigest(snapshotJson),
        },
      ],
    });
    const [event] = start.rows.events;
    const detailJson = JSON.stringify({ text: 'z'.repeat(LARGE_ROW_LENGTH) });
    const events = event === undefined ? [] : [{ ...event, detailJson }];
    await journal.commit({ ...start, rows: { ...start.rows, events } });
    expect((await store.loadRun('run-1'))?.snapshots[0]?.snapshotJson).toBe(snapshotJson);
    expect((await rows.getNodeRun(1, 'a'))?.outputJson).toBe(output);
    expect((await rows.events(1, 0, 10))[0]?.detailJson).toBe(detailJson);
    expect((await rows.verifyChain(1)).findings).toEqual([]);
  });
});

/** What the rows of a run amount to after its turns, newest state by key. */
class Expected {
  readonly nodeRuns = new Map<string, NodeRunRecord>();
  readonly pastInputs = new Map<string, PastInputRecord>();
  readonly attempts = new Map<string, AttemptRecord>();
  readonly tasks = new Map<string, TaskRecord>();
  readonly responses: ResponseRecord[] = [];
  readonly artifacts: ArtifactRecord[] = [];
  readonly timers = new Map<string, TimerRecord>();
  readonly turns: TurnRecord[] = [];

  apply(turn: TurnRecord): void {
    this.turns.push(turn);
    const { rows } = turn;
    for (const row of rows.nodeRuns) this.nodeRuns.set(row.node, row);
    // The first one stays.
    for (const row of rows.pastInputs) {
      if (!this.pastInputs.has(row.node)) this.pastInputs.set(row.node, row);
    }
    for (const row of rows.attempts) this.attempts.set(`${row.node}/${row.attempt}`, row);
    for (const row of rows.tasks) this.tasks.set(row.id, row);
    this.responses.push(...rows.responses);
    this.artifacts.push(...rows.artifacts);
    for (const id of rows.timersCleared) this.timers.delete(id);
    for (const row of rows.timersArmed) this.timers.set(row.id, row);
  }
}

const text = fc.string({ unit: 'binary', maxLength: 12 });
const json = fc.oneof(
  fc.string({ maxLength: 20 }).map((value) => JSON.stringify(value)),
  fc.constant(JSON.stringify(AWKWARD)),
  fc.constant(JSON.stringify('large'.repeat(LARGE_ROW_LENGTH / 4))),
  fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.stringify(value)),
);
const nullable = <T>(values: fc.Arbitrary<T>): fc.Arbitrary<T | null> =>
  fc.option(values, { nil: null });
const place = fc.integer({ min: 0, max: 3 });

const RUNS_PER_CASE = 4;

const change = fc.record({
  run: fc.integer({ min: 1, max: RUNS_PER_CASE }),
  eventCount: fc.integer({ min: 1, max: 3 }),
  node: place,
  status: fc.constantFrom(...NODE_STATUSES),
  text,
  json,
  jsonOrNull: nullable(json),
  textOrNull: nullable(text),
  number: nullable(fc.integer({ min: 0, max: 2 ** 45 })),
  isTimerArmed: fc.boolean(),
  has: fc.record({
    nodeRun: fc.boolean(),
    attempt: fc.boolean(),
    task: fc.boolean(),
    response: fc.boolean(),
    artifact: fc.boolean(),
    timer: fc.boolean(),
  }),
});
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

const some = <T>(isThere: boolean, row: T): T[] => (isThere ? [row] : []);

function turnOf(turns: TurnMaker, c: Change, serial: number): TurnRecord {
  const { run, has } = c;
  const isFirst = turns.seq(run) === 0;
  const seq = turns.seq(run) + (isFirst ? 1 : c.eventCount);
  const node = `node-${c.node}`;
  const timer = `${run}/timer-${c.node}`;
  const snapshotJson = JSON.stringify({ serial, json: c.json });
  const rows = {
    nodeRuns: some(has.nodeRun, {
      ...nodeRun(run, seq, node, c.jsonOrNull),
      status: c.status,
      action: c.textOrNull,
      reasonJson: c.json,
      scope: '',
      inside: null,
      feedbackJson: null,
    }),
    actorVersions: ['', ...some(has.nodeRun, node)].map((actor) => ({
      run,
      actor,
      seq,
      machine: 'machine',
      version: 1,
      snapshotJson,
      digest: snapshotDigest(snapshotJson),
    })),
    attempts: some(has.attempt, {
      run,
      node,
      generation: 1,
      attempt: c.node,
      worker: c.text,
      startedAt: serial,
      endedAt: c.number,
      outcome: c.number === null ? null : ('completed' as const),
      outputJson: c.jsonOrNull,
      errorJson: null,
      issuesJson: c.jsonOrNull,
      notesJson: null,
      heartbeatJson: null,
      leaseJson: null,
      givenErrorJson: c.jsonOrNull,
    }),
    pastInputs: some(has.attempt, {
      run,
      node,
      generation: 1,
      attempt: c.node,
      inputJson: c.jsonOrNull,
    }),
    tasks: some(has.task, {
      id: `${run}/task-${c.node}`,
      run,
      node,
      kind: 'human-input',
      status: c.number === null ? ('open' as const) : ('answered' as const),
      presentedJson: c.json,
      responseSchemaJson: c.jsonOrNull,
      peopleJson: c.jsonOrNull,
      deadlineAt: c.number,
      openedAt: serial,
      closedAt: null,
      presentedDigest: c.text,
      generation: 1,
      level: 0,
      round: 1,
      assignee: c.textOrNull,
      reminders: 0,
      issuesJson: c.jsonOrNull,
    }),
    responses: some(has.response, {
      id: `response-${serial}`,
      task: `${run}/task-${c.node}`,
      run,
      responder: c.textOrNull,
      responseJson: c.json,
      outcome: c.text,
      at: serial,
      presentedDigest: c.text,
      messageId: c.textOrNull,
      comment: c.textOrNull,
    }),
    artifacts: some(has.artifact, {
      run,
      name: `artifact-${c.node}`,
      version: serial,
      kind: 'file',
      node,
      attempt: 1,
      pointer: c.textOrNull,
      payloadJson: c.jsonOrNull,
      at: serial,
      generation: 1,
      standing: 'accepted' as const,
      schemaJson: c.jsonOrNull,
      digest: c.textOrNull,
      bytes: c.number,
    }),
    timersArmed: some(has.timer && c.isTimerArmed, {
      id: timer,
      run,
      node,
      kind: 'retry' as const,
      dueAt: serial,
      armedAt: serial,
      refusedJson: c.jsonOrNull,
    }),
    timersCleared: some(has.timer && !c.isTimerArmed, timer),
  };
  return isFirst ? turns.start(run, rows) : turns.turn(run, c.eventCount, rows);
}

const byKey = <T>(rows: Iterable<T>, key: (row: T) => string): T[] =>
  [...rows].sort((a, b) => (key(a) < key(b) ? -1 : 1));

async function expectEqual(
  storage: DatabaseStorage,
  run: number,
  expected: Expected,
): Promise<void> {
  const { store, rows } = storage;
  const loaded = await store.loadRun(`run-${run}`);
  const newest = expected.turns.at(-1);
  expect(loaded?.seq).toBe(newest?.seq);
  expect(await rows.events(run, 0, 1_000)).toEqual(
    expected.turns.flatMap(({ rows }) => rows.events),
  );
  const nodeRuns = byKey(expected.nodeRuns.values(), ({ node }) => node);
  expect(await rows.listNodeRuns(run)).toEqual(nodeRuns);
  expect(loaded?.nodeRuns).toEqual(nodeRuns);
  const snapshots = new Map(
    expected.turns.flatMap(({ rows }) => rows.actorVersions).map((row) => [row.actor, row]),
  );
  const live = nodeRuns.filter(({ status }) =>
    ['ready', 'running', 'awaiting-human', 'blocked'].includes(status),
  );
  expect(loaded?.snapshots).toEqual(
    ['', ...live.map(({ node }) => node)].map((a) => snapshots.get(a)),
  );
  for (const node of ['node-0', 'node-1', 'node-2', 'node-3']) {
    expect(await rows.attempts(run, node)).toEqual(
      byKey(
        [...expected.attempts.values()].filter((row) => row.node === node),
        () => '',
      ),
    );
  }
  const pastInputs: PastInputRecord[] = [];
  for await (const row of rows.rowsOf(run, 'pastInputs')) pastInputs.push(row);
  expect(pastInputs).toEqual(byKey(expected.pastInputs.values(), ({ node }) => node));
  const tasks = byKey(expected.tasks.values(), ({ id }) => id);
  expect(await rows.listTasks({ run, limit: 100 })).toEqual(tasks);
  expect(loaded?.openTasks).toEqual(tasks.filter(({ status }) => status === 'open'));
  const timers = byKey(expected.timers.values(), ({ id }) => id);
  expect(loaded?.timers).toEqual(timers);
  expect(byKey(await rows.artifacts(run), ({ version }) => String(version))).toEqual(
    byKey(expected.artifacts, ({ version }) => String(version)),
  );
  for (const response of expected.responses) {
    expect(await rows.responses(run, response.task)).toContainEqual(response);
  }
  expect((await rows.verifyChain(run)).findings).toEqual([]);
}

describe('a property of the journal', () => {
  it('whatever turns of many runs are written, they read back equal, also after a restart', async () => {
    const database = temporaryDatabase();
    const first = await openTestStorage(database, { maxBatchTurns: 7 });
    const turns = new TurnMaker();
    const expected = new Map<number, Expected>();
    let firstRun = 0;
    const writeAndCompare = async (changes: readonly Change[]): Promise<void> => {
      const cases = new Map<number, Expected>();
      const commits = changes.map((c, serial) => {
        const run = firstRun + c.run;
        const turn = turnOf(turns, { ...c, run }, serial);
        const rows = cases.get(run) ?? new Expected();
        cases.set(run, rows);
        rows.apply(turn);
        return first.journal.commit(turn);
      });
      firstRun += RUNS_PER_CASE;
      await Promise.all(commits);
      for (const [run, rows] of cases) {
        await expectEqual(first, run, rows);
        expected.set(run, rows);
      }
    };
    const changes = fc.array(change, { minLength: 1, maxLength: 40 });
    await fc.assert(fc.asyncProperty(changes, writeAndCompare), { numRuns: 40 });
    await first.close();
    const second = await openTestStorage(database);
    for (const [run, rows] of expected) await expectEqual(second, run, rows);
  });
});
