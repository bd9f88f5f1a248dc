/** What must not be taken: each request with the status and the code that refuse it, and a server that is as it was. */
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { plan } from '../../src/plan/builder.js';
import { openSite, type Site } from './support/site.js';

const quick = plan('Quick').action('work', { handler: 'work' }).build();
const asks = plan<{ n?: number }>('Asks', {
  inputs: { type: 'object', properties: { n: { type: 'number' } } },
})
  .action('work', { handler: 'work' })
  .approval('gate', { responders: ['ada'] })
  .sequence('work', 'gate')
  .build();

let site: Site;
let ids: Readonly<Record<string, string>>;
beforeAll(async () => {
  site = await openSite(
    { work: () => 1 },
    { plans: { quick: { plan: quick }, asks: { plan: asks } } },
  );
  for (const id of ['live', 'other']) {
    await site.post('/runs', { plan: 'asks', id });
    await site.orchestrator.settled(id);
  }
  await site.post('/runs', { plan: 'quick', id: 'over' });
  await site.orchestrator.result('over');
  const [mine, theirs] = await site.orchestrator.tasks.list();
  ids = { MINE: mine?.id ?? '', THEIRS: theirs?.id ?? '' };
});
afterAll(() => site.close());

const deep = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
const huge = `{"plan":"${'x'.repeat(1024 * 1024)}"}`;
const inPlace = (node: object) => ({ plan: { title: 'T', nodes: [node], edges: [] } });
const slow = '^(a+)+$';
const yes = { approved: true };

type Bad = readonly [path: string, body: unknown, status: number, code: string];

const STARTS: readonly Bad[] = [
  ['/runs', '{', 400, 'body-malformed'],
  ['/runs', 'nonsense', 400, 'body-malformed'],
  ['/runs', '{"plan":"quick"}}', 400, 'body-malformed'],
  ['/runs', "{'plan':'quick'}", 400, 'body-malformed'],
  ['/runs', '{"plan":NaN}', 400, 'body-malformed'],
  ['/runs', '\ufeff\u0000', 400, 'body-malformed'],
  ['/runs', '{"plan":"quick","id":"a","plan":"asks"}', 400, 'body-malformed'],
  ['/runs', '{"plan":{"title":"T","nodes":[],"edges":[],"nodes":[]}}', 400, 'body-malformed'],
  ['/runs', '{"plan":"quick","input":{"__proto__":{"a":1}}}', 400, 'body-malformed'],
  ['/runs', `{"plan":"quick","input":${deep(128)}}`, 400, 'body-too-deep'],
  [
    '/runs',
    `{"plan":"quick","input":${'['.repeat(9_999)}${']'.repeat(9_999)}}`,
    400,
    'body-too-deep',
  ],
  ['/runs', huge, 413, 'body-too-large'],
  ['/runs', '[]', 400, 'argument-invalid'],
  ['/runs', 'null', 400, 'argument-invalid'],
  ['/runs', '"quick"', 400, 'argument-invalid'],
  ['/runs', '7', 400, 'argument-invalid'],
  ['/runs', {}, 400, 'argument-invalid'],
  ['/runs', { plan: null }, 400, 'argument-invalid'],
  ['/runs', { plan: ['quick'] }, 400, 'argument-invalid'],
  ['/runs', { plan: 'x'.repeat(257) }, 400, 'argument-invalid'],
  ['/runs', { plan: 'none' }, 404, 'plan-unknown'],
  ['/runs', { plan: '__proto__' }, 404, 'plan-unknown'],
  ['/runs', { plan: 'constructor' }, 404, 'plan-unknown'],
  ['/runs', { plan: '' }, 404, 'plan-unknown'],
  ['/runs', { plan: '../quick' }, 404, 'plan-unknown'],
  ['/runs', { plan: {} }, 422, 'plan-invalid'],
  ['/runs', { plan: { title: 1 } }, 422, 'plan-invalid'],
  ['/runs', { plan: { title: 'T', nodes: {}, edges: [] } }, 422, 'plan-invalid'],
  ['/runs', inPlace({ kind: 'action', id: '__proto__', handler: 'work' }), 422, 'plan-invalid'],
  ['/runs', inPlace({ kind: 'nothing', id: 'a' }), 422, 'plan-invalid'],
  ['/runs', inPlace({ kind: 'action', id: 'a', handler: 'absent' }), 409, 'handler-missing'],
  ['/runs', inPlace({ kind: 'action', id: 'a', handler: 'toString' }), 409, 'handler-missing'],
  [
    '/runs',
    inPlace({
      kind: 'action',
      id: 'a',
      handler: 'work',
      outputSchema: { $ref: 'http://evil.example/s' },
    }),
    422,
    'plan-invalid',
  ],
  ['/runs', { plan: 'quick', id: '' }, 400, 'argument-invalid'],
  ['/runs', { plan: 'quick', id: 'a b' }, 400, 'argument-invalid'],
  ['/runs', { plan: 'quick', id: '../x' }, 400, 'argument-invalid'],
  ['/runs', { plan: 'quick', id: 'x'.repeat(129) }, 400, 'argument-invalid'],
  ['/runs', { plan: 'quick', id: 7 }, 400, 'argument-invalid'],
  ['/runs', { plan: 'quick', id: 'live' }, 409, 'run-conflict'],
  ['/runs', { plan: 'quick', inputs: {} }, 400, 'argument-invalid'],
  ['/runs', { plan: 'quick', priority: 10 }, 400, 'argument-invalid'],
  ['/runs', { plan: 'quick', priority: '9' }, 400, 'argument-invalid'],
  ['/runs', { plan: 'quick', concurrency: 0 }, 400, 'argument-invalid'],
  ['/runs', { plan: 'quick', concurrency: 1.5 }, 400, 'argument-invalid'],
  ['/runs', { plan: 'quick', startAt: -1 }, 400, 'argument-invalid'],
  ['/runs', { plan: 'quick', deadlineMs: 0 }, 400, 'argument-invalid'],
  ['/runs', { plan: 'quick', budget: { maxSteps: -1 } }, 400, 'argument-invalid'],
  ['/runs', { plan: 'quick', until: Array(1_001).fill('work') }, 400, 'argument-invalid'],
  ['/runs', { plan: 'quick', singleton: { key: '' } }, 400, 'argument-invalid'],
  ['/runs', { plan: 'quick', debounce: { key: 'k', delayMs: 0 } }, 400, 'argument-invalid'],
  ['/runs', { plan: 'quick', metadata: { 'runchart.handlers': '/x' } }, 400, 'argument-invalid'],
  ['/runs', { plan: 'quick', metadata: [] }, 400, 'argument-invalid'],
  ['/runs', { plan: 'quick', requestedBy: '' }, 400, 'argument-invalid'],
  ['/runs', { plan: 'asks', input: { n: 'one' } }, 422, 'input-invalid'],
  ['/runs', { plan: 'asks', input: 7 }, 422, 'input-invalid'],
];

