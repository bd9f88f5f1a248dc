/** Every call of the API with each of its arguments replaced by something else: what is refused has a code. */
import { expect, it, onTestFinished } from 'vitest';
import { createOrchestrator, external, type Orchestrator, RunchartError } from '../../src/index.js';
import { temporaryDatabase } from '../support/temporary.js';

const PLAN = {
  title: 'asked',
  nodes: [
    { id: 'a', kind: 'action', handler: 'h' },
    { id: 'ask', kind: 'human-approval' },
    { id: 'out', kind: 'action', handler: 'out' },
  ],
  edges: [],
};

const STRANGE: readonly unknown[] = [
  ...[undefined, null, 5, -1, 0.5, true, 10n, Number.NaN, Symbol('s'), () => 1, ''],
  ...[{}, [], ['r1'], [null], new Date(0), new Uint8Array(3), Object.create(null)],
  ...['x'.repeat(2_000), '\ud800', '__proto__', { a: { toJSON: () => 10n } }, new Map([[1, 2]])],
];

type Call = readonly [
  name: string,
  call: (...given: never[]) => unknown,
  right: readonly unknown[],
];

interface Opened {
  readonly whole: Orchestrator;
  /** Id of an open task. */
  readonly task: string;
  /** Of a lease. */
  readonly token: string;
}

async function open(): Promise<Opened> {
  const whole = await createOrchestrator({
    url: temporaryDatabase(),
    handlers: { h: () => 1, out: external() },
  });
  onTestFinished(() => whole.close());
  for (const it of [whole, whole.forTenant('acme')]) {
    await it.start(PLAN as never, { id: 'r1' });
    await it.schedules.create({ id: 's', plan: PLAN as never, cadence: { everyMs: 3_600_000 } });
    await it.webhooks.add({ id: 'w', url: 'https://example.com/x', types: ['run.scheduled'] });
  }
  await expect.poll(() => whole.work.offers()).toMatchObject([{ waiting: 2 }]);
  const [task] = await whole.tasks.list();
  const [claimed] = await whole.work.claim({ worker: 'w', capabilities: ['out'] });
  return { whole, task: task?.id ?? '', token: claimed?.token ?? '' };
}

