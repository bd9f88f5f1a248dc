/** What callers without types may hand over: each is refused by its code, and harms neither run nor process. */
import { expect, it, onTestFinished } from 'vitest';
import { createOrchestrator, RunchartError } from '../../src/index.js';
import { Reader } from '../../src/persistence/reader.js';
import { WriteConnection } from '../../src/persistence/write-connection.js';
import { temporaryDatabase } from '../support/temporary.js';

const PLAN = {
  title: 'asked',
  nodes: [
    { id: 'a', kind: 'action' as const, handler: 'h' },
    { id: 'ask', kind: 'human-approval' as const },
  ],
  edges: [],
};

const NO_TEXTS: readonly unknown[] = [
  ...[null, 5, true, 10n, Number.NaN, Symbol('s'), () => 1],
  ...[{}, [], ['r1'], new Date(0), new Uint8Array(3), Object.create(null)],
];

async function open() {
  const database = temporaryDatabase();
  const orchestrator = await createOrchestrator({ url: database, handlers: { h: () => 1 } });
  onTestFinished(() => orchestrator.close());
  await orchestrator.start(PLAN, { id: 'r1' });
  await orchestrator.settled('r1');
  return { orchestrator, database };
}

async function codeOf(call: () => unknown): Promise<string> {
  try {
    await call();
    return 'none';
  } catch (error) {
    return error instanceof RunchartError ? error.code : String(error);
  }
}

it('S154 S50 an id that is no text is refused, by whatever is asked of the run', async () => {
  const { orchestrator } = await open();
  const whole = orchestrator;
  const { runs, tasks, change } = whole;
  const by = { by: 'op' };
  for (const id of NO_TEXTS as readonly string[]) {
    for (const view of [whole, whole.forTenant('acme')]) {
      for (const call of [
        () => view.cancel(id),
        () => view.pause(id),
        () => view.step(id),
        () => view.resume(id),
        () => view.signal(id, 's'),
        () => view.annotate(id, {}),
        () => view.retryNode(id, 'a'),
        () => view.result(id),
        () => view.events(id).next(),
      ]) {
        expect(await codeOf(call), `${String(call)} of ${typeof id}`).toBe('argument-invalid');
      }
    }
    expect(await codeOf(() => change.skipNode(id, 'a', by))).toBe('argument-invalid');
    expect(await codeOf(() => runs.stateAt(id, 1))).toBe('argument-invalid');
    expect(await codeOf(() => tasks.respond(id, { response: {} }))).toBe('argument-invalid');
    if (id === null) continue;
    expect(await codeOf(() => whole.start(PLAN, { id }))).toBe('argument-invalid');
  }
  expect(await whole.runs.list()).toHaveLength(1);
  expect(await whole.runs.summary('r1')).toMatchObject({ status: 'awaiting-human' });
});

it('S154 S38 options, names and reasons that are none are refused, and the run is as it was', async () => {
  const { orchestrator: it } = await open();
  const [task] = await it.tasks.list();
  const before = await it.runs.events('r1');
  for (const bad of NO_TEXTS.slice(1) as readonly string[]) {
    for (const call of [
      () => it.cancel('r1', { by: bad }),
      () => it.cancel('r1', { reason: bad }),
      () => it.cancel('r1', { idempotencyKey: bad }),
      () => it.annotate('r1', {}, { by: bad }),
      () => it.retryNode('r1', 'a', { by: bad }),
      () => it.signal('r1', bad),
      () => it.signal('r1', 's', { id: bad }),
      () => it.respond(task?.id ?? '', { run: bad, response: {} }),
      () => it.once('k', (() => bad) as never, async () => 1),
    ]) {
      expect(await codeOf(call), `${String(call)} ${typeof bad}`).toBe('argument-invalid');
    }
  }
  const none = null as never;
  for (const call of [
    () => it.start(PLAN, none),
    () => it.cancel('r1', none),
    () => it.pause('r1', none),
    () => it.step('r1', none),
    () => it.resume('r1', none),
    () => it.signal('r1', 's', none),
    () => it.annotate('r1', {}, none),
    () => it.respond(task?.id ?? '', none),
    () => it.runs.why('r1', none),
    () => it.runs.signals('r1', none),
    () => it.runs.replay('r1', none),
    () => it.runs.export('r1', none).next(),
    () => it.tasks.claim(task?.id ?? '', none),
    () => it.cancel('r1', { reason: '\ud800' }),
  ]) {
    expect(await codeOf(call), String(call)).toBe('argument-invalid');
  }
  expect(await it.runs.events('r1')).toEqual(before);
});

it('S25 S1 a draft that is no JSON is refused by its place when it is started', async () => {
  const { orchestrator } = await open();
  const cycle: Record<string, unknown> = { ...PLAN };
  cycle.objective = cycle;
  for (const draft of [undefined, 10n, cycle, { ...PLAN, title: 10n }, () => PLAN]) {
    expect(await codeOf(() => orchestrator.start(draft as never))).toBe('plan-invalid');
  }
});

it('S187 S160 what is no number of an event is refused as such, and not as history that is gone', async () => {
  const { orchestrator } = await open();
  const { runs } = orchestrator;
  for (const seq of [-1, 1.5, Number.NaN, '1', {}, 10n] as readonly number[]) {
    for (const call of [
      () => orchestrator.events('r1', { after: seq }).next(),
      () => orchestrator.events('r1', { pageSize: seq }).next(),
      () => runs.events('r1', seq),
      () => runs.stateAt('r1', seq),
      () => runs.changes('r1', seq),
    ]) {
      expect(await codeOf(call), `${String(call)} ${String(seq)}`).toBe('argument-invalid');
    }
  }
  const none = { pageSize: 0 };
  expect(await codeOf(() => orchestrator.events('r1', none).next())).toBe('argument-invalid');
});

it('S38 metadata of a start is an object, as small as what may be added to it', async () => {
  const { orchestrator } = await open();
  for (const metadata of [5, 'x', [], null, { x: 'y'.repeat(65_536) }] as never[]) {
    expect(await codeOf(() => orchestrator.start(PLAN, { metadata }))).toBe('argument-invalid');
  }
  expect(await orchestrator.runs.list()).toHaveLength(1);
});

it('S93 a cell that is no text and no number reaches no binding: it would end the process', async () => {
  const { orchestrator, database } = await open();
  await orchestrator.close();
  const reader = new Reader(database);
  onTestFinished(() => reader.close());
  const withWriter = <T>(use: (writer: WriteConnection) => T): T => {
    const writer = new WriteConnection(database);
    try {
      return use(writer);
    } finally {
      writer.close();
    }
  };
  const plain = new Set(['string', 'number']);
  for (const cell of NO_TEXTS.filter((value) => value !== null && !plain.has(typeof value))) {
    const args = [cell] as never[];
    expect(await codeOf(() => reader.cells('select ?', args))).toBe('argument-invalid');
    const write = () => withWriter((writer) => writer.transact([{ sql: 'select ?', args }]));
    expect(write).toThrow(TypeError);
  }
  expect(await reader.cells('select ?', [null])).toEqual([[null]]);
  expect(withWriter((writer) => writer.rows('select ?', [null]))).toEqual([[null]]);
});

it('S187 runs are listed by a status that there is', async () => {
  const { orchestrator } = await open();
  for (const status of ['done', '', 7, null] as const) {
    const listed = () => orchestrator.runs.list({ status: status as never });
    expect(await codeOf(listed)).toBe('argument-invalid');
  }
});