const CHANGES: readonly Bad[] = [
  ['/runs/none/cancel', {}, 404, 'run-unknown'],
  ['/runs/__proto__/cancel', {}, 404, 'run-unknown'],
  ['/runs/%2e%2e%2fetc/cancel', {}, 404, 'run-unknown'],
  ['/runs/over/cancel', {}, 409, 'run-ended'],
  ['/runs/live/cancel', { by: '' }, 400, 'argument-invalid'],
  ['/runs/live/cancel', { reason: 'x'.repeat(2_001) }, 400, 'argument-invalid'],
  ['/runs/live/cancel', { force: true }, 400, 'argument-invalid'],
  ['/runs/over/pause', {}, 409, 'run-ended'],
  ['/runs/live/step', {}, 409, 'run-not-paused'],
  ['/runs/live/resume', { now: true }, 400, 'argument-invalid'],
  ['/runs/live/metadata', {}, 400, 'argument-invalid'],
  ['/runs/live/metadata', { metadata: { 'runchart.x': 1 } }, 400, 'argument-invalid'],
  ['/runs/live/metadata', { metadata: { x: 'x'.repeat(70_000) } }, 400, 'argument-invalid'],
  ['/runs/live/signals', { name: '' }, 400, 'argument-invalid'],
  ['/runs/live/signals', { name: 'x'.repeat(257) }, 400, 'argument-invalid'],
  ['/runs/live/signals', { name: 'x', id: '' }, 400, 'argument-invalid'],
  ['/runs/over/signals', { name: 'x' }, 409, 'run-ended'],
  ['/runs/live/retry', { node: 'none' }, 404, 'node-unknown'],
  ['/runs/live/retry', { node: 'work' }, 409, 'node-not-retryable'],
  ['/runs/live/retry', {}, 400, 'argument-invalid'],
  ['/runs/live/retry-run', { by: 'ada' }, 409, 'run-not-failed'],
  ['/runs/live/complete', { node: 'gate' }, 400, 'argument-invalid'],
  ['/runs/live/complete', { node: 'toString', by: 'ada' }, 404, 'node-unknown'],
  ['/runs/live/complete', { node: 'work', by: 'ada' }, 409, 'node-final'],
  ['/runs/live/skip', { node: 'x'.repeat(20_000), by: 'ada' }, 400, 'argument-invalid'],
  ['/runs/live/patch', { node: 'gate', by: 'ada' }, 400, 'argument-invalid'],
  ['/runs/live/replan', { plan: 'none', by: 'ada' }, 404, 'plan-unknown'],
  ['/runs/live/replan', { plan: {}, by: 'ada' }, 422, 'plan-invalid'],
  ['/runs/live/fork', { from: 'none', by: 'ada' }, 404, 'node-unknown'],
  ['/runs/live/fork', { at: 999, by: 'ada' }, 400, 'argument-invalid'],
  ['/runs/live/fork', { at: 1.5, by: 'ada' }, 400, 'argument-invalid'],
  ['/runs/over/replace', { plan: 'quick', by: 'ada' }, 409, 'run-ended'],
  ['/trim', { olderThanMs: -1 }, 400, 'argument-invalid'],
  ['/plans/simulate', { plan: 'quick', maxPaths: 201 }, 400, 'argument-invalid'],
  ['/plans/diagram', { plan: { nodes: 1 } }, 422, 'plan-invalid'],
];