/** Everything with arguments, and what they may be; what it gives has no effect on the others. */
function callsOf(
  it: Orchestrator | ReturnType<Orchestrator['forTenant']>,
  { task, token }: Opened,
): readonly Call[] {
  const { schedules, webhooks, work, runs, tasks, change, bulk, plans, bus } = it;
  const { deadLetters } = webhooks;
  const cadence = { everyMs: 3_600_000 };
  const schedule = { id: 's', plan: PLAN, cadence };
  const by = { by: 'op' };
  const page = { limit: 5, after: 'a' };
  const bytes = async function* () {
    yield Buffer.from('1');
  };
  return [
    ['schedules.create', (o) => schedules.create(o), [schedule]],
    ['schedules.update', (i, o) => schedules.update(i, o), ['s', { cadence, input: {} }]],
    ['schedules.pause', (i) => schedules.pause(i), ['s']],
    ['schedules.resume', (i) => schedules.resume(i), ['s']],
    ['schedules.trigger', (i) => schedules.trigger(i), ['s']],
    ['schedules.preview', (i, n) => schedules.preview(i, n), ['s', 3]],
    ['schedules.list', (o) => schedules.list(o), [page]],
    ['schedules.get', (i) => schedules.get(i), ['s']],
    ['schedules.remove', (i) => schedules.remove(i), ['none']],
    ['webhooks.add', (o) => webhooks.add(o), [{ url: 'https://example.com/x', types: ['run.*'] }]],
    ['webhooks.get', (i) => webhooks.get(i), ['w']],
    ['webhooks.update', (i, o) => webhooks.update(i, o), ['w', { description: 'x' }]],
    ['webhooks.rotate', (i, o) => webhooks.rotate(i, o), ['w', { overlapMs: 1 }]],
    ['webhooks.test', (i) => webhooks.test(i), ['none']],
    ['webhooks.remove', (i) => webhooks.remove(i), ['none']],
    ['deadLetters.list', (i, o) => deadLetters.list(i, o), ['w', page]],
    ['deadLetters.get', (i, m) => deadLetters.get(i, m), ['w', 'm']],
    ['deadLetters.redeliver', (i, m) => deadLetters.redeliver(i, m), ['w', 'm']],
    ['deadLetters.discard', (i, m) => deadLetters.discard(i, m), ['w', 'm']],
    ['work.claim', (o) => work.claim(o), [{ worker: 'w', capabilities: ['x'], limit: 1 }]],
    ['work.heartbeat', (t, o) => work.heartbeat(t, o), [token, { payload: 1, waitMs: 0 }]],
    ['work.progress', (t, v) => work.progress(t, v), [token, { n: 1 }]],
    ['work.stream', (t, n, c) => work.stream(t, n, c), [token, 1, ['x']]],
    ['work.upload', (t, b) => work.upload(t, b), [token, bytes()]],
    ['work.complete', (t, r) => work.complete(t, r), ['none', 1]],
    ['work.fail', (t, e) => work.fail(t, e), ['none', { message: 'm' }]],
    ['work.release', (t) => work.release(t), ['none']],
    ['plans.store', (p, o) => plans.store(p, o), [PLAN, by]],
    ['plans.list', (o) => plans.list(o), [{ title: 'asked', limit: 5, before: 'sha256:0' }]],
    ['runs.list', (o) => runs.list(o), [{ limit: 5, before: 'r1', status: 'running' }]],
    ['runs.summary', (i) => runs.summary(i), ['r1']],
    ['runs.details', (i) => runs.details(i), ['r1']],
    ['runs.head', (i) => runs.head(i), ['r1']],
    ['runs.result', (i) => runs.result(i), ['r1']],
    ['runs.snapshot', (i, p) => runs.snapshot(i, p), ['r1', ['nodes']]],
    ['runs.nodeRuns', (i, o) => runs.nodeRuns(i, o), ['r1', { ...page, scope: '' }]],
    [
      'runs.attempts',
      (i, n, o) => runs.attempts(i, n, o),
      ['r1', 'a', { limit: 5, after: { node: 'a', generation: 1, attempt: 1 } }],
    ],
    [
      'runs.artifacts',
      (i, o) => runs.artifacts(i, o),
      ['r1', { limit: 5, after: { name: 'a', version: 1 } }],
    ],
    ['runs.artifact', (i, n, v) => runs.artifact(i, n, v), ['r1', 'x', 1]],
    ['runs.checkpoints', (i, a, n) => runs.checkpoints(i, a, n), ['r1', 0, 5]],
    ['runs.signals', (i, o) => runs.signals(i, o), ['r1', { after: 0, limit: 5 }]],
    ['runs.events', (i, a, n) => runs.events(i, a, n), ['r1', 0, 5]],
    ['runs.changes', (i, a, n) => runs.changes(i, a, n), ['r1', 0, 5]],
    ['runs.diagram', (i) => runs.diagram(i), ['r1']],
    ['runs.why', (i, n) => runs.why(i, n), ['r1', 'a']],
    ['runs.plan', (h) => runs.plan(h), ['sha256:0']],
    ['runs.stateAt', (i, s) => runs.stateAt(i, s), ['r1', 1]],
    ['runs.replay', (i, o) => runs.replay(i, o), ['r1', { to: 1 }]],
    ['runs.verify', (i) => runs.verify(i), ['r1']],
    ['runs.export', (i, o) => runs.export(i, o).next(), ['r1', { secrets: 'include' }]],
    [
      'tasks.list',
      (o) => tasks.list(o),
      [{ ...page, run: 'r1', answerableBy: 'x', assignee: 'x' }],
    ],
    ['tasks.get', (i) => tasks.get(i), [task]],
    ['tasks.artifact', (i, n) => tasks.artifact(i, n), [task, 'x']],
    ['tasks.responses', (i) => tasks.responses(i), [task]],
    ['tasks.claim', (i, o) => tasks.claim(i, o), [task, by]],
    ['tasks.release', (i, o) => tasks.release(i, o), [task, by]],
    ['tasks.delegate', (i, o) => tasks.delegate(i, o), [task, { ...by, to: 'x' }]],
    ['tasks.assign', (i, o) => tasks.assign(i, o), [task, { ...by, to: 'x' }]],
    ['tasks.extend', (i, o) => tasks.extend(i, o), [task, { ...by, deadlineAt: 9e15 }]],
    [
      'tasks.link',
      (i, o) => tasks.link(i, o),
      [task, { principal: 'x', groups: [], expiresInMs: 9 }],
    ],
    ['tasks.revokeLinks', (i) => tasks.revokeLinks(i), [task]],
    ['tasks.respond', (i, o) => tasks.respond(i, o), ['none', { response: 1, responder: 'x' }]],
    ['change.completeNode', (i, n, o) => change.completeNode(i, n, o), ['none', 'a', by]],
    ['change.skipNode', (i, n, o) => change.skipNode(i, n, o), ['none', 'a', by]],
    [
      'change.patchInput',
      (i, n, o) => change.patchInput(i, n, o),
      ['none', 'a', { ...by, input: 1 }],
    ],
    ['change.rollback', (i, n, o) => change.rollback(i, n, o), ['none', 'a', by]],
    ['change.replan', (i, p, o) => change.replan(i, p, o), ['none', PLAN, { ...by, dryRun: true }]],
    ['change.fork', (i, o) => change.fork(i, o), ['none', { ...by, at: 1, from: 'a', id: 'f' }]],
    ['change.retry', (i, o) => change.retry(i, o), ['none', { ...by, id: 'f' }]],
    ['change.replace', (i, p, o) => change.replace(i, p, o), ['none', PLAN, { ...by, id: 'f' }]],
    ['bulk.preview', (a, f) => bulk.preview(a, f), [{ type: 'pause' }, { ids: ['x'] }]],
    [
      'bulk.apply',
      (a, f, o) => bulk.apply(a, f, o),
      [{ type: 'pause' }, { ids: ['x'] }, { token: 't', by: 'op', limit: 5, cursor: 'c' }],
    ],
    ['bus.page', (o) => bus.page(o), [{ after: '0/0', limit: 5, types: ['*'], runs: ['r1'] }]],
    [
      'bus.events',
      (o) => atOnce(bus.events({ ...(o as object), signal: AbortSignal.abort() })),
      [{ after: '0/0', pageSize: 5, types: ['*'], runs: ['r1'], plan: 'x', metadata: {} }],
    ],
    ['start', (p, o) => it.start(p, o), [PLAN, { id: 'r1', priority: 1, until: ['a'] }]],
    ['cancel', (i, o) => it.cancel(i, o), ['none', by]],
    ['annotate', (i, m, o) => it.annotate(i, m, o), ['none', {}, by]],
    ['signal', (i, n, o) => it.signal(i, n, o), ['none', 's', { payload: 1, id: 's' }]],
    ['retryNode', (i, n, o) => it.retryNode(i, n, o), ['none', 'a', by]],
    ['step', (i, o) => it.step(i, o), ['none', {}]],
    ['pause', (i, o) => it.pause(i, o), ['none', {}]],
    ['resume', (i, o) => it.resume(i, o), ['none', {}]],
    ['result', (i) => it.result(i), ['none']],
    ['settled', (i) => it.settled(i), ['r1']],
    ['streamed', (i, n) => it.streamed(i, n), ['r1', 'a']],
    ['events', (i, o) => atOnce(it.events(i, o)), ['r1', { after: 0, pageSize: 5 }]],
    ['stream', (i, o) => atOnce(it.stream(i, o)), ['none', { node: 'a' }]],
  ];
}

/** Calls of the whole alone. */
function hostCalls(whole: Orchestrator): readonly Call[] {
  const { access, audit, links } = whole;
  const created = { principal: 'x', roles: ['reader'], groups: ['g'], expiresAt: 9e15, by: 'op' };
  const session = { tenant: '', principal: { name: 'x', groups: [] } };
  const asked = { session, address: 'a', action: 'x', target: 'y' };
  return [
    ['access.createToken', (o) => access.createToken(o), [created]],
    ['access.tokens', (o) => access.tokens(o), [{ tenant: '', after: 'a', limit: 5 }]],
    ['access.revokeToken', (i, o) => access.revokeToken(i, o), ['none', { tenant: '' }]],
    ['access.authenticate', (t) => access.authenticate(t), ['rct_x_y']],
    ['audit.list', (o) => audit.list(o), [{ tenant: '', before: 'a', limit: 5 }]],
    ['audit.begin', (o) => audit.begin(o)(200), [asked]],
    ['links.open', (s) => links.open(s), ['rcl_x_y']],
    ['links.answer', (s, o) => links.answer(s, o), ['rcl_x_y', { choice: 'x', comment: 'y' }]],
    ['links.revoke', (t) => links.revoke(t), ['none']],
    ['forTenant', (t) => whole.forTenant(t), ['acme']],
    [
      'viewFor',
      (v) => whole.viewFor(v),
      [{ tenant: 'acme', principal: { name: 'x', groups: [] } }],
    ],
    ['import of a tenant', (f, o) => whole.forTenant('acme').import(f, o), ['none', { as: 'x' }]],
    ['trim', (o) => whole.trim(o), [{ olderThanMs: 9e12, dryRun: true }]],
    ['import', (f, o) => whole.import(f, o), ['none', { as: 'x' }]],
    ['bus.subscribe', (t, l) => whole.bus.subscribe(t, l)(), ['*', () => {}]],
    ['inspect', (i, o) => atOnce(whole.inspect(i, o)), ['r1', { actors: 'all', at: 1, maxLag: 5 }]],
    ['once', (k, a, w) => whole.once(k, a, w), ['k', { a: 1 }, async () => 1]],
  ];
}