const TASKS: readonly Bad[] = [
  ['/tasks/none/response', { response: yes }, 404, 'task-unknown'],
  ['/tasks/MINE/response', {}, 400, 'argument-invalid'],
  ['/tasks/MINE/response', { response: yes, responder: 'eve' }, 403, 'responder-refused'],
  ['/tasks/MINE/response', { response: yes, responder: 'ada', run: 'other' }, 409, 'task-foreign'],
  [
    '/tasks/MINE/response',
    { response: yes, responder: 'ada', digest: 'stale' },
    409,
    'presentation-outdated',
  ],
  ['/tasks/THEIRS/response', { response: yes, responder: 'ada', run: 'live' }, 409, 'task-foreign'],
  ['/tasks/MINE/claim', {}, 400, 'argument-invalid'],
  ['/tasks/MINE/claim', { by: 'eve' }, 403, 'responder-refused'],
  ['/tasks/MINE/delegate', { by: 'eve', to: 'bob' }, 403, 'responder-refused'],
  ['/tasks/MINE/extend', { deadlineAt: 'soon' }, 400, 'argument-invalid'],
];

const SCHEDULES: readonly Bad[] = [
  ['/schedules', { plan: 'quick', cadence: { everyMs: 1_000 } }, 400, 'argument-invalid'],
  [
    '/schedules',
    { id: 's', plan: 'quick', cadence: { cron: 'now and then' } },
    422,
    'schedule-invalid',
  ],
  ['/schedules', { id: 's', plan: 'quick', cadence: { everyMs: -1 } }, 422, 'schedule-invalid'],
  [
    '/schedules',
    { id: 's', plan: 'quick', cadence: { cron: '* * * * *', timeZone: 'Mars' } },
    422,
    'schedule-invalid',
  ],
  ['/schedules', { id: 's', plan: 'none', cadence: { everyMs: 1_000 } }, 404, 'plan-unknown'],
  ['/schedules/none/trigger', {}, 404, 'schedule-unknown'],
];