async function atOnce(items: AsyncIterator<unknown>): Promise<void> {
  await items.next();
  await items.return?.();
}

/** The arguments with one of them, or one member of one, replaced. */
function* replaced(right: readonly unknown[]): Generator<readonly unknown[]> {
  for (const [place, value] of right.entries()) {
    for (const strange of strangeFor(value)) yield right.with(place, strange);
  }
}

/** What may stand where a value is right: something else, or the same with a member replaced. */
function* strangeFor(value: unknown): Generator<unknown> {
  yield* STRANGE;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
  // Plans have tests of their own.
  if (Symbol.asyncIterator in value || 'nodes' in value) return;
  for (const [key, part] of Object.entries(value)) {
    for (const strange of strangeFor(part)) yield { ...value, [key]: strange };
  }
}

async function refusalOf(call: () => unknown): Promise<string | undefined> {
  try {
    await call();
    return undefined;
  } catch (error) {
    if (error instanceof RunchartError) return error.code === 'internal' ? 'internal' : undefined;
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  }
}

async function wrongIn(calls: readonly Call[]): Promise<string[]> {
  const wrong = new Set<string>();
  for (const [name, call, right] of calls) {
    for (const given of replaced(right)) {
      const refusal = await refusalOf(() => call(...(given as never[])));
      if (refusal !== undefined) wrong.add(`${name}(${given.map(shown).join(', ')}): ${refusal}`);
    }
  }
  return [...wrong];
}

function shown(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value).slice(0, 20);
  if (Array.isArray(value)) return `[${value.map(shown).join(', ')}]`;
  const members = Object.entries(value).map(([key, part]) => `${key}: ${shown(part)}`);
  return `{${members.join(', ')}}`.slice(0, 100);
}

it('S154 S25 whatever a caller without types hands over is refused by a code', async () => {
  const opened = await open();
  const { whole } = opened;
  expect(await wrongIn(callsOf(whole, opened))).toEqual([]);
  expect(await wrongIn(hostCalls(whole))).toEqual([]);
  expect(whole.health()).toMatchObject({ status: 'ok' });
}, 60_000);

it('S154 S25 so is what is handed over for one tenant', async () => {
  const opened = await open();
  const { whole } = opened;
  expect(await wrongIn(callsOf(whole.forTenant('acme'), opened))).toEqual([]);
  expect(whole.health()).toMatchObject({ status: 'ok' });
}, 60_000);