const READS: readonly Bad[] = [
  ['/runs?limit=-1', undefined, 400, 'argument-invalid'],
  ['/runs?limit=1e3', undefined, 400, 'argument-invalid'],
  ['/runs?limit=9999999999999999', undefined, 400, 'argument-invalid'],
  ['/runs?before=none', undefined, 404, 'run-unknown'],
  ['/runs/live/events?after=-1', undefined, 400, 'argument-invalid'],
  ['/runs/live/state?at=0', undefined, 400, 'argument-invalid'],
  ['/runs/live/state?at=99999', undefined, 400, 'argument-invalid'],
  ['/runs/live/artifacts?after=none', undefined, 400, 'argument-invalid'],
  ['/runs/live/artifacts/__proto__', undefined, 404, 'artifact-unknown'],
  ['/runs/live/why?node=constructor', undefined, 404, 'node-unknown'],
  ['/runs/live/export', undefined, 409, 'run-not-ended'],
  ['/plans/__proto__', undefined, 404, 'plan-unknown'],
  ['/plan-versions/none', undefined, 404, 'plan-unknown'],
  ['/tasks?status=done', undefined, 400, 'argument-invalid'],
  ['/tasks?unknown=1', undefined, 400, 'argument-invalid'],
];

describe('a request that must not be taken', () => {
  const posts = [...STARTS, ...CHANGES, ...TASKS, ...SCHEDULES];
  const short = (value: unknown) =>
    (typeof value === 'string' ? value : JSON.stringify(value)).slice(0, 60);
  it.each(posts.map((bad, n) => [n, bad[0], short(bad[1]), bad] as const))(
    '%i POST %s %s is refused',
    async (_n, _path, _text, [path, body, status, code]) => {
      const place = path.replace(/MINE|THEIRS/, (name) => ids[name] ?? '');
      const response = await site.post(place, body);
      expect(await response.json()).toMatchObject({ status, code });
      expect(response.status).toBe(status);
    },
  );

  it.each(READS)('GET %s is refused', async (path, _body, status, code) => {
    expect(await (await site.get(path)).json()).toMatchObject({ status, code });
  });

  it('is one whose pattern would take for ever, and costs no time', async () => {
    const schema = { type: 'string', pattern: slow };
    const draft = {
      title: 'T',
      inputs: { type: 'object', properties: { a: schema } },
      steps: [{ uses: 'work' }],
    };
    // Were it matched as it stands, the test would never end.
    const response = await site.post('/runs', {
      plan: draft,
      input: { a: `${'a'.repeat(50_000)}!` },
    });
    expect(response.status).toBe(422);
  });

  it('has left nothing behind', async () => {
    const runs = await site.orchestrator.runs.list();
    expect(runs.map(({ id, status }) => [id, status])).toEqual([
      ['over', 'completed'],
      ['other', 'awaiting-human'],
      ['live', 'awaiting-human'],
    ]);
    expect(await site.orchestrator.schedules.list()).toEqual([]);
    expect((await site.get('/health')).status).toBe(200);
  });
});

describe('a connection that misbehaves', () => {
  /** Sends bytes and gives what comes back until the server, or `leave`, ends it. */
  function raw(text: string, leave = false): Promise<string> {
    const { hostname, port } = new URL(site.url);
    return new Promise((resolve) => {
      const socket = connect(Number(port), hostname);
      let answer = '';
      socket.on('data', (chunk) => {
        answer += chunk;
      });
      socket.on('error', () => resolve(answer));
      socket.on('close', () => resolve(answer));
      socket.write(text, () => leave && socket.destroy());
    });
  }
  const head = 'POST /runs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n';

  it.each([
    ['no HTTP', 'hello\r\n\r\n', /^HTTP\/1.1 400/],
    ['two lengths', `${head}Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}`, /^HTTP\/1.1 400/],
    [
      'a length and chunks',
      `${head}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      /^HTTP\/1.1 400/,
    ],
    ['no host', 'GET /runs HTTP/1.1\r\nConnection: close\r\n\r\n', /^HTTP\/1.1 400/],
    [
      'a head that does not end',
      `GET /runs HTTP/1.1\r\nX: ${'x'.repeat(40_000)}`,
      /^HTTP\/1.1 431/,
    ],
  ])('with %s is refused', async (_what, text, answer) => {
    expect(await raw(text)).toMatch(answer);
  });

  it('that vanishes amid its body, or before its answer, changes nothing', async () => {
    await Promise.all([
      ...Array.from({ length: 20 }, () => raw(`${head}Content-Length: 500\r\n\r\n{"plan":`, true)),
      ...Array.from({ length: 20 }, () =>
        raw('GET /runs HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n', true),
      ),
    ]);
    expect((await site.get('/health')).status).toBe(200);
    expect(await site.orchestrator.runs.list()).toHaveLength(3);
  });
});
